"""From what happened to a person to what a device stores: rounding, limits, "Err", HI and LO.

A device shows whole mmHg and tenths of mmol/L; beyond its range it shows HI or LO and no number.
"""

from datetime import datetime

from yikao_devices.blood_pressure import BloodPressure, Status
from yikao_devices.date_time import date_time_of
from yikao_devices.glucose import TYPE_CONTROL_SOLUTION, Glucose, SensorStatus
from yikao_devices.glucose_context import MEALS, GlucoseContext
from yikao_devices.heart_rate import Contact, HeartRate
from yikao_devices.pulse_oximeter import SpotCheck
from yikao_devices.sfloat import Special
from yikao_devices.temperature import Temperature
from yikao_devices.weight import STEPS_PER_KG, Weight
from yikao_sim.errors import SimError

PRESSURE_MMHG = (20, 300)
PULSE_BPM = (20, 250)
"""What a cuff can show. Source: ISO 81060-2 asks for 0 to 260 mmHg; models reach 300."""
GLUCOSE_MMOL_L = (1.1, 33.3)
"""Below is LO, above is HI (20 and 600 mg/dL), as most home meters."""
WEIGHT_KG = (2, 300)
TEMPERATURE_C = (30, 45)
SPO2_PCT = (35, 100)
"""What home scales, thermometers and finger clips can show."""
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


def weight(face: datetime, kg: float | None, user: int | None) -> Weight:
    """Return what a scale stores, in its steps; None: it could not weigh. Raises `SimError`."""
    if kg is None:
        return Weight("kg", Special.NAN, date_time_of(face), user)
    _within("weight", kg, WEIGHT_KG)
    return Weight("kg", round(kg * STEPS_PER_KG) / STEPS_PER_KG, date_time_of(face), user)


def temperature(face: datetime, degrees_c: float | None, site: int | None) -> Temperature:
    """Return what a thermometer stores, in tenths; None: it failed. Raises `SimError`."""
    if degrees_c is None:
        return Temperature("C", Special.NAN, date_time_of(face), site)
    _within("temperature", degrees_c, TEMPERATURE_C)
    return Temperature("C", round(degrees_c, 1), date_time_of(face), site)


def spot_check(face: datetime, spo2_pct: int | None, pulse_bpm: int | None) -> SpotCheck:
    """Return what an oximeter stores; None: it found no pulse. Raises `SimError`."""
    if spo2_pct is None:
        return SpotCheck(Special.NAN, Special.NAN, date_time_of(face))
    _within("oxygen saturation", spo2_pct, SPO2_PCT)
    if pulse_bpm is not None:
        _within("pulse", pulse_bpm, PULSE_BPM)
    pulse = Special.NAN if pulse_bpm is None else float(pulse_bpm)
    return SpotCheck(float(spo2_pct), pulse, date_time_of(face))


def heart_rate(bpm: int) -> HeartRate:
    """Return what a strap tells of a heart that beats so fast. Raises `SimError`."""
    _within("heart rate", bpm, PULSE_BPM)
    return HeartRate(bpm, Contact.YES)


def _within(what: str, value: float, bounds: tuple[int, int]) -> None:
    low, high = bounds
    if not low <= value <= high:
        raise SimError(f"{what} {value:g} is beyond what a device shows, {low} to {high}")
