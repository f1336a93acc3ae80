"""Whether what stands in the outbox is still what was stored there: cards and sticks forget bits.

A reading that the disk has changed would be signed by us and pass for one, so each row has a
checksum, and is looked at before it is used. A changed row may hold anything in any column. What is
known of a device has none: there it is asked whether we can have written it.

CRC-32 finds every change of up to three bits in a row of this length, and all but one in four
thousand million of the others. Source: Koopman, 32-Bit Cyclic Redundancy Codes for Internet
Applications, DSN 2002.
"""

import re
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from msgspec import DecodeError, Struct, ValidationError, json

ID_BYTES: Final = 16
NEXT_RECORD_MAX: Final = 1 << 16
"""The number after the last that a record can have."""
TIMES_S: Final = (946_684_800.0, 4_102_444_800.0)
"""From 2000 until 2100, as Unix times."""
AHEAD_MAX_S: Final = 4e9
"""A device's clock is wrong by no more than from one end of its calendar to now: 127 years."""
_is_address: Final = re.compile(r"([0-9A-F]{2}:){5}[0-9A-F]{2}").fullmatch
_is_name: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}").fullmatch
"""A model's, or an event's code."""


class _Head(Struct):
    """What every item says of itself."""

    reading_id: UUID
    kind: str


_decode_head: Final = json.Decoder(_Head).decode
_decode_identity: Final = json.Decoder(dict[str, str]).decode


def checksum(payload: bytes) -> int:
    """Return the checksum of an item's payload."""
    return zlib.crc32(payload)


def frame_checksum(*columns: Any) -> int:
    """Return the checksum of a frame: of all that is known of it, its bytes last."""
    *known, data = columns
    return zlib.crc32(data, zlib.crc32(json.encode(known)))


def is_id(name: Any) -> bool:
    """Return whether a column can be a reading's id."""
    return isinstance(name, bytes) and len(name) == ID_BYTES


def is_sound(name: Any, kind: Any, payload: Any, crc: Any) -> bool:
    """Return whether an item is what was stored: its checksum, and its id and kind as it says."""
    if not isinstance(payload, bytes) or checksum(payload) != crc:
        return False
    try:
        head = _decode_head(payload)
    except (DecodeError, ValidationError):
        return False
    return (head.reading_id.bytes, head.kind) == (name, kind)


def is_sound_frame(columns: Sequence[Any], crc: Any) -> bool:
    """Return whether a frame is what was stored; one without a checksum is believed."""
    if crc is None:
        return True
    try:
        return bool(frame_checksum(*columns) == crc)
    except TypeError:
        # Bytes that are none, or a column that nothing of ours could hold.
        return False


def is_sound_device(columns: Sequence[Any]) -> bool:
    """Return whether we can have written what is known of a device.

    columns: address, model, identity, next_record, problem, battery_low, last_seen, clock_at,
    clock_ahead_s, clock_over, clock_drained.
    """
    address, model, identity, record, problem, low, seen, clock_at, ahead_s, over, drained = columns
    names = [model] if problem is None else [model, problem]
    times = [seen] if clock_at is None else [seen, clock_at]
    return (
        isinstance(address, str)
        and _is_address(address) is not None
        and all(isinstance(each, str) and _is_name(each) for each in names)
        and _is_identity(identity)
        and (record is None or (type(record) is int and 0 <= record <= NEXT_RECORD_MAX))
        and all(type(each) is int and each in (0, 1) for each in (low, over, drained))
        and all(isinstance(each, float) and _is_time(each) for each in times)
        and (ahead_s is None or (isinstance(ahead_s, float) and abs(ahead_s) <= AHEAD_MAX_S))
    )


def _is_identity(identity: Any) -> bool:
    if not isinstance(identity, str | bytes):
        return False
    try:
        _decode_identity(identity)
    except (DecodeError, ValidationError):
        return False
    return True


def _is_time(unix_s: float) -> bool:
    first_s, end_s = TIMES_S
    return first_s <= unix_s < end_s


def moment_of(unix_s: Any) -> datetime | None:
    """Return a moment in UTC; None for nothing, and for what the disk has made of one."""
    try:
        return datetime.fromtimestamp(unix_s, UTC) if unix_s else None
    except (TypeError, ValueError, OverflowError, OSError):
        return None
