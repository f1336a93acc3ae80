"""What a glucose sensor says over two weeks (GL-14): time in range, time low, and the spread.

Source: Battelino 2019, Diabetes Care 42(8): 14 days, at least 70 % worn. Wear is counted in
quarters of an hour, since sensors differ in how often they send.
"""

from typing import Final

import numpy as np

from yikao_alerts.daily.arrays import Floats
from yikao_alerts.daily.cgm_days import SLOTS_PER_DAY, Band, CgmDays
from yikao_alerts.daily.judged import Evidence, Judged, Panel
from yikao_alerts.daily.thresholds import reached
from yikao_alerts.daily.windows import over
from yikao_alerts.rules.forms import Share
from yikao_alerts.rules.model import Rule

VERY_LOW_BELOW: Final = 3.9
"""mmol/L: a band that ends below this is the one of very low values."""


def share(rule: Rule, form: Share, panel: Panel) -> Judged | None:
    """Return what a rule on sensor summaries says; None where the grid has no sensor."""
    days = panel.grid.cgm
    if days is None:
        return None
    count = over(days.count, form.days)
    known = over(days.slots, form.days) * 100.0 >= form.wear_pct * form.days * SLOTS_PER_DAY
    known &= count > 0
    percent = _percents(days, form.days)
    variation = _variation(days, form.days)
    met = [
        reached(part.op, percent[days.bands.index(part.all)], np.array(part.pct))
        for part in form.any
    ]
    if form.cv_above_pct is not None:
        met.append(variation > form.cv_above_pct)
    holds = known & np.logical_or.reduce(met)

    def evidence(row: int, column: int) -> Evidence:
        place = (row, column)
        named = zip(map(_name, days.bands), percent, strict=True)
        return {
            "what": "share",
            "days": form.days,
            **{name: round(float(each[place]), 1) for name, each in named},
            "cv_pct": round(float(variation[place]), 1),
        }

    return Judged(holds, known & ~holds, evidence)


def _percents(days: CgmDays, length: int) -> list[Floats]:
    """Return for each band the percentage of the values of the last days that lie in it."""
    count = over(days.count, length)
    with np.errstate(invalid="ignore", divide="ignore"):
        return [
            over(days.within[:, :, place], length) * 100.0 / count
            for place in range(len(days.bands))
        ]


def _variation(days: CgmDays, length: int) -> Floats:
    """Return (n, days) the coefficient of variation in percent."""
    count, total = over(days.count, length), over(days.total, length)
    squares = over(days.squares, length)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / count
        variance = np.maximum(squares / count - mean * mean, 0.0) * count / (count - 1)
        return np.asarray(100.0 * np.sqrt(variance) / mean)


def _name(band: Band) -> str:
    if len(band) > 1:
        return "in_range_pct"
    return "very_low_pct" if band[0].values["mmol/L"] < VERY_LOW_BELOW else "below_pct"
