"""What kind of way to a person each channel is, and how much of it a provider lets through.

Two contacts protect each other only when they are of different kinds: a telephone that is off
takes neither a WeCom nor a DingTalk message, but the desk's landline still rings.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["push", "voice", "sms", "mail", "terminal"]


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `count` messages to one address in any `window_s`."""

    count: int
    window_s: float


KIND_OF: Final[Mapping[str, Kind]] = {
    "wecom": "push",
    "dingtalk": "push",
    "feishu": "push",
    "ntfy": "push",
    "bark": "push",
    "webhook": "push",
    "sink": "push",
    "apprise": "push",
    "voice": "voice",
    "sms": "sms",
    "smtp": "mail",
    "console": "terminal",
}
"""Every channel a contact may name."""

DEDUPLICATES: Final = frozenset({"wecom", "webhook", "sink", "console"})
"""Whose provider takes the same page twice as one; elsewhere a repetition is a second message."""

BUDGETS: Final[Mapping[str, tuple[Budget, ...]]] = {
    # Above these WeCom drops a member's messages and answers "ok".
    # https://developer.work.weixin.qq.com/document/path/90312
    "wecom": (Budget(30, 60.0), Budget(1000, 3600.0)),
    # One more, and the robot is silent for ten minutes.
    # https://open.dingtalk.com/document/orgapp/custom-robots-send-group-messages
    "dingtalk": (Budget(20, 60.0),),
    # https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
    "feishu": (Budget(5, 1.0), Budget(100, 60.0)),
    # Providers' limits per number, and what a person can bear:
    # https://github.com/target/goalert/blob/master/engine/message/ratelimit.go
    "sms": (Budget(1, 60.0), Budget(5, 900.0), Budget(11, 3600.0), Budget(21, 10800.0)),
    "voice": (Budget(3, 900.0), Budget(7, 3600.0), Budget(15, 10800.0)),
}
"""What an address takes, by channel; a channel that is not here has no limit of its own."""
