"""From single cuff readings to days: what was the morning, what was the evening, over how many.

Readings not more than 30 minutes apart are one session and its value is their mean; a day part's
value is the mean of its sessions. Sums of all readings are kept beside it, because the seven-day
mean of the guidelines is a mean of readings, not of sessions. Source: NICE NG136, 1.2.7.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from yikao_alerts.daily.arrays import Counts, Flags, Floats, Integers
from yikao_alerts.daily.columns import ordered, thousandths
from yikao_alerts.daily.day_parts import PartIndex
from yikao_alerts.daily.trend import DayParts

KPA_PER_MMHG: Final = 0.133322


@dataclass(frozen=True, slots=True)
class PressureColumns:
    """Cuff readings that count (device, at home, plausible, not doubted), any order, all (k,).

    resident: index from 0. minute: local minutes since 1970-01-01 00:00. systolic, diastolic:
    finite; pulse: NaN where it is not given. kpa: the pressures are in kPa.
    """

    resident: Integers
    minute: Integers
    systolic: Floats
    diastolic: Floats
    pulse: Floats
    kpa: Flags | None = None


@dataclass(frozen=True, slots=True)
class PartSums:
    """The readings of one day part, all (residents, days): number and sums in thousandths."""

    count: Counts
    systolic: Integers
    diastolic: Integers


@dataclass(frozen=True, slots=True)
class PressureDays:
    """Days of cuff readings; values (residents, days) in mmHg, NaN where there are none."""

    first_day: int
    am: Floats
    pm: Floats
    am_diastolic: Floats
    pm_diastolic: Floats
    morning: PartSums
    evening: PartSums
    kpa: Flags
    """(residents,) Every reading was in kPa, and so are the sums; else the sums are in mmHg."""

    def systolic(self) -> DayParts:
        """Return what the trend and the level are computed from."""
        return DayParts(self.first_day, self.am, self.pm)

    def diastolic(self) -> DayParts:
        """Return the same of the diastolic pressure."""
        return DayParts(self.first_day, self.am_diastolic, self.pm_diastolic)


def pressure_days(
    readings: PressureColumns, residents: int, first_day: int, days: int
) -> PressureDays:
    """Return `days` days from `first_day` (days since 1970-01-01) of `residents` residents.

    To get the first day right give the readings of the day before it too: a session counts for
    the day part in which it began.
    """
    alone = only(readings.kpa, readings.resident, residents)
    systolic, own_systolic = _pressures(readings.systolic, readings, alone)
    diastolic, own_diastolic = _pressures(readings.diastolic, readings, alone)
    alike = (systolic, diastolic, thousandths(readings.pulse))
    order = ordered(readings.resident, readings.minute, alike)
    parts = PartIndex.of(order, residents, first_day, days)
    counts = parts.counts()
    sums, sums_diastolic = parts.sums(own_systolic), parts.sums(own_diastolic)
    morning, evening = map(PartSums, counts, sums, sums_diastolic)
    return PressureDays(
        first_day, *parts.means(systolic), *parts.means(diastolic), morning, evening, alone
    )


def only(other_unit: Flags | None, resident: Integers, residents: int) -> Flags:
    """Return (residents,) who has readings, and all of them in the other unit."""
    if other_unit is None or not other_unit.any():
        return np.zeros(residents, dtype=np.bool_)
    every = np.bincount(resident, minlength=residents)
    other = np.bincount(resident[other_unit], minlength=residents)
    alone: Flags = (every > 0) & (other == every)
    return alone


def _pressures(
    values: Floats, readings: PressureColumns, alone: Flags
) -> tuple[Integers, Integers]:
    """Return thousandths of mmHg, and of the unit in which the resident's means are taken."""
    if readings.kpa is None or not readings.kpa.any():
        whole = thousandths(values)
        return whole, whole
    whole = thousandths(np.where(readings.kpa, values / KPA_PER_MMHG, values))
    own = np.where(alone[readings.resident], thousandths(values), whole)
    return whole, own
