"""Means over a week or two against a limit: pressure (AVERAGE_7D), fasting and other glucose.

The mean is of all readings of the window, not of days. Too few readings or days: no answer, never a
guess, and what was open stays open. Source: NICE NG136 1.2.7 (7 days, the first one of a new series
left out); 12 readings on 3 days: ESH 2021.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from yikao_alerts.daily.arrays import Flags, Floats
from yikao_alerts.daily.judged import Evidence, Judged, Panel
from yikao_alerts.daily.level import LevelNumbers, normal_z
from yikao_alerts.daily.sums import Sums
from yikao_alerts.daily.thresholds import reached
from yikao_alerts.daily.windowed import pressure_window
from yikao_alerts.history import BLOOD_PRESSURE
from yikao_alerts.limits import Limit
from yikao_alerts.rules.forms import ALL_DAY, Mean
from yikao_alerts.rules.model import Ends, Rule

MMHG: Final = "mmHg"


def mean(rule: Rule, form: Mean, panel: Panel) -> Judged | None:
    """Return what a rule on means says; None where the grid has no such readings."""
    window = panel.window(rule.kind, form)
    if window is None:
        return None
    units = panel.units(rule.kind)
    its = window.parts[form.part]
    known = window.enough(form) & (its.count > 0)
    numbers = [panel.numbers(limit, units) for limit in form.any]
    met = [reached(x.op, its.mean(x.field), n) for x, n in zip(form.any, numbers, strict=True)]
    holds = known & np.logical_or.reduce(met)
    if form.and_part is not None:
        holds &= _all(form.and_all, window.parts[form.and_part], panel, units)
    over_now = known & ~holds & _over(rule.ends, form, its, panel, units)

    def evidence(row: int, column: int) -> Evidence:
        place = (row, column)
        return {
            "what": "mean",
            "days": form.days,
            "part": form.part,
            "values": {x.field: its.mean_at(x.field, row, column) for x in form.any},
            "unit": units[row],
            "readings": int(its.count[place]),
            "reading_days": int(window.reading_days[place]),
            "limit": {
                x.field: float(n[place])
                for x, n in zip(form.any, numbers, strict=True)
                if not np.isnan(n[place])
            },
        }

    return Judged(holds, over_now, evidence)


def seven_day_mean(panel: Panel, limit: Limit, days: int = 7) -> Flags:
    """Return (n, days) where the plain mean of the last days reaches a limit on pressures.

    However few the readings: it narrows another rule down, and people who measure rarely must not
    be left out by it.
    """
    window = pressure_window(panel.grid, days, drop_first=False)
    if window is None:
        return np.zeros((len(panel.residents), panel.grid.days), dtype=np.bool_)
    numbers = panel.numbers(limit, panel.units(BLOOD_PRESSURE))
    return reached(limit.op, window.parts[ALL_DAY].mean(limit.field), numbers)


def _all(limits: tuple[Limit, ...], sums: Sums, panel: Panel, units: Sequence[str]) -> Flags:
    met = [reached(x.op, sums.mean(x.field), panel.numbers(x, units)) for x in limits]
    return np.asarray(np.logical_and.reduce(met))


def _over(ends: Ends | None, form: Mean, sums: Sums, panel: Panel, units: Sequence[str]) -> Flags:
    """Return where the rule's end is reached; without one, wherever it does not hold."""
    if ends is None or not (ends.limits or ends.level_below):
        return np.ones(sums.count.shape, dtype=np.bool_)
    ended = np.zeros(sums.count.shape, dtype=np.bool_)
    if ends.limits:
        ended |= _all(ends.limits, sums, panel, units)
    if ends.level_below is not None:
        ended |= _level_below(form.any, ends.level_below, panel)
    return ended


def _level_below(limits: tuple[Limit, ...], probability: float, panel: Panel) -> Flags:
    """Return where every limit's level is known and above it with less than `probability`.

    All of them: a low systolic level must not close what a high diastolic mean has opened.
    """
    levels = {"systolic": panel.grid.systolic_level, "diastolic": panel.grid.diastolic_level}
    below = np.ones((len(panel.residents), panel.grid.days), dtype=np.bool_)
    for limit in limits:
        level = levels.get(limit.field)
        if level is None:
            return np.zeros_like(below)
        below &= _surely_below(
            level, panel.numbers(limit, [MMHG] * len(panel.residents)), probability
        )
    return below


def _surely_below(level: LevelNumbers, number: Floats, probability: float) -> Flags:
    return np.asarray(level.z(number) < normal_z(probability))
