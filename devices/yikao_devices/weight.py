"""Weight Measurement (0x2A9D): one weighing of a scale, as it is on the wire.

Numbers come in fixed steps of the unit flagged; a scale that failed says so with a weight of
0xFFFF, which decodes to `Special.NAN`.

Source: Bluetooth SIG, Weight Scale Service 1.0.1, section 3.2; GATT Specification Supplement,
Weight Measurement.
"""

import struct
from dataclasses import dataclass
from typing import Final

from yikao_devices.date_time import DATE_TIME_BYTES, DateTime, read_date_time
from yikao_devices.errors import ENDS_EARLY, EncodeError, FrameError
from yikao_devices.packing import pack
from yikao_devices.quick import quick
from yikao_devices.sfloat import Number, Special

_IMPERIAL: Final = 0x01
_TIME: Final = 0x02
_USER: Final = 0x04
_BODY: Final = 0x08

UNSUCCESSFUL: Final = 0xFFFF
"""The raw weight by which a scale says that it could not weigh."""
STEPS_PER_KG: Final = 200
STEPS_PER_LB: Final = 100
STEPS_PER_BMI: Final = 10
STEPS_PER_M: Final = 1000
STEPS_PER_IN: Final = 10

_HEAD: Final = struct.Struct("<BH")
_PAIR: Final = struct.Struct("<HH")


@dataclass(frozen=True, slots=True)
class Weight:
    """`weight` in `unit`, kg or lb; `height` in metres beside kg, in inches beside lb.

    None is a field the frame does not have; `bmi`, in kg/m2 always, and `height` come together.
    """

    unit: str
    weight: Number
    time: DateTime | None = None
    user: int | None = None
    bmi: float | None = None
    height: float | None = None
    trailing: bytes = b""


_weight = quick(Weight)


def decode_weight(frame: bytes) -> Weight:
    """Return the weighing in `frame`; refuses one that is too short with `FrameError`."""
    try:
        flags, raw = _HEAD.unpack_from(frame)
        imperial = flags & _IMPERIAL
        at = _HEAD.size
        time = user = bmi = height = None
        if flags & _TIME:
            time = read_date_time(frame, at)
            at += DATE_TIME_BYTES
        if flags & _USER:
            user = frame[at]
            at += 1
        if flags & _BODY:
            raw_bmi, raw_height = _PAIR.unpack_from(frame, at)
            bmi = raw_bmi / STEPS_PER_BMI
            height = raw_height / (STEPS_PER_IN if imperial else STEPS_PER_M)
            at += _PAIR.size
    except (struct.error, IndexError) as error:
        raise FrameError(ENDS_EARLY, frame) from error
    weight: Number = raw / (STEPS_PER_LB if imperial else STEPS_PER_KG)
    if raw == UNSUCCESSFUL:
        weight = Special.NAN
    return _weight("lb" if imperial else "kg", weight, time, user, bmi, height, frame[at:])


def encode_weight(value: Weight) -> bytes:
    """Return the frame that decodes to `value`; refuses with `EncodeError` what cannot be said."""
    imperial = value.unit == "lb"
    flags = _IMPERIAL if imperial else 0
    layout = "<BH"
    fields = [_raw_weight(value.weight, STEPS_PER_LB if imperial else STEPS_PER_KG)]
    if value.time is not None:
        flags |= _TIME
        layout += "HBBBBB"
        fields += value.time
    if value.user is not None:
        flags |= _USER
        layout += "B"
        fields.append(value.user)
    if value.bmi is not None and value.height is not None:
        flags |= _BODY
        layout += "HH"
        steps_per_unit = STEPS_PER_IN if imperial else STEPS_PER_M
        fields += _steps(value.bmi, STEPS_PER_BMI), _steps(value.height, steps_per_unit)
    return pack(layout, flags, *fields) + value.trailing


def _raw_weight(weight: Number, steps_per_unit: int) -> int:
    if weight is Special.NAN:
        return UNSUCCESSFUL
    if isinstance(weight, Special):
        raise EncodeError(f"a scale cannot say {weight.value}")
    raw = _steps(weight, steps_per_unit)
    if raw == UNSUCCESSFUL:
        raise EncodeError(f"{weight} would read as a failed weighing")
    return raw


def _steps(value: float, steps_per_unit: int) -> int:
    """Return `value` counted in steps; refuses what lies between two of them."""
    steps = round(value * steps_per_unit)
    if steps / steps_per_unit != value:
        raise EncodeError(f"{value} is no multiple of 1/{steps_per_unit}")
    return steps
