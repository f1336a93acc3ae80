"""Somebody answers: exactly one wins, whoever else is at it, and nothing is sent afterwards."""

import asyncio
from datetime import timedelta

from fix_watch import Watch

from yikao_alerts.answer import (
    AlreadyAnswered,
    Answer,
    Answered,
    Disposition,
    NotOpen,
    acknowledge,
)
from yikao_alerts.working import connect

OWN, DUTY = "wang", "li"
OWN_NAME = "王医生"
RACERS = 50
RACES = 3
CONNECTIONS = 10
"""More racers than connections: some wait for the lock, some for their turn."""


def red(watch: Watch) -> None:
    """Bring an episode to its first page."""
    watch.measures(186, 112, ago_min=3)
    watch.measures(184, 110, ago_min=1)
    watch.decides()


def test_an_answer_stops_the_pages_and_is_told(watch: Watch) -> None:
    red(watch)
    assert watch.answers(OWN, Disposition.CALLED) == Answered(watch.now)
    assert watch.clinic.rows(
        "SELECT state, answered_by, answered_at, disposition, closed_at FROM episode"
    ) == [("answered", OWN, watch.now, "called", None)]
    assert [state for *_, state in watch.pages()] == ["cancelled"]
    assert watch.clinic.rows(
        "SELECT event, from_state, to_state, actor, detail FROM episode_event"
        " ORDER BY event_id DESC LIMIT 1"
    ) == [("acknowledged", "open", "answered", OWN, {"disposition": "called"})]


def test_repeating_it_changes_nothing_and_a_second_doctor_is_told_who(watch: Watch) -> None:
    red(watch)
    first_at = watch.now
    watch.answers(OWN)
    watch.decides()
    story = watch.clinic.rows("SELECT * FROM episode_event ORDER BY event_id")
    watch.now += timedelta(minutes=3)
    assert watch.answers(OWN, Disposition.REFERRED) == Answered(first_at)
    assert watch.answers(DUTY) == AlreadyAnswered(OWN_NAME, first_at)
    assert watch.clinic.rows("SELECT * FROM episode_event ORDER BY event_id") == story
    assert watch.clinic.one("SELECT disposition FROM episode") == "called"
    assert watch.clinic.rows("SELECT * FROM eval_queue") == []


def test_there_is_nothing_to_answer_before_and_after(watch: Watch) -> None:
    assert watch.with_connection(
        lambda connection: acknowledge(
            connection,
            now=watch.now,
            episode_id=999,
            doctor_id=OWN,
            disposition=Disposition.CALLED,
        )
    ) == NotOpen("none")
    watch.measures(186, 112)
    watch.decides()
    assert watch.answers(OWN) == NotOpen("suspected")
    watch.until(2)
    watch.measures(184, 110)
    watch.decides()
    watch.answers(OWN)
    watch.closes(OWN)
    assert watch.answers(DUTY) == NotOpen("resolved")


def test_fifty_answers_race_the_evaluator_and_one_wins(watch: Watch) -> None:
    """At the very minute of the next step, too: no page row is made after the answer's commit."""
    watch.clinic.rows(
        "INSERT INTO doctor (doctor_id, team_id, name, language)"
        " SELECT 'doctor-' || n, team_id, 'doctor-' || n, 'zh'"
        " FROM team, generate_series(0, %s) AS n WHERE team_id ="
        " (SELECT team_id FROM doctor WHERE doctor_id = %s)",
        RACERS - 1,
        OWN,
    )
    for race in range(RACES):
        watch.until(race * 120)
        red(watch)
        watch.now += timedelta(minutes=10)
        watch.measures(188, 114)
        answers = asyncio.run(_race(watch))
        winners = [answer for answer in answers if isinstance(answer, Answered)]
        assert len(winners) == 1
        others = [answer for answer in answers if isinstance(answer, AlreadyAnswered)]
        assert len(others) == RACERS - 1
        assert (
            watch.clinic.one("SELECT count(*) FROM episode_event WHERE event = 'acknowledged'")
            == race + 1
        )
        watch.decides()
        assert {state for *_, state in watch.pages()} == {"cancelled"}
        late = watch.clinic.one(
            "SELECT count(*) FROM page JOIN episode USING (episode_id)"
            " WHERE page.created_at > answered_at"
        )
        assert late == 0
        watch.closes(OWN)


async def _race(watch: Watch) -> list[Answer]:
    gate = asyncio.Semaphore(CONNECTIONS)

    async def answer(number: int) -> Answer:
        async with gate, await connect(watch.clinic.dsn) as connection:
            return await acknowledge(
                connection,
                now=watch.now,
                episode_id=watch_id,
                # Each a doctor of their own: the same would be told that it is theirs.
                doctor_id=f"doctor-{number}",
                disposition=Disposition.CALLED,
            )

    async def evaluate() -> None:
        async with await connect(watch.clinic.dsn) as connection:
            for _ in range(RACERS):
                await watch.evaluator.cycle(connection)

    watch_id = watch.episode_id
    tasks = [asyncio.create_task(answer(number)) for number in range(RACERS)]
    deciding = asyncio.create_task(evaluate())
    answers = await asyncio.gather(*tasks)
    await deciding
    return list(answers)
