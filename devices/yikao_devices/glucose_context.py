"""Glucose Measurement Context (0x2A34): what surrounded a result: meal, exercise, medication.

It carries the sequence number of the measurement it belongs to and arrives after it.

Source: Bluetooth SIG, Glucose Service 1.0.1, section 3.2; GATT Specification Supplement,
3.115 Glucose Measurement Context.
"""

import struct
from dataclasses import dataclass
from typing import Final

from yikao_devices.errors import ENDS_EARLY, FrameError
from yikao_devices.quick import quick
from yikao_devices.sfloat import Number, decode_sfloat, encode_sfloat

_CARBOHYDRATE: Final = 0x01
_MEAL: Final = 0x02
_TESTER: Final = 0x04
_EXERCISE: Final = 0x08
_MEDICATION: Final = 0x10
_MEDICATION_LITRES: Final = 0x20
_HBA1C: Final = 0x40
_EXTENDED: Final = 0x80

MEALS: Final = {1: "before_meal", 2: "after_meal", 3: "fasting", 4: "casual", 5: "bedtime"}
"""Meal codes of the standard; others are reserved."""
MEAL_KETONE: Final = 6
"""Reserved in the standard; CareSens meters mark ketone results with it, so a record that carries
it is not taken for glucose. Source: github.com/NightscoutFoundation/xDrip, ContextRxTest.java."""

_HEAD: Final = struct.Struct("<BH")
_COUNTED: Final = struct.Struct("<BH")
_EFFORT: Final = struct.Struct("<HB")
_WORD: Final = struct.Struct("<H")


@dataclass(frozen=True, slots=True)
class GlucoseContext:
    """One context; None is a field the frame does not have. Medication is in kg or in litres."""

    seq: int
    extended: int | None = None
    carbohydrate: int | None = None
    carbohydrate_kg: Number | None = None
    meal: int | None = None
    tester: int | None = None
    health: int | None = None
    exercise_s: int | None = None
    exercise_pct: int | None = None
    medication: int | None = None
    medication_kg: Number | None = None
    medication_l: Number | None = None
    hba1c_pct: Number | None = None
    trailing: bytes = b""


_glucose_context = quick(GlucoseContext)

_Meal = tuple[int | None, int | None, Number | None, int | None, int | None, int | None]
"""The fields from `extended` to `health`, in their order."""
_Treatment = tuple[int | None, int | None, int | None, Number | None, Number | None, Number | None]
"""The fields from `exercise_s` to `hba1c_pct`, in their order."""


def decode_glucose_context(frame: bytes) -> GlucoseContext:
    """Return the context in `frame`; refuses one that is too short with `FrameError`."""
    try:
        flags, seq = _HEAD.unpack_from(frame)
        meal, at = _read_meal(flags, frame, _HEAD.size)
        treatment, at = _read_treatment(flags, frame, at)
    except (struct.error, IndexError) as error:
        raise FrameError(ENDS_EARLY, frame) from error
    return _glucose_context(seq, *meal, *treatment, frame[at:])


def _read_meal(flags: int, frame: bytes, at: int) -> tuple[_Meal, int]:
    """Return what was eaten and who tested, and where that ends."""
    extended = carbohydrate = carbohydrate_kg = meal = tester = health = None
    if flags & _EXTENDED:
        extended = frame[at]
        at += 1
    if flags & _CARBOHYDRATE:
        carbohydrate, raw = _COUNTED.unpack_from(frame, at)
        carbohydrate_kg = decode_sfloat(raw)
        at += _COUNTED.size
    if flags & _MEAL:
        meal = frame[at]
        at += 1
    if flags & _TESTER:
        tester, health = frame[at] & 0x0F, frame[at] >> 4
        at += 1
    return (extended, carbohydrate, carbohydrate_kg, meal, tester, health), at


def _read_treatment(flags: int, frame: bytes, at: int) -> tuple[_Treatment, int]:
    """Return exercise, medication and HbA1c, and where they end."""
    exercise_s = exercise_pct = medication = medication_kg = medication_l = hba1c_pct = None
    if flags & _EXERCISE:
        exercise_s, exercise_pct = _EFFORT.unpack_from(frame, at)
        at += _EFFORT.size
    if flags & _MEDICATION:
        medication, raw = _COUNTED.unpack_from(frame, at)
        if flags & _MEDICATION_LITRES:
            medication_l = decode_sfloat(raw)
        else:
            medication_kg = decode_sfloat(raw)
        at += _COUNTED.size
    if flags & _HBA1C:
        hba1c_pct = decode_sfloat(_WORD.unpack_from(frame, at)[0])
        at += 2
    return (exercise_s, exercise_pct, medication, medication_kg, medication_l, hba1c_pct), at


def encode_glucose_context(value: GlucoseContext) -> bytes:
    """Return the frame that decodes to `value`; refuses with `EncodeError` what cannot be said."""
    flags, tail = 0, b""
    if value.extended is not None:
        flags |= _EXTENDED
        tail += bytes((value.extended,))
    if value.carbohydrate is not None and value.carbohydrate_kg is not None:
        flags |= _CARBOHYDRATE
        tail += _COUNTED.pack(value.carbohydrate, encode_sfloat(value.carbohydrate_kg))
    if value.meal is not None:
        flags |= _MEAL
        tail += bytes((value.meal,))
    if value.tester is not None and value.health is not None:
        flags |= _TESTER
        tail += bytes((value.health << 4 | value.tester,))
    if value.exercise_s is not None and value.exercise_pct is not None:
        flags |= _EXERCISE
        tail += _EFFORT.pack(value.exercise_s, value.exercise_pct)
    medication_flags, medication = _encode_medication(value)
    tail += medication
    if value.hba1c_pct is not None:
        flags |= _HBA1C
        tail += _WORD.pack(encode_sfloat(value.hba1c_pct))
    return _HEAD.pack(flags | medication_flags, value.seq) + tail + value.trailing


def _encode_medication(value: GlucoseContext) -> tuple[int, bytes]:
    if value.medication is None:
        return 0, b""
    if value.medication_l is not None:
        amount, flags = value.medication_l, _MEDICATION | _MEDICATION_LITRES
    else:
        amount, flags = value.medication_kg or 0.0, _MEDICATION
    return flags, _COUNTED.pack(value.medication, encode_sfloat(amount))
