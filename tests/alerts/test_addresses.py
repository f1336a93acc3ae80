"""Contacts' addresses: what cannot be right is refused by day."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.channels.addresses import CHANNELS, address_fits, how_to_write
from yikao_alerts.channels.kinds import KIND_OF

GOOD = {
    "console": ["desk", "护士站 1"],
    "webhook": ["https://messages.example.org/dr-wang", "http://127.0.0.1:9/x"],
    "sink": ["http://127.0.0.1:9/"],
    "smtp": ["wang@example.org"],
    "wecom": ["WangWei", "wang.wei@clinic-1"],
    "dingtalk": ["https://oapi.dingtalk.com/robot/send?access_token=0123"],
    "feishu": ["https://open.feishu.cn/open-apis/bot/v2/hook/0123-4567"],
    "sms": ["+8613800138000", "+447700900123"],
    "voice": ["+8613800138000", "+862112345678", "+861012345678"],
    "ntfy": ["https://ntfy.example.org/dr-wang_1", "https://example.org/ntfy/topic"],
    "bark": ["https://api.day.app/abcDEF0123456789"],
    "apprise": ["pushplus://0123456789abcdef0123456789abcdef"],
}
BAD = {
    "console": ["", "a\nb"],
    "webhook": ["", "ftp://x", "http://", "http://[", "http://a:b", "https://a b/"],
    "sink": ["127.0.0.1"],
    "smtp": ["wang", "wang@", "a b@c"],
    "wecom": ["", "王伟", "a b", "x" * 65, "-wang"],
    "dingtalk": ["0123", "oapi.dingtalk.com/robot"],
    "feishu": ["hook"],
    "sms": ["13800138000", "+8612800138000", "+862112345678", "+86 138 0013 8000", "+"],
    "voice": ["021-12345678", "+86138001380001", "+0123456789"],
    "ntfy": ["ntfy.example.org/x", "https://ntfy.example.org/", "https://h/t?x=1", "https://topic"],
    "bark": ["abcdef0123456789", "https://api.day.app/", "https://api.day.app"],
    "apprise": [
        "wecombot://key",
        "dingtalk://token",
        "feishu://token",
        "lark://token",
        "schan://token",
        "pushdeer://token",
        "pover://user@token",
        "json://127.0.0.1",
        "pushplus",
        "pushplus://",
    ],
}


def test_every_channel_has_its_rule_and_its_examples() -> None:
    assert set(CHANNELS) == set(GOOD) == set(BAD) == set(KIND_OF) | {"sink"}


@pytest.mark.parametrize("channel", CHANNELS)
def test_good_addresses_are_taken_and_bad_ones_refused(channel: str) -> None:
    for address in GOOD[channel]:
        assert address_fits(channel, address), address
    for address in BAD[channel]:
        assert not address_fits(channel, address), address
    assert not address_fits(channel, None)
    assert not address_fits(channel, "http://x/" + "x" * 2000)
    assert how_to_write(channel)


def test_a_channel_nobody_knows_takes_nothing() -> None:
    assert not address_fits("pigeon", "home")


@given(st.sampled_from(CHANNELS), st.text())
def test_any_text_fits_or_not(channel: str, address: str) -> None:
    assert address_fits(channel, address) in (True, False)
