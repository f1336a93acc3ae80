"""Readings of one kind in order of time: who sat down when, and what was measured soon after what.

A session is a sitting: readings with at most half an hour between one and the next. What is near
a reading is found by bisection, so that months of readings cost no more than days.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from yikao_alerts.contexts import OFFICE, STANDING
from yikao_alerts.history import Measurement
from yikao_alerts.limits import value_of

SESSION_GAP: Final = timedelta(minutes=30)
"""D: readings further apart belong to two sittings."""
NOT_AT_REST: Final = frozenset({STANDING, OFFICE})
"""Contexts that say nothing of the pressure at rest at home: left out of the mean of a session."""
MEAN_DIGITS: Final = 6
"""Three times 14.7 kPa is 14.699999999999998 in the mean, and would miss the limit of 14.7."""


@dataclass(frozen=True, slots=True)
class Series:
    """Readings in order of time, and their times."""

    readings: tuple[Measurement, ...] = ()
    times: tuple[datetime, ...] = ()

    def between(self, start: datetime, end: datetime) -> tuple[Measurement, ...]:
        """Return the readings from `start` to `end`, both included."""
        return self.readings[bisect_left(self.times, start) : bisect_right(self.times, end)]

    def later(self, first: Measurement, window: timedelta) -> tuple[Measurement, ...]:
        """Return the readings after `first` within `window` of its time, or of its arrival."""
        soon = self.between(first.at, first.at + window)
        if first.received_at > first.at + window:
            soon += self.between(first.received_at, first.received_at + window)
        elif first.received_at > first.at:
            soon = self.between(first.at, first.received_at + window)
        own = (first.at, first.key)
        return tuple(m for m in soon if (m.at, m.key) > own)

    def sessions(self, holding: Container[str] | None = None) -> list["Session"]:
        """Return the sittings at rest, in order of time, each unit for itself.

        holding: only those with a reading of one of these keys.
        """
        at_rest = [m for m in self.readings if m.context not in NOT_AT_REST]
        units = sorted({m.unit for m in at_rest})
        if len(units) <= 1:
            return list(_around(holding, at_rest))
        apart = ([m for m in at_rest if m.unit == unit] for unit in units)
        found = (session for readings in apart for session in _around(holding, readings))
        return sorted(found, key=lambda session: session.at)


def series_of(readings: Iterable[Measurement]) -> Series:
    """Return the series of readings that are in order of time."""
    held = tuple(readings)
    return Series(held, tuple(m.at for m in held))


@dataclass(frozen=True, slots=True)
class Session:
    """The readings of one sitting, in one unit, at least one."""

    readings: tuple[Measurement, ...]

    @property
    def at(self) -> datetime:
        """When it began."""
        return self.readings[0].at

    @property
    def age(self) -> timedelta:
        """How old the freshest of its readings was when it reached the server."""
        return min(m.age for m in self.readings)

    def mean(self, fields: Iterable[str]) -> dict[str, float]:
        """Return the mean of each field, over the readings that have it."""
        return mean_of(self.readings, fields)


def mean_of(readings: Sequence[Measurement], fields: Iterable[str]) -> dict[str, float]:
    """Return the mean of each field in the readings' own unit; a field that none has is absent."""
    means = {}
    for field in sorted(fields):
        values = [value for m in readings if (value := value_of(m, field)) is not None]
        if values:
            means[field] = round(sum(values) / len(values), MEAN_DIGITS)
    return means


def _around(holding: Container[str] | None, readings: Sequence[Measurement]) -> Iterator[Session]:
    """Yield the sittings around the readings with these keys, or all."""
    end = 0
    for place, measurement in enumerate(readings):
        if place < end or (holding is not None and measurement.key not in holding):
            continue
        begin, end = place, place + 1
        while begin > 0 and readings[begin].at - readings[begin - 1].at <= SESSION_GAP:
            begin -= 1
        while end < len(readings) and readings[end].at - readings[end - 1].at <= SESSION_GAP:
            end += 1
        yield Session(tuple(readings[begin:end]))
