"""Somebody answers: an episode is acknowledged or closed by a person, exactly once.

The answer, the end of its pages and the line in its story are one transaction, under the same lock
as the evaluator's: a page and an answer can never pass each other.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from psycopg import AsyncConnection

from yikao_alerts.episodes import Event, State, step
from yikao_alerts.store import (
    CHANGED,
    EVALUATE,
    SQL,
    cancel_pages,
    lock_patient,
    notify,
    save_event,
)


class Disposition(StrEnum):
    """What the doctor did."""

    CALLED = "called"
    ADJUSTED = "adjusted"
    VISIT = "visit"
    REFERRED = "referred"
    FALSE_ALARM = "false_alarm"
    TECHNICAL = "technical"


@dataclass(frozen=True, slots=True)
class Answered:
    """It is yours."""

    at: datetime


@dataclass(frozen=True, slots=True)
class AlreadyAnswered:
    """Somebody was faster: doctor's name and when."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class NotOpen:
    """There is nothing to answer in this state; `none` when there is no such episode."""

    state: str


Answer = Answered | AlreadyAnswered | NotOpen


async def acknowledge(
    conn: AsyncConnection,
    *,
    now: datetime,
    episode_id: int,
    doctor_id: str,
    disposition: Disposition,
) -> Answer:
    """Take an open episode; its pages stop with the same commit.

    Whoever repeats it gets the same answer, and changes nothing.
    """
    async with conn.transaction():
        row = await _locked(conn, episode_id)
        if row is None:
            return NotOpen(State.NONE)
        patient_id, state, answered_at, answered_by, name = row
        if state is State.ANSWERED:
            ours = answered_by == doctor_id
            return Answered(answered_at) if ours else AlreadyAnswered(name, answered_at)
        if state is not State.OPEN:
            return NotOpen(state)
        await conn.execute(
            SQL["answer_episode"],
            _values(episode_id, step(state, Event.ACKNOWLEDGED), now, doctor_id, disposition),
        )
        await cancel_pages(conn, episode_id)
        await _tell(conn, episode_id, now, Event.ACKNOWLEDGED, state, doctor_id, disposition)
        # The evaluator sets the timer by which an answer grows old.
        await conn.execute(SQL["queue_evaluation"], {"patient_id": patient_id, "now": now})
        await notify(conn, EVALUATE)
        return Answered(now)


async def close(
    conn: AsyncConnection,
    *,
    now: datetime,
    episode_id: int,
    doctor_id: str,
    disposition: Disposition,
) -> Answer:
    """End an answered episode by a person's decision."""
    async with conn.transaction():
        row = await _locked(conn, episode_id)
        if row is None or row[1] is not State.ANSWERED:
            return NotOpen(State.NONE if row is None else row[1])
        state = row[1]
        await conn.execute(
            SQL["close_episode"],
            _values(episode_id, step(state, Event.CLOSED), now, doctor_id, disposition),
        )
        await _tell(conn, episode_id, now, Event.CLOSED, state, doctor_id, disposition)
        return Answered(now)


async def _locked(
    conn: AsyncConnection, episode_id: int
) -> tuple[int, State, datetime, str, str] | None:
    """Return patient, state, when and by whom it was answered, and that doctor's name.

    Read under the resident's lock.
    """
    key = {"episode_id": episode_id}
    row = await (await conn.execute(SQL["episode_for_answer"], key)).fetchone()
    if row is None:
        return None
    await lock_patient(conn, row[0])
    row = await (await conn.execute(SQL["episode_for_answer"], key)).fetchone()
    assert row is not None, "episodes are never deleted"
    return row[0], State(row[1]), *row[2:]


def _values(
    episode_id: int, state: State, now: datetime, doctor_id: str, disposition: Disposition
) -> dict[str, Any]:
    return {
        "episode_id": episode_id,
        "state": str(state),
        "now": now,
        "doctor_id": doctor_id,
        "disposition": str(disposition),
    }


async def _tell(
    conn: AsyncConnection,
    episode_id: int,
    now: datetime,
    event: Event,
    before: State,
    doctor_id: str,
    disposition: Disposition,
) -> None:
    await save_event(
        conn,
        episode_id,
        now,
        event,
        (before, step(before, event)),
        actor=doctor_id,
        detail={"disposition": str(disposition)},
    )
    await notify(conn, CHANGED, f"episode:{episode_id}")
