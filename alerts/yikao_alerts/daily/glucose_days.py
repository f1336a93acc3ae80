"""From single meter readings to days: the fasting value, and the sums behind the two-week means.

A resident whose readings all came in mg/dL is compared in mg/dL with the limit written in mg/dL;
nothing is converted to be compared. The trend is taken on the logarithm, in mmol/L.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from yikao_alerts.daily.arrays import Counts, Flags, Floats, Integers, by_day
from yikao_alerts.daily.columns import THOUSANDTHS, ordered, thousandths
from yikao_alerts.daily.day_parts import PartIndex
from yikao_alerts.daily.sessions import only
from yikao_alerts.daily.trend import DayParts

MG_DL_PER_MMOL_L: Final = 18.0182


class Meal(IntEnum):
    """What a reading is worth for the means: `OTHER` for none of them (before a meal, unknown)."""

    OTHER = 0
    FASTING = 1
    NOT_FASTING = 2
    """Two hours after a meal, or at any time of the day."""


MEALS: Final = {
    "fasting": Meal.FASTING,
    "after_meal": Meal.NOT_FASTING,
    "after_meal_2h": Meal.NOT_FASTING,
    "casual": Meal.NOT_FASTING,
}
"""What a context is worth for the two-week means; every other one, the first hour after a meal too,
is for none of them."""


@dataclass(frozen=True, slots=True)
class GlucoseColumns:
    """Meter readings that count, any order, all (k,): see `PressureColumns`; meal: `Meal`."""

    resident: Integers
    minute: Integers
    glucose: Floats
    meal: Integers
    mg_dl: Flags | None = None


@dataclass(frozen=True, slots=True)
class GlucoseSums:
    """Readings of one meal context, (residents, days): number and sum in thousandths."""

    count: Counts
    total: Integers


@dataclass(frozen=True, slots=True)
class GlucoseDays:
    """Days of meter readings (residents, days)."""

    first_day: int
    fasting: Floats
    """Mean fasting value of the day, mmol/L; NaN without one."""
    fasting_sums: GlucoseSums
    not_fasting_sums: GlucoseSums
    mg_dl: Flags
    """(residents,) Every reading was in mg/dL, and so are the sums; else they are in mmol/L."""

    def logarithm(self) -> DayParts:
        """Return 100 ln(fasting) as evenings without mornings: 10 is about 10 %; NaN for zero."""
        # In one piece of memory: then the library takes the same path for one resident and many.
        whole = np.ascontiguousarray(self.fasting.T)
        whole = np.where(whole > 0, whole, np.nan)
        values = (100.0 * np.log(whole)).T
        return DayParts(self.first_day, np.broadcast_to(np.nan, values.shape), values)


def glucose_days(
    readings: GlucoseColumns, residents: int, first_day: int, days: int
) -> GlucoseDays:
    """Return `days` days from `first_day` of `residents` residents; days begin at 04:00."""
    alone = only(readings.mg_dl, readings.resident, residents)
    in_mmol = own = thousandths(readings.glucose)
    if readings.mg_dl is not None and readings.mg_dl.any():
        converted = readings.glucose / MG_DL_PER_MMOL_L
        in_mmol = thousandths(np.where(readings.mg_dl, converted, readings.glucose))
        own = np.where(alone[readings.resident], own, in_mmol)

    def sums_of(meal: Meal, thousandths: Integers) -> GlucoseSums:
        which = readings.meal == meal
        values = thousandths[which]
        order = ordered(readings.resident[which], readings.minute[which], (values,))
        parts = PartIndex.of(order, residents, first_day, days)
        return GlucoseSums(np.add(*parts.counts()), np.add(*parts.sums(values)))

    fasting = sums_of(Meal.FASTING, own)
    in_one_unit = fasting if own is in_mmol else sums_of(Meal.FASTING, in_mmol)
    seen = in_one_unit.count > 0
    value = by_day(residents, days)
    np.divide(in_one_unit.total, in_one_unit.count * THOUSANDTHS, out=value, where=seen)
    return GlucoseDays(first_day, value, fasting, sums_of(Meal.NOT_FASTING, own), alone)
