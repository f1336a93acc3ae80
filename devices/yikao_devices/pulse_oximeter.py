"""Pulse oximeters: Spot-check (0x2A5E) and Continuous Measurement (0x2A5F), as on the wire.

A finger clip that is watched while it searches sends "no number" (`Special`) for both values.

Source: Bluetooth SIG, Pulse Oximeter Service 1.0.1, sections 3.1 and 3.2.
"""

import struct
from dataclasses import dataclass
from typing import Final, Literal

from yikao_devices.date_time import DATE_TIME_BYTES, DateTime, read_date_time
from yikao_devices.errors import ENDS_EARLY, FrameError
from yikao_devices.packing import pack
from yikao_devices.quick import quick
from yikao_devices.sfloat import Number, decode_sfloat, encode_sfloat

_SPOT_TIME: Final = 0x01
_SPOT_CLOCK_UNSET: Final = 0x10
_SPOT_SHIFT: Final = 1
"""The flags of what both frames end with stand one bit lower in a spot-check."""

_FAST: Final = 0x01
_SLOW: Final = 0x02
_STATUS: Final = 0x04
_DEVICE: Final = 0x08
_AMPLITUDE: Final = 0x10

_HEAD: Final = struct.Struct("<BHH")
_PAIR: Final = struct.Struct("<HH")
_WORD: Final = struct.Struct("<H")
_TRIPLE: Final = struct.Struct("<HB")


@dataclass(frozen=True, slots=True)
class SpotCheck:
    """`spo2` in percent, `pr` in beats a minute; None is a field the frame does not have.

    `mstatus` (16 bits) and `dstatus` (24 bits): of the measurement, of device and sensor. `pai`:
    pulse amplitude index in percent. `clock_unset`: True where the device says so of its `time`.
    """

    spo2: Number
    pr: Number
    time: DateTime | None = None
    mstatus: int | None = None
    dstatus: int | None = None
    pai: Number | None = None
    clock_unset: Literal[True] | None = None
    trailing: bytes = b""


_spot_check = quick(SpotCheck)


@dataclass(frozen=True, slots=True)
class Continuous:
    """As `SpotCheck`, without a time; the pairs fast and slow answer quickly or calmly."""

    spo2: Number
    pr: Number
    spo2_fast: Number | None = None
    pr_fast: Number | None = None
    spo2_slow: Number | None = None
    pr_slow: Number | None = None
    mstatus: int | None = None
    dstatus: int | None = None
    pai: Number | None = None
    trailing: bytes = b""


_continuous = quick(Continuous)


_Pair = tuple[Number | None, Number | None]
_Tail = tuple[int | None, int | None, Number | None, int]
"""Measurement status, device status, amplitude index, and where they end."""


def decode_spot_check(frame: bytes) -> SpotCheck:
    """Return the measurement in `frame`; refuses one that is too short with `FrameError`."""
    try:
        flags, spo2, pr = _HEAD.unpack_from(frame)
        at = _HEAD.size
        time = None
        if flags & _SPOT_TIME:
            time = read_date_time(frame, at)
            at += DATE_TIME_BYTES
        mstatus, dstatus, pai, at = _read_tail(flags << _SPOT_SHIFT, frame, at)
    except struct.error as error:
        raise FrameError(ENDS_EARLY, frame) from error
    return _spot_check(
        decode_sfloat(spo2),
        decode_sfloat(pr),
        time,
        mstatus,
        dstatus,
        pai,
        True if flags & _SPOT_CLOCK_UNSET else None,
        frame[at:],
    )


def decode_continuous(frame: bytes) -> Continuous:
    """Return the measurement in `frame`; refuses one that is too short with `FrameError`."""
    try:
        flags, spo2, pr = _HEAD.unpack_from(frame)
        at = _HEAD.size
        fast: _Pair = (None, None)
        slow: _Pair = (None, None)
        if flags & _FAST:
            fast = _read_pair(frame, at)
            at += _PAIR.size
        if flags & _SLOW:
            slow = _read_pair(frame, at)
            at += _PAIR.size
        mstatus, dstatus, pai, at = _read_tail(flags, frame, at)
    except struct.error as error:
        raise FrameError(ENDS_EARLY, frame) from error
    return _continuous(
        decode_sfloat(spo2),
        decode_sfloat(pr),
        *fast,
        *slow,
        mstatus,
        dstatus,
        pai,
        frame[at:],
    )


def _read_pair(frame: bytes, at: int) -> _Pair:
    spo2, pr = _PAIR.unpack_from(frame, at)
    return decode_sfloat(spo2), decode_sfloat(pr)


def _read_tail(flags: int, frame: bytes, at: int) -> _Tail:
    """Return what both frames end with; `flags` as the continuous one numbers them."""
    mstatus = dstatus = pai = None
    if flags & _STATUS:
        (mstatus,) = _WORD.unpack_from(frame, at)
        at += 2
    if flags & _DEVICE:
        low, high = _TRIPLE.unpack_from(frame, at)
        dstatus = low | high << 16
        at += _TRIPLE.size
    if flags & _AMPLITUDE:
        pai = decode_sfloat(_WORD.unpack_from(frame, at)[0])
        at += 2
    return mstatus, dstatus, pai, at


def encode_spot_check(value: SpotCheck) -> bytes:
    """Return the frame that decodes to `value`; refuses with `EncodeError` what cannot be said."""
    tail_flags, tail_layout, tail = _tail_fields(value)
    flags = tail_flags >> _SPOT_SHIFT | (_SPOT_CLOCK_UNSET if value.clock_unset else 0)
    layout = "<BHH"
    fields = [encode_sfloat(value.spo2), encode_sfloat(value.pr)]
    if value.time is not None:
        flags |= _SPOT_TIME
        layout += "HBBBBB"
        fields += value.time
    return pack(layout + tail_layout, flags, *fields, *tail) + value.trailing


def encode_continuous(value: Continuous) -> bytes:
    """Return the frame that decodes to `value`; refuses with `EncodeError` what cannot be said."""
    flags, tail_layout, tail = _tail_fields(value)
    layout = "<BHH"
    fields = [encode_sfloat(value.spo2), encode_sfloat(value.pr)]
    for flag, spo2, pr in (
        (_FAST, value.spo2_fast, value.pr_fast),
        (_SLOW, value.spo2_slow, value.pr_slow),
    ):
        if spo2 is not None and pr is not None:
            flags |= flag
            layout += "HH"
            fields += encode_sfloat(spo2), encode_sfloat(pr)
    return pack(layout + tail_layout, flags, *fields, *tail) + value.trailing


def _tail_fields(value: SpotCheck | Continuous) -> tuple[int, str, list[int]]:
    """Return flags, as the continuous frame numbers them, layout and numbers of the end."""
    flags, layout = 0, ""
    fields: list[int] = []
    if value.mstatus is not None:
        flags |= _STATUS
        layout += "H"
        fields.append(value.mstatus)
    if value.dstatus is not None:
        flags |= _DEVICE
        layout += "HB"
        fields += value.dstatus & 0xFFFF, value.dstatus >> 16
    if value.pai is not None:
        flags |= _AMPLITUDE
        layout += "H"
        fields.append(encode_sfloat(value.pai))
    return flags, layout, fields
