"""Enhanced Blood Pressure Measurement (0x2B34) and Enhanced Intermediate Cuff Pressure (0x2B35).

What newer cuffs send: times are counted in seconds, and beside the clock that nobody moves there
may be the one the user saw, with zone, summer time and whatever was set by hand.

Source: Bluetooth SIG, Blood Pressure Service 1.1.1, chapter 3; GATT Specification Supplement,
Enhanced Blood Pressure Measurement and Enhanced Intermediate Cuff Pressure.
"""

import struct
from dataclasses import dataclass
from typing import Final

from yikao_devices.date_time import EpochTime
from yikao_devices.errors import ENDS_EARLY, EncodeError, FrameError
from yikao_devices.packing import pack
from yikao_devices.quick import quick
from yikao_devices.sfloat import Number, decode_sfloat, encode_sfloat

_KPA: Final = 0x01
_TIME: Final = 0x02
_PULSE: Final = 0x04
_USER: Final = 0x08
_STATUS: Final = 0x10
_USER_TIME: Final = 0x20
_SINCE_2000: Final = 0x40

_PRESSURES: Final = struct.Struct("<BHHH")
_PRESSURE: Final = struct.Struct("<BH")
_SECONDS: Final = struct.Struct("<I")
_WORD: Final = struct.Struct("<H")


@dataclass(frozen=True, slots=True)
class EnhancedBloodPressure:
    """Pressures in `unit` as flagged; None is a field the frame does not have.

    `time` runs on untouched, `user_time` is what the display showed. `status` has the bits of
    `blood_pressure.Status`.
    """

    unit: str
    systolic: Number
    diastolic: Number
    map: Number
    time: EpochTime | None = None
    pulse: Number | None = None
    user: int | None = None
    status: int | None = None
    user_time: EpochTime | None = None
    trailing: bytes = b""


_enhanced_blood_pressure = quick(EnhancedBloodPressure)


@dataclass(frozen=True, slots=True)
class EnhancedCuffPressure:
    """The pressure of the moment, no measurement; the rest as in `EnhancedBloodPressure`."""

    unit: str
    pressure: Number
    time: EpochTime | None = None
    pulse: Number | None = None
    user: int | None = None
    status: int | None = None
    user_time: EpochTime | None = None
    trailing: bytes = b""


_enhanced_cuff_pressure = quick(EnhancedCuffPressure)

_Tail = tuple[EpochTime | None, Number | None, int | None, int | None, EpochTime | None, bytes]
"""What both frames have behind the pressures, in the order of the fields of both types."""


def decode_enhanced_blood_pressure(frame: bytes) -> EnhancedBloodPressure:
    """Return the measurement in `frame`; refuses one that is too short with `FrameError`."""
    try:
        flags, systolic, diastolic, mean = _PRESSURES.unpack_from(frame)
        tail = _read_tail(flags, frame, _PRESSURES.size)
    except (struct.error, IndexError) as error:
        raise FrameError(ENDS_EARLY, frame) from error
    return _enhanced_blood_pressure(
        _unit(flags),
        decode_sfloat(systolic),
        decode_sfloat(diastolic),
        decode_sfloat(mean),
        *tail,
    )


def decode_enhanced_cuff_pressure(frame: bytes) -> EnhancedCuffPressure:
    """Return the pressure in `frame`; refuses one that is too short with `FrameError`."""
    try:
        flags, pressure = _PRESSURE.unpack_from(frame)
        tail = _read_tail(flags, frame, _PRESSURE.size)
    except (struct.error, IndexError) as error:
        raise FrameError(ENDS_EARLY, frame) from error
    return _enhanced_cuff_pressure(_unit(flags), decode_sfloat(pressure), *tail)


def _unit(flags: int) -> str:
    return "kPa" if flags & _KPA else "mmHg"


def _read_tail(flags: int, frame: bytes, at: int) -> _Tail:
    since = 2000 if flags & _SINCE_2000 else 1900
    time = pulse = user = status = user_time = None
    if flags & _TIME:
        time = EpochTime(_SECONDS.unpack_from(frame, at)[0], since)
        at += 4
    if flags & _PULSE:
        pulse = decode_sfloat(_WORD.unpack_from(frame, at)[0])
        at += 2
    if flags & _USER:
        user = frame[at]
        at += 1
    if flags & _STATUS:
        (status,) = _WORD.unpack_from(frame, at)
        at += 2
    if flags & _USER_TIME:
        user_time = EpochTime(_SECONDS.unpack_from(frame, at)[0], since)
        at += 4
    return time, pulse, user, status, user_time, frame[at:]


def encode_enhanced_blood_pressure(value: EnhancedBloodPressure) -> bytes:
    """Return the frame that decodes to `value`; refuses with `EncodeError` what cannot be said."""
    pressures = [encode_sfloat(part) for part in (value.systolic, value.diastolic, value.map)]
    flags, layout, tail = _tail_fields(value)
    return pack("<BHHH" + layout, flags, *pressures, *tail) + value.trailing


def encode_enhanced_cuff_pressure(value: EnhancedCuffPressure) -> bytes:
    """Return the frame that decodes to `value`; refuses with `EncodeError` what cannot be said."""
    flags, layout, tail = _tail_fields(value)
    return pack("<BH" + layout, flags, encode_sfloat(value.pressure), *tail) + value.trailing


def _tail_fields(value: EnhancedBloodPressure | EnhancedCuffPressure) -> tuple[int, str, list[int]]:
    """Return flags, layout and numbers of what stands behind the pressures."""
    flags = (_KPA if value.unit == "kPa" else 0) | _since_flag(value.time, value.user_time)
    layout = ""
    fields: list[int] = []
    for flag, code, number in (
        (_TIME, "I", value.time and value.time.seconds),
        (_PULSE, "H", None if value.pulse is None else encode_sfloat(value.pulse)),
        (_USER, "B", value.user),
        (_STATUS, "H", value.status),
        (_USER_TIME, "I", value.user_time and value.user_time.seconds),
    ):
        if number is not None:
            flags |= flag
            layout += code
            fields.append(number)
    return flags, layout, fields


def _since_flag(*times: EpochTime | None) -> int:
    """Return the one flag that tells the year from which all times of a frame are counted."""
    match {time.since for time in times if time is not None}:
        case years if years <= {1900}:
            return 0
        case years if years == {2000}:
            return _SINCE_2000
        case years:
            raise EncodeError(f"a frame counts from 1900 or from 2000, not from {sorted(years)}")
