"""A reading as it came over the wire, as the rules look at it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from yikao_alerts.contexts import CONTEXTS
from yikao_alerts.history import BLOOD_PRESSURE, GLUCOSE, Measurement, key_of
from yikao_devices import wire

OWN_FIELDS: Final[Mapping[tuple[str, str], Mapping[str, str]]] = {
    (BLOOD_PRESSURE, "mmHg"): {
        "systolic": "systolic_mmhg",
        "diastolic": "diastolic_mmhg",
        "pulse": "pulse_bpm",
    },
    (BLOOD_PRESSURE, "kPa"): {
        "systolic": "systolic_kpa",
        "diastolic": "diastolic_kpa",
        "pulse": "pulse_bpm",
    },
    (GLUCOSE, "mmol/L"): {"glucose": "glucose_mmol_l"},
    (GLUCOSE, "mg/dL"): {"glucose": "glucose_mg_dl"},
}
"""For a kind and the device's own unit: each value's name in an item of the wire."""


def measurement_of(
    item: wire.Reading, received_at: datetime, *, plausible: bool = True
) -> Measurement:
    """Return a reading of the wire as a measurement, its values in the device's own unit."""
    kind = wire.kind_of(item)
    meal = item.meal if isinstance(item, wire.GlucoseReading) else None
    own = ((field, getattr(item, name)) for field, name in OWN_FIELDS[kind, item.unit].items())
    return Measurement(
        key_of(kind, item.device, item.measured_at),
        kind,
        item.measured_at,
        received_at,
        item.unit,
        {field: value for field, value in own if value is not None},
        frozenset(item.flags),
        item.device,
        plausible,
        meal if meal in CONTEXTS else None,
        doubt_s=item.doubt_s,
    )
