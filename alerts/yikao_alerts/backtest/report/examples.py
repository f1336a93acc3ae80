"""Residents whose readings and findings the report shows: the loudest, and an ordinary one."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from yikao_alerts.backtest.burden import Asked, Load, asked
from yikao_alerts.backtest.columns import Columns
from yikao_alerts.backtest.found import Found
from yikao_alerts.backtest.instants import micros, micros_of, moment
from yikao_alerts.backtest.report.draw import Dots, Flagged, Scale, readings
from yikao_alerts.backtest.vocabulary import KINDS, UNIT_NAMES
from yikao_alerts.confirm import UNITS_TO_MMHG
from yikao_alerts.daily.glucose_days import MG_DL_PER_MMOL_L
from yikao_alerts.history import BLOOD_PRESSURE, GLUCOSE

EXAMPLES_MAX: Final = 4
WINDOW: Final = timedelta(days=90)
"""Shown of each, with the finding that matters most in its middle."""
FLAGGED_MAX: Final = 24
"""Findings drawn in one window: more could not be told apart."""
COLOURS: Final = {Load.PAGE: "page", Load.TASK: "task", Load.ENTRY: "entry"}
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Example:
    """One resident: readings, and the times somebody was asked for."""

    name: str
    rows: Columns
    asked: Sequence[Asked]


def chosen(findings: Iterable[Found]) -> list[str]:
    """Return names of residents: with the most pages, tasks and entries, and one in the middle of
    those with pages."""
    counts = Counter((each.by.resident, each.load) for each in asked(findings))
    names: dict[str, None] = {}
    for load in Load:
        ranked = sorted((-count, name) for (name, of), count in counts.items() if of is load)
        if ranked:
            names[ranked[0][1]] = None
        if load is Load.PAGE and ranked:
            names[ranked[len(ranked) // 2][1]] = None
    return list(names)[:EXAMPLES_MAX]


def examples_of(rows: Mapping[str, Columns], told: Iterable[Asked]) -> list[Example]:
    """Return the examples whose rows are given, with what was asked for each."""
    by_name: dict[str, list[Asked]] = {name: [] for name in rows}
    for each in told:
        if each.by.resident in by_name:
            by_name[each.by.resident].append(each)
    return [Example(name, rows[name], by_name[name]) for name in rows]


def drawn(example: Example, zone: ZoneInfo) -> list[tuple[str, str]]:
    """Return the charts of an example, each with the kind of reading it shows."""
    if not example.asked:
        return []
    order = list(Load)
    worst = min(example.asked, key=lambda each: (order.index(each.load), each.by.found_at))
    start = max(worst.by.found_at - WINDOW / 2, moment(int(example.rows["at"].min())))
    flagged = _flagged(example.asked, start)
    ends = tuple(at.astimezone(zone).date().isoformat() for at in (start, start + WINDOW))
    charts = []
    for kind, make in ((BLOOD_PRESSURE, _pressure), (GLUCOSE, _glucose)):
        rows = example.rows[example.rows["kind"] == KINDS.index(kind)]
        since = rows["at"] - micros_of(start)
        rows = rows[(since >= 0) & (since <= micros(WINDOW))]
        if rows.size:
            days = (rows["at"] - micros_of(start)) / micros(_DAY)
            scale, dots = make(rows, days.tolist(), (ends[0], ends[1]))
            charts.append((kind, readings(scale, dots, flagged)))
    return charts


def _flagged(found: Sequence[Asked], start: datetime) -> list[Flagged]:
    """Return what is drawn in the window, the gravest when there is too much."""
    order = list(Load)
    inside = [each for each in found if timedelta(0) <= each.by.found_at - start <= WINDOW]
    gravest = sorted(inside, key=lambda each: (order.index(each.load), each.by.found_at))
    kept = sorted(gravest[:FLAGGED_MAX], key=lambda each: each.by.found_at)
    return [
        Flagged((each.by.found_at - start) / _DAY, each.by.rule, COLOURS[each.load])
        for each in kept
    ]


def _pressure(rows: Columns, days: list[float], ends: tuple[str, str]) -> tuple[Scale, list[Dots]]:
    factors = np.array([UNITS_TO_MMHG.get(unit, np.nan) for unit in UNIT_NAMES])[rows["unit"]]
    systolic, diastolic = ((rows[slot] * factors).tolist() for slot in ("a", "b"))
    scale = Scale(40.0, 220.0, (85.0, 135.0, 180.0), WINDOW / _DAY, ends)
    return scale, [Dots(days, diastolic, "low"), Dots(days, systolic, "high")]


def _glucose(rows: Columns, days: list[float], ends: tuple[str, str]) -> tuple[Scale, list[Dots]]:
    in_mg_dl = rows["unit"] == UNIT_NAMES.index("mg/dL")
    values = np.where(in_mg_dl, rows["a"] / MG_DL_PER_MMOL_L, rows["a"])
    scale = Scale(0.0, 25.0, (3.9, 7.0, 16.7), WINDOW / _DAY, ends)
    return scale, [Dots(days, values.tolist(), "high")]
