"""A panel's readings put into days, for the daily lane: mornings, evenings, fasting values.

Only what the live lane would count: read by a device, at home, plausible, with a time that can be
believed, and not doubted to be another person's.
"""

from dataclasses import dataclass, fields, is_dataclass
from typing import Any, TypeVar

import numpy as np

from yikao_alerts.backtest.columns import Columns
from yikao_alerts.backtest.days import home_days
from yikao_alerts.backtest.digits import Floats, Ints, Mask
from yikao_alerts.backtest.vector import in_contexts
from yikao_alerts.backtest.vocabulary import CONTEXT_NAMES, KINDS, UNIT_NAMES
from yikao_alerts.contexts import OFFICE
from yikao_alerts.daily.cgm_days import Band, CgmColumns, CgmDays, cgm_days
from yikao_alerts.daily.evening import daily_values
from yikao_alerts.daily.glucose_days import MEALS, GlucoseColumns, GlucoseDays, Meal, glucose_days
from yikao_alerts.daily.parameters import PRESSURE
from yikao_alerts.daily.sessions import PressureColumns, PressureDays, pressure_days
from yikao_alerts.history import BLOOD_PRESSURE, CGM, DEVICE, GLUCOSE, SOURCES

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Span:
    """Days from `first` (since 1970-01-01) that a back-test looks at."""

    first: int
    days: int


@dataclass(frozen=True, slots=True)
class DayGrid:
    """The days of some residents, as the daily lane takes them; (n, days).

    measured: whether anything was. device_begins: where a device not seen before begins, but for
    the very first.
    """

    names: tuple[str, ...]
    pressure: PressureDays
    glucose: GlucoseDays
    cgm: CgmDays
    measured: Mask
    device_begins: Mask


def counting(rows: Columns, bad: Mask) -> Mask:
    """Return which rows the daily lane counts. bad: implausible, or at a time of a wrong clock."""
    own = rows["source"] == SOURCES.index(DEVICE)
    counts: Mask = own & ~in_contexts(rows, [OFFICE]) & ~bad & (rows["unit"] != 0)
    return counts


def day_grid(
    rows: Columns, minutes: Ints, names: tuple[str, ...], span: Span, bands: tuple[Band, ...]
) -> DayGrid:
    """Return the days of the residents called `names`.

    rows: those that count. minutes: on the clock at home, of each row.
    """
    resident = rows["resident"].astype(np.int64)
    shape = len(names), span.first, span.days

    def of(kind: str) -> Ints:
        return np.flatnonzero(rows["kind"] == KINDS.index(kind))

    cuff, meter, sensor = of(BLOOD_PRESSURE), of(GLUCOSE), of(CGM)
    pressures = PressureColumns(
        resident[cuff],
        minutes[cuff],
        rows["a"][cuff],
        rows["b"][cuff],
        rows["c"][cuff],
        rows["unit"][cuff] == UNIT_NAMES.index("kPa"),
    )
    given = ~np.isnan(rows["a"])
    meter, sensor = meter[given[meter]], sensor[given[sensor]]
    table = np.array([MEALS.get(name, Meal.OTHER) for name in CONTEXT_NAMES], np.int64)
    in_mg_dl = rows["unit"] == UNIT_NAMES.index("mg/dL")
    sugars = GlucoseColumns(
        resident[meter],
        minutes[meter],
        rows["a"][meter],
        table[rows["context"][meter]],
        in_mg_dl[meter],
    )
    stream = CgmColumns(
        resident[sensor],
        minutes[sensor],
        rows["a"][sensor],
        in_mg_dl[sensor],
    )
    return DayGrid(
        names,
        pressure_days(pressures, *shape),
        glucose_days(sugars, *shape),
        cgm_days(stream, bands, *shape),
        *_devices(rows, minutes, span, len(names)),
    )


def _devices(rows: Columns, minutes: Ints, span: Span, residents: int) -> tuple[Mask, Mask]:
    """Return on which days anything was measured, and on which another device begins."""
    measured = np.zeros((residents, span.days), bool)
    begins = np.zeros((residents, span.days), bool)
    column = home_days(minutes) - span.first
    inside = np.flatnonzero((column >= 0) & (column < span.days))
    measured[rows["resident"][inside], column[inside]] = True
    cuffs = inside[(rows["kind"][inside] == KINDS.index(BLOOD_PRESSURE))]
    pairs = rows["resident"][cuffs].astype(np.int64) << 32 | rows["device"][cuffs]
    firsts = np.sort(cuffs[np.unique(pairs, return_index=True)[1]])
    owner = rows["resident"][firsts]
    later = firsts[1:][owner[1:] == owner[:-1]]
    begins[rows["resident"][later], column[later]] = True
    return measured, begins


def season_values(grid: DayGrid) -> Floats:
    """Return the residents' daily systolic values on the evening scale, for the season."""
    return daily_values(grid.pressure.am, grid.pressure.pm, PRESSURE)


def joined(grids: list[_T]) -> _T:
    """Return grids of different residents as one; what is not by resident is of the first."""
    first = grids[0]
    values: dict[str, Any] = {}
    for field in fields(first):  # type: ignore[arg-type]  # every part is a dataclass
        parts = [getattr(grid, field.name) for grid in grids]
        if isinstance(parts[0], np.ndarray):
            # Days lie together in memory, as the lane wants them.
            values[field.name] = np.asfortranarray(np.concatenate(parts))
        elif is_dataclass(parts[0]):
            values[field.name] = joined(parts)
        elif field.name == "names":
            values[field.name] = tuple(name for part in parts for name in part)
        else:
            values[field.name] = parts[0]
    return type(first)(**values)
