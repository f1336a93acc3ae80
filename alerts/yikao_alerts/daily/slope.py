"""How fast a value has been moving, for the report to the doctor; never for an alarm.

The slope is the median of the slopes between all pairs of readings at the times they were made, so
one wild value hardly moves it. Whether it is more than chance: the rank test of Mann and Kendall.
Days that resemble their neighbours make it claim a trend too often (a nominal 5 % is about 9 %).
Source: Sen 1968, J. Am. Stat. Assoc. 63(324); Kendall 1975, Rank Correlation Methods.
"""

from dataclasses import dataclass
from math import erfc, sqrt
from typing import Final

import numpy as np

from yikao_alerts.daily.arrays import Floats

POINTS_MIN: Final = 6
POINTS_MAX: Final = 1000
"""More are thinned evenly: half a million pairs are enough for a picture."""


@dataclass(frozen=True, slots=True)
class Slope:
    """A robust line: value = middle + per_day x (time - middle_d); p: two-sided, Mann-Kendall."""

    per_day: float
    middle_d: float
    middle: float
    p: float
    points: int


@dataclass(frozen=True, slots=True)
class NotEnough:
    """No slope: fewer points than asked for, or all at one time."""

    points: int


def slope(times_d: Floats, values: Floats, *, points_min: int = POINTS_MIN) -> Slope | NotEnough:
    """Return the Theil-Sen slope of `values`, in their unit per day, with its Mann-Kendall p.

    times_d, values: (n,) finite, any order, times in days, as irregular as they come. Pairs of one
    time have no slope and are left out. Fewer than `points_min` points, or all at one time:
    `NotEnough`, never zero.
    """
    order = np.lexsort((values, times_d))
    order = order[:: -(-order.size // POINTS_MAX) or 1]
    times, values = times_d[order], values[order]
    first, second = np.triu_indices(times.size, 1)
    apart = times[second] - times[first]
    pairs = apart > 0
    if times.size < points_min or not pairs.any():
        return NotEnough(int(times.size))
    rise = (values[second] - values[first])[pairs]
    per_day = float(np.median(rise / apart[pairs]))
    middle_d = float(np.median(times))
    middle = float(np.median(values - per_day * (times - middle_d)))
    p = _mann_kendall(float(np.sign(rise).sum()), times, values)
    return Slope(per_day, middle_d, middle, p, int(times.size))


def _mann_kendall(score: float, times: Floats, values: Floats) -> float:
    """Return the two-sided p of a score, ties counted, by the normal approximation."""
    n = times.size
    ties_t, ties_v = _ties(times), _ties(values)
    variance = (_cubes(np.array([float(n)])) - _cubes(ties_t) - _cubes(ties_v)) / 18.0
    pairs_t, pairs_v = _pairs(ties_t), _pairs(ties_v)
    variance += pairs_t * pairs_v / (2.0 * n * (n - 1))
    triples = float((ties_t * (ties_t - 1) * (ties_t - 2)).sum())
    triples *= float((ties_v * (ties_v - 1) * (ties_v - 2)).sum())
    variance += triples / (9.0 * n * (n - 1) * (n - 2))
    if variance <= 0 or score == 0:
        return 1.0
    return erfc((abs(score) - 1) / sqrt(variance) / sqrt(2.0))


def _ties(values: Floats) -> Floats:
    """Return the sizes of groups of equal values."""
    _, counts = np.unique(values, return_counts=True)
    return np.asarray(counts, dtype=np.float64)


def _cubes(groups: Floats) -> float:
    return float((groups * (groups - 1) * (2 * groups + 5)).sum())


def _pairs(groups: Floats) -> float:
    return float((groups * (groups - 1)).sum())
