"""Numbers and sums of readings by part of the day, over the last days."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from yikao_alerts.daily.arrays import Flags, Floats, Integers
from yikao_alerts.daily.columns import THOUSANDTHS
from yikao_alerts.daily.glucose_days import GlucoseSums
from yikao_alerts.daily.sessions import PartSums
from yikao_alerts.daily.windows import over
from yikao_alerts.limits import PULSE_PRESSURE


@dataclass(frozen=True, slots=True)
class Sums:
    """Readings, (n, days): number, and sums in thousandths by field."""

    count: Integers
    totals: Mapping[str, Integers]

    @classmethod
    def of_part(cls, part: PartSums) -> Self:
        """Return the sums of a part of the day."""
        totals = {"systolic": part.systolic, "diastolic": part.diastolic}
        return cls(part.count.astype(np.int64), totals)

    @classmethod
    def of_glucose(cls, sums: GlucoseSums) -> Self:
        """Return the sums of one meal context."""
        return cls(sums.count.astype(np.int64), {"glucose": sums.total})

    def and_(self, other: "Sums") -> "Sums":
        """Return the sums of both together."""
        totals = {name: each + other.totals[name] for name, each in self.totals.items()}
        return Sums(self.count + other.count, totals)

    def windows(self, days: int, keep: Flags | None = None) -> "Sums":
        """Return the same over the last `days` days, only of the days that are kept."""
        arrays = {"": self.count, **self.totals}
        if keep is not None:
            arrays = {name: each * keep for name, each in arrays.items()}
        totals = {name: over(each, days) for name, each in arrays.items()}
        return Sums(totals.pop(""), totals)

    def mean(self, field: str) -> Floats:
        """Return the mean of a field in its unit, rounded once; NaN without readings."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.total(field) / (self.count * THOUSANDTHS))

    def mean_at(self, field: str, row: int, column: int) -> float:
        """Return one mean, to the hundredth: a number to show."""
        if field == PULSE_PRESSURE:
            high, low = self.totals["systolic"], self.totals["diastolic"]
            total = int(high[row, column]) - int(low[row, column])
        else:
            total = int(self.totals[field][row, column])
        return round(total / (int(self.count[row, column]) * THOUSANDTHS), 2)

    def total(self, field: str) -> Integers:
        """Return the sum of a field, also of the pulse pressure."""
        if field == PULSE_PRESSURE:
            return self.totals["systolic"] - self.totals["diastolic"]
        return self.totals[field]
