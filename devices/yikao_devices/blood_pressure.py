"""Blood Pressure Measurement (0x2A35): one measurement of a cuff, as it is on the wire.

Nothing is converted or judged here. A failed measurement arrives as a frame whose pressures are
`Special.NAN`; it decodes, and those who make readings of frames refuse it.

Source: Bluetooth SIG, Blood Pressure Service 1.1.1, section 3.1; GATT Specification Supplement,
3.31 Blood Pressure Measurement.
"""

import struct
from dataclasses import dataclass
from enum import IntFlag
from typing import Final

from yikao_devices.date_time import DATE_TIME_BYTES, DateTime, encode_date_time, read_date_time
from yikao_devices.errors import ENDS_EARLY, FrameError
from yikao_devices.quick import quick
from yikao_devices.quirks import Quirk
from yikao_devices.sfloat import Number, decode_sfloat, encode_sfloat

_KPA: Final = 0x01
_TIME: Final = 0x02
_PULSE: Final = 0x04
_USER: Final = 0x08
_STATUS: Final = 0x10
_BEURER_MARK: Final = 0x40

USER_UNKNOWN: Final = 255
"""The user id by which a cuff with several users says that it does not know which one."""

_PRESSURES: Final = struct.Struct("<BHHH")
_LITTLE: Final = struct.Struct("<H")
_BIG: Final = struct.Struct(">H")


class Status(IntFlag):
    """Measurement Status bits; bits 3 and 4 together say where the pulse lies."""

    BODY_MOVEMENT = 0x01
    CUFF_LOOSE = 0x02
    IRREGULAR_PULSE = 0x04
    PULSE_ABOVE_RANGE = 0x08
    PULSE_BELOW_RANGE = 0x10
    IMPROPER_POSITION = 0x20


@dataclass(frozen=True, slots=True)
class BloodPressure:
    """Pressures in `unit` as flagged; None is a field the frame does not have."""

    unit: str
    systolic: Number
    diastolic: Number
    map: Number
    time: DateTime | None = None
    pulse: Number | None = None
    user: int | None = None
    status: int | None = None
    quirk: Quirk | None = None
    trailing: bytes = b""


_blood_pressure = quick(BloodPressure)


def decode_blood_pressure(frame: bytes, quirk: Quirk | None = None) -> BloodPressure:
    """Return the measurement in `frame`; refuses one that is too short with `FrameError`.

    `quirk` is what the model's entry says about it. Bytes behind the last field are kept.
    """
    try:
        flags, systolic, diastolic, mean = _PRESSURES.unpack_from(frame)
        if quirk is Quirk.BEURER_BE and flags & _BEURER_MARK:
            flags |= _USER
        else:
            quirk = None
        number = _BIG if quirk else _LITTLE
        at = _PRESSURES.size
        time = pulse = user = status = None
        if flags & _TIME:
            time = read_date_time(frame, at)
            at += DATE_TIME_BYTES
        if flags & _PULSE:
            pulse = decode_sfloat(number.unpack_from(frame, at)[0])
            at += 2
        if flags & _USER:
            user = frame[at]
            at += 1
        if flags & _STATUS:
            status = number.unpack_from(frame, at)[0]
            at += 2
    except (struct.error, IndexError) as error:
        raise FrameError(ENDS_EARLY, frame) from error
    return _blood_pressure(
        "kPa" if flags & _KPA else "mmHg",
        decode_sfloat(systolic),
        decode_sfloat(diastolic),
        decode_sfloat(mean),
        time,
        pulse,
        user,
        status,
        quirk,
        frame[at:],
    )


def encode_blood_pressure(value: BloodPressure) -> bytes:
    """Return the frame that decodes to `value`; refuses with `EncodeError` what cannot be said."""
    beurer = value.quirk is Quirk.BEURER_BE
    number = _BIG if beurer else _LITTLE
    flags = _KPA if value.unit == "kPa" else 0
    tail = b""
    if value.time is not None:
        flags |= _TIME
        tail += encode_date_time(value.time)
    if value.pulse is not None:
        flags |= _PULSE
        tail += number.pack(encode_sfloat(value.pulse))
    if value.user is not None:
        flags |= 0 if beurer else _USER
        tail += bytes((value.user,))
    if value.status is not None:
        flags |= _STATUS
        tail += number.pack(value.status)
    if beurer:
        flags |= _BEURER_MARK
    pressures = (encode_sfloat(part) for part in (value.systolic, value.diastolic, value.map))
    return _PRESSURES.pack(flags, *pressures) + tail + value.trailing
