"""COPY's binary form, written by hand where every reading passes: the driver's way is for few rows.

Source: PostgreSQL 18, COPY, section "Binary Format"; array_recv in utils/adt/arrayfuncs.c.
"""

import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from psycopg.postgres import types

NULL: Final = struct.pack(">i", -1)
EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
_BEGIN: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END: Final = struct.pack(">h", -1)
_TEXT: Final = types["text"].oid
_ID: Final = struct.pack(">i", 16)
_LEDGER: Final = struct.pack(">h", 4) + _ID
"""A line of the ledger has four fields, and the first of them is an id."""


def sized(data: bytes) -> bytes:
    """Return a field of these bytes."""
    return struct.pack(">i", len(data)) + data


def identity(value: UUID) -> bytes:
    """Return a field of `uuid`."""
    return _ID + value.bytes


def number(value: int | None) -> bytes:
    """Return a field of `bigint`."""
    return NULL if value is None else struct.pack(">iq", 8, value)


def words(value: str | Sequence[str] | None) -> bytes:
    """Return a field of `text`, or of `text[]` where there are several."""
    if value is None:
        return NULL
    if isinstance(value, str):
        return sized(value.encode())
    # No dimension where there is none; else one, counted from one. Nothing missing, of texts.
    counted = struct.pack(">ii", len(value), 1) if value else b""
    head = struct.pack(">iii", 1 if value else 0, 0, _TEXT) + counted
    return sized(head + b"".join(sized(each.encode()) for each in value))


def copied(lines: Iterable[bytes], fields: int) -> bytes:
    """Return what COPY takes: lines of so many fields each."""
    count = struct.pack(">h", fields)
    # Before the first line and between any two: the count alone is not in them.
    return b"".join((_BEGIN, *(part for line in lines for part in (count, line)), _END))


def ledger(entries: Iterable[tuple[UUID, int | None]], now: datetime) -> bytes:
    """Return what `copy_ledger` takes of stored readings: each one's id and message's number."""
    received = struct.pack(">iq", 8, (now - EPOCH) // MICROSECOND)
    lines = [_BEGIN]
    tails: dict[int | None, bytes] = {}
    for reading_id, message_id in entries:
        if (tail := tails.get(message_id)) is None:
            tail = tails[message_id] = received + number(message_id) + words("stored")
        lines += (_LEDGER, reading_id.bytes, tail)
    lines.append(_END)
    return b"".join(lines)
