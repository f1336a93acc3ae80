"""Which of the pages that are due go out now, and together with which others.

The first page of a doctor goes out at once. What comes for them within a minute of it waits until
the minute is over, and goes as one message. A red page waits for red ones alone: that something
for today has just been told never holds it up.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from yikao_alerts.outbox.budgets import Sent, free_at

WINDOW: Final = timedelta(seconds=60)
"""One message to a doctor in this time."""
NAMESPACE: Final = UUID("5d0c6f0e-6c1b-5a0e-9d55-62756e646c65")
"""Root of bundles' ids: the same pages together are the same message."""

AT_ONCE: Final = frozenset({"sink"})
"""Channels to a machine, which measures how long a page takes: nothing waits for another there."""

Address = tuple[str, str]
"""Channel and address."""


@dataclass(frozen=True, slots=True)
class Due:
    """A page that nobody has tried to send yet. `doctor_id` is None where it is for no doctor."""

    page_id: UUID
    doctor_id: str | None
    channel: str
    address: str
    language: str
    red: bool


@dataclass(frozen=True, slots=True)
class Message:
    """These pages go out now, as one message."""

    message_id: UUID
    pages: tuple[Due, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """These pages wait until then, for each other."""

    pages: tuple[Due, ...]
    until: datetime


@dataclass(frozen=True, slots=True)
class OverBudget:
    """These pages may not go to this address before then: another contact is needed at once."""

    pages: tuple[Due, ...]
    until: datetime


Plan = Message | Wait | OverBudget


def plan(
    due: Iterable[Due], sent: Mapping[Address, Sequence[Sent]], now: datetime
) -> Iterator[Plan]:
    """Yield what becomes of the pages that are due at `now`, in their order; each is in one plan.

    sent: the messages of the last hours by address, those under way included.
    """
    known = {address: list(messages) for address, messages in sent.items()}
    for together in _by_target(due):
        address = (together[0].channel, together[0].address)
        before = known.setdefault(address, [])
        made = _for_one(together, before, now)
        if isinstance(made, Message):
            before.append(Sent(now, any(page.red for page in together), together[0].doctor_id))
        yield made


def _by_target(due: Iterable[Due]) -> Iterator[tuple[Due, ...]]:
    """Yield the pages of each doctor at each address; what is for no doctor stands alone."""
    targets: dict[object, list[Due]] = {}
    for page in due:
        target = (page.doctor_id, page.channel, page.address, page.language)
        targets.setdefault(target if page.doctor_id else page.page_id, []).append(page)
    for pages in targets.values():
        yield tuple(pages)


def _for_one(pages: tuple[Due, ...], before: Sequence[Sent], now: datetime) -> Plan:
    """Return the plan for one doctor at one address; red pages take the others along."""
    red = any(page.red for page in pages)
    if (doctor := pages[0].doctor_id) is not None and pages[0].channel not in AT_ONCE:
        told = [each.at for each in before if each.doctor_id == doctor and (each.red or not red)]
        if told and max(told) + WINDOW > now:
            return Wait(pages, max(told) + WINDOW)
    until = free_at(pages[0].channel, before, red, now)
    return Message(message_id(pages), pages) if until <= now else OverBudget(pages, until)


def message_id(pages: Sequence[Due]) -> UUID:
    """Return the id of a message: a single page's own, or one that follows from all of them."""
    if len(pages) == 1:
        return pages[0].page_id
    return uuid5(NAMESPACE, "|".join(sorted(str(page.page_id) for page in pages)))
