"""Intermediate Cuff Pressure (0x2A36): what the cuff holds while it still measures, for a display.

The frame is that of a blood pressure, with the pressure of the moment in the place of the systolic
one and two fields behind it unused. It is no measurement, and has a type of its own so that it is
not taken for one.

Source: Bluetooth SIG, Blood Pressure Service 1.1.1, section 3.2; GATT Specification Supplement,
Intermediate Cuff Pressure.
"""

from dataclasses import dataclass

from yikao_devices.blood_pressure import (
    BloodPressure,
    decode_blood_pressure,
    encode_blood_pressure,
)
from yikao_devices.date_time import DateTime
from yikao_devices.quick import quick
from yikao_devices.sfloat import Number, Special


@dataclass(frozen=True, slots=True)
class CuffPressure:
    """The pressure now, in `unit` as flagged; None is a field the frame does not have."""

    unit: str
    pressure: Number
    time: DateTime | None = None
    pulse: Number | None = None
    user: int | None = None
    status: int | None = None
    trailing: bytes = b""


_cuff_pressure = quick(CuffPressure)


def decode_cuff_pressure(frame: bytes) -> CuffPressure:
    """Return the pressure in `frame`; refuses one that is too short with `FrameError`.

    What stands in the two unused fields is not looked at.
    """
    like = decode_blood_pressure(frame)
    return _cuff_pressure(
        like.unit, like.systolic, like.time, like.pulse, like.user, like.status, like.trailing
    )


def encode_cuff_pressure(value: CuffPressure) -> bytes:
    """Return the frame that decodes to `value`; refuses with `EncodeError` what cannot be said."""
    like = BloodPressure(
        value.unit,
        value.pressure,
        Special.NAN,
        Special.NAN,
        value.time,
        value.pulse,
        value.user,
        value.status,
        trailing=value.trailing,
    )
    return encode_blood_pressure(like)
