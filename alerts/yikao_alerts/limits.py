"""Comparing a reading with a limit, in the unit the device itself speaks.

Rounding a converted value could turn 300 mg/dL into 16.65 mmol/L and miss a limit of 16.7; so a
limit stands in the rule set once per unit, and nothing is ever converted to be compared.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
    "pulse": {"zh": "脉搏", "en": "pulse"},
    "glucose": {"zh": "血糖", "en": "glucose"},
}
SIGNS: Final = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


@dataclass(frozen=True, slots=True)
class Limit:
    """One comparison: `field` `op` the number given for the reading's unit."""

    field: str
    op: str
    values: Mapping[str, float]

    def reached(self, value: float | None, unit: str) -> bool:
        """Return whether `value` in `unit` meets the comparison; no value never does."""
        return value is not None and OPERATORS[self.op](value, self.values[unit])

    def reached_by(self, measurement: Measurement) -> bool:
        """Return whether the measurement's own value meets the comparison."""
        return self.reached(measurement.values.get(self.field), measurement.unit_of(self.field))

    def text(self, language: str) -> str:
        """Return the limit as a doctor would write it: `systolic ≥ 180 mmHg (24 kPa)`."""
        numbers = [f"{value:g} {unit}" for unit, value in self.values.items()]
        others = f" ({', '.join(numbers[1:])})" if numbers[1:] else ""
        return f"{LABELS[self.field][language]} {SIGNS[self.op]} {numbers[0]}{others}"
