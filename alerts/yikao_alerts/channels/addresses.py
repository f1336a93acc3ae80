"""How a contact's address is written, by channel: one table, asked by the registry and by channels.

An address that cannot be right is refused when the registry is read, by day, and not found out at
night. That a telephone is really the doctor's is another matter: only an answer proves it.
Standards: telephone numbers ITU-T E.164; user ids of WeCom members (userid: letters, digits and
`_-@.`, 64 at most).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

APPRISE_ALLOWED: Final = ("pushplus", "wpush")
"""Plugins of Apprise that were seen to report every refusal, `tests/channels/test_apprise.py`.

Never those of WeCom, DingTalk, Feishu, Lark, ServerChan and PushDeer, which call a refusal with
status 200 a success; Pushover, Gotify and Telegram look at the status alone, and WxPusher overlooks
a recipient who was refused.
"""
ADDRESS_MAX: Final = 2000
"""Characters; longer ones are not taken by every proxy on the way."""
_CONTROL: Final = re.compile(r"[\x00-\x20\x7f]")
_MAIL: Final = re.compile(r"[!-~]+@[!-~]+")
_MEMBER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-@.]{0,63}")
_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_CHINESE: Final = re.compile(r"\+86(1[3-9][0-9]{9}|[2-9][0-9]{8,10}|10[0-9]{8})")
_CHINESE_MOBILE: Final = re.compile(r"\+861[3-9][0-9]{9}")
_TOPIC: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DEVICE_KEY: Final = re.compile(r"[A-Za-z0-9]{8,64}")


def is_http(address: str) -> bool:
    """Return whether this is an http(s) address with a host and a possible port."""
    try:
        parts = urlsplit(address)
        # Read for its check alone: a port that is no number.
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def is_number(address: str) -> bool:
    """Return whether this can be rung: +, country code, number; Chinese ones checked closely."""
    chinese = address.startswith("+86")
    return (_CHINESE if chinese else _NUMBER).fullmatch(address) is not None


def is_mobile(address: str) -> bool:
    """Return whether this can be sent a text message."""
    return is_number(address) and (
        not address.startswith("+86") or _CHINESE_MOBILE.fullmatch(address) is not None
    )


def _any(address: str) -> bool:
    return bool(address)


def _matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda address: pattern.fullmatch(address) is not None


def _ends_in(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    """Return a check for http(s)://HOST/…/WORD without a query."""

    def check(address: str) -> bool:
        word = address.rpartition("/")[2]
        path = address.count("/") >= 3
        return is_http(address) and path and pattern.fullmatch(word) is not None

    return check


def _is_allowed_plugin(address: str) -> bool:
    plugin, colon, rest = address.partition("://")
    return bool(colon and rest) and plugin in APPRISE_ALLOWED


@dataclass(frozen=True, slots=True)
class Rule:
    """What an address of a channel has to be, and how to write it, in two languages."""

    fits: Callable[[str], bool]
    zh: str
    en: str


_ROBOT_ZH: Final = "机器人的 Webhook 地址，https://…"
_ROBOT_EN: Final = "the robot's webhook address, https://..."
RULES: Final[Mapping[str, Rule]] = {
    "console": Rule(_any, "任意名称", "any name"),
    "webhook": Rule(is_http, "http(s)://…", "http(s)://..."),
    "sink": Rule(is_http, "http(s)://…", "http(s)://..."),
    "smtp": Rule(_matches(_MAIL), "邮箱，name@host", "name@host"),
    "wecom": Rule(
        _matches(_MEMBER), "企业微信的成员账号（userid）", "the member's userid in WeCom"
    ),
    "dingtalk": Rule(is_http, _ROBOT_ZH, _ROBOT_EN),
    "feishu": Rule(is_http, _ROBOT_ZH, _ROBOT_EN),
    "sms": Rule(is_mobile, "手机号，+8613800138000", "a mobile number, +8613800138000"),
    "voice": Rule(is_number, "电话号码，+8613800138000", "a telephone number, +8613800138000"),
    "ntfy": Rule(_ends_in(_TOPIC), "主题地址，https://HOST/TOPIC", "the topic, https://HOST/TOPIC"),
    "bark": Rule(
        _ends_in(_DEVICE_KEY),
        "App 显示的地址，https://HOST/KEY",
        "what the app shows, https://HOST/KEY",
    ),
    "apprise": Rule(
        _is_allowed_plugin,
        f"Apprise 地址，仅限 {'、'.join(f'{name}://' for name in APPRISE_ALLOWED)}",
        f"an Apprise address, one of {', '.join(f'{name}://' for name in APPRISE_ALLOWED)}",
    ),
}
"""Every channel a contact may name."""
CHANNELS: Final = tuple(RULES)


def address_fits(channel: str, address: object) -> bool:
    """Return whether `address` can be one of `channel`'s."""
    if channel not in RULES or not isinstance(address, str) or len(address) > ADDRESS_MAX:
        return False
    spaced = channel == "console"
    clean = address.replace(" ", "") if spaced else address
    return not _CONTROL.search(clean) and RULES[channel].fits(address)


def how_to_write(channel: str) -> str:
    """Return how an address of `channel` is written, in both languages."""
    rule = RULES[channel]
    return f"{rule.en} ({rule.zh})"
