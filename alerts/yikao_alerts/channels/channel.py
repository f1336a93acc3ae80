"""What every channel does, and what a page is to it."""

from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from yikao_alerts.channels.outcome import Outcome

SEND_TIMEOUT_S: Final = 10.0
"""Whole time a channel may take; afterwards the page is ambiguous or retried."""


@dataclass(frozen=True, slots=True)
class OutgoingPage:
    """One page on its way: the same `page_id` at every attempt, so that a provider can tell."""

    page_id: UUID
    episode_id: int
    address: str
    language: str
    body: str
    link: str
    attempt: int


class Channel(Protocol):
    """One way to reach a doctor."""

    async def send(self, page: OutgoingPage) -> Outcome:
        """Hand the page over; takes at most `SEND_TIMEOUT_S` and raises nothing."""
        ...
