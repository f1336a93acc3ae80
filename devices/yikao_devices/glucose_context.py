"""Glucose Measurement Context (0x2A34): what surrounded a result: meal, exercise, medication.

It carries the sequence number of the measurement it belongs to and arrives after it.

Source: Bluetooth SIG, Glucose Service 1.0.1, section 3.2; GATT Specification Supplement,
3.115 Glucose Measurement Context.
"""

import struct
from dataclasses import dataclass
from typing import Final

from yikao_devices.errors import ENDS_EARLY, FrameError
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


def decode_glucose_context(frame: bytes) -> GlucoseContext:
    """Return the context in `frame`; refuses one that is too short with `FrameError`."""
    try:
        flags, seq = _HEAD.unpack_from(frame)
        fields, end = _decode_fields(flags, frame)
    except (struct.error, IndexError) as error:
        raise FrameError(ENDS_EARLY, frame) from error
    return GlucoseContext(seq, trailing=frame[end:], **fields)  # type: ignore[arg-type]  # by name


def _decode_fields(flags: int, frame: bytes) -> tuple[dict[str, int | Number], int]:
    """Return the optional fields by name, and where they end."""
    fields: dict[str, int | Number] = {}
    at = _HEAD.size
    if flags & _EXTENDED:
        fields["extended"] = frame[at]
        at += 1
    if flags & _CARBOHYDRATE:
        fields["carbohydrate"], raw = _COUNTED.unpack_from(frame, at)
        fields["carbohydrate_kg"] = decode_sfloat(raw)
        at += _COUNTED.size
    if flags & _MEAL:
        fields["meal"] = frame[at]
        at += 1
    if flags & _TESTER:
        fields["tester"], fields["health"] = frame[at] & 0x0F, frame[at] >> 4
        at += 1
    if flags & _EXERCISE:
        fields["exercise_s"], fields["exercise_pct"] = _EFFORT.unpack_from(frame, at)
        at += _EFFORT.size
    if flags & _MEDICATION:
        fields |= _decode_medication(flags, frame, at)
        at += _COUNTED.size
    if flags & _HBA1C:
        fields["hba1c_pct"] = decode_sfloat(_WORD.unpack_from(frame, at)[0])
        at += 2
    return fields, at


def _decode_medication(flags: int, frame: bytes, at: int) -> dict[str, int | Number]:
    kind, raw = _COUNTED.unpack_from(frame, at)
    unit = "medication_l" if flags & _MEDICATION_LITRES else "medication_kg"
    return {"medication": kind, unit: decode_sfloat(raw)}


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
