"""How a resident's own pressures usually lie, day by day, and which readings are unlike them.

A reading is compared with the own readings of the 60 days before its day (rule DQ-05), as the live
evaluator knew them when that day began; one that is doubted does not enter the days after it.
"""

from bisect import bisect_left
from collections.abc import Mapping
from typing import Final

import numpy as np

from yikao_alerts.backtest.columns import Columns
from yikao_alerts.backtest.digits import Floats, Ints, Mask
from yikao_alerts.backtest.vocabulary import KINDS, UNIT_NAMES
from yikao_alerts.confirm import UNITS_TO_MMHG
from yikao_alerts.daily.profile import PROFILE_D, profile_of
from yikao_alerts.history import BLOOD_PRESSURE, Profile
from yikao_alerts.quality import PROFILE_MIN, SINGULAR

_SUMS: Final = 10
"""n; systolic, diastolic, pulse; their products, row by row: what `profile_of` takes."""


class Unlike:
    """Rows unlike their residents' own, by position, each with the profile it was compared with."""

    def __init__(self, profiles: Mapping[int, Profile]) -> None:
        self.profiles = profiles
        self._rows = sorted(profiles)

    def between(self, first: int, last: int) -> list[tuple[int, Profile]]:
        """Return those from one position to another, in order."""
        begin = bisect_left(self._rows, first)
        end = bisect_left(self._rows, last)
        return [(row, self.profiles[row]) for row in self._rows[begin:end]]

    def mask(self, size: int) -> Mask:
        """Return them as a mask over the rows."""
        found = np.zeros(size, bool)
        found[list(self.profiles)] = True
        return found


def unlike(
    rows: Columns, days: Ints, compared: Mask, counts: Mask, residents: int, d2_above: float
) -> Unlike:
    """Return the pressures whose squared distance from the own profile is above a limit.

    days: the home's day of each row. compared: rows to look at, where they have a pulse. counts:
    rows that enter profiles unless they are doubted.
    """
    triples, whole = _triples(rows)
    which = np.flatnonzero(whole & compared & (rows["kind"] == KINDS.index(BLOOD_PRESSURE)))
    found: dict[int, Profile] = {}
    if not which.size:
        return Unlike(found)
    which = which[np.argsort(days[which], kind="stable")]
    triples = triples[which]
    sums = _sums(triples)
    resident = rows["resident"][which]
    enters = counts[which]
    first, last = int(days[which[0]]), int(days[which[-1]])
    edges = np.searchsorted(days[which], np.arange(first, last + 2))
    kept = np.zeros((last - first + 1, residents, _SUMS))
    window = np.zeros((residents, _SUMS))
    for place in range(last - first + 1):
        if place > PROFILE_D:
            window -= kept[place - PROFILE_D - 1]
        today = slice(*edges[place : place + 2])
        of = resident[today]
        if not of.size:
            continue
        far = distances(window[of], triples[today]) > d2_above
        for number in np.flatnonzero(far).tolist():
            profile = profile_of(window[of[number]])
            if profile is not None:
                found[int(which[today][number])] = profile
        own = enters[today] & ~far
        np.add.at(kept[place], of[own], sums[today][own])
        window += kept[place]
    return Unlike(found)


def _triples(rows: Columns) -> tuple[Floats, Mask]:
    """Return systolic, diastolic (mmHg) and pulse of each row, and where there are all three."""
    factors = np.array([UNITS_TO_MMHG.get(unit, np.nan) for unit in UNIT_NAMES])
    factor = factors[rows["unit"]]
    triples = np.column_stack((rows["a"] * factor, rows["b"] * factor, rows["c"]))
    return triples, ~np.isnan(triples).any(axis=1)


def _sums(triples: Floats) -> Floats:
    """Return what each triple adds to the sums of its day, in whole mmHg and bpm."""
    x, y, z = np.rint(triples).T
    return np.column_stack((np.ones_like(x), x, y, z, x * x, x * y, x * z, y * y, y * z, z * z))


def distances(sums: Floats, triples: Floats) -> Floats:
    """Return the squared Mahalanobis distance of each triple from its profile, 0 without one.

    Source: as `quality.distance`, which does it one at a time.
    """
    n = np.maximum(sums[:, 0], 2)
    mean = sums[:, 1:4] / n[:, None]
    pairs = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
    cov = [
        (sums[:, 4 + place] - n * mean[:, one] * mean[:, other]) / (n - 1)
        for place, (one, other) in enumerate(pairs)
    ]
    a, b, c, e, f, i = cov
    first, second, third = e * i - f * f, c * f - b * i, b * f - c * e
    size = a * first + b * second + c * third
    usable = (sums[:, 0] >= PROFILE_MIN) & (size > SINGULAR * a * e * i)
    x, y, z = (triples - mean).T
    total = (
        x * x * first
        + y * y * (a * i - c * c)
        + z * z * (a * e - b * b)
        + 2 * (x * y * second + x * z * third + y * z * (b * c - a * f))
    )
    found: Floats = np.where(usable, total / np.where(usable, size, 1.0), 0.0)
    return found
