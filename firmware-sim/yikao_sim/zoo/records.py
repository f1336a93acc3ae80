"""How devices of the zoo write their records down: by the standard, and in the ways they depart.

Each function is given what was measured and what the device's clock showed, naive, at that time.
Sources stand with the personas that use them.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from yikao_devices.blood_pressure import BloodPressure, encode_blood_pressure
from yikao_devices.date_time import DateTime, date_time_of
from yikao_devices.glucose import TYPE_CONTROL_SOLUTION, Glucose, SensorStatus
from yikao_devices.glucose_context import MEAL_KETONE, GlucoseContext
from yikao_devices.quirks import Quirk
from yikao_devices.sfloat import Special
from yikao_sim.air import measurements
from yikao_sim.zoo.taken import Failure, NotBlood, Pressure, Sugar

KPA_PER_MMHG = 1 / 7.50062
MG_DL_PER_MMOL_L = 18.0182
EXPONENT_MINUS_1 = 0xF000
"""The upper four bits of an SFLOAT whose exponent is -1."""
NAN = 0x07FF
NOT_KNOWN = DateTime(0, 0, 0, 0, 0, 0)

MeterRecord = tuple[Glucose, GlucoseContext | None]

# Cuffs


def pressure_value(taken: Pressure | Failure, face: datetime) -> BloodPressure:
    """Return the value a cuff that keeps to the standard stores."""
    if isinstance(taken, Failure):
        return measurements.failed_blood_pressure(face, None)
    mean = round((taken.systolic_mmhg + 2 * taken.diastolic_mmhg) / 3)
    return BloodPressure(
        "mmHg",
        float(taken.systolic_mmhg),
        float(taken.diastolic_mmhg),
        float(mean),
        date_time_of(face),
        None if taken.pulse_bpm is None else float(taken.pulse_bpm),
        taken.user,
        0,
    )


def pressure(taken: Pressure | Failure, face: datetime) -> bytes:
    """Return the frame by the standard."""
    return encode_blood_pressure(pressure_value(taken, face))


def pressure_in_kpa(taken: Pressure | Failure, face: datetime) -> bytes:
    """Return the frame of a cuff that is set to kPa, with one decimal."""
    value = pressure_value(taken, face)
    assert isinstance(taken, Pressure), "shown in numbers"
    systolic, diastolic = (
        round(mmhg * KPA_PER_MMHG, 1) for mmhg in (taken.systolic_mmhg, taken.diastolic_mmhg)
    )
    mean = round((systolic + 2 * diastolic) / 3, 1)
    return encode_blood_pressure(
        replace(value, unit="kPa", systolic=systolic, diastolic=diastolic, map=mean)
    )


def pressure_of_beurer(taken: Pressure | Failure, face: datetime) -> bytes:
    """Return the frame with pulse and status high byte first, a user without flag, mean 0."""
    value = pressure_value(taken, face)
    return encode_blood_pressure(replace(value, map=0.0, quirk=Quirk.BEURER_BE))


def pressure_with_odd_nan(taken: Pressure | Failure, face: datetime) -> bytes:
    """Return the frame, in which "not a number" carries an exponent."""
    frame = pressure(taken, face)
    return frame.replace(NAN.to_bytes(2, "little"), (EXPONENT_MINUS_1 | NAN).to_bytes(2, "little"))


def pressure_in_tenths(taken: Pressure | Failure, face: datetime) -> bytes:
    """Return the frame in which 132 mmHg is 1320 x 10^-1: a negative exponent."""
    value = pressure_value(taken, face)
    frame = bytearray(encode_blood_pressure(value))
    for at, number in ((1, value.systolic), (3, value.diastolic), (5, value.map)):
        assert isinstance(number, float), "shown in numbers"
        frame[at : at + 2] = (EXPONENT_MINUS_1 | round(number * 10)).to_bytes(2, "little")
    return bytes(frame)


def pressure_undated(taken: Pressure | Failure, face: datetime) -> bytes:
    """Return the frame of a cuff whose clock was never set: its date is all zeros."""
    return encode_blood_pressure(replace(pressure_value(taken, face), time=NOT_KNOWN))


def cut_short_unless_even(taken: Pressure | Failure, face: datetime) -> bytes:
    """Return the frame, cut in its date where the systolic pressure is odd."""
    frame = pressure(taken, face)
    odd = isinstance(taken, Pressure) and taken.systolic_mmhg % 2
    return frame[:9] if odd else frame


# Meters


def sugar_value(taken: Sugar | NotBlood, face: datetime) -> Glucose:
    """Return the value a meter that shows mmol/L and keeps to the standard stores."""
    if isinstance(taken, Sugar) and taken.mmol_l is None:
        past = {"hi": measurements.GLUCOSE_MMOL_L[1] + 1, "lo": 0.0}
        return measurements.glucose(face, past[taken.limit or "hi"])
    assert taken.mmol_l is not None, "a number"
    return measurements.glucose(face, taken.mmol_l)


def sugar(taken: Sugar | NotBlood, face: datetime) -> MeterRecord:
    """Return the record by the standard."""
    meal = taken.meal if isinstance(taken, Sugar) else None
    return sugar_value(taken, face), measurements.context(meal)


def sugar_in_kg_l(taken: Sugar | NotBlood, face: datetime) -> MeterRecord:
    """Return the record of a meter that says kg/L, whatever its display shows."""
    value, context = sugar(taken, face)
    assert taken.mmol_l is not None, "a number"
    kg_l = round(taken.mmol_l * MG_DL_PER_MMOL_L) / 100_000
    return replace(value, value=round(kg_l, 5), unit="kg/L"), context


def control_solution(taken: Sugar | NotBlood, face: datetime) -> MeterRecord:
    """Return the record; what is no blood is of the type "control solution"."""
    value, context = sugar(taken, face)
    if isinstance(taken, NotBlood):
        value = replace(value, type=TYPE_CONTROL_SOLUTION)
    return value, context


def ketone_by_meal(taken: Sugar | NotBlood, face: datetime) -> MeterRecord:
    """Return the record; a ketone is told from glucose by the meal of its context alone."""
    value, context = sugar(taken, face)
    if isinstance(taken, NotBlood):
        context = GlucoseContext(seq=0, meal=MEAL_KETONE)
    return value, context


def promising_a_meal(taken: Sugar | NotBlood, face: datetime) -> MeterRecord:
    """Return the record; a result without a meal announces one all the same."""
    value, context = sugar(taken, face)
    return replace(value, context_follows=True), context


def filler(taken: Sugar | NotBlood, face: datetime) -> MeterRecord:
    """Return the record; what is no result is filled with ones, which decode to -0.1."""
    value, context = sugar(taken, face)
    return (replace(value, value=-0.1), None) if isinstance(taken, NotBlood) else (value, context)


def limit_as_number(number: float | Special) -> Callable[[Sugar | NotBlood, datetime], MeterRecord]:
    """Return a way to write: HI and LO are status bits, with this number (kg/L) beside them."""

    def write(taken: Sugar | NotBlood, face: datetime) -> MeterRecord:
        value, context = sugar_in_kg_l(taken, face) if taken.mmol_l else sugar(taken, face)
        limit = SensorStatus.TOO_HIGH | SensorStatus.TOO_LOW
        if SensorStatus(value.status or 0) & limit:
            value = replace(value, value=number, unit="kg/L")
        return value, context

    return write


def shifted(offset_min: int) -> Callable[[Sugar | NotBlood, datetime], MeterRecord]:
    """Return a way to write: the base time never moved, the signed offset holds the difference."""

    def write(taken: Sugar | NotBlood, face: datetime) -> MeterRecord:
        value, context = sugar(taken, face)
        base = face - timedelta(minutes=offset_min)
        return replace(value, time=date_time_of(base), offset_min=offset_min), context

    return write
