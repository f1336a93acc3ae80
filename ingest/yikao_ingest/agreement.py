"""Do a reading's numbers agree? What a device said in its own unit, and what it was converted to.

Limits are compared in the device's unit: a number that is missing there, or that says something
else than its conversion, could hide a crisis.

Source of the factors: yikao_devices/units.py.
"""

from collections.abc import Iterator
from typing import Final

from yikao_devices import wire
from yikao_devices.units import F_PER_C, FREEZING_F, KG_PER_LB, MG_DL_PER_MMOL_L, MMHG_PER_KPA

TOLERANCE: Final = 0.02
"""Relative difference allowed between a device's own number and its conversion: rounding."""
TOLERANCE_C: Final = 0.1
"""The same of temperatures, in degrees Celsius: their scale does not begin at nothing."""
OUT_OF_RANGE: Final = frozenset({"hi", "lo"})
"""A meter's words in the place of a number."""

_Pair = tuple[str, float | None, float | None, bool]
"""The field of the device's own number, that number converted, what was sent as such, and whether
it is the device's own unit."""


def disagreement(item: wire.Reading) -> str | None:
    """Return which field is missing in the device's own unit or differs from its conversion."""
    if isinstance(item, wire.BloodPressureReading) and _speaks_mmhg_alone(item):
        return None
    if isinstance(item, wire.GlucoseReading) and _has_no_number(item):
        return "no number, and neither hi nor lo"
    for name, own, sent, needed in _pairs(item):
        if own is None and needed:
            return f"{name} is missing although it is the device's own unit"
        if own is None:
            continue
        if sent is None or abs(own - sent) > _tolerance(item, sent):
            return f"{name} and its conversion differ"
    return None


def _speaks_mmhg_alone(item: wire.BloodPressureReading) -> bool:
    """Return whether there is nothing to compare: so it is with most cuffs."""
    return item.unit == "mmHg" and item.systolic_kpa is item.diastolic_kpa is None


def _has_no_number(item: wire.GlucoseReading) -> bool:
    missing = item.glucose_mmol_l is None and item.glucose_mg_dl is None
    return missing and not OUT_OF_RANGE & set(item.flags)


def _tolerance(item: wire.Reading, sent: float) -> float:
    return TOLERANCE_C if isinstance(item, wire.TemperatureReading) else TOLERANCE * abs(sent)


def _pairs(item: wire.Reading) -> Iterator[_Pair]:
    match item:
        case wire.BloodPressureReading():
            for name, own, sent in (
                ("systolic_kpa", item.systolic_kpa, item.systolic_mmhg),
                ("diastolic_kpa", item.diastolic_kpa, item.diastolic_mmhg),
            ):
                yield name, _times(own, MMHG_PER_KPA), sent, item.unit == "kPa"
        case wire.GlucoseReading(glucose_mmol_l=sent):
            own = _times(item.glucose_mg_dl, 1 / MG_DL_PER_MMOL_L)
            yield "glucose_mg_dl", own, sent, item.unit == "mg/dL" and sent is not None
        case wire.WeightReading():
            own = _times(item.weight_lb, KG_PER_LB)
            yield "weight_lb", own, item.weight_kg, item.unit == "lb"
        case wire.TemperatureReading(temperature_f=degrees_f):
            own = None if degrees_f is None else (degrees_f - FREEZING_F) / F_PER_C
            yield "temperature_f", own, item.temperature_c, item.unit == "[degF]"


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
