"""What the clouds push when somebody answers a text message, read from their JSON.

Aliyun sends a list of answers with a sequence number each, Tencent Cloud one answer without any, so
that its content stands for its number. Sources: Aliyun Dysmsapi, SmsUp (HTTP batch push); Tencent
Cloud SMS, reply callback.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from yikao_alerts.channels.addresses import is_number
from yikao_alerts.channels.cloud import CHINA, field_of

ANSWERS_MAX: Final = 500
"""Answers in one push; further ones are pushed again."""
SAID_MAX: Final = 500
NUMBER_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Incoming:
    """One answer: its number, the telephone it came from (E.164), and what it says."""

    reply_id: str
    address: str = field(repr=False)
    said: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Push:
    """How one cloud pushes: how its JSON is read, and what it wants to hear."""

    read: Callable[[Any], list[Incoming] | None]
    thanks: Mapping[str, Any]


def read_aliyun(pushed: Any) -> list[Incoming] | None:
    """Return the answers in a push; None when it is none."""
    if not isinstance(pushed, list):
        return None
    found = []
    for entry in pushed[:ANSWERS_MAX]:
        number, said = field_of(entry, "phone_number"), field_of(entry, "content")
        incoming = _incoming("aliyun", field_of(entry, "sequence_id"), _international(number), said)
        if incoming is not None:
            found.append(incoming)
    return found


def read_tencent(pushed: Any) -> list[Incoming] | None:
    """Return the one answer in a push; None when it is none."""
    nation, mobile, said, at = (
        field_of(pushed, name) for name in ("nationcode", "mobile", "text", "time")
    )
    content = hashlib.sha256(repr((nation, mobile, said, at)).encode()).hexdigest()
    incoming = _incoming("tencent", content, f"+{nation}{mobile}", said)
    return None if incoming is None else [incoming]


PUSHES: Final[Mapping[str, Push]] = {
    "aliyun": Push(read_aliyun, {"code": 0, "msg": "OK"}),
    "tencent": Push(read_tencent, {"result": 0, "errmsg": "OK"}),
}
"""By the last but one part of the address that answers come to."""


def _incoming(cloud: str, number: Any, address: str, said: Any) -> Incoming | None:
    if not isinstance(said, str) or not is_number(address) or not isinstance(number, str | int):
        return None
    clean = said.replace("\0", "")[:SAID_MAX]
    return Incoming(f"{cloud}:{number}"[:NUMBER_MAX].replace("\0", ""), address, clean)


def _international(number: Any) -> str:
    """Return Aliyun's number with its country code: at home it has none."""
    digits = str(number)
    at_home = f"{CHINA}{digits}"
    return at_home if len(digits) == 11 and is_number(at_home) else f"+{digits}"
