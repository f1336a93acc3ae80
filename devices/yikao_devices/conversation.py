"""Talking to a device, without a radio: conversations yield what they want done, one by one.

Whoever runs a conversation owns the radio: it does each effect, sends the result back in, and
stores every measurement the moment it is notified, before the conversation sees it. A test can
drive a conversation by hand.
"""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Read:
    """Read a characteristic; the answer is its bytes, or `Refused`."""

    characteristic: int


@dataclass(frozen=True, slots=True)
class Write:
    """Write a characteristic and wait for the device's word; the answer is None, or `Refused`."""

    characteristic: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Have a characteristic notified or indicated; the answer is None, or `Refused`."""

    characteristic: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for a notification: the answer is `Notification`, `Silence` or `Disconnected`."""

    timeout_s: float


@dataclass(frozen=True, slots=True)
class Pause:
    """Let so much time pass; the answer is None."""

    duration_s: float


@dataclass(frozen=True, slots=True)
class MayStay:
    """Ask before listening on to a stream, which has no end of its own: the answer is False once
    the connection is `longest_s` old, or when a device that does not wait needs the radio."""

    longest_s: float


@dataclass(frozen=True, slots=True)
class AskTime:
    """Ask the gateway's clock; the answer is an aware datetime in the home's zone."""


@dataclass(frozen=True, slots=True)
class ClockCompared:
    """Tell that the device's clock is `offset_s` ahead of ours; the answer is None.

    Sent before the measurements are subscribed, because every record is dated with it.
    """

    offset_s: float


@dataclass(frozen=True, slots=True)
class ClockWillBeSet:
    """Tell that the device's clock is set next, so that what it was holds for older records only;
    the answer is None."""


Effect = (
    Read | Write | Subscribe | Wait | Pause | MayStay | AskTime | ClockCompared | ClockWillBeSet
)


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification or indication that has arrived, and is already stored."""

    characteristic: int
    frame: bytes


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing came in time."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The device, or the distance, ended the connection."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The device answered with an ATT error code."""

    code: int


Answer = bytes | bool | datetime | Notification | Silence | Disconnected | Refused | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a conversation ended: what the device says of itself, and what went wrong, if anything.

    `problem` is a code of docs/glossary.md, None for a complete drain.
    """

    identity: dict[str, str]
    battery_pct: int | None
    records: int
    problem: str | None = None


Talk = Generator[Effect, Answer, Outcome]
"""A conversation: its last value is the `Outcome`."""
