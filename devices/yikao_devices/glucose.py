"""Glucose Measurement (0x2A18): one fingerstick result of a meter, as it is on the wire.

The unit flag tells the wire's unit (kg/L or mol/L), which is not always the one on the display.
Control solution, HI and LO are decoded here and judged later.

Source: Bluetooth SIG, Glucose Service 1.0.1, section 3.1; GATT Specification Supplement,
3.114 Glucose Measurement.
"""

import struct
from dataclasses import dataclass
from enum import IntFlag
from typing import Final

from yikao_devices.date_time import DATE_TIME_BYTES, DateTime, encode_date_time, read_date_time
from yikao_devices.errors import ENDS_EARLY, FrameError
from yikao_devices.quick import quick
from yikao_devices.sfloat import Number, decode_sfloat, encode_sfloat

_OFFSET: Final = 0x01
_CONCENTRATION: Final = 0x02
_MOL: Final = 0x04
_STATUS: Final = 0x08
_CONTEXT: Final = 0x10

TYPE_CONTROL_SOLUTION: Final = 10
"""Low nibble of the type and location byte: a test of the meter, nobody's blood."""

_HEAD: Final = struct.Struct("<BH")
_AMOUNT: Final = struct.Struct("<HB")
_SIGNED: Final = struct.Struct("<h")
_WORD: Final = struct.Struct("<H")


class SensorStatus(IntFlag):
    """Sensor Status Annunciation bits."""

    BATTERY_LOW = 0x0001
    MALFUNCTION = 0x0002
    SAMPLE_INSUFFICIENT = 0x0004
    STRIP_INSERTION = 0x0008
    STRIP_TYPE = 0x0010
    TOO_HIGH = 0x0020
    TOO_LOW = 0x0040
    TEMPERATURE_HIGH = 0x0080
    TEMPERATURE_LOW = 0x0100
    STRIP_PULLED_EARLY = 0x0200
    GENERAL_FAULT = 0x0400
    TIME_FAULT = 0x0800


@dataclass(frozen=True, slots=True)
class Glucose:
    """One record; `value` is in `unit`, kg/L or mol/L, both None when the frame carries none.

    `offset_min` is signed minutes between the base time and the time the user saw; `type` and
    `location` are the low and high nibble of their shared byte.
    """

    seq: int
    time: DateTime
    offset_min: int | None = None
    value: Number | None = None
    unit: str | None = None
    type: int | None = None
    location: int | None = None
    status: int | None = None
    context_follows: bool = False
    trailing: bytes = b""


_glucose = quick(Glucose)


def decode_glucose(frame: bytes) -> Glucose:
    """Return the record in `frame`; refuses one that is too short with `FrameError`."""
    try:
        flags, seq = _HEAD.unpack_from(frame)
        time = read_date_time(frame, _HEAD.size)
        at = _HEAD.size + DATE_TIME_BYTES
        offset_min = value = unit = kind = location = status = None
        if flags & _OFFSET:
            (offset_min,) = _SIGNED.unpack_from(frame, at)
            at += 2
        if flags & _CONCENTRATION:
            raw, nibbles = _AMOUNT.unpack_from(frame, at)
            value, unit = decode_sfloat(raw), "mol/L" if flags & _MOL else "kg/L"
            kind, location = nibbles & 0x0F, nibbles >> 4
            at += _AMOUNT.size
        if flags & _STATUS:
            (status,) = _WORD.unpack_from(frame, at)
            at += 2
    except struct.error as error:
        raise FrameError(ENDS_EARLY, frame) from error
    follows = bool(flags & _CONTEXT)
    return _glucose(seq, time, offset_min, value, unit, kind, location, status, follows, frame[at:])


def encode_glucose(value: Glucose) -> bytes:
    """Return the frame that decodes to `value`; refuses with `EncodeError` what cannot be said."""
    flags = _CONTEXT if value.context_follows else 0
    tail = encode_date_time(value.time)
    if value.offset_min is not None:
        flags |= _OFFSET
        tail += _SIGNED.pack(value.offset_min)
    if value.value is not None:
        flags |= _CONCENTRATION | (_MOL if value.unit == "mol/L" else 0)
        nibbles = (value.location or 0) << 4 | (value.type or 0)
        tail += _AMOUNT.pack(encode_sfloat(value.value), nibbles)
    if value.status is not None:
        flags |= _STATUS
        tail += _WORD.pack(value.status)
    return _HEAD.pack(flags, value.seq) + tail + value.trailing
