"""How much the days of one resident differ from each other (BP-18): the SD of the day means.

There is no agreed limit: a resident stands out when among the top tenth of a panel that is large
enough to have one, else above the rule's own number. Source: Kato 2010 (Ohasama), SD 8.6 +- 3.1.
"""

from typing import Final

import numpy as np

from yikao_alerts.daily.arrays import Flags, Floats, Integers
from yikao_alerts.daily.judged import Evidence, Judged, Panel
from yikao_alerts.daily.sessions import KPA_PER_MMHG, PressureDays
from yikao_alerts.daily.sums import Sums
from yikao_alerts.daily.thresholds import reached
from yikao_alerts.daily.windows import over
from yikao_alerts.rules.forms import Spread
from yikao_alerts.rules.model import Rule

PANEL_MIN: Final = 200
"""Residents with a spread of their own; in a smaller panel a tenth is too few people."""
TOP: Final = 90.0
"""Percentile above which a resident stands out."""

THOUSAND: Final = 1000.0


def spread(rule: Rule, form: Spread, panel: Panel) -> Judged | None:
    """Return what a rule on variability says; None where the grid has no pressures.

    The limit is `panel.spread_limits` (mmHg, one a day) where there is one, else the rule's own.
    """
    if panel.grid.pressure is None:
        return None
    (limit,) = form.any
    units = panel.units(rule.kind)
    sd, number = spreads(panel.grid.pressure, form)
    least = panel.numbers(limit, units)
    if panel.spread_limits is not None:
        factor = np.array([KPA_PER_MMHG if unit == "kPa" else 1.0 for unit in units])
        top = panel.spread_limits[None, :] * factor[:, None]
        least = np.where(np.isnan(top), least, top)
    known = ~np.isnan(sd)
    holds = known & reached(limit.op, sd, least)

    def evidence(row: int, column: int) -> Evidence:
        return {
            "what": "spread",
            "values": {limit.field: round(float(sd[row, column]), 2)},
            "unit": units[row],
            "days": form.days,
            "reading_days": int(number[row, column]),
            "limit": {limit.field: round(float(least[row, column]), 2)},
        }

    return Judged(holds, known & ~holds, evidence)


def spreads(pressure: PressureDays, form: Spread) -> tuple[Floats, Integers]:
    """Return (n, days) the SD of the day means in the resident's unit, and days in it.

    NaN where there are fewer than `min_days` days with readings, or they lie closer together than
    `min_span` days.
    """
    day = Sums.of_part(pressure.morning).and_(Sums.of_part(pressure.evening))
    seen = day.count > 0
    # Day means as whole thousandths: their squares add up exactly, wherever the array begins.
    mean = np.rint(day.total(form.any[0].field) / np.maximum(day.count, 1)).astype(np.int64)
    number, total = over(seen, form.days), over(mean, form.days)
    squares = number * over(mean * mean, form.days) - total * total
    enough = (number >= max(form.min_days, 2)) & (_span(seen, form.days) >= form.min_span)
    with np.errstate(invalid="ignore", divide="ignore"):
        sd = np.sqrt(squares / (number * (number - 1))) / THOUSAND
    return np.where(enough, sd, np.nan), number


def top_decile(pressure: PressureDays, form: Spread) -> Floats:
    """Return (days,) the SD, mmHg, above which the top tenth of the panel lies; NaN where fewer
    than `PANEL_MIN` residents have one."""
    return top_decile_of(in_mmhg(pressure, form))


def in_mmhg(pressure: PressureDays, form: Spread) -> Floats:
    """Return (n, days) the SD, mmHg, of each resident."""
    sd, _ = spreads(pressure, form)
    return np.where(pressure.kpa[:, None], sd / KPA_PER_MMHG, sd)


def top_decile_of(sd: Floats) -> Floats:
    """Return `top_decile` of a panel whose SDs, mmHg, are known."""
    limits = np.full(sd.shape[1], np.nan)
    for column in range(sd.shape[1]):
        known = sd[~np.isnan(sd[:, column]), column]
        if known.size >= PANEL_MIN:
            limits[column] = np.percentile(known, TOP)
    return limits


def _span(seen: Flags, days: int) -> Integers:
    """Return (n, days) the days between the first and the last reading of each window."""
    columns = np.arange(seen.shape[1])
    last = np.maximum.accumulate(np.where(seen, columns, -1), axis=1)
    following = np.where(seen, columns, seen.shape[1])[:, ::-1]
    following = np.minimum.accumulate(following, axis=1)[:, ::-1]
    first = following[:, np.maximum(columns - days + 1, 0)]
    return np.asarray(last - first)
