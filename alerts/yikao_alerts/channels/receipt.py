"""What became of a page after a provider had taken it: it reached the telephone, or it did not.

A provider's acceptance says "sent"; only a receipt says "delivered". Whoever sends asks for it
later, by the number the provider gave.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol, runtime_checkable

ASK_AT_ONCE: Final = 20
"""Receipts that one call asks for; the rest waits for the next."""


@dataclass(frozen=True, slots=True)
class Handed:
    """A page that a provider has accepted under `provider_id`, and whose fate is asked for.

    at: when, in real time.
    """

    provider_id: str
    address: str = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of an accepted page; `reason` is the carrier's own word."""

    provider_id: str
    delivered: bool
    reason: str


@runtime_checkable
class Receipts(Protocol):
    """A channel that learns what became of a page it has handed over."""

    async def receipts(self, handed: Sequence[Handed]) -> Sequence[Receipt]:
        """Return what is known by now of the first `ASK_AT_ONCE`; what is not, is left out.

        Raises nothing: whoever gets nothing asks again later.
        """
        ...
