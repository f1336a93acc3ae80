"""The last days of a panel, summed once for all the rules that ask for the same days."""

from dataclasses import dataclass

import numpy as np

from yikao_alerts.daily.answerable import FASTING
from yikao_alerts.daily.arrays import Flags, Integers
from yikao_alerts.daily.grid import Grid
from yikao_alerts.daily.sums import Sums
from yikao_alerts.daily.windows import over, series_begin
from yikao_alerts.history import BLOOD_PRESSURE
from yikao_alerts.rules.forms import ALL_DAY, EVENING, MORNING, Mean


@dataclass(frozen=True, slots=True)
class Window:
    """The last days of everybody, (n, days) each: sums by part, days with readings, mornings."""

    parts: dict[str, Sums]
    reading_days: Integers
    mornings: Integers

    def enough(self, form: Mean) -> Flags:
        """Return where there are as many readings, days and mornings as the form asks for."""
        return (
            (self.parts[ALL_DAY].count >= form.min_readings)
            & (self.reading_days >= form.min_days)
            & (self.mornings >= form.min_mornings)
        )


def window_of(grid: Grid, kind: str, form: Mean) -> Window | None:
    """Return what a rule on means of such readings asks for; None where there are none."""
    if kind == BLOOD_PRESSURE:
        return pressure_window(grid, form.days, form.drop_first)
    if grid.glucose is None:
        return None
    days = grid.glucose
    sums = days.fasting_sums if form.contexts == FASTING else days.not_fasting_sums
    day = Sums.of_glucose(sums)
    seen = day.count > 0
    keep = ~series_begin(seen) if form.drop_first else None
    kept = seen if keep is None else seen & keep
    nothing = np.zeros(seen.shape, dtype=np.int64)
    return Window({ALL_DAY: day.windows(form.days, keep)}, over(kept, form.days), nothing)


def pressure_window(grid: Grid, days: int, drop_first: bool) -> Window | None:
    """Return the last `days` days of pressures, a new series' first day left out if so wished."""
    if grid.pressure is None:
        return None
    morning, evening = Sums.of_part(grid.pressure.morning), Sums.of_part(grid.pressure.evening)
    mornings = morning.count > 0
    seen = mornings | (evening.count > 0)
    keep = ~series_begin(seen) if drop_first else None
    if keep is not None:
        seen, mornings = seen & keep, mornings & keep
    parts = {MORNING: morning.windows(days, keep), EVENING: evening.windows(days, keep)}
    parts[ALL_DAY] = parts[MORNING].and_(parts[EVENING])
    return Window(parts, over(seen, days), over(mornings, days))
