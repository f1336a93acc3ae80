"""When a time is at home: minutes and days of the residents' own clock, for whole columns."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from yikao_alerts.backtest.digits import Ints
from yikao_alerts.backtest.instants import moment
from yikao_alerts.daily.columns import DAY_BEGINS, MINUTES_PER_DAY, day_of

_MINUTE_US: Final = 60_000_000
_DAY_US: Final = 86_400_000_000
_QUARTER_US: Final = 15 * _MINUTE_US
"""Clocks are put forward and back at whole quarters of an hour."""


def home_minutes(at: Ints, zone: ZoneInfo) -> Ints:
    """Return minutes since 1970-01-01 00:00 on the clock at home; at: microseconds, UTC."""
    days, place = _numbered(at // _DAY_US)
    begins = _offsets(days * _DAY_US, zone)
    offsets = begins[place]
    # A day whose ends differ has a change of the clock in it.
    changing = (begins != _offsets((days + 1) * _DAY_US, zone))[place]
    if changing.any():
        quarters, which = np.unique(at[changing] // _QUARTER_US, return_inverse=True)
        offsets[changing] = _offsets(quarters * _QUARTER_US, zone)[which]
    found: Ints = at // _MINUTE_US + offsets
    return found


def _numbered(days: Ints) -> tuple[Ints, Ints]:
    """Return the different days in order, and the place of each day among them."""
    first = int(days.min(initial=0))
    present = np.zeros(int(days.max(initial=0)) - first + 1, bool)
    present[days - first] = True
    return np.flatnonzero(present) + first, (np.cumsum(present) - 1)[days - first]


def _offsets(at: Ints, zone: ZoneInfo) -> Ints:
    """Return the minutes that the clock at home is ahead of UTC at each time."""
    offsets = (moment(each).astimezone(zone).utcoffset() for each in at.tolist())
    minutes = [int(offset.total_seconds() // 60) if offset else 0 for offset in offsets]
    return np.array(minutes, np.int64)


def home_days(minutes: Ints) -> Ints:
    """Return days since 1970-01-01 at home, where a day begins at 04:00."""
    days: Ints = (minutes - DAY_BEGINS) // MINUTES_PER_DAY
    return days


def home_day(at: datetime, zone: ZoneInfo) -> int:
    """Return the day at home of one time."""
    local = at.astimezone(zone).replace(tzinfo=None)
    return day_of(int((local - datetime(1970, 1, 1)).total_seconds() // 60))  # noqa: DTZ001
