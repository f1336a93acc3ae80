"""Somebody answers: what a doctor does with an episode is stored, exactly once.

The answer, the end of its pages and the line in its story are one transaction, under the same lock
as the evaluator's: a page and an answer can never pass each other. What may be done, and by whom,
is decided in `moves.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from yikao_alerts import moves
from yikao_alerts.episode import Change, Episode, Event, State
from yikao_alerts.moves import Bar, Disposition, Impossible, Moved, Relation, Stays, Theirs
from yikao_alerts.rules.model import Suppress
from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_alerts.store import CHANGED, EVALUATE, cancel_pages, lock_patient, notify, save_event
from yikao_alerts.store import SQL as DECIDING
from yikao_alerts.store_write import episode_row

__all__ = [
    "AlreadyAnswered",
    "Answer",
    "Answered",
    "Bar",
    "Colleague",
    "Disposition",
    "NotAllowed",
    "NotOpen",
    "acknowledge",
    "close",
    "colleagues",
    "hand_over",
    "snooze",
    "un_acknowledge",
]

SQL: Final = load_sql_blocks("yikao_alerts", "sql/answer.sql")


@dataclass(frozen=True, slots=True)
class Answered:
    """It is done, or was done before by the same doctor: since when it stands so."""

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


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """It is not for this doctor, or not at all."""

    why: Bar


Answer = Answered | AlreadyAnswered | NotOpen | NotAllowed


@dataclass(frozen=True, slots=True)
class Colleague:
    """A doctor to whom an episode may be handed over."""

    doctor_id: str
    name: str


async def acknowledge(
    conn: AsyncConnection,
    *,
    now: datetime,
    episode_id: int,
    doctor_id: str,
    disposition: Disposition | None,
) -> Answer:
    """Take an open episode; its pages stop with the same commit.

    Without a disposition it is called for again after half an hour, unless the same doctor says by
    then what was done. Whoever repeats it gets the same answer, and changes nothing.
    """

    def move(episode: Episode) -> Moved:
        if disposition is None:
            return moves.taken(episode, doctor_id, now)
        return moves.acknowledged(episode, doctor_id, disposition, now)

    event = Event.TAKEN if disposition is None else Event.ACKNOWLEDGED
    detail = {} if disposition is None else {"disposition": str(disposition)}
    return await _move(conn, now, episode_id, doctor_id, event, move, detail)


async def hand_over(
    conn: AsyncConnection, *, now: datetime, episode_id: int, doctor_id: str, to: str
) -> Answer:
    """Give an episode to a colleague, who is called at once and has half an hour to take it."""
    known = {each.doctor_id for each in await colleagues(conn, episode_id)}

    def move(episode: Episode) -> Moved:
        if to == doctor_id or to not in known:
            return Bar.NO_COLLEAGUE
        return moves.handed_over(episode, to, now)

    return await _move(conn, now, episode_id, doctor_id, Event.HANDED_OVER, move, {"to": to})


async def un_acknowledge(
    conn: AsyncConnection, *, now: datetime, episode_id: int, doctor_id: str
) -> Answer:
    """Put an episode back: it is nobody's, and is called for again at once."""

    def move(episode: Episode) -> Moved:
        return moves.put_back(episode, now)

    return await _move(conn, now, episode_id, doctor_id, Event.REOPENED, move, {})


async def snooze(
    conn: AsyncConnection,
    *,
    now: datetime,
    episode_id: int,
    doctor_id: str,
    until: datetime,
    reason: str,
    suppress: Suppress,
) -> Answer:
    """Silence an episode, at its level and in its direction, for as long as the rules allow."""

    def move(episode: Episode) -> Moved:
        return moves.snoozed(episode, doctor_id, until, reason, now, suppress)

    detail = {"until": until.isoformat(), "reason": reason.strip()}
    return await _move(conn, now, episode_id, doctor_id, Event.SNOOZED, move, detail)


async def close(
    conn: AsyncConnection,
    *,
    now: datetime,
    episode_id: int,
    doctor_id: str,
    disposition: Disposition,
) -> Answer:
    """End an answered episode by a person's decision."""

    def move(episode: Episode) -> Moved:
        return moves.closed(episode, disposition)

    detail = {"disposition": str(disposition)}
    return await _move(conn, now, episode_id, doctor_id, Event.CLOSED, move, detail)


async def colleagues(conn: AsyncConnection, episode_id: int) -> list[Colleague]:
    """Return to whom an episode may be handed over, by name."""
    rows = await (await conn.execute(SQL["colleagues"], {"episode_id": episode_id})).fetchall()
    return [Colleague(*row) for row in rows]


async def _move(
    conn: AsyncConnection,
    now: datetime,
    episode_id: int,
    doctor_id: str,
    event: Event,
    move: Callable[[Episode], Moved],
    detail: Mapping[str, Any],
) -> Answer:
    """Make a move if it may be made, and store all that follows, in one transaction."""
    async with conn.transaction():
        held = await _locked(conn, episode_id, doctor_id)
        if held is None:
            return NotOpen(State.NONE)
        patient_id, holder, relation, episode = held
        match move(episode) if relation in moves.MAY[event] else Bar.ROLE:
            case Change() as change:
                await _store(conn, patient_id, change, doctor_id, now, detail)
                return Answered(change.episode.answered_at or now)
            case Stays(at):
                return Answered(at)
            case Theirs(at):
                return AlreadyAnswered(holder, at)
            case Impossible(state):
                return NotOpen(state)
            case Bar() as bar:
                return NotAllowed(bar)


async def _locked(
    conn: AsyncConnection, episode_id: int, doctor_id: str
) -> tuple[int, str, Relation, Episode] | None:
    """Return the patient, who holds the episode, what the doctor is to the patient, the episode.

    Read under the resident's lock.
    """
    key = {"episode_id": episode_id, "doctor_id": doctor_id}
    found = await (await conn.execute(SQL["patient_of_answer"], key)).fetchone()
    if found is None:
        return None
    await lock_patient(conn, found[0])
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(SQL["episode_to_move"], key)
        row = await cursor.fetchone()
    assert row is not None, "episodes are never deleted"
    holder = row.pop("holder_name") or row["answered_by"] or ""
    relation = Relation(row.pop("relation"))
    row["state"] = State(row["state"])
    return found[0], holder, relation, Episode(**row)


async def _store(
    conn: AsyncConnection,
    patient_id: int,
    change: Change,
    doctor_id: str,
    now: datetime,
    detail: Mapping[str, Any],
) -> None:
    episode = change.episode
    await conn.execute(DECIDING["update_episode"], episode_row(patient_id, episode, now))
    await cancel_pages(conn, episode.episode_id)
    states = (change.before, episode.state)
    await save_event(
        conn, episode.episode_id, now, change.event, states, actor=doctor_id, detail=dict(detail)
    )
    # The evaluator calls whoever is next, and sets the timer by which an answer grows old.
    await conn.execute(DECIDING["queue_evaluation"], {"patient_id": patient_id, "now": now})
    await notify(conn, EVALUATE)
    await notify(conn, CHANGED, f"episode:{episode.episode_id}")
