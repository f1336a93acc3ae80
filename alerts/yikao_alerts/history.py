"""What the evaluator looks at: a resident's recent measurements and symptoms, as plain values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

BLOOD_PRESSURE: Final = "blood_pressure"
GLUCOSE: Final = "glucose"

LOOK_BACK: Final = timedelta(hours=48)
"""Rules of this set reach back hours at most; what was measured or arrived in two days is seen."""

UNITS: Final = {BLOOD_PRESSURE: ("mmHg", "kPa"), GLUCOSE: ("mmol/L", "mg/dL")}
FIELDS: Final = {BLOOD_PRESSURE: ("systolic", "diastolic", "pulse"), GLUCOSE: ("glucose",)}
PULSE_UNIT: Final = "bpm"


def key_of(kind: str, device: str, at: datetime) -> str:
    """Return what names a reading for good, the same in whatever zone its time is written."""
    return f"{kind}/{device}/{at.astimezone(UTC).isoformat()}"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One reading in the device's own unit.

    `key` is its `key_of`. `values` holds `FIELDS` of its kind, absent where
    the device gave none; pulse is in bpm. `plausible` is False for one that rule DQ-01 quarantined.
    """

    key: str
    kind: str
    at: datetime
    received_at: datetime
    unit: str
    values: Mapping[str, float]
    flags: frozenset[str] = frozenset()
    device: str = ""
    plausible: bool = True

    @property
    def age(self) -> timedelta:
        """How old it was when it reached the server."""
        return self.received_at - self.at

    def unit_of(self, field: str) -> str:
        """Return the unit of one of its values."""
        return PULSE_UNIT if field == "pulse" else self.unit


@dataclass(frozen=True, slots=True)
class Symptoms:
    """What the resident reported at a time: codes of the symptom table."""

    key: str
    at: datetime
    received_at: datetime
    codes: frozenset[str]


_Item = TypeVar("_Item", Measurement, Symptoms)


@dataclass(frozen=True, slots=True)
class History:
    """Measurements and symptoms of one resident, each sorted by time then key."""

    measurements: tuple[Measurement, ...] = ()
    symptoms: tuple[Symptoms, ...] = ()

    def of_kind(self, kind: str) -> tuple[Measurement, ...]:
        """Return the plausible measurements of one kind, in order of time."""
        return tuple(m for m in self.measurements if m.kind == kind and m.plausible)


def history_of(measurements: Iterable[Measurement], symptoms: Iterable[Symptoms]) -> History:
    """Return the history of what was read, in whatever order; of one key the first arrival."""
    return History(_sorted(measurements), _sorted(symptoms))


def _sorted(items: Iterable[_Item]) -> tuple[_Item, ...]:
    by_arrival = sorted(items, key=lambda item: item.received_at, reverse=True)
    first = {item.key: item for item in by_arrival}
    return tuple(sorted(first.values(), key=lambda item: (item.at, item.key)))
