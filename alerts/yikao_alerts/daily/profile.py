"""A resident's own usual (systolic, diastolic, pulse), to ask "is this your own reading?" (DQ-05).

Sums and products of each day, so that the profile of the last 60 days is a sum of 60 rows. Whole
mmHg and bpm are enough to tell two people apart, and whole numbers add up exactly in any order.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from yikao_alerts.daily.arrays import Counts, Floats
from yikao_alerts.daily.columns import DAY_BEGINS, MINUTES_PER_DAY, MISSING, ordered, thousandths
from yikao_alerts.daily.sessions import KPA_PER_MMHG, PressureColumns
from yikao_alerts.history import Profile

PROFILE_D: Final = 60
READINGS_MIN: Final = 2
"""Fewer have no covariance; from how many a profile is worth asking, `quality.py` decides."""

_PAIRS: Final = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
_MOMENTS: Final = 1 + 3 + len(_PAIRS)


@dataclass(frozen=True, slots=True)
class PressureMoments:
    """Each day's number of readings with a pulse, their sums, and the sums of their products."""

    first_day: int
    sums: Counts
    """(residents, days, 10): n; systolic, diastolic, pulse; their products, row by row."""

    def profile(self, resident: int, day: int) -> Profile | None:
        """Return the profile from the 60 days before `day`; `None` for fewer than 2 readings."""
        last = day - self.first_day
        window = self.sums[resident, max(0, last - PROFILE_D) : max(0, last)]
        return profile_of(window.sum(axis=0, dtype=np.int64).astype(np.float64))


def profile_of(sums: Floats) -> Profile | None:
    """Return the profile of ten sums (see `PressureMoments`), mmHg and bpm."""
    n = float(sums[0])
    if n < READINGS_MIN:
        return None
    first, second, third = (float(total) / n for total in sums[1:4])
    means = (first, second, third)
    xx, xy, xz, yy, yz, zz = (
        (float(product) - n * means[row] * means[column]) / (n - 1)
        for (row, column), product in zip(_PAIRS, sums[4:], strict=True)
    )
    return Profile(int(n), means, ((xx, xy, xz), (xy, yy, yz), (xz, yz, zz)))


def pressure_moments(
    readings: PressureColumns, residents: int, first_day: int, days: int
) -> PressureMoments:
    """Return the sums of `days` days from `first_day`; each reading counts on its own day."""
    columns = [readings.systolic, readings.diastolic, readings.pulse]
    if readings.kpa is not None:
        columns[:2] = [np.where(readings.kpa, p / KPA_PER_MMHG, p) for p in columns[:2]]
    fine = [thousandths(column) for column in columns]
    order = ordered(readings.resident, readings.minute, tuple(fine))
    day = (order.minute - DAY_BEGINS) // MINUTES_PER_DAY - first_day
    triple = [column[order.rows] for column in fine]
    counts = (day >= 0) & (day < days)
    for column in triple:
        counts &= column != MISSING
    sums = np.zeros((residents * days, _MOMENTS), dtype=np.int32)
    cell = (order.resident * days + day)[counts]
    begins = np.flatnonzero(np.diff(cell, prepend=-1))
    if begins.size:
        whole = [np.rint(column[counts] / 1000).astype(np.int64) for column in triple]
        moments = [np.ones_like(cell), *whole, *(whole[i] * whole[j] for i, j in _PAIRS)]
        for place, moment in enumerate(moments):
            sums[cell[begins], place] = np.add.reduceat(moment, begins)
    return PressureMoments(first_day, sums.reshape(residents, days, _MOMENTS))
