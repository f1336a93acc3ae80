"""A reading as it came over the wire, as the rules look at it."""

from datetime import datetime

from yikao_alerts.contexts import CONTEXTS
from yikao_alerts.history import Measurement, key_of
from yikao_devices import wire


def measurement_of(
    item: wire.Reading, received_at: datetime, *, plausible: bool = True
) -> Measurement:
    """Return a reading of the wire as a measurement, its values in the device's own unit."""
    context = None
    if isinstance(item, wire.GlucoseReading):
        own = item.glucose_mg_dl if item.unit == "mg/dL" else item.glucose_mmol_l
        values: dict[str, float | None] = {"glucose": own}
        context = item.meal if item.meal in CONTEXTS else None
    else:
        kpa = item.unit == "kPa"
        values = {
            "systolic": item.systolic_kpa if kpa else item.systolic_mmhg,
            "diastolic": item.diastolic_kpa if kpa else item.diastolic_mmhg,
            "pulse": item.pulse_bpm,
        }
    kind = wire.kind_of(item)
    return Measurement(
        key_of(kind, item.device, item.measured_at),
        kind,
        item.measured_at,
        received_at,
        item.unit,
        {field: value for field, value in values.items() if value is not None},
        frozenset(item.flags),
        item.device,
        plausible,
        context,
        doubt_s=item.doubt_s,
    )
