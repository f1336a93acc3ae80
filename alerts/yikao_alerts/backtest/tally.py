"""What was looked at, counted: readings, residents, weeks, and what a plain threshold would do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from yikao_alerts.backtest.digits import Ints, Mask
from yikao_alerts.backtest.panel import Panel
from yikao_alerts.backtest.vocabulary import KINDS, UNIT_NAMES
from yikao_alerts.history import BLOOD_PRESSURE

NAIVE: Final[Mapping[str, float]] = {"mmHg": 135.0, "kPa": 18.0}
"""The plain threshold to compare with: an alert on each day with a systolic so high."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums over residents; they add up.

    resident_days: from the first to the last reading of each, both included. naive_days: days with
    an alert of the plain threshold. weeks: resident-days by week (of days since 1970-01-01 // 7),
    naive_weeks: of them with a plain alert.
    """

    rows: int = 0
    copies: int = 0
    residents: int = 0
    resident_days: int = 0
    naive_days: int = 0
    weeks: Mapping[int, int] = field(default_factory=dict)
    naive_weeks: Mapping[int, int] = field(default_factory=dict)

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.rows + other.rows,
            self.copies + other.copies,
            self.residents + other.residents,
            self.resident_days + other.resident_days,
            self.naive_days + other.naive_days,
            _added(self.weeks, other.weeks),
            _added(self.naive_weeks, other.naive_weeks),
        )

    @property
    def patient_weeks(self) -> float:
        """How many weeks of residents were looked at."""
        return self.resident_days / 7

    def per_100_weeks(self, count: int) -> float:
        """Return a count per 100 patient-weeks, 0 where there were none."""
        return 100 * count / self.patient_weeks if self.resident_days else 0.0


def tally_of(panel: Panel, days: Ints, believed: Mask) -> Tally:
    """Return the counts of a panel. days: the home's day of each row, where it is believed."""
    rows = panel.rows
    resident, day = rows["resident"][believed], days[believed]
    first = np.full(len(panel.residents), np.iinfo(np.int64).max)
    last = np.full(len(panel.residents), np.iinfo(np.int64).min)
    np.minimum.at(first, resident, day)
    np.maximum.at(last, resident, day)
    seen = np.flatnonzero(first <= last)
    pressure = (rows["kind"] == KINDS.index(BLOOD_PRESSURE)) & believed
    high = np.zeros(rows.size, bool)
    for unit, limit in NAIVE.items():
        high |= (rows["unit"] == UNIT_NAMES.index(unit)) & (rows["a"] >= limit)
    which = np.flatnonzero(pressure & high)
    naive = np.unique(rows["resident"][which].astype(np.int64) << 32 | days[which])
    return Tally(
        int(rows.size),
        panel.copies,
        len(panel.residents),
        int((last[seen] - first[seen] + 1).sum()),
        int(naive.size),
        _weeks(first[seen], last[seen]),
        _counted((naive & 0xFFFFFFFF) // 7),
    )


def _weeks(first: Ints, last: Ints) -> dict[int, int]:
    """Return how many resident-days there are in each week."""
    if not first.size:
        return {}
    begin = int(first.min())
    changes = np.zeros(int(last.max()) - begin + 2, np.int64)
    np.add.at(changes, first - begin, 1)
    np.add.at(changes, last - begin + 1, -1)
    present = np.cumsum(changes[:-1])
    weeks = (begin + np.arange(present.size)) // 7
    totals = np.bincount(weeks - weeks[0], present)
    return {int(weeks[0]) + n: int(total) for n, total in enumerate(totals)}


def _counted(weeks: Ints) -> dict[int, int]:
    numbers, counts = np.unique(weeks, return_counts=True)
    return dict(zip(numbers.tolist(), counts.tolist(), strict=True))


def _added(one: Mapping[int, int], other: Mapping[int, int]) -> dict[int, int]:
    return {week: one.get(week, 0) + other.get(week, 0) for week in sorted({*one, *other})}
