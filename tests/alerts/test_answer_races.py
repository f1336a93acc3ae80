"""An answer and an escalation at the very same moment: exactly the chain, and nothing after it.

Real connections, the real evaluator. A part of the races here; all thousand of them with
`make torture ARGS=tests/alerts/test_answer_races.py`.
"""

import asyncio
from datetime import timedelta
from typing import Any

from fix_hypothesis import examples
from fix_watch import Watch
from psycopg import AsyncConnection

from yikao_alerts.answer import Answered, Disposition, acknowledge, close
from yikao_alerts.escalation import load_policies
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
