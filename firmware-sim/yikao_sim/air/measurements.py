"""From what happened to a person to what a device stores: rounding, limits, "Err", HI and LO.

A device shows whole mmHg and tenths of mmol/L; beyond its range it shows HI or LO and no number.
"""

from datetime import datetime

from yikao_devices.blood_pressure import BloodPressure, Status
from yikao_devices.date_time import date_time_of
from yikao_devices.glucose import TYPE_CONTROL_SOLUTION, Glucose, SensorStatus
from yikao_devices.glucose_context import MEALS, GlucoseContext
from yikao_devices.sfloat import Special
from yikao_sim.errors import SimError

PRESSURE_MMHG = (20, 300)
PULSE_BPM = (20, 250)
"""What a cuff can show. Source: ISO 81060-2 asks for 0 to 260 mmHg; models reach 300."""
GLUCOSE_MMOL_L = (1.1, 33.3)
"""Below is LO, above is HI (20 and 600 mg/dL), as most home meters."""
TYPE_CAPILLARY_BLOOD = 1
LOCATION_FINGER = 1
MEAL_CODES = {name: code for code, name in MEALS.items()}


def blood_pressure(
    face: datetime,
    systolic_mmhg: int,
    diastolic_mmhg: int,
    pulse_bpm: int | None,
    *,
    status: Status,
    user: int | None,
) -> BloodPressure:
    """Return the measurement a cuff whose clock shows `face` stores. Raises `SimError`."""
    _within("systolic", systolic_mmhg, PRESSURE_MMHG)
    _within("diastolic", diastolic_mmhg, PRESSURE_MMHG)
    if pulse_bpm is not None:
        _within("pulse", pulse_bpm, PULSE_BPM)
    return BloodPressure(
        unit="mmHg",
        systolic=float(systolic_mmhg),
        diastolic=float(diastolic_mmhg),
        map=float(round((systolic_mmhg + 2 * diastolic_mmhg) / 3)),
        time=date_time_of(face),
        pulse=None if pulse_bpm is None else float(pulse_bpm),
        user=user,
        status=int(status),
    )


def failed_blood_pressure(face: datetime, user: int | None) -> BloodPressure:
    """Return what a cuff stores when it shows "Err": a record without numbers."""
    nothing = Special.NAN
    return BloodPressure("mmHg", nothing, nothing, nothing, date_time_of(face), nothing, user, 0)


def glucose(face: datetime, mmol_l: float, *, control_solution: bool = False) -> Glucose:
    """Return the result a meter whose clock shows `face` stores; its number is given later."""
    if not 0 <= mmol_l <= 100:
        raise SimError(f"glucose {mmol_l} mmol/L is nothing that blood can have")
    low, high = GLUCOSE_MMOL_L
    value: float | Special
    if mmol_l > high:
        value, status = Special.POSITIVE_INFINITY, SensorStatus.TOO_HIGH
    elif mmol_l < low:
        value, status = Special.NEGATIVE_INFINITY, SensorStatus.TOO_LOW
    else:
        value, status = round(round(mmol_l, 1) / 1000, 4), SensorStatus(0)
    return Glucose(
        seq=0,
        time=date_time_of(face),
        value=value,
        unit="mol/L",
        type=TYPE_CONTROL_SOLUTION if control_solution else TYPE_CAPILLARY_BLOOD,
        location=LOCATION_FINGER,
        status=int(status),
    )


def context(meal: str | None) -> GlucoseContext | None:
    """Return the context for `meal`, one of `MEAL_CODES`; None for none."""
    if meal is None:
        return None
    if meal not in MEAL_CODES:
        raise SimError(f"meal {meal!r} is none of {', '.join(MEAL_CODES)}")
    return GlucoseContext(seq=0, meal=MEAL_CODES[meal])


def _within(what: str, value: int, bounds: tuple[int, int]) -> None:
    low, high = bounds
    if not low <= value <= high:
        raise SimError(f"{what} {value} is beyond what a cuff shows, {low} to {high}")
