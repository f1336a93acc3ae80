"""Comparing a reading with a limit, in the unit the device itself speaks.

Rounding a converted value could turn 300 mg/dL into 16.65 mmol/L and miss a limit of 16.7; so a
limit stands in the rule set once per unit, and nothing is ever converted to be compared. Only a
doctor's own target, which is given in one unit, is turned into the other, to the digit it shows.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from yikao_alerts.history import Measurement

OPERATORS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "ge": operator.ge,
    "gt": operator.gt,
    "le": operator.le,
    "lt": operator.lt,
}
LABELS: Final = {
    "systolic": {"zh": "收缩压", "en": "systolic"},
    "diastolic": {"zh": "舒张压", "en": "diastolic"},
    "pulse_pressure": {"zh": "脉压", "en": "pulse pressure"},
    "pulse": {"zh": "脉搏", "en": "pulse"},
    "glucose": {"zh": "血糖", "en": "glucose"},
    "ketone": {"zh": "血酮", "en": "ketone"},
    "weight": {"zh": "体重", "en": "weight"},
    "spo2": {"zh": "血氧", "en": "oxygen saturation"},
    "temperature": {"zh": "体温", "en": "temperature"},
}
SIGNS: Final = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
SHOWN_UNITS: Final = {"Cel": "℃"}
PULSE_PRESSURE: Final = "pulse_pressure"
"""No device sends it: systolic minus diastolic."""
DERIVED_DIGITS: Final = 6
"""16.1 kPa minus 13.4 is 2.700000000000001: a difference is rounded before it is compared."""

TARGET_UNITS: Final[Mapping[str, Mapping[str, tuple[float, int]]]] = {
    "mmhg": {"mmHg": (1.0, 1), "kPa": (0.133322, 1)},
    "mmol_l": {"mmol/L": (1.0, 1), "mg/dL": (18.0182, 0)},
    "pct": {"%": (1.0, 1)},
    "bpm": {"bpm": (1.0, 0)},
    "kg": {"kg": (1.0, 1)},
}
"""For the ending of a target's name: the units it is compared in, each with the factor and the
digits that a device shows."""


def value_of(measurement: Measurement, field: str) -> float | None:
    """Return a value of the measurement in its own unit, also the pulse pressure; None if absent.

    Source: pulse pressure is systolic minus diastolic.
    """
    if field != PULSE_PRESSURE:
        return measurement.values.get(field)
    high, low = (measurement.values.get(name) for name in ("systolic", "diastolic"))
    return None if high is None or low is None else round(high - low, DERIVED_DIGITS)


def target_values(target: str, value: float) -> dict[str, float]:
    """Return a target of the resident's, in each unit that a device may speak.

    target: a name of `TARGETS`, its ending is the unit of `value`. 135 mmHg is 18.0 kPa.
    """
    ending = next(each for each in TARGET_UNITS if target.endswith(f"_{each}"))
    units = TARGET_UNITS[ending]
    return {unit: round(value * factor, digits) for unit, (factor, digits) in units.items()}


@dataclass(frozen=True, slots=True)
class Limit:
    """One comparison: `field` `op` the number given for the reading's unit.

    below: an upper edge, never reached itself, so that 160 to 179 is `ge 160` below 180.
    contexts: only readings taken so, `fasting` or after a meal; empty: however taken.
    target, margin: a resident's own target of that name, plus margin in its unit, replaces the
    number, in a band the upper edge. Without a number the limit is there only for who has one.
    """

    field: str
    op: str
    values: Mapping[str, float]
    below: Mapping[str, float] | None = None
    contexts: frozenset[str] = frozenset()
    target: str | None = None
    margin: float = 0.0

    def reached(self, value: float | None, unit: str) -> bool:
        """Return whether `value` in `unit` meets the comparison; no value or no unit never does."""
        if value is None or unit not in self.values:
            return False
        if self.below is not None and value >= self.below[unit]:
            return False
        return OPERATORS[self.op](value, self.values[unit])

    def reached_by(self, measurement: Measurement) -> bool:
        """Return whether the measurement's own value meets the comparison, taken as it asks."""
        if self.contexts and measurement.context not in self.contexts:
            return False
        unit = measurement.unit_of(self.field)
        return self.reached(value_of(measurement, self.field), unit)

    def beyond(self, value: float, unit: str) -> float:
        """Return how far `value` in `unit` lies past the limit's number; negative: short of it."""
        past = value - self.values[unit]
        return past if self.op in ("ge", "gt") else -past

    def own(self, targets: Mapping[str, float]) -> "Limit":
        """Return the limit as it is for a resident with these effective targets."""
        if self.target is None or self.target not in targets:
            return self
        values = target_values(self.target, targets[self.target] + self.margin)
        if self.below is not None:
            return replace(self, below=values)
        return replace(self, values=values)

    def text(self, language: str) -> str:
        """Return the limit as a doctor would write it: `systolic ≥ 180 mmHg (24 kPa)`."""
        label, sign = LABELS[self.field][language], SIGNS[self.op]
        if not self.values:
            return f"{label} {sign}"
        words = f"{label} {sign} {numbers_text(self.values)}"
        return words if self.below is None else f"{words}, < {numbers_text(self.below)}"


def numbers_text(values: Mapping[str, float]) -> str:
    """Return a number in its units, the first before the others: `180 mmHg (24 kPa)`."""
    first, *others = (f"{value:g} {SHOWN_UNITS.get(unit, unit)}" for unit, value in values.items())
    return f"{first} ({', '.join(others)})" if others else first
