"""From a glucose sensor's stream to days: how many values, how spread, how many where it matters.

A sensor sends every 1 to 15 minutes, so wear is counted in quarters of an hour that have a value.
Source: Battelino 2019, Diabetes Care 42(8), consensus on time in range: 14 days, 70 % worn.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from yikao_alerts.daily.arrays import Counts, Flags, Floats, Integers
from yikao_alerts.daily.columns import DAY_BEGINS, MINUTES_PER_DAY, ordered, thousandths
from yikao_alerts.daily.glucose_days import MG_DL_PER_MMOL_L
from yikao_alerts.daily.thresholds import reached
from yikao_alerts.limits import Limit
from yikao_alerts.rules.forms import Share
from yikao_alerts.rules.model import RuleSet

SLOT_MINUTES: Final = 15
SLOTS_PER_DAY: Final = MINUTES_PER_DAY // SLOT_MINUTES


Band = tuple[Limit, ...]
"""Values that reach every one of these limits."""


@dataclass(frozen=True, slots=True)
class CgmColumns:
    """Sensor values, any order, all (k,): see `PressureColumns`."""

    resident: Integers
    minute: Integers
    glucose: Floats
    mg_dl: Flags | None = None


@dataclass(frozen=True, slots=True)
class CgmDays:
    """Days of sensor values (residents, days) from `first_day`."""

    first_day: int
    bands: tuple[Band, ...]
    count: Counts
    slots: Counts
    """Quarters of an hour with a value."""
    total: Integers
    """Sum in thousandths of mmol/L, and of the squares."""
    squares: Integers
    within: Counts
    """(residents, days, bands) Values in each band, judged in their own unit."""


def bands_of(rules: RuleSet) -> tuple[Band, ...]:
    """Return the bands that rules on sensors ask for, each once."""
    found: list[Band] = []
    for rule in rules.rules:
        if isinstance(rule.form, Share):
            found += [part.all for part in rule.form.any if part.all not in found]
    return tuple(found)


def cgm_days(
    readings: CgmColumns,
    bands: tuple[Band, ...],
    residents: int,
    first_day: int,
    days: int,
) -> CgmDays:
    """Return `days` days from `first_day` of `residents` residents; days begin at 04:00."""
    mg_dl = np.zeros(readings.glucose.size, bool) if readings.mg_dl is None else readings.mg_dl
    value = thousandths(np.where(mg_dl, readings.glucose / MG_DL_PER_MMOL_L, readings.glucose))
    order = ordered(readings.resident, readings.minute, (value,))
    day = (order.minute - DAY_BEGINS) // MINUTES_PER_DAY - first_day
    counts = (day >= 0) & (day < days)
    rows = order.rows[counts]
    cell = (order.resident * days + day)[counts]
    slot = (order.minute // SLOT_MINUTES)[counts]
    begins = np.flatnonzero(np.diff(cell, prepend=-1))
    new_slot = (np.diff(cell, prepend=-1) != 0) | (np.diff(slot, prepend=-1) != 0)

    def by_day(each: Integers) -> Integers:
        placed = np.zeros(residents * days, dtype=np.int64)
        if begins.size:
            placed[cell[begins]] = np.add.reduceat(each, begins)
        return placed.reshape(residents, days)

    within = np.zeros((residents, days, len(bands)), dtype=np.int32)
    for place, band in enumerate(bands):
        within[:, :, place] = by_day(_in_band(band, readings.glucose[rows], mg_dl[rows]))
    return CgmDays(
        first_day,
        bands,
        by_day(np.ones_like(cell)).astype(np.int32),
        by_day(new_slot.astype(np.int64)).astype(np.int32),
        by_day(value[rows]),
        by_day(value[rows] ** 2),
        within,
    )


def _in_band(band: Band, values: Floats, mg_dl: Flags) -> Integers:
    """Return 1 for each value that reaches every limit of the band in its own unit, else 0."""
    inside = np.ones(values.size, dtype=np.bool_)
    for limit in band:
        number = np.where(mg_dl, limit.values["mg/dL"], limit.values["mmol/L"])
        inside &= reached(limit.op, values, number)
    return inside.astype(np.int64)
