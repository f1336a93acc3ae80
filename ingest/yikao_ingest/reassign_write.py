"""Puts readings where a corrected registry says that they belong, with all that follows from it.

Dull, and in one transaction: the readings, the audit, the days to close anew, who is looked at
again, and a word in the story of each episode that was made of them. Nothing is deleted.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from psycopg import AsyncConnection

from yikao_alerts.amended import AMENDED, RETURNED, amend
from yikao_alerts.history import JUDGED, key_of
from yikao_alerts.store import CHANGED, EVALUATE, lock_patient, notify
from yikao_alerts.store import SQL as ALERTS_SQL
from yikao_ingest.reassign import Outcome, Placed, Record
from yikao_ingest.reassign_read import SQL, Batch, Report, Work

CONFLICTS: Final = UUID("5c0f3a51-6b1c-5d27-9d0e-3f0f4a1c9a77")
"""Namespace of the ids of conflicts that a correction makes: a reading does not know its own."""
Keys = Mapping[int, Mapping[str, datetime]]
"""Of each resident: readings and reports by key, with when they were made."""


async def carry_out(conn: AsyncConnection, work: Work, batch: Batch, now: datetime) -> int:
    """Store what a batch says, within the caller's transaction; return how many alerts it amends.

    Residents are locked first: whoever decides about one has done so before, and is told, or does
    so after, and sees what has changed.
    """
    patients = _patients(batch)
    if not patients:
        return 0
    for patient_id in patients:
        await lock_patient(conn, patient_id)
    await _move_readings(conn, work, batch.placed, now)
    for report in batch.reports:
        await _run(conn, "move_report", _of(work, now) | _report_row(report))
    await _look_again(conn, work, batch, now)
    gone, come = _keys(work, batch)
    amended = 0
    for patient_id in patients:
        settled = {"patient_id": patient_id, "now": now}
        for statement, event, keys in (
            ("settle_doubts", AMENDED, gone.get(patient_id, {})),
            ("ask_again", RETURNED, come.get(patient_id, {})),
        ):
            await _run(conn, statement, settled | {"keys": list(keys)})
            count = await amend(conn, patient_id, keys, event, work.correction(now))
            amended += count if event == AMENDED else 0
    return amended


def _patients(batch: Batch) -> list[int]:
    """Return whom a batch concerns, in the order in which they are locked."""
    found = {p.record.patient_id for p in batch.placed} | {p.patient_id for p in batch.placed}
    found |= {r.patient_id for r in batch.reports} | {r.to for r in batch.reports}
    return sorted(found)


def _of(work: Work, now: datetime) -> dict[str, Any]:
    return {"version": work.version, "device_id": work.device.device_id, "now": now}


def _report_row(report: Report) -> dict[str, Any]:
    return {
        "reading_id": report.reading_id,
        "from": report.patient_id,
        "to": report.to,
        "time": report.time,
        "received_at": report.received_at,
        "user_slot": report.user_slot,
    }


async def _move_readings(
    conn: AsyncConnection, work: Work, placed: Sequence[Placed], now: datetime
) -> None:
    """Take all of them out, and put each where it belongs: two may change places."""
    if not placed:
        return
    await _run(conn, "no_limit", {})
    await _run(conn, "make_moving", {})
    sources: dict[int, list[Placed]] = defaultdict(list)
    conflicts: list[Placed] = []
    for one in placed:
        if one.record.conflict_id is None:
            sources[one.record.patient_id].append(one)
        else:
            conflicts.append(one)
    for holder, leaving in sources.items():
        await _run(conn, "take_readings", _of(work, now) | _leaving(work, holder, leaving))
    ids = {"ids": [one.record.conflict_id for one in conflicts]}
    await _run(conn, "take_conflicts", ids | _where_to(conflicts))
    await _run(conn, "note_moved", _of(work, now))
    for statement in ("hand_over", "put_readings", "put_conflicts"):
        await _run(conn, statement, {})


def _leaving(work: Work, holder: int, leaving: Sequence[Placed]) -> dict[str, Any]:
    """Return the readings that leave one resident; those that become conflicts get an id."""
    times = [one.record.time for one in leaving]
    return _where_to(leaving) | {
        "holder": holder,
        "times": times,
        "kinds": [one.record.kind for one in leaving],
        "ids": [
            _conflict_id(work, one.record) if one.outcome is Outcome.CONFLICT else None
            for one in leaving
        ],
        "first": min(times),
        "last": max(times),
    }


def _conflict_id(work: Work, record: Record) -> UUID:
    """Return the same id whenever the same reading becomes a conflict."""
    key = key_of(record.kind, work.device.address, record.time)
    return uuid5(CONFLICTS, f"{key}/{record.user_slot}/{record.received_at.timestamp()}")


def _where_to(placed: Iterable[Placed]) -> dict[str, Any]:
    return {
        "tos": [one.patient_id for one in placed],
        "outcomes": [str(one.outcome) for one in placed],
    }


async def _look_again(conn: AsyncConnection, work: Work, batch: Batch, now: datetime) -> None:
    """Have days closed anew and decisions made again, of all who lost or got what rules look at."""
    firsts: dict[int, datetime] = {}
    judged = [p for p in batch.placed if p.record.kind in JUDGED]
    made = [(p.record.patient_id, p.patient_id, p.record.time) for p in judged]
    made += [(r.patient_id, r.to, r.time) for r in batch.reports]
    for holder, to, at in made:
        for patient_id in (holder, to):
            firsts[patient_id] = min(at, firsts.get(patient_id, at))
    days = {"patients": list(firsts), "times": list(firsts.values())}
    await _run(conn, "take_back_days", days)
    values = {
        "patients": _patients(batch),
        "kinds": sorted({p.record.kind for p in batch.placed}),
        "device_id": work.device.device_id,
    }
    for statement in ("lock_latest", "no_latest", "lower_latest", "first_latest", "habits"):
        await _run(conn, statement, values)
    for patient_id in sorted(firsts):
        asked = {"patient_id": patient_id, "now": now}
        await conn.execute(ALERTS_SQL["queue_evaluation"], asked)
    await notify(conn, EVALUATE)
    await notify(conn, CHANGED, "readings")


def _keys(work: Work, batch: Batch) -> tuple[Keys, Keys]:
    """Return what has left residents, and what has come to them."""
    gone: dict[int, dict[str, datetime]] = defaultdict(dict)
    come: dict[int, dict[str, datetime]] = defaultdict(dict)
    for one in batch.placed:
        if one.moves:
            record = one.record
            key = key_of(record.kind, work.device.address, record.time)
            gone[record.patient_id][key] = come[one.patient_id][key] = record.time
    for report in batch.reports:
        key = f"symptom/{report.reading_id}"
        gone[report.patient_id][key] = come[report.to][key] = report.time
    return gone, come


async def _run(conn: AsyncConnection, statement: str, values: Mapping[str, Any]) -> None:
    # Planned with the values known: only then are few months or compressed rows looked at.
    await conn.execute(SQL[statement], values, prepare=False)
