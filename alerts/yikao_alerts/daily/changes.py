"""A lasting change of the resident's own level (BP-09, BP-10, GL-13), as a worklist rule says it.

The detector's alarm is not yet a finding: the change has to be large enough to matter, and a fall
only counts when the mean is low as well.
"""

from datetime import timedelta

import numpy as np

from yikao_alerts.daily.arrays import Floats
from yikao_alerts.daily.grid import EPOCH
from yikao_alerts.daily.judged import Evidence, Judged, Panel
from yikao_alerts.daily.means import seven_day_mean
from yikao_alerts.daily.windows import over
from yikao_alerts.rules.forms import UP, Change
from yikao_alerts.rules.model import Rule

PERCENT = "%"


def change(rule: Rule, form: Change, panel: Panel) -> Judged | None:
    """Return what a rule on changes says; None where the grid has no such trend.

    Over: so many days without another finding of the rule.
    """
    grid = panel.grid
    trend = grid.fasting_trend if form.signal == "glucose" else grid.systolic_trend
    if trend is None:
        return None
    upward = form.direction == UP
    shift = _percent(trend.shift) if form.unit == PERCENT else trend.shift
    holds = (trend.alarm == (1 if upward else -1)) & (
        shift >= form.shift if upward else shift <= form.shift
    )
    if form.mean7 is not None and holds.any():
        holds &= seven_day_mean(panel, form.mean7)
    quiet = rule.ends.quiet_days if rule.ends and rule.ends.quiet_days else 1
    over_now = over(holds, quiet) == 0

    def evidence(row: int, column: int) -> Evidence:
        place = (row, column)
        if not holds[place]:
            return {"what": "quiet", "days": quiet}
        baseline = trend.baseline[place]
        if form.unit == PERCENT:
            baseline = np.exp(baseline / 100.0)
        return {
            "what": "change",
            "signal": form.signal,
            "shift": round(float(shift[place]), 1),
            "unit": form.unit,
            "baseline": round(float(baseline), 1),
            "since": (EPOCH + timedelta(days=int(trend.since[place]))).isoformat(),
            "reading_days": int(trend.shift_days[place]),
        }

    return Judged(holds, over_now, evidence)


def _percent(shift: Floats) -> Floats:
    """Return a difference of 100 x natural logarithms as a change in percent."""
    return np.asarray(100.0 * np.expm1(shift / 100.0))
