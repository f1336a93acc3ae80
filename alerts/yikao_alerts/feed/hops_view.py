"""The way of an alert, hop by hop: from the cuff over gateway, server and provider to the doctor.

Each time is one that was stored when it happened; a hop that did not happen, or left no time, is
left out. All of it pure.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from yikao_alerts.feed.rows import HopsRow
from yikao_alerts.feed.words import Words

HOPS: Final = (
    *("measured_at", "hub_at", "received_at", "decided_at", "paged_at"),
    *("sent_at", "delivered_at", "read_at", "answered_at"),
)
"""In the order in which they happen. A reading is received and committed in one transaction: only
then is its receipt sent."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One hop: which, when, and how long after the one before it; None where clocks disagree."""

    name: str
    at: datetime
    after: timedelta | None


def hops_of(row: HopsRow) -> list[Hop]:
    """Return the hops that left a time, in the order of the way."""
    return list(_hops(row))


def _hops(row: HopsRow) -> Iterator[Hop]:
    before: datetime | None = None
    for name in HOPS:
        at = getattr(row, name)
        if at is None:
            continue
        # The device has a clock of its own, which may be ahead of ours.
        after = at - before if before is not None and at >= before else None
        yield Hop(name.removesuffix("_at"), at, after)
        before = at


def clock_s(at: datetime, zone: str) -> str:
    """Return the time of day to the second, `22:04:07`."""
    return at.astimezone(ZoneInfo(zone)).strftime("%H:%M:%S")


def span(words: Words, after: timedelta) -> str:
    """Return how long something took: tenths of a second within a minute, else what matters."""
    seconds = after.total_seconds()
    if seconds < 60:
        return words("hop.seconds", s=f"{seconds:.1f}")
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return words("hop.minutes", m=minutes, s=rest)
    hours, minutes = divmod(minutes, 60)
    return words("hop.hours", h=hours, m=minutes)
