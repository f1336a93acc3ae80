"""Readings on their way into the tables: rows of the staging table, of which no two are alike."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from yikao_devices import wire
from yikao_ingest.accept import AcceptedReading

TYPES: Final = (
    *("uuid", "int8", "int4", "timestamptz", "int4", "text"),
    *("float8",) * 9,
    *("text", "text", "int4", "int2", "text[]", "float8", "text", "float8"),
    *("timestamptz", "timestamptz"),
)
"""Of the columns of `copy_staging`."""
_NO_PRESSURE: Final = (None,) * 7
_NO_GLUCOSE: Final = (None,) * 2

Row = tuple[object, ...]


class Key(NamedTuple):
    """What names a stored reading: the primary key of the table."""

    patient_id: int
    time: datetime
    device_id: int
    kind: str


@dataclass(frozen=True, slots=True)
class Staged:
    """A reading and its row."""

    key: Key
    reading_id: UUID
    row: Row


def staged(accepted: AcceptedReading, message_id: int | None, now: datetime) -> Staged:
    """Return a reading with its row, in the order of `copy_staging`."""
    item = accepted.item
    key = Key(accepted.patient_id, item.measured_at, accepted.device_id, wire.kind_of(item))
    if isinstance(item, wire.BloodPressureReading):
        values: Row = (
            item.systolic_mmhg,
            item.diastolic_mmhg,
            item.mean_mmhg,
            item.pulse_bpm,
            item.systolic_kpa,
            item.diastolic_kpa,
            item.mean_kpa,
            *_NO_GLUCOSE,
        )
        meal = None
    else:
        values = (*_NO_PRESSURE, item.glucose_mmol_l, item.glucose_mg_dl)
        meal = item.meal
    clocks = item.clocks
    row = (
        *(item.reading_id, message_id),
        *key,
        *values,
        *(item.unit, meal, item.record, item.user, list(item.flags), item.doubt_s),
        *(clocks.t_dev, clocks.device_offset_s, clocks.t_hub, now),
    )
    return Staged(key, item.reading_id, row)


def rounds(readings: Iterable[Staged]) -> Iterator[list[Staged]]:
    """Yield what is to be stored one round after the other: in one no two have the same key.

    An id that comes again is left out. Of several ids under one key the lowest goes first, whatever
    order they came in. Those of a round lie in the order of the table's index.
    """
    unique: dict[UUID, Staged] = {}
    for one in readings:
        unique.setdefault(one.reading_id, one)
    left = sorted(unique.values(), key=_place)
    while left:
        taken, later = [left[0]], list[Staged]()
        for one in left[1:]:
            (later if one.key == taken[-1].key else taken).append(one)
        yield taken
        left = later


def _place(one: Staged) -> tuple[Key, UUID]:
    return one.key, one.reading_id


def oldest(readings: Iterable[Staged]) -> dict[int, datetime]:
    """Return for each resident the time of the oldest reading."""
    found: dict[int, datetime] = {}
    for one in readings:
        key = one.key
        at = found.get(key.patient_id)
        if at is None or key.time < at:
            found[key.patient_id] = key.time
    return found


def newest(readings: Sequence[Staged]) -> dict[tuple[int, str], datetime]:
    """Return for each resident and kind the time of the newest reading."""
    found: dict[tuple[int, str], datetime] = {}
    for one in readings:
        key = one.key
        mine = key.patient_id, key.kind
        at = found.get(mine)
        if at is None or at < key.time:
            found[mine] = key.time
    return found
