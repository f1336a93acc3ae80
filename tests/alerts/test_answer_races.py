"""An answer and an escalation at the very same moment: exactly the chain, and nothing after it.

Real connections, the real evaluator. A part of the races here; all thousand of them with
`make torture ARGS=tests/alerts/test_answer_races.py`.
"""

import asyncio
from datetime import timedelta
from typing import Any, LiteralString
from uuid import uuid4

from fix_hypothesis import examples
from fix_watch import SECRET, Watch
from pager_parts import Desks, episodes, story
from psycopg import AsyncConnection

from yikao_alerts.answer import Answered, Disposition, acknowledge, close
from yikao_alerts.channels.sms_reply import Incoming
from yikao_alerts.escalation import load_policies
from yikao_alerts.replied import Heard, take_by_reply
from yikao_alerts.reply import reply_code
from yikao_alerts.store import LOCK_CLASS, lock_patient
from yikao_alerts.working import connect

RACES = examples(50).max_examples
"""A thousand where `make torture` asks for twenty times as many."""
APART_MIN = 240.0
AFTERWARDS_MIN = (11, 25, 29)
"""When it is looked at again: past the next steps, and before the next re-check is silent."""
OWN = "wang"


def test_an_answer_races_each_step_of_the_chain(watch: Watch) -> None:
    steps = load_policies()["page_now"].steps
    won = asyncio.run(_races(watch, [step.after for step in steps if step.after]))
    assert sum(won.values()) == RACES
    assert watch.clinic.rows("SELECT FROM page WHERE state = 'due'") == []


@story
async def test_an_answer_to_several_locks_their_residents_in_one_order(
    watch: Watch, desk: Desks
) -> None:
    """Or two answers, each to a message about both, would wait for each other."""
    zhao, qian = watch.clinic.patient("zhao"), watch.clinic.patient("qian")
    first, _ = episodes(watch, 2)
    watch.clinic.rows("UPDATE episode SET patient_id = %s WHERE episode_id = %s", qian, first)
    message, telephone = uuid4(), "+8613900000001"
    watch.clinic.rows(
        "UPDATE page SET channel = 'sms', address = %s, message_id = %s, message_at = %s",
        *(telephone, message, watch.now),
    )
    code = reply_code(SECRET, message, telephone)
    incoming = Incoming("one", telephone, f"1 {code}")
    one, other = (await desk()).connection, (await desk()).connection
    async with other.transaction():
        await lock_patient(other, min(zhao, qian))
        reply = take_by_reply(one, now=watch.now, secret=SECRET, incoming=incoming)
        answering = asyncio.create_task(reply)
        while await _row(other, "SELECT FROM pg_locks WHERE NOT granted") is None:
            await asyncio.sleep(0)
        free = "SELECT pg_try_advisory_xact_lock(%s, %s)"
        assert await _row(other, free, LOCK_CLASS, max(zhao, qian)) == (True,)
    assert await answering is Heard.TAKEN


async def _row(conn: AsyncConnection, query: LiteralString, *values: int) -> Any:
    return await (await conn.execute(query, values)).fetchone()


async def _races(watch: Watch, steps: list[int]) -> dict[str, int]:
    """Let answers race against steps; return how often which was first."""
    won = {"answer": 0, "step": 0}
    async with await connect(watch.clinic.dsn) as deciding, await connect(watch.clinic.dsn) as own:
        for race in range(RACES):
            watch.until(race * APART_MIN)
            watch.measures(205, 112)
            await watch.evaluator.cycle(deciding)
            before = _pages(watch)
            assert before, "the first page is made with the episode"
            watch.now += timedelta(minutes=steps[race % len(steps)])
            both = [_answers(watch, own), watch.evaluator.cycle(deciding)]
            await asyncio.gather(*(both if race % 2 else reversed(both)))
            await _never_more(watch, deciding, before, won)
            await close(own, disposition=Disposition.REFERRED, **_who(watch))
    return won


async def _answers(watch: Watch, conn: AsyncConnection) -> None:
    # Sent to hospital: nobody is at home whose silence could be an alarm of its own.
    answer = await acknowledge(conn, disposition=Disposition.REFERRED, **_who(watch))
    assert answer == Answered(watch.now)


def _who(watch: Watch) -> dict[str, Any]:
    return {"now": watch.now, "episode_id": watch.episode_id, "doctor_id": OWN}


def _pages(watch: Watch) -> set[tuple[Any, ...]]:
    return set(
        watch.clinic.rows(
            "SELECT round, step, loop, doctor_id, created_at FROM page WHERE episode_id = %s",
            watch.episode_id,
        )
    )


async def _never_more(
    watch: Watch, deciding: AsyncConnection, before: set[tuple[Any, ...]], won: dict[str, int]
) -> None:
    """The step that was due was made before the answer or never, and none after it is."""
    made = _pages(watch)
    new = made - before
    assert before <= made
    assert all(at == watch.now for *_, at in new), "only the step that was due"
    won["step" if new else "answer"] += 1
    answered_at = watch.now
    for minutes in AFTERWARDS_MIN:
        watch.now = answered_at + timedelta(minutes=minutes)
        while await watch.evaluator.cycle(deciding):
            pass
        assert _pages(watch) == made
