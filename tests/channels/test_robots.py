"""DingTalk's and Feishu's robots: their signatures, their codes, and their limits."""

import json
from uuid import UUID

import pytest
from benches import LINK, line
from hypothesis import given
from hypothesis import strategies as st
from test_faults import play

from yikao_alerts.channels import dingtalk, feishu
from yikao_alerts.channels.channel import OutgoingPage
from yikao_alerts.channels.http import Answer
from yikao_alerts.channels.kinds import BUDGETS
from yikao_alerts.channels.outcome import Delivered, Permanent, Retryable
from yikao_sim.providers.provider import Setup

PAGE = OutgoingPage(UUID(int=1), 7, "https://x", "zh", "【红】", LINK, 1)
DINGTALK_SIGN = "ukR4+WoOOBTGaOauYqugxVrMSFyr92q4hPxJxuOkiio="
FEISHU_SIGN = "s3Va4ru9IQUY6HTJcYx7OEVyXl0V0S/y32v4ZbfOHCI="
JUDGES = {"dingtalk": dingtalk.judge, "feishu": feishu.judge}


def answer(said: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(said).encode())


def test_signatures_are_as_anybody_else_makes_them() -> None:
    """Made with `openssl dgst -sha256 -hmac KEY -binary | base64`, by the vendors' description."""
    assert dingtalk.sign("SEC1", "1700000000000") == DINGTALK_SIGN
    assert feishu.sign("SEC1", "1700000000") == FEISHU_SIGN


@pytest.mark.parametrize(
    ("name", "said", "outcome"),
    [
        ("dingtalk", {"errcode": 0, "errmsg": "ok"}, Delivered(f"dingtalk:{PAGE.page_id}")),
        ("dingtalk", {"errcode": 310000, "errmsg": "sign not match"}, Permanent),
        ("dingtalk", {"errcode": 300001, "errmsg": "token is not exist"}, Permanent),
        ("dingtalk", {"errcode": 130101}, Retryable("answered code 130101", 60.0)),
        ("dingtalk", {"errcode": -1}, Retryable("answered code -1")),
        ("dingtalk", {"code": 0}, Retryable),
        ("dingtalk", {}, Retryable),
        ("feishu", {"code": 0, "msg": "success"}, Delivered(f"feishu:{PAGE.page_id}")),
        ("feishu", {"StatusCode": 0}, Delivered(f"feishu:{PAGE.page_id}")),
        ("feishu", {"code": 19021, "StatusCode": 0}, Permanent),
        ("feishu", {"code": 11232}, Retryable("answered code 11232", 5.0)),
        ("feishu", {"errcode": 0}, Retryable),
        ("feishu", {"code": None}, Retryable),
    ],
)
def test_a_code_is_judged(name: str, said: object, outcome: object) -> None:
    found = JUDGES[name](answer(said), PAGE)
    assert isinstance(found, outcome) if isinstance(outcome, type) else found == outcome


@given(st.sampled_from(sorted(JUDGES)), st.binary(), st.integers(100, 599))
def test_whatever_is_answered_is_no_delivery(name: str, content: bytes, status: int) -> None:
    assert not isinstance(JUDGES[name](Answer(status, content), PAGE), Delivered)


@pytest.mark.parametrize("name", sorted(JUDGES))
def test_a_robot_with_another_secret_refuses_for_good(name: str) -> None:
    async def story() -> None:
        async with line(name, setup=Setup(secret=b"another")) as it:
            assert isinstance(await it.send(), Permanent)
            assert not it.door.taken

    play(story)


def test_a_robot_without_a_secret_is_called_unsigned() -> None:
    async def story() -> None:
        async with line("dingtalk", setup=Setup(secret=None)) as it:
            it.address = it.address.replace("=wang", "=li")
            assert isinstance(await it.send(), Delivered)
            assert it.door.taken[0].owner == "li"

    play(story)


def test_one_more_than_the_budget_blocks_dingtalks_robot() -> None:
    async def story() -> None:
        async with line("dingtalk") as it:
            (budget,) = BUDGETS["dingtalk"]
            for number in range(budget.count):
                assert isinstance(await it.send(number), Delivered)
            assert await it.send(99) == Retryable("answered code 130101", 60.0)

    play(story)


@given(st.text())
def test_any_address_has_a_token_or_none(address: str) -> None:
    assert isinstance(dingtalk.token_of(address), str)
    assert isinstance(feishu.token_of(address), str)
