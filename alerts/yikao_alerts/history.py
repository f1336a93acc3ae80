"""What the evaluator looks at: a resident's recent measurements and symptoms, as plain values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Final, TypeVar

from yikao_alerts.contexts import OFFICE

BLOOD_PRESSURE: Final = "blood_pressure"
GLUCOSE: Final = "glucose"
KETONE: Final = "ketone"
WEIGHT: Final = "weight"
SPO2: Final = "spo2"
TEMPERATURE: Final = "temperature"
CGM: Final = "cgm"
HEART_RATE: Final = "heart_rate"

LOOK_BACK: Final = timedelta(days=8)
"""Acute rules of the shipped sets count over a week at most, and a test holds this above them."""

PULSE_UNIT: Final = "bpm"
UNITS: Final[Mapping[str, tuple[str, ...]]] = {
    BLOOD_PRESSURE: ("mmHg", "kPa"),
    GLUCOSE: ("mmol/L", "mg/dL"),
    KETONE: ("mmol/L",),
    WEIGHT: ("kg",),
    SPO2: ("%",),
    TEMPERATURE: ("Cel",),
    CGM: ("mmol/L", "mg/dL"),
    HEART_RATE: (PULSE_UNIT,),
}
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    BLOOD_PRESSURE: ("systolic", "diastolic", "pulse"),
    GLUCOSE: ("glucose",),
    KETONE: ("ketone",),
    WEIGHT: ("weight",),
    SPO2: ("spo2", "pulse"),
    TEMPERATURE: ("temperature",),
    CGM: ("glucose",),
    HEART_RATE: ("pulse",),
}

JUDGED: Final = frozenset({BLOOD_PRESSURE, GLUCOSE})
"""What devices measure and rules look at, as `judged` of the schema says it too: weight,
temperature, oximetry and heart rate are kept and shown, and nobody is called for them."""

DEVICE: Final = "device"
MANUAL: Final = "manual"
IMPORTED: Final = "imported"
SOURCES: Final = (DEVICE, MANUAL, IMPORTED)


def key_of(kind: str, device: str, at: datetime) -> str:
    """Return what names a reading for good, the same in whatever zone its time is written."""
    return f"{kind}/{device}/{at.astimezone(UTC).isoformat()}"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One reading in the device's own unit.

    `key` is its `key_of`. `values` holds `FIELDS` of its kind, absent where the device gave none;
    pulse is in bpm. `unit` is empty where nobody said it. `plausible` is False for one that rule
    DQ-01 quarantined. `context` is one of `CONTEXTS`. `doubt_s`: how far `at` may be off.
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
    context: str | None = None
    source: str = DEVICE
    doubt_s: float = 0.0

    @property
    def at_home(self) -> bool:
        """Whether it was measured at home: what is measured at the practice, or at a station there,
        is another number (135/85 at home is 140/90 there) and enters nothing that is counted."""
        return self.context != OFFICE

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


Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Profile:
    """How a resident's own pressures lie: of (systolic, diastolic, pulse) in mmHg and bpm, over the
    own readings of the last 60 days, `n` of them."""

    n: int
    mean: Triple
    covariance: tuple[Triple, Triple, Triple]


_Item = TypeVar("_Item", Measurement, Symptoms)


@dataclass(frozen=True, slots=True)
class History:
    """Measurements and symptoms of one resident, each sorted by time then key.

    `devices`: addresses seen before the window. `unit_habit`: the unit of a kind that this resident
    has used before it, where it is always the same.
    """

    measurements: tuple[Measurement, ...] = ()
    symptoms: tuple[Symptoms, ...] = ()
    profile: Profile | None = None
    devices: frozenset[str] = frozenset()
    unit_habit: Mapping[str, str] = field(default_factory=dict)

    def of_kind(self, kind: str) -> tuple[Measurement, ...]:
        """Return the plausible measurements of one kind, in order of time."""
        return tuple(m for m in self.measurements if m.kind == kind and m.plausible)


def history_of(
    measurements: Iterable[Measurement],
    symptoms: Iterable[Symptoms],
    profile: Profile | None = None,
    devices: Iterable[str] = (),
    unit_habit: Mapping[str, str] | None = None,
) -> History:
    """Return the history of what was read, in whatever order; of one key the first arrival."""
    known = frozenset(devices)
    return History(_sorted(measurements), _sorted(symptoms), profile, known, unit_habit or {})


def _sorted(items: Iterable[_Item]) -> tuple[_Item, ...]:
    first = {item.key: item for item in sorted(items, key=_ARRIVAL, reverse=True)}
    return tuple(sorted(first.values(), key=_IN_TIME))


_ARRIVAL: Final = attrgetter("received_at")
_IN_TIME: Final = attrgetter("at", "key")
