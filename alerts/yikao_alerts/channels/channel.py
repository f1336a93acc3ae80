"""What every channel does, and what a page is to it."""

from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from yikao_alerts.channels.outcome import Outcome

SEND_TIMEOUT_S: Final = 10.0
"""Whole time a channel may take; afterwards the page is ambiguous or retried."""


TAKE: Final = {"zh": "我来处理", "en": "I take it"}
"""What the button says that opens a page's link, or answers it at once."""


@dataclass(frozen=True, slots=True)
class OutgoingPage:
    """One page on its way: the same `page_id` at every attempt, so that a provider can tell.

    link: empty in a notice that nobody can answer.
    """

    page_id: UUID
    episode_id: int
    address: str
    language: str
    body: str
    link: str
    attempt: int
    urgent: bool = True
    """Rings aloud, through a telephone's silence where it can; a digest is not."""
    alone: bool = True
    """False when it names several pages: its link opens them all, and no one button answers it."""


TITLES: Final = {"zh": "医靠 #{episode}", "en": "Yikao #{episode}"}


def title_of(page: OutgoingPage) -> str:
    """Return what stands above the words on a telephone that is locked."""
    return TITLES[page.language].format(episode=page.episode_id)


def clip(text: str, letters_max: int) -> str:
    """Return `text`, cut to so many letters; a cut one ends in an ellipsis, and is not refused."""
    return text if len(text) <= letters_max else text[: letters_max - 1] + "…"


class Channel(Protocol):
    """One way to reach a doctor."""

    async def send(self, page: OutgoingPage) -> Outcome:
        """Hand the page over; takes at most `SEND_TIMEOUT_S` and raises nothing."""
        ...
