"""Winter raises everybody's pressure; what the whole panel does together is no resident's own news.

For each day the median, over the panel, of how far everybody is from their own first 28 days; the
index is the running mean of the last 14 of these medians. It uses nothing later than its day, and
once it was used for a day it is frozen: a late reading changes one resident, not the panel. A jump
of the index hides a common fault (new firmware, a drug recall), so it raises a technical alarm.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from yikao_alerts.daily.arrays import Counts, Flags, Floats

OWN_DAYS: Final = 28
"""Days from a resident's first value whose mean is the resident's own reference."""

RUNNING_DAYS: Final = 14
PANEL_MIN: Final = 200
"""Residents with a value in the running days; fewer: no index, and the wider limits hold."""

JUMP_DAYS: Final = 7
JUMP: Final = 3.0
"""mmHg of change within `JUMP_DAYS` that people must look at."""


@dataclass(frozen=True, slots=True)
class Season:
    """The index of one panel (region and class of devices) day by day; arrays (days,)."""

    first_day: int
    median: Floats
    """The panel's median that day, NaN when nobody counted."""
    panel: Counts
    """Residents behind the running mean."""
    index: Floats
    """mmHg to take off; the last known one where the panel is too small, 0 before any."""
    present: Flags
    jumped: Flags
    """The index moved by more than `JUMP` within `JUMP_DAYS`: a technical alarm, never a page."""

    def on(self, day: int) -> tuple[float, bool]:
        """Return the index of `day` and whether there is one; days outside are frozen ends."""
        if day < self.first_day or not self.index.size:
            return 0.0, False
        column = min(day - self.first_day, self.index.size - 1)
        inside = day - self.first_day < self.index.size
        return float(self.index[column]), inside and bool(self.present[column])

    @classmethod
    def of(cls, first_day: int, values: Floats) -> Self:
        """Return the season of a panel from its daily values (residents, days), NaN for none.

        Never include the residents whose change it is meant to show, and give the panel from its
        beginning: everybody is compared with their own first 28 days that are there.
        """
        median, panel = _medians(values)
        return cls.from_medians(first_day, median, panel)

    @classmethod
    def from_medians(cls, first_day: int, median: Floats, panel: Counts) -> Self:
        """Return the season of stored medians and panel sizes: what the live evaluator keeps."""
        running = _running_mean(median)
        present = (panel >= PANEL_MIN) & ~np.isnan(running)
        index = _held(np.where(present, running, np.nan))
        before = np.concatenate([index[:1].repeat(JUMP_DAYS), index])[: index.size]
        return cls(first_day, median, panel, index, present, np.abs(index - before) > JUMP)


def _medians(values: Floats) -> tuple[Floats, Counts]:
    """Return the panel's median of each day, and how many residents were behind the running mean.

    The own reference is the mean of the first 28 days with the index of those days, as it was known
    on them, taken off: else the season in which somebody began would be taken for today's.
    """
    residents, days = values.shape
    seen = ~np.isnan(values)
    first = np.where(seen.any(axis=1), seen.argmax(axis=1), days)
    total, count = np.zeros(residents), np.zeros(residents)
    last = np.full(residents, -RUNNING_DAYS, dtype=np.int32)
    median, panel = np.full(days, np.nan), np.zeros(days, dtype=np.int32)
    index = 0.0
    for column in range(days):
        today, there = values[:, column], seen[:, column]
        counts = there & (column - first >= OWN_DAYS)
        last[counts] = column
        panel[column] = np.count_nonzero(last > column - RUNNING_DAYS)
        if counts.any():
            median[column] = np.median(today[counts] - total[counts] / count[counts])
        running = _mean_of_last(median, column)
        if panel[column] >= PANEL_MIN and not np.isnan(running):
            index = running
        early = there & (column - first < OWN_DAYS)
        total += np.where(early, today - index, 0.0)
        count += early
    return median, panel


def _running_mean(median: Floats) -> Floats:
    """Return the mean of the medians there are among the last 14 days, NaN for none."""
    return np.array([_mean_of_last(median, day) for day in range(median.size)])


def _mean_of_last(median: Floats, day: int) -> float:
    window = median[max(0, day + 1 - RUNNING_DAYS) : day + 1]
    there = window[~np.isnan(window)]
    return float(there.sum() / there.size) if there.size else np.nan


def _held(index: Floats) -> Floats:
    """Return the index with gaps filled by the last one known, 0 before the first."""
    last = np.maximum.accumulate(np.where(np.isnan(index), -1, np.arange(index.size)))
    return np.where(last < 0, 0.0, index[np.maximum(last, 0)])
