"""Readings on their way into the tables: rows of the staging table, of which no two are alike."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from operator import itemgetter
from typing import Final, NamedTuple
from uuid import UUID

from yikao_devices import wire
from yikao_ingest.accept import AcceptedReading
from yikao_ingest.rows import Row, milliseconds

TYPES: Final = (
    *("uuid", "int8", "int4", "timestamptz", "int4", "text"),
    *("float8",) * 9,
    *("text", "text", "int4", "int2", "text[]", "float8", "text", "float8"),
    *("int8", "int4", "int4", "int8"),
)
"""Of the columns of `copy_staging`."""
_PLACE: Final = itemgetter(0, 1)
"""Key and id of what is staged."""


class Key(NamedTuple):
    """What names a stored reading: the primary key of the table."""

    patient_id: int
    time: datetime
    device_id: int
    kind: str


class Staged(NamedTuple):
    """A reading and its row, in the order of `copy_readings`."""

    key: Key
    reading_id: UUID
    message_id: int | None
    row: Row


def staged(accepted: AcceptedReading, message_id: int | None, now: datetime) -> Staged:
    """Return a reading with its row."""
    item = accepted.item
    at = item.measured_at
    key = Key(accepted.patient_id, at, accepted.device_id, wire.kind_of(item))
    row = (*key, *accepted.row, milliseconds(now - at))
    return Staged(key, item.reading_id, message_id, row)


def staging_row(one: Staged) -> Row:
    """Return a reading as `copy_staging` takes it."""
    return one.reading_id, one.message_id, *one.row


def rounds(readings: Iterable[Staged]) -> Iterator[list[Staged]]:
    """Yield what is to be stored one round after the other: in one no two have the same key.

    An id that comes again is left out. Of several ids under one key the lowest goes first, whatever
    order they came in. Those of a round lie in the order of the table's index.
    """
    unique: dict[UUID, Staged] = {}
    for one in readings:
        unique.setdefault(one.reading_id, one)
    left = sorted(unique.values(), key=_PLACE)
    while left:
        taken, later = [left[0]], list[Staged]()
        for one in left[1:]:
            (later if one.key == taken[-1].key else taken).append(one)
        yield taken
        left = later


def oldest(readings: Iterable[Staged]) -> dict[int, datetime]:
    """Return for each resident the time of the oldest reading."""
    found: dict[int, datetime] = {}
    for one in readings:
        key = one.key
        at = found.get(key.patient_id)
        if at is None or key.time < at:
            found[key.patient_id] = key.time
    return found


def newest(together: Iterable[Staged]) -> list[Staged]:
    """Return of a round each resident's newest reading of each kind, the lowest device's first."""
    found: dict[tuple[int, str], Staged] = {}
    for one in together:
        mine = one.key.patient_id, one.key.kind
        if mine not in found or found[mine].key.time < one.key.time:
            found[mine] = one
    return list(found.values())
