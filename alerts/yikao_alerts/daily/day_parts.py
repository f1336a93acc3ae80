"""Ordered readings gathered into sessions, and sessions into the mornings and evenings of days."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from yikao_alerts.daily.arrays import Counts, Floats, Integers, Slots, by_day, whole_by_day
from yikao_alerts.daily.columns import (
    DAY_BEGINS,
    MINUTES_PER_DAY,
    MORNING_MINUTES,
    THOUSANDTHS,
    Ordered,
)


@dataclass(frozen=True, slots=True)
class Places:
    """Some of the parts, and the cells of the flattened (residents, days) array they go to."""

    parts: Slots
    cells: Slots

    def put(self, values: NDArray[Any], array: NDArray[Any]) -> NDArray[Any]:
        """Return `array` with the values of these parts in their cells."""
        array.reshape(-1, order="F")[self.cells] = values[self.parts]
        return array


@dataclass(frozen=True, slots=True)
class PartIndex:
    """Which reading belongs to which day part; values come out as (morning, evening) arrays."""

    order: Ordered
    sizes: Integers
    """Readings of each session."""
    begins: Slots
    """The first session of each part that has any."""
    halves: tuple[Places, Places]
    """Mornings and evenings."""
    shape: tuple[int, int]

    @classmethod
    def of(cls, order: Ordered, residents: int, first_day: int, days: int) -> Self:
        """Return the parts of `days` days from `first_day`; a session counts where it began."""
        minute = order.minute[order.begins] - DAY_BEGINS
        day = minute // MINUTES_PER_DAY
        evening = minute - day * MINUTES_PER_DAY >= MORNING_MINUTES
        resident = order.resident[order.begins]
        part = day * 2 + evening
        changes = (resident[1:] != resident[:-1]) | (part[1:] != part[:-1])
        begins = np.flatnonzero(np.concatenate([np.ones(min(day.size, 1), bool), changes]))
        column, evening = day[begins] - first_day, evening[begins]
        cells = column * residents + resident[begins]
        inside = (column >= 0) & (column < days)
        chosen = (np.flatnonzero(inside & ~evening), np.flatnonzero(inside & evening))
        morning, evenings = (Places(parts, cells[parts]) for parts in chosen)
        sizes = np.diff(np.append(order.begins, order.rows.size))
        return cls(order, sizes, begins, (morning, evenings), (residents, days))

    def means(self, thousandths: Integers) -> tuple[Floats, Floats]:
        """Return the parts' values in whole units: the mean of the means of their sessions."""
        sessions = self._sessions(thousandths) / (self.sizes * THOUSANDTHS)
        number = np.diff(np.append(self.begins, self.sizes.size))
        means = _sums(sessions, self.begins) / number
        morning, evening = self.halves
        return (
            morning.put(means, by_day(*self.shape)),
            evening.put(means, by_day(*self.shape)),
        )

    def sums(self, thousandths: Integers) -> tuple[Integers, Integers]:
        """Return the sums of all readings of the parts, in thousandths."""
        return self._whole(_sums(self._sessions(thousandths), self.begins), np.int64)

    def counts(self) -> tuple[Counts, Counts]:
        """Return the number of readings of the parts."""
        return self._whole(_sums(self.sizes, self.begins), np.int32)

    def _sessions(self, values: Integers) -> NDArray[Any]:
        return _sums(values[self.order.rows], self.order.begins)

    def _whole(self, values: NDArray[Any], kind: Any) -> tuple[NDArray[Any], NDArray[Any]]:
        morning, evening = self.halves
        return (
            morning.put(values, whole_by_day(*self.shape, kind)),
            evening.put(values, whole_by_day(*self.shape, kind)),
        )


def _sums(values: NDArray[Any], begins: Slots) -> NDArray[Any]:
    """Return the sums of consecutive groups, each added from first to last."""
    return np.add.reduceat(values, begins) if begins.size else values[:0]
