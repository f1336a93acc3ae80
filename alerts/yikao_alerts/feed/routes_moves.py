"""What a doctor does with an episode in the feed: each button is one form, and each form one move.

Whoever presses twice, or second, is told how it stands; nothing is done twice.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from yikao_alerts import answer
from yikao_alerts.answer import AlreadyAnswered, Answer, Answered, Bar, Disposition, NotAllowed
from yikao_alerts.feed.acting import acting_for, back_to
from yikao_alerts.feed.connections import Connection
from yikao_alerts.feed.web import feed_of, reading
from yikao_alerts.moves import REASON_MAX
from yikao_alerts.rules import load_rules

router: Final = APIRouter(prefix="/episodes/{episode_id}")

DONE: Final = ("answered", "taken", "handed_over", "put_back", "snoozed", "closed")
SAID: Final = (*DONE, "already", "not_open", "no_doctor", *(f"bar_{bar}" for bar in Bar))
"""What a page can say about the move that was just made."""
DAYS_MAX: Final = 366
"""A form with more days is no form of ours; how long a silence may be, the rules say."""

Doctor = Annotated[str, Form()]
Move = Callable[[Connection, datetime, str], Awaitable[Answer]]


@router.post("/answer")
async def answer_episode(
    request: Request,
    episode_id: int,
    disposition: Annotated[Disposition, Form()],
    doctor: Doctor = "",
) -> Response:
    """Acknowledge, and show the episode as it is then."""
    return await _acknowledge(request, episode_id, doctor, disposition)


@router.post("/take")
async def take_episode(
    request: Request,
    episode_id: int,
    doctor: Doctor = "",
    disposition: Annotated[Disposition | None, Form()] = None,
) -> Response:
    """Take it; what was done is said later, and where it was ticked already it counts."""
    return await _acknowledge(request, episode_id, doctor, disposition)


async def _acknowledge(
    request: Request, episode_id: int, doctor: str, disposition: Disposition | None
) -> Response:
    async def move(conn: Connection, now: datetime, by: str) -> Answer:
        return await answer.acknowledge(
            conn, now=now, episode_id=episode_id, doctor_id=by, disposition=disposition
        )

    return await _move(request, episode_id, doctor, move, "answered" if disposition else "taken")


@router.post("/hand-over")
async def hand_over_episode(
    request: Request, episode_id: int, to: Annotated[str, Form()], doctor: Doctor = ""
) -> Response:
    """Give it to a colleague, who is called at once."""

    async def move(conn: Connection, now: datetime, by: str) -> Answer:
        return await answer.hand_over(conn, now=now, episode_id=episode_id, doctor_id=by, to=to)

    return await _move(request, episode_id, doctor, move, "handed_over")


@router.post("/put-back")
async def put_back_episode(request: Request, episode_id: int, doctor: Doctor = "") -> Response:
    """Take back an answer: it is called for again."""

    async def move(conn: Connection, now: datetime, by: str) -> Answer:
        return await answer.un_acknowledge(conn, now=now, episode_id=episode_id, doctor_id=by)

    return await _move(request, episode_id, doctor, move, "put_back")


@router.post("/snooze")
async def snooze_episode(
    request: Request,
    episode_id: int,
    days: Annotated[int, Form(ge=1, le=DAYS_MAX)],
    reason: Annotated[str, Form(max_length=REASON_MAX)] = "",
    doctor: Doctor = "",
) -> Response:
    """Silence it, at its level and in its direction."""

    async def move(conn: Connection, now: datetime, by: str) -> Answer:
        return await answer.snooze(
            conn,
            now=now,
            episode_id=episode_id,
            doctor_id=by,
            until=now + timedelta(days=days),
            reason=reason,
            suppress=load_rules().suppress,
        )

    return await _move(request, episode_id, doctor, move, "snoozed")


@router.post("/close")
async def close_episode(
    request: Request,
    episode_id: int,
    disposition: Annotated[Disposition, Form()],
    doctor: Doctor = "",
) -> Response:
    """End an answered episode."""

    async def move(conn: Connection, now: datetime, by: str) -> Answer:
        return await answer.close(
            conn, now=now, episode_id=episode_id, doctor_id=by, disposition=disposition
        )

    return await _move(request, episode_id, doctor, move, "closed")


def said_of(done: Answer, word: str) -> str:
    """Return the word for what became of a move; `word` where it is done."""
    match done:
        case Answered():
            return word
        case AlreadyAnswered():
            return "already"
        case NotAllowed(why):
            return f"bar_{why}"
        case _:
            return "not_open"


async def _move(request: Request, episode_id: int, named: str, move: Move, word: str) -> Response:
    """Make a move for whoever acts, and show the episode as it is then."""
    path = f"/episodes/{episode_id}"
    async with reading(request) as reader:
        row = await reader.episode(episode_id)
        acting = await acting_for(reader, named, row.team_id) if row else None
    if acting is None:
        return back_to(request, path, "no_doctor")
    async with feed_of(request).store.connection() as (conn, now):
        done = await move(conn, now, acting.doctor_id)
    return back_to(request, path, said_of(done, word), acting)
