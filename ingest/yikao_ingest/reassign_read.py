"""What a corrected registry asks to look at: devices, and what they measured, from the database.

A device is looked at in pieces, in order of time: each is one transaction, and who is killed in
between is followed from the last one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from yikao_alerts.amended import Correction
from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_devices import wire
from yikao_ingest.accept import UNREADABLE
from yikao_ingest.directory import Binding, Device
from yikao_ingest.packed import unpack
from yikao_ingest.reassign import Placed, Record, owner, placed

SQL: Final = load_sql_blocks("yikao_ingest", "sql/reassign.sql")
BATCH: Final = 500
"""Readings in one transaction; a moment is never divided, so that a few more are possible."""
INSTANT: Final = timedelta(microseconds=1)
"""The least that two times differ by."""
OLDEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
NEWEST: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""Before and after everything that ingest accepts."""
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Work:
    """A device to look at: what the registry says of it now, and in which time.

    after: up to which time all is in place. holders: everybody who may have some of its readings.
    """

    device: Device
    version: str
    applied_at: datetime
    applied_by: str
    after: datetime
    until: datetime
    holders: tuple[int, ...]

    def correction(self, now: datetime) -> Correction:
        """Return as what a move of now is written down."""
        return Correction(self.version, self.applied_by, now)


@dataclass(frozen=True, slots=True)
class Report:
    """A report of symptoms that belongs to another resident."""

    reading_id: UUID
    patient_id: int
    to: int
    time: datetime
    received_at: datetime
    user_slot: int | None


@dataclass(frozen=True, slots=True)
class Batch:
    """The next piece of a device: what of it has to be put elsewhere.

    end: up to which time it goes. last: nothing is left behind it. unclaimed: how many readings the
    registry gives to nobody; they stay.
    """

    seen: int
    unclaimed: int
    placed: Sequence[Placed]
    reports: Sequence[Report]
    end: datetime
    last: bool

    @property
    def counts(self) -> dict[str, int]:
        """How much of what has to be put elsewhere; empty where everything is in its place."""
        every = {"readings": len(self.placed), "reports": len(self.reports)}
        return {what: count for what, count in every.items() if count}


async def due(conn: AsyncConnection, now: datetime, most: int = 1) -> list[Work]:
    """Return devices that are due, locked until the transaction ends; whoever works on one has it
    alone, and no registry says otherwise of it meanwhile."""
    rows = await _rows(conn, "due", {"now": now, "most": most})
    return [await _work(conn, row) for row in rows]


async def _work(conn: AsyncConnection, row: Row) -> Work:
    key = {"device_id": row[0]}
    return work_of(row, await _rows(conn, "bindings_of", key), await _rows(conn, "holders_of", key))


def work_of(row: Row, bindings: Sequence[Row], holders: Sequence[Row]) -> Work:
    """Return a device to look at, from the rows of `due`, `bindings_of` and `holders_of`."""
    device_id, address, version, applied_at, applied_by, since, until, reached = row
    begin = OLDEST if since is None else since - INSTANT
    return Work(
        Device(device_id, address, "", tuple(Binding(*fields) for fields in bindings)),
        *(version, applied_at, applied_by),
        begin if reached is None else reached,
        NEWEST if until is None else until,
        tuple(holder for (holder,) in holders),
    )


async def next_batch(conn: AsyncConnection, work: Work, most: int = BATCH) -> Batch:
    """Return what has to be put elsewhere of the next readings of a device."""
    bounds: dict[str, Any] = {
        "device_id": work.device.device_id,
        "holders": list(work.holders),
        "after": work.after,
        "until": work.until,
        "most": most,
    }
    rows = await _rows(conn, "readings_of", bounds)
    last = len(rows) < most
    end = work.until if last else rows[-1][1]
    bounds["until"] = end
    rows += await _rows(conn, "conflicts_of", bounds)
    records = [Record(*row) for row in rows]
    named = [work.device.patient(record.time, record.user_slot) for record in records]
    reports = await _rows(conn, "reports_of", bounds)
    return Batch(
        len(records),
        named.count(None),
        placed(records, work.device),
        [r for r in (_report(row, work.device) for row in reports) if r is not None],
        end,
        last,
    )


def _report(row: Row, device: Device) -> Report | None:
    """Return a report of symptoms that another resident made through this device, else None."""
    patient_id, at, received_at, reading_id, payload = row
    item = _item(unpack(bytes(payload)), reading_id)
    if item is None or item.device != device.address:
        return None
    to = owner(device, at, item.user, patient_id)
    if to == patient_id:
        return None
    return Report(reading_id, patient_id, to, at, received_at, item.user)


def _item(payload: bytes, reading_id: UUID) -> wire.SymptomReport | None:
    """Return the report in the message that brought it; a message may hold other items, too."""
    for raw in wire.decode_message(payload).items:
        try:
            item = wire.decode_item(raw)
        except UNREADABLE:
            continue
        if isinstance(item, wire.SymptomReport) and item.reading_id == reading_id:
            return item
    return None


async def count_due(conn: AsyncConnection, now: datetime) -> int:
    """Return how many readings there are to look at."""
    bounds = {"now": now, "oldest": OLDEST, "newest": NEWEST}
    ((count,),) = await _rows(conn, "count_disputed", bounds)
    return int(count)


async def codes(conn: AsyncConnection, patients: Sequence[int]) -> Mapping[int, str]:
    """Return what the registry calls residents."""
    return dict(await _rows(conn, "codes", {"patients": list(patients)}))


async def _rows(conn: AsyncConnection, statement: str, values: Mapping[str, Any]) -> list[Row]:
    # Planned with the values known: only then are few months or compressed rows looked at.
    return await (await conn.execute(SQL[statement], values, prepare=False)).fetchall()
