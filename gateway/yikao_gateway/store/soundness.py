"""Whether what stands in the outbox is still what was stored there: cards and sticks forget bits.

A reading that the disk has changed would be signed by us and pass for one, so each row has a
checksum, and is looked at before it is used. A changed row may hold anything in any column.

CRC-32 finds every change of up to three bits in a row of this length, and all but one in four
thousand million of the others. Source: Koopman, 32-Bit Cyclic Redundancy Codes for Internet
Applications, DSN 2002.
"""

import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from msgspec import DecodeError, Struct, ValidationError, json

ID_BYTES: Final = 16


class _Head(Struct):
    """What every item says of itself."""

    reading_id: UUID
    kind: str


_decode_head: Final = json.Decoder(_Head).decode


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


def moment_of(unix_s: Any) -> datetime | None:
    """Return a moment in UTC; None for nothing, and for what the disk has made of one."""
    try:
        return datetime.fromtimestamp(unix_s, UTC) if unix_s else None
    except (TypeError, ValueError, OverflowError, OSError):
        return None
