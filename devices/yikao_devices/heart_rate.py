"""Heart Rate Measurement (0x2A37): the beats a minute of a chest strap or a watch, as on the wire.

Source: Bluetooth SIG, Heart Rate Service 1.0, section 3.1; GATT Specification Supplement,
Heart Rate Measurement.
"""

import struct
from dataclasses import dataclass
from enum import Enum
from typing import Final

from yikao_devices.errors import ENDS_EARLY, FrameError
from yikao_devices.packing import pack
from yikao_devices.quick import quick

_WIDE: Final = 0x01
_ENERGY: Final = 0x08
_INTERVALS: Final = 0x10
_CONTACT_SHIFT: Final = 1

_WORD: Final = struct.Struct("<H")


class Contact(Enum):
    """Whether the sensor touches the skin; None where it has no means to know."""

    NOT_REPORTED = None
    NO = False
    YES = True


_CONTACTS: Final = (Contact.NOT_REPORTED, Contact.NOT_REPORTED, Contact.NO, Contact.YES)
"""By flag bits 2 (supported) and 1 (detected); the second without the first says nothing."""
_CONTACT_BITS: Final = {Contact.NOT_REPORTED: 0, Contact.NO: 2, Contact.YES: 3}


@dataclass(frozen=True, slots=True)
class HeartRate:
    """`hr` in beats a minute; `energy_kj` since the last reset, in kilojoule.

    `rr_1024`: the times between beats, oldest first, in 1/1024 s; they fill the rest of the frame.
    None is a field the frame does not have.
    """

    hr: int
    contact: Contact = Contact.NOT_REPORTED
    energy_kj: int | None = None
    rr_1024: tuple[int, ...] | None = None
    trailing: bytes = b""


_heart_rate = quick(HeartRate)


def decode_heart_rate(frame: bytes) -> HeartRate:
    """Return the measurement in `frame`; refuses one that is too short with `FrameError`.

    A frame that ends inside an interval is cut; one that ends between two cannot be told from a
    shorter one.
    """
    try:
        flags, hr = frame[0], frame[1]
        at = 2
        if flags & _WIDE:
            (hr,) = _WORD.unpack_from(frame, 1)
            at = 3
        energy_kj = rr_1024 = None
        if flags & _ENERGY:
            (energy_kj,) = _WORD.unpack_from(frame, at)
            at += 2
        if flags & _INTERVALS:
            count = (len(frame) - at + 1) // 2
            rr_1024 = struct.unpack_from(f"<{count}H", frame, at)
            at = len(frame)
    except (struct.error, IndexError) as error:
        raise FrameError(ENDS_EARLY, frame) from error
    contact = _CONTACTS[flags >> _CONTACT_SHIFT & 0x3]
    return _heart_rate(hr, contact, energy_kj, rr_1024, frame[at:])


def encode_heart_rate(value: HeartRate) -> bytes:
    """Return the frame that decodes to `value`; refuses with `EncodeError` what cannot be said."""
    flags = _CONTACT_BITS[value.contact] << _CONTACT_SHIFT
    layout = "<BB"
    fields = [value.hr]
    if value.hr > 0xFF:
        flags |= _WIDE
        layout = "<BH"
    if value.energy_kj is not None:
        flags |= _ENERGY
        layout += "H"
        fields.append(value.energy_kj)
    if value.rr_1024 is not None:
        flags |= _INTERVALS
        layout += f"{len(value.rr_1024)}H"
        fields += value.rr_1024
    return pack(layout, flags, *fields) + value.trailing
