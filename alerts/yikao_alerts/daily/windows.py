"""Sums over the last days, for everybody and every day at once; and how long nothing was measured.

Whole numbers only, so that a window has the same sum wherever the array begins.
"""

from typing import Final

import numpy as np

from yikao_alerts.daily.arrays import Counts, Flags, Integers

NEW_SERIES_AFTER_D: Final = 28
"""So many days without a reading, and the next one begins a new series (design choice)."""


def over(values: Integers | Counts | Flags, days: int) -> Integers:
    """Return (n, days) the sums over the last `days` days, each day's own included."""
    total: Integers = np.cumsum(values, axis=1, dtype=np.int64)
    window = total.copy()
    window[:, days:] -= total[:, :-days]
    return window


def series_begin(seen: Flags) -> Flags:
    """Return (n, days) where a series begins: a reading, and none in the 28 days before.

    Only days that are in the array count, so give 28 days before the first one that matters.
    """
    begins: Flags = seen & (over(seen, NEW_SERIES_AFTER_D + 1) == 1)
    return begins


def days_since(seen: Flags) -> Counts:
    """Return (n, days) the days since the last reading, 0 on its day; -1 before the first."""
    columns = np.arange(seen.shape[1], dtype=np.int32)
    last = np.maximum.accumulate(np.where(seen, columns, np.int32(-1)), axis=1)
    return np.where(last < 0, np.int32(-1), columns - last)
