"""One reading of a file, understood, in the unit in which the file gives it.

Source of the factors: yikao_devices/units.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid5

from yikao_alerts.contexts import CONTEXTS
from yikao_alerts.history import Measurement, key_of
from yikao_devices.units import MG_DL_PER_MMOL_L, MMHG_PER_KPA

NAMESPACE: Final = UUID("0d6a7c52-5d0b-5c3e-8f53-79696b616f32")
"""Root of the ids of imported readings; it may never change, or each file would come in anew."""
PRESSURES: Final = ("systolic", "diastolic", "mean")
NOT_VALUES: Final = ("mean",)
"""No rule has a limit for it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A reading of a line, which counts from 1. `values` by name, in `unit`; pulse in bpm."""

    line: int
    kind: str
    at: datetime
    source: str
    unit: str
    values: Mapping[str, float]
    flags: tuple[str, ...] = ()
    meal: str | None = None
    device: str | None = None

    def measurement(self, now: datetime) -> Measurement:
        """Return it as the rules look at a reading."""
        return Measurement(
            key_of(self.kind, self.device or "", self.at),
            self.kind,
            self.at,
            now,
            self.unit,
            {name: value for name, value in self.values.items() if name not in NOT_VALUES},
            frozenset(self.flags),
            context=self.meal if self.meal in CONTEXTS else None,
            source=self.source,
        )

    def reading_id(self, resident: str) -> UUID:
        """Return what names it for good: whose it is, when it was, and its values, or HI and LO."""
        values = ";".join(f"{name}={value!r}" for name, value in sorted(self.values.items()))
        at = self.at.astimezone(UTC).isoformat()
        marks = ";".join(sorted({"hi", "lo"} & set(self.flags)))
        return uuid5(NAMESPACE, "|".join((resident, self.kind, at, self.unit, values, marks)))

    def columns(self) -> dict[str, Any]:
        """Return the columns of its row that hold values, those it has not as None."""
        row: dict[str, float | None] = dict.fromkeys(_VALUE_COLUMNS)
        for name, value in self.values.items():
            if name == "pulse":
                row["pulse_bpm"] = value
            elif name in PRESSURES:
                row |= _pressure(name, value, self.unit)
            else:
                row |= _glucose(value, self.unit)
        return {
            "time": self.at,
            "kind": self.kind,
            "source": self.source,
            "unit": self.unit,
            "meal": self.meal,
            "flags": list(self.flags),
            "device": self.device,
            "file_line": self.line,
            **row,
        }


_VALUE_COLUMNS: Final = (
    *(f"{name}_{unit}" for unit in ("mmhg", "kpa") for name in PRESSURES),
    "pulse_bpm",
    "glucose_mmol_l",
    "glucose_mg_dl",
)


def _pressure(name: str, value: float, unit: str) -> dict[str, float | None]:
    if unit == "kPa":
        return {f"{name}_mmhg": round(value * MMHG_PER_KPA, 1), f"{name}_kpa": value}
    return {f"{name}_mmhg": value}


def _glucose(value: float, unit: str) -> dict[str, float | None]:
    if unit == "mg/dL":
        return {"glucose_mmol_l": round(value / MG_DL_PER_MMOL_L, 2), "glucose_mg_dl": value}
    return {"glucose_mmol_l": value}
