"""Places the records of one drain: each by an epoch of the device's clock, all in their order.

A record may fit several epochs. What was measured after it, and what was measured before it, says
which of them cannot be: a record is not later than the next, nor is its epoch newer than the
next's. So the records are gone through twice, from the newest back and from the oldest on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from yikao_devices.clock_epochs import EARLIEST, FUTURE_MAX, Epoch

APART: Final = timedelta(seconds=1)
"""Records whose times are not known are kept apart by so much: at least that lies between them."""


@dataclass(frozen=True, slots=True)
class Place:
    """A moment, in UTC, at which a record may have been measured, and what it showed, naive.

    age: of its epoch, 0 for the newest. epoch: None where nothing but its neighbours bounds it.
    """

    at: datetime
    age: int
    epoch: Epoch | None
    shown: datetime | None


def places_of(
    shown: datetime | None,
    arrived: datetime,
    epochs: Sequence[Epoch],
    after: Sequence[Place],
    floor: datetime,
) -> list[Place]:
    """Return where a record may belong, the newest epoch first; never empty.

    epochs: the newest first, a guess last. after: the places of the record that was measured next,
    empty when there is none. floor: nothing that is not known is earlier.
    """
    *measured, guess = epochs
    fits: list[Place] = []
    if shown is not None:
        for age, epoch in enumerate(measured):
            limit = max((p.at for p in after if p.age <= age), default=None)
            fits += _fit(shown, arrived, epoch, age, limit if after else arrived + FUTURE_MAX)
            if fits and not all(each.rival for each in measured[age + 1 :]):
                break
    if fits:
        return fits
    # Nothing follows from a guess for the epochs of the records before it.
    age = min((p.age for p in after), default=0)
    earliest = min((p.at for p in after), default=arrived + FUTURE_MAX)
    if shown is not None:
        fits = _fit(shown, arrived, guess, age, earliest)
    return fits or [Place(_beside(shown, arrived, after, floor), age, None, shown)]


def consistent(places: Sequence[Place], before: Sequence[Place]) -> list[Place]:
    """Return those of a record's places that one of the record before it leaves possible.

    All of them where none is: clocks are not bound to be consistent.
    """
    left = [p for p in places if any(_may_follow(p, q) for q in before)]
    return left or list(places)


def _may_follow(place: Place, before: Place) -> bool:
    measured = before.epoch is not None and before.epoch.ahead_s is not None
    return before.at <= place.at and (before.age >= place.age or not measured)


def _fit(
    shown: datetime, arrived: datetime, epoch: Epoch, age: int, limit: datetime | None
) -> list[Place]:
    if limit is None:
        return []
    at = epoch.place(shown, min(limit, arrived + FUTURE_MAX))
    return [] if at is None else [Place(min(at, arrived), age, epoch, shown)]


def _beside(
    shown: datetime | None, arrived: datetime, after: Sequence[Place], floor: datetime
) -> datetime:
    """Return the latest that an unknown record can be, as far from the next as both clocks say."""
    if not after:
        return arrived
    next_at = min(p.at for p in after)
    between = APART
    if shown is not None and after[0].epoch is None and after[0].shown is not None:
        between = max(APART, after[0].shown - shown)
    if between > next_at - floor:
        between = APART
    return max(EARLIEST, min(next_at - between, arrived))
