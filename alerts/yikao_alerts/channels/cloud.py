"""What text messages and telephone calls have in common, whichever cloud carries them.

A cloud's interface is a signed HTTP request and an answer in JSON; both are values here, so that
they can be looked at without a network.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from yikao_alerts.channels.outcome import Outcome
from yikao_alerts.channels.receipt import Handed, Receipt

LIMIT_PAUSE_S: Final = 30.0
"""Pause after a refusal because of too many messages a minute, where the cloud names none."""
CHINA: Final = "+86"


@dataclass(frozen=True, slots=True)
class CloudKey:
    """An access key: its public id and its secret."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Signed:
    """One request, ready to be posted once."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False, default=b"")


@dataclass(frozen=True, slots=True)
class Message:
    """One page as a cloud takes it: to which telephone, by which template, filled with what.

    reference: the same at every attempt; clouds give it back, and show it to their support.
    """

    address: str = field(repr=False)
    template: str
    parameters: Mapping[str, str] = field(repr=False)
    reference: str


class Vendor(Protocol):
    """One cloud's format, without the network. Answers are decoded JSON of any shape."""

    def send(self, message: Message, at: datetime) -> Signed:
        """Return the request that hands the message over; `at` is the real time."""
        ...

    def judge(self, answer: Any) -> Outcome | None:
        """Return what the answer means, None when it has no code at all."""
        ...

    def ask(self, handed: Handed, at: datetime) -> Signed | None:
        """Return the request for a receipt; None where the cloud has no such question."""
        ...

    def receipt(self, answer: Any, handed: Handed) -> Receipt | None:
        """Return the receipt in the answer; None when it is not known yet."""
        ...


def field_of(value: Any, *path: str) -> Any:
    """Return what stands at `path` in decoded JSON, None where it does not go that far."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def entries_of(value: Any) -> list[Any]:
    """Return a list of JSON as it is, and anything else as an empty one."""
    return value if isinstance(value, list) else []


def bare_number(address: str) -> str:
    """Return a telephone number as Aliyun wants it: at home without country code, abroad without +.

    Source: Dysmsapi 2017-05-25, SendSms, PhoneNumbers.
    """
    return address.removeprefix(CHINA).removeprefix("+")
