"""What every fake provider is: the other side of one channel, as strict as the real one.

A provider reads requests, refuses what the real one would refuse, with its codes, and remembers
what it has to: tokens it gave out, messages it takes only once. It has no clock, no network and
no faults of its own: `Door` adds those.
"""

from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from yikao_sim.providers.wire import Request, Response


@dataclass(frozen=True, slots=True)
class Message:
    """What arrives at a person's phone; the last four are empty where a provider has no such thing.

    task_id: what a press of the card's button names.
    """

    owner: str
    text: str
    link: str
    provider_id: str
    page_id: UUID | None = None
    episode: int = 0
    attempt: int = 0
    task_id: str = ""


@dataclass(frozen=True, slots=True)
class Handled:
    """What is answered; the message it was, if it was taken; `fault` says why it was not.

    repeated: the provider knew it and the phone does not ring again.
    """

    response: Response
    message: Message | None = None
    repeated: bool = False
    fault: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Setup:
    """Whom a provider knows (nobody named: everybody), and the secret the sender shares with it.

    Without a secret no signature can be, and none is, checked.
    """

    owners: frozenset[str] = field(default_factory=frozenset)
    secret: bytes | None = None

    def knows(self, owner: str) -> bool:
        """Return whether somebody of that name has a phone here."""
        return bool(owner) and (not self.owners or owner in self.owners)


class Provider(Protocol):
    """The other side of one channel."""

    def is_message(self, request: Request) -> bool:
        """Return whether the request hands over a message: only those are made to fail."""
        ...

    def handle(self, request: Request, now_s: float) -> Handled:
        """Take a request at `now_s`, real seconds since 1970."""
        ...

    def refusal(self) -> Response:
        """Return the answer that refuses a message although its status is 200."""
        ...

    def recipient_refused(self, request: Request) -> Response:
        """Return the answer that looks well and has not reached the person, where there is one.

        A provider that names no recipients answers as in `refusal`.
        """
        ...

    def expire(self) -> None:
        """Let every token that was given out lose its worth now."""
        ...
