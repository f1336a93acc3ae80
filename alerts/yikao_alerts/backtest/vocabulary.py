"""What a file of readings may say: its columns, kinds, units and codes, and how rows are kept.

A file in other words is refused, never guessed at: whoever tries a rule set on last year's
readings has to know that every one of them was understood. docs/backtest.md shows the table.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yikao_alerts.contexts import CONTEXTS
from yikao_alerts.history import BLOOD_PRESSURE, FIELDS, GLUCOSE, UNITS
from yikao_alerts.rules.vocabulary import FLAGS
from yikao_devices.symptoms import SYMPTOMS

Rows = NDArray[np.void]
"""Readings and reports as records of `ROW`."""

SYMPTOM: Final = "symptom"
KINDS: Final = (*FIELDS, SYMPTOM)
"""Kinds by their number in `ROW`; the last is a report without a reading."""

VALUE_COLUMNS: Final[Mapping[str, str]] = {
    "systolic": "systolic_mmhg",
    "diastolic": "diastolic_mmhg",
    "pulse": "pulse_bpm",
    "glucose": "glucose",
    "ketone": "ketone_mmol_l",
    "weight": "weight_kg",
    "spo2": "spo2_pct",
    "temperature": "temperature_c",
}
"""The column of each value. Pressures stand in their column in kPa where `unit` says so."""

NEEDED: Final = ("resident", "measured_at", "kind")
COLUMNS: Final = (
    *NEEDED,
    *VALUE_COLUMNS.values(),
    "unit",
    "flags",
    "context",
    "symptoms",
    "received_at",
    "source",
    "device",
)

UNIT_NAMES: Final = ("", *dict.fromkeys(unit for units in UNITS.values() for unit in units))
CONTEXT_NAMES: Final = ("", *sorted(CONTEXTS))
FLAG_NAMES: Final = tuple(sorted(set(FLAGS)))
SYMPTOM_NAMES: Final = tuple(sorted(SYMPTOMS))
"""Names by their number in `ROW`; of flags and symptoms each number is a bit."""

KPA_DOUBT: Final = (5.0, 40.0)
"""A pressure without a unit between these may be in kPa: it is kept without one, for DQ-02."""

ROW: Final = np.dtype(
    [
        ("resident", "<i4"),
        ("device", "<i4"),
        ("at", "<i8"),
        ("received", "<i8"),
        ("a", "<f8"),
        ("b", "<f8"),
        ("c", "<f8"),
        ("flags", "<u8"),
        ("symptoms", "<u8"),
        ("kind", "i1"),
        ("unit", "i1"),
        ("context", "i1"),
        ("source", "i1"),
    ]
)
"""One row. `resident`, `device`: index of the name beside the rows; `at`, `received`: microseconds
since 1970, UTC; `a`, `b`, `c`: the values of `FIELDS` of its kind, NaN where not given."""

SLOTS: Final = ("a", "b", "c")


def default_unit(kind: str, systolic: float) -> str:
    """Return the unit of a reading whose file names none; empty where it has to be doubted."""
    low, high = KPA_DOUBT
    doubted = kind == BLOOD_PRESSURE and low <= systolic <= high
    return "" if doubted else UNITS[kind][0]


def may_lack_value(kind: str, flags: frozenset[str]) -> bool:
    """Return whether such a row needs no number: a meter that says only HI or LO."""
    return kind == GLUCOSE and bool(flags & {"hi", "lo"})


def names_of(bits: int, names: tuple[str, ...]) -> frozenset[str]:
    """Return the codes whose bits are set."""
    return frozenset(name for number, name in enumerate(names) if bits >> number & 1)
