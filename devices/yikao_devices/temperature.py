"""Temperature Measurement (0x2A1C): one reading of a thermometer, as it is on the wire.

Source: Bluetooth SIG, Health Thermometer Service 1.0, section 3.1; GATT Specification Supplement,
Temperature Measurement and Temperature Type.
"""

import struct
from dataclasses import dataclass
from typing import Final

from yikao_devices.date_time import DATE_TIME_BYTES, DateTime, read_date_time
from yikao_devices.errors import ENDS_EARLY, FrameError
from yikao_devices.packing import pack
from yikao_devices.quick import quick
from yikao_devices.sfloat import Number, decode_float, encode_float

_FAHRENHEIT: Final = 0x01
_TIME: Final = 0x02
_SITE: Final = 0x04

_HEAD: Final = struct.Struct("<BI")


@dataclass(frozen=True, slots=True)
class Temperature:
    """`temperature` in `unit`, C or F; None is a field the frame does not have.

    `site`: 1 armpit, 2 body, 3 ear, 4 finger, 5 gut, 6 mouth, 7 rectum, 8 toe, 9 ear drum; others
    are reserved.
    """

    unit: str
    temperature: Number
    time: DateTime | None = None
    site: int | None = None
    trailing: bytes = b""


_temperature = quick(Temperature)


def decode_temperature(frame: bytes) -> Temperature:
    """Return the reading in `frame`; refuses one that is too short with `FrameError`."""
    try:
        flags, raw = _HEAD.unpack_from(frame)
        at = _HEAD.size
        time = site = None
        if flags & _TIME:
            time = read_date_time(frame, at)
            at += DATE_TIME_BYTES
        if flags & _SITE:
            site = frame[at]
            at += 1
    except (struct.error, IndexError) as error:
        raise FrameError(ENDS_EARLY, frame) from error
    unit = "F" if flags & _FAHRENHEIT else "C"
    return _temperature(unit, decode_float(raw), time, site, frame[at:])


def encode_temperature(value: Temperature) -> bytes:
    """Return the frame that decodes to `value`; refuses with `EncodeError` what cannot be said."""
    flags = _FAHRENHEIT if value.unit == "F" else 0
    layout = "<BI"
    fields = [encode_float(value.temperature)]
    if value.time is not None:
        flags |= _TIME
        layout += "HBBBBB"
        fields += value.time
    if value.site is not None:
        flags |= _SITE
        layout += "B"
        fields.append(value.site)
    return pack(layout, flags, *fields) + value.trailing
