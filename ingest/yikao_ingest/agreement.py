"""Do a reading's numbers agree? What a device said in its own unit, and what it was converted to.

Limits are compared in the device's unit: a number that is missing there, or that says something
else than its conversion, could hide a crisis.
"""

from typing import Final

from yikao_devices import wire
from yikao_devices.readings import MG_DL_PER_MMOL_L, MMHG_PER_KPA

TOLERANCE: Final = 0.02
"""Relative difference allowed between a device's own number and its conversion: rounding."""
OUT_OF_RANGE: Final = frozenset({"hi", "lo"})
"""A meter's words in the place of a number."""


def disagreement(item: wire.Reading) -> str | None:
    """Return which field is missing in the device's own unit or differs from its conversion."""
    if isinstance(item, wire.GlucoseReading):
        own, converted = item.glucose_mg_dl, item.glucose_mmol_l
        pairs = [("glucose_mg_dl", own, converted, 1 / MG_DL_PER_MMOL_L)]
        needed = item.unit == "mg/dL" and converted is not None
        if own is None and converted is None and not OUT_OF_RANGE & set(item.flags):
            return "no number, and neither hi nor lo"
    elif item.unit == "mmHg" and item.systolic_kpa is item.diastolic_kpa is None:
        return None
    else:
        pairs = [
            ("systolic_kpa", item.systolic_kpa, item.systolic_mmhg, MMHG_PER_KPA),
            ("diastolic_kpa", item.diastolic_kpa, item.diastolic_mmhg, MMHG_PER_KPA),
        ]
        needed = item.unit == "kPa"
    for name, own, converted, factor in pairs:
        if own is None and needed:
            return f"{name} is missing although it is the device's own unit"
        if own is None:
            continue
        if converted is None or abs(own * factor - converted) > TOLERANCE * abs(converted):
            return f"{name} and its conversion differ"
    return None
