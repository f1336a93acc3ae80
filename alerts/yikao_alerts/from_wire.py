"""A reading as it came over the wire, as the rules look at it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

from msgspec import MsgspecError, Struct, json

from yikao_alerts.contexts import CONTEXTS, OFFICE
from yikao_alerts.history import (
    BLOOD_PRESSURE,
    GLUCOSE,
    HEART_RATE,
    JUDGED,
    PULSE_UNIT,
    SPO2,
    TEMPERATURE,
    WEIGHT,
    Measurement,
    key_of,
)
from yikao_devices import wire


class Known(NamedTuple):
    """As what the rules know a reading: its kind, its unit, each value's name in the item."""

    kind: str
    unit: str
    fields: Mapping[str, str]


_WEIGHT: Final = Known(WEIGHT, "kg", {"weight": "weight_kg"})
_TEMPERATURE: Final = Known(TEMPERATURE, "Cel", {"temperature": "temperature_c"})
KNOWN: Final[Mapping[tuple[str, str], Known]] = {
    ("blood_pressure", "mmHg"): Known(
        BLOOD_PRESSURE,
        "mmHg",
        {"systolic": "systolic_mmhg", "diastolic": "diastolic_mmhg", "pulse": "pulse_bpm"},
    ),
    ("blood_pressure", "kPa"): Known(
        BLOOD_PRESSURE,
        "kPa",
        {"systolic": "systolic_kpa", "diastolic": "diastolic_kpa", "pulse": "pulse_bpm"},
    ),
    ("glucose", "mmol/L"): Known(GLUCOSE, "mmol/L", {"glucose": "glucose_mmol_l"}),
    ("glucose", "mg/dL"): Known(GLUCOSE, "mg/dL", {"glucose": "glucose_mg_dl"}),
    # No rule that calls anybody looks at these: whether they are possible is seen in one unit.
    ("weight", "kg"): _WEIGHT,
    ("weight", "lb"): _WEIGHT,
    ("temperature", "Cel"): _TEMPERATURE,
    ("temperature", "[degF]"): _TEMPERATURE,
    ("oximetry", "%"): Known(SPO2, "%", {"spo2": "spo2_pct", "pulse": "pulse_bpm"}),
    ("heart_rate", "/min"): Known(HEART_RATE, PULSE_UNIT, {"pulse": "pulse_bpm"}),
}
"""By the kind and unit of an item of the wire."""
VITALS: Final = tuple(dict.fromkeys(kind for kind, _ in KNOWN if kind not in JUDGED))
"""Kinds that are kept and shown, and that no rule looks at."""


class _Kind(Struct):
    """The least that can be read of an item."""

    kind: str


_kind_of: Final = json.Decoder(_Kind).decode


def matters(payload: bytes) -> bool:
    """Return whether rules may look at the item in these bytes: at whatever is no vital."""
    try:
        return _kind_of(payload).kind not in VITALS
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        return True


def measurement_of(
    item: wire.Reading, received_at: datetime, *, plausible: bool = True
) -> Measurement:
    """Return a reading of the wire as a measurement, its values in the unit that rules know."""
    name = wire.kind_of(item)
    kind, unit, fields = KNOWN[name, item.unit]
    said = item.meal if isinstance(item, wire.GlucoseReading) else None
    context = OFFICE if item.place == "office" else said
    own = ((field, getattr(item, column)) for field, column in fields.items())
    return Measurement(
        key_of(name, item.device, item.measured_at),
        kind,
        item.measured_at,
        received_at,
        unit,
        {field: value for field, value in own if value is not None},
        frozenset(item.flags),
        item.device,
        plausible,
        context if context in CONTEXTS else None,
        doubt_s=item.doubt_s,
    )
