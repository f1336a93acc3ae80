"""All that is known of the days of a panel, side by side: what the worklist rules look at."""

from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date, timedelta
from typing import Any, Final, TypeVar

import numpy as np

from yikao_alerts.daily.cgm_days import CgmDays
from yikao_alerts.daily.glucose_days import GlucoseDays
from yikao_alerts.daily.level import LevelNumbers
from yikao_alerts.daily.sessions import PressureDays
from yikao_alerts.daily.trend import TrendNumbers

EPOCH: Final = date(1970, 1, 1)
_Part = TypeVar("_Part")


@dataclass(frozen=True, slots=True)
class Grid:
    """`days` days from `first_day` (days since 1970-01-01) of n residents; what is not there is
    not looked at. systolic_trend, fasting_trend: of `trend.run`; levels: of `level.run`."""

    first_day: int
    days: int
    pressure: PressureDays | None = None
    glucose: GlucoseDays | None = None
    cgm: CgmDays | None = None
    systolic_trend: TrendNumbers | None = None
    fasting_trend: TrendNumbers | None = None
    systolic_level: LevelNumbers | None = None
    diastolic_level: LevelNumbers | None = None

    def date_of(self, column: int) -> date:
        """Return the calendar day of a column."""
        return EPOCH + timedelta(days=self.first_day + column)

    def years(self) -> list[tuple[int, slice]]:
        """Return each calendar year with its columns: ages and targets change with the year."""
        found: list[tuple[int, slice]] = []
        column = 0
        while column < self.days:
            year = self.date_of(column).year
            end = min(self.days, (date(year + 1, 1, 1) - self.date_of(0)).days)
            found.append((year, slice(column, end)))
            column = end
        return found

    def of(self, residents: slice) -> "Grid":
        """Return the same of some residents."""
        return _rows(self, residents)


def _rows(whole: _Part, residents: slice) -> _Part:
    changed: dict[str, Any] = {}
    for field in fields(whole):  # type: ignore[arg-type]  # every part is a dataclass
        value = getattr(whole, field.name)
        if isinstance(value, np.ndarray):
            # Row by row in memory: windows run along the days.
            changed[field.name] = np.ascontiguousarray(value[residents])
        elif is_dataclass(value):
            changed[field.name] = _rows(value, residents)
    return replace(whole, **changed)  # type: ignore[type-var]
