"""What lies over the readings of a chart: the mean of seven days, the level, the own usual.

They come from the same functions that fill the worklist, so a doctor sees what the rules saw. The
season is left in: a drawing beside raw readings has to fit them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from yikao_alerts.daily import level, trend
from yikao_alerts.daily.arrays import Floats
from yikao_alerts.daily.columns import MINUTES_PER_DAY, THOUSANDTHS, day_of
from yikao_alerts.daily.evening import usual_difference
from yikao_alerts.daily.parameters import PRESSURE
from yikao_alerts.daily.sessions import PressureColumns, PressureDays, pressure_days
from yikao_alerts.daily.slope import NotEnough, slope
from yikao_alerts.daily.windows import over
from yikao_alerts.feed.care_rows import PressureRow

EPOCH: Final = date(1970, 1, 1)
MEAN_DAYS: Final = 7
READINGS_MIN: Final = 12
DAYS_MIN: Final = 3
"""A mean of seven days from fewer is not drawn, as it is not judged. Source: NICE NG136."""

DRIFT_DAYS: Final = timedelta(days=28)
CHANCE: Final = 0.01
"""Below this p a slope is called one: neighbouring days are alike, so .05 would cry too often."""

Curve = Mapping[date, float]


@dataclass(frozen=True, slots=True)
class Drift:
    """A slope in mmHg a week, and whether it is more than chance would make of nothing."""

    per_week: float
    real: bool


@dataclass(frozen=True, slots=True)
class Curves:
    """Systolic, in mmHg, by local day; a day that is missing is not known."""

    mean7: Curve
    level: Curve
    baseline: Curve


def curves_of(readings: Sequence[PressureRow], now: datetime, zone: str) -> Curves:
    """Return the curves of one resident up to today in `zone`; all empty without readings."""
    if not readings:
        return Curves({}, {}, {})
    days = _days(readings, now, zone)
    learned, trends = trend.run(days.systolic())
    _, levels = level.run(days.systolic())
    # The level is told for the whole day, the usual on the evening's scale: brought to one.
    difference = usual_difference(learned.offset_sum, learned.offset_days, PRESSURE)
    usual = trends.baseline[0] + difference[0] / 2
    return Curves(
        _by_day(days.first_day, _mean7(days)),
        _by_day(days.first_day, levels.level[0]),
        _by_day(days.first_day, usual),
    )


def drift_of(readings: Sequence[PressureRow], now: datetime) -> Drift | None:
    """Return how fast the systolic pressure has moved in `DRIFT_DAYS`, None from too few."""
    recent = [row for row in readings if row.time >= now - DRIFT_DAYS]
    found = slope(
        np.array([(row.time - now) / timedelta(days=1) for row in recent]),
        np.array([row.systolic_mmhg for row in recent]),
        points_min=READINGS_MIN,
    )
    if isinstance(found, NotEnough):
        return None
    return Drift(found.per_day * MEAN_DAYS, found.p < CHANCE)


def _days(readings: Sequence[PressureRow], now: datetime, zone: str) -> PressureDays:
    place = ZoneInfo(zone)
    minutes = [_minute(row.time, place) for row in readings]
    columns = PressureColumns(
        np.zeros(len(readings), dtype=np.int64),
        np.array(minutes, dtype=np.int64),
        np.array([row.systolic_mmhg for row in readings]),
        np.array([row.diastolic_mmhg for row in readings]),
        np.array([row.pulse_bpm for row in readings]),
    )
    first, last = day_of(min(minutes)), day_of(_minute(now, place))
    return pressure_days(columns, 1, first, last - first + 1)


def _minute(at: datetime, place: ZoneInfo) -> int:
    local = at.astimezone(place)
    return (local.date() - EPOCH).days * MINUTES_PER_DAY + local.hour * 60 + local.minute


def _mean7(days: PressureDays) -> Floats:
    counts = days.morning.count + days.evening.count
    readings, seen = over(counts, MEAN_DAYS)[0], over(counts > 0, MEAN_DAYS)[0]
    total = over(days.morning.systolic + days.evening.systolic, MEAN_DAYS)[0]
    enough = (readings >= READINGS_MIN) & (seen >= DAYS_MIN)
    return np.where(enough, total / np.maximum(readings, 1) / THOUSANDTHS, np.nan)


def _by_day(first_day: int, values: Floats) -> Curve:
    first = EPOCH + timedelta(days=first_day)
    return {
        first + timedelta(days=n): float(value)
        for n, value in enumerate(values)
        if not np.isnan(value)
    }
