"""From rows to episodes, pages, questions and timers: decided once, whoever is killed meanwhile."""

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from clinic import CUFF
from fix_database import Clinic
from fix_watch import SECRET, Watch
from roles import role_until_killed

from yikao_alerts.answer import Answered, NotOpen
from yikao_alerts.rules import RuleSet
from yikao_alerts.store import LOCK_CLASS, Linking
from yikao_alerts.working import connect
from yikao_ingest.evaluator import ASIDE, Evaluator
from yikao_ingest.replaying import Span, replay

OWN, DUTY = "wang", "li"
HOME_COUNT = 60
KILLS = 3


def test_two_high_readings_page_once(any_watch: Watch) -> None:
    watch = any_watch
    watch.measures(186, 112)
    watch.decides()
    assert watch.episodes() == [("BP-03", "suspected", "awaited")]
    assert watch.pages() == []
    watch.until(2)
    watch.measures(184, 110)
    watch.decides()
    assert watch.episodes() == [("BP-03", "open", "confirmed")]
    assert watch.pages() == [(2, OWN, 0, 0, "due")]
    # Looked at again with nothing new, or with the same again: nothing follows.
    watch.measures(184, 110)
    watch.clinic.rows("INSERT INTO eval_queue (patient_id, queued_at) VALUES (1, now())")
    assert watch.decides() == 1
    assert len(watch.pages()) == 1
    assert watch.clinic.one("SELECT count(*) FROM finding") == 1


def test_the_first_high_reading_asks_for_a_second_once(watch: Watch) -> None:
    watch.measures(186, 112)
    watch.decides()
    watch.until(1)
    watch.reports("none")
    watch.decides()
    ((device, do, created, expires),) = watch.clinic.rows(
        "SELECT device, do_what, created_at, expires_at FROM command"
    )
    assert (device, do) == (CUFF, "measure_again")
    assert expires - created == timedelta(minutes=15)


def test_one_high_reading_and_no_answer_pages_unconfirmed_after_ten_minutes(watch: Watch) -> None:
    watch.measures(186, 112)
    watch.decides()
    watch.until(9.9)
    assert watch.decides() == 0
    watch.until(10)
    assert watch.decides() == 1
    assert watch.episodes() == [("BP-03", "open", "unconfirmed")]
    assert watch.pages() == [(10, OWN, 0, 0, "due")]


def test_a_second_reading_within_limits_dismisses_the_first(watch: Watch) -> None:
    watch.measures(186, 112)
    watch.decides()
    for minute in (2, 4):
        watch.until(minute)
        watch.measures(150, 90)
        watch.decides()
    assert [state for _, state, _ in watch.episodes()] == ["dismissed"]
    watch.until(60)
    watch.decides()
    assert watch.pages() == []


def test_a_symptom_beside_a_high_reading_pages_at_once(watch: Watch) -> None:
    watch.measures(186, 112)
    watch.reports("chest_pain_or_tightness")
    watch.decides()
    assert ("BP-01", "open") in [episode[:2] for episode in watch.episodes()]
    assert [page[:2] for page in watch.pages()] == [(0, OWN)]


def test_late_readings_are_no_news(watch: Watch) -> None:
    """After an outage: hours old asks for a call, a day old is information only."""
    watch.measures(186, 112, ago_min=26 * 60)
    watch.measures(184, 110, ago_min=26 * 60 - 2)
    watch.decides()
    assert watch.episodes() == []
    refusals = watch.clinic.rows("SELECT refusals FROM decision ORDER BY decision_id")
    assert "too_old" in str(refusals)
    watch.measures(186, 112, ago_min=3 * 60)
    watch.measures(184, 110, ago_min=3 * 60 - 2)
    watch.decides()
    assert watch.clinic.rows("SELECT severity, state FROM episode") == [("today", "open")]


def test_a_night_two_days_ago_pages_nobody_again(watch: Watch) -> None:
    """Not even when its first reading has left the window and its second has not."""
    watch.measures(186, 112)
    watch.decides()
    watch.until(5)
    watch.measures(184, 110)
    watch.decides()
    watch.answers(OWN)
    watch.closes(OWN)
    for hours in (48, 74):
        for minute in range(-1, 18, 2):
            watch.until(hours * 60 + minute)
            watch.measures(130, 80)
            watch.decides()
    assert watch.episodes() == [("BP-03", "resolved", "confirmed")]
    assert len(watch.pages()) == 1


def test_it_is_called_step_by_step_until_somebody_answers(watch: Watch) -> None:
    watch.measures(186, 112)
    watch.until(2)
    watch.measures(184, 110)
    for minute in range(2, 34):
        watch.until(minute)
        watch.decides()
    called = [(minute, doctor, step, loop) for minute, doctor, step, loop, _ in watch.pages()]
    # Half an hour without a reading escalates: two people are called at once. There is no centre
    # with a rota and a desk: the team's duty doctor has their parts.
    assert called == [
        (2, OWN, 0, 0),
        (4, OWN, 1, 0),
        (7, DUTY, 2, 0),
        (12, DUTY, 3, 0),
        (22, DUTY, 4, 0),
        (32, OWN, 0, 0),
        (32, OWN, 1, 0),
        (32, DUTY, 2, 0),
    ]
    # What a doctor has not got yet, the next call to the same doctor says again.
    assert [state for *_, state in watch.pages()] == [*["cancelled"] * 5, *["due"] * 3]
    assert watch.answers(DUTY) == Answered(watch.now)
    for minute in range(34, 120, 5):
        watch.until(minute)
        watch.decides()
    assert len(watch.pages()) == 8
    assert {state for *_, state in watch.pages()} == {"cancelled"}


def test_after_an_outage_missed_calls_are_not_made_up_for(watch: Watch) -> None:
    watch.measures(186, 112)
    watch.until(2)
    watch.measures(184, 110)
    watch.decides()
    watch.until(60)
    watch.decides()
    called = [(doctor, step) for _, doctor, step, _, state in watch.pages() if state == "due"]
    # The silence escalated: a round of its own, with two people called at once.
    assert called == [(OWN, 0), (OWN, 1), (DUTY, 2)]
    watch.until(61)
    assert watch.decides() == 0


def answered(watch: Watch) -> None:
    """Bring an episode to its answer at minute 5."""
    watch.measures(186, 112)
    watch.until(2)
    watch.measures(184, 110)
    watch.decides()
    watch.until(5)
    watch.answers(OWN)
    watch.decides()


def test_normal_readings_after_the_answer_resolve_it(watch: Watch) -> None:
    answered(watch)
    for minute, state in ((22, "watching"), (42, "resolved")):
        rounds(watch, minute, 138, 84)
        assert watch.episodes() == [("BP-03", state, "confirmed")]


def rounds(watch: Watch, minute: float, systolic: float, diastolic: float) -> None:
    """Let a round of the re-check be measured: twice, two minutes apart."""
    for at in (minute, minute + 2):
        watch.until(at)
        watch.measures(systolic, diastolic)
        watch.decides()


def test_an_answer_grows_old(watch: Watch) -> None:
    answered(watch)
    for minute in (22, 42, 62):
        rounds(watch, minute, 172, 102)
    assert watch.episodes() == [("BP-03", "answered", "confirmed")]
    watch.until(64 + 24 * 60)
    assert watch.decides() == 1
    assert ("BP-03", "expired", "confirmed") in watch.episodes()


def test_only_a_worse_reading_calls_again_after_the_answer(watch: Watch) -> None:
    answered(watch)
    watch.until(20)
    watch.measures(186, 112)
    watch.until(22)
    watch.measures(186, 112)
    watch.decides()
    assert len(watch.pages()) == 1
    watch.until(30)
    watch.measures(212, 125)
    watch.decides()
    assert watch.episodes() == [("BP-04", "open", "unconfirmed")]
    assert watch.pages()[1:] == [(30, OWN, 0, 0, "due")]


def test_a_person_can_close_what_is_answered(watch: Watch) -> None:
    watch.measures(186, 112)
    watch.decides()
    assert watch.closes(OWN) == NotOpen("suspected")
    watch.until(2)
    watch.measures(184, 110)
    watch.decides()
    watch.answers(OWN)
    assert watch.closes(DUTY) == Answered(watch.now)
    assert watch.closes(DUTY) == NotOpen("resolved")
    assert watch.clinic.rows("SELECT event, actor FROM episode_event ORDER BY event_id")[2:] == [
        ("acknowledged", OWN),
        ("closed", DUTY),
    ]


def test_an_implausible_reading_is_not_lost_on_the_rules(watch: Watch) -> None:
    watch.measures(400, 90)
    watch.decides()
    assert watch.clinic.one("SELECT count(*) FROM reading") == 0
    assert watch.clinic.one("SELECT count(*) FROM decision") == 1


def test_a_resident_whose_record_cannot_be_read_holds_up_nobody_else(watch: Watch) -> None:
    qian = watch.clinic.patient("qian")
    watch.measures(120, 80, ago_min=30)
    watch.clinic.rows(
        "INSERT INTO reading (patient_id, time, device_id, kind, unit, flags, doubt_s, hub_time,"
        " received_at) SELECT %s, time, device_id, kind, 'ell', flags, 0, hub_time, received_at"
        " FROM reading",
        qian,
    )
    watch.clinic.rows("INSERT INTO eval_queue (patient_id, queued_at) VALUES (%s, now())", qian)
    watch.measures(186, 112, ago_min=2)
    watch.measures(184, 110)
    assert watch.decides() == 2
    assert len(watch.pages()) == 1
    # And is looked at again: a mended record is not forgotten.
    timer = "SELECT due_at FROM eval_timer WHERE patient_id = %s"
    assert watch.clinic.one(timer, qian) == watch.now + ASIDE
    watch.clinic.rows("UPDATE reading SET unit = 'mmHg' WHERE unit = 'ell'")
    watch.until(1)
    assert watch.decides() == 1
    assert watch.clinic.rows(timer, qian) == []


def test_a_resident_somebody_looks_at_is_passed_over(watch: Watch) -> None:
    """Nobody waits for a lock, so nobody can wait for each other."""
    watch.measures(186, 112, ago_min=2)
    watch.measures(184, 110)
    with psycopg.connect(watch.clinic.dsn) as busy:
        zhao = watch.clinic.patient("zhao")
        busy.execute("SELECT pg_advisory_xact_lock(%s, %s)", (LOCK_CLASS, zhao))
        assert watch.decides() == 0
    assert watch.decides() == 1
    assert len(watch.pages()) == 1


def test_evaluators_side_by_side_decide_once(watch: Watch) -> None:
    houses(watch.clinic, HOME_COUNT // 2)
    evaluator = replace(watch.evaluator, batch=5)

    async def together() -> list[int]:
        async def one() -> int:
            looks = 0
            async with await connect(watch.clinic.dsn) as connection:
                while looked := await evaluator.cycle(connection):
                    looks += looked
            return looks

        return await asyncio.gather(*(one() for _ in range(4)))

    watch.now = datetime.now(UTC)
    looks = asyncio.run(together())
    assert sum(looks) == HOME_COUNT // 2
    assert decided_once(watch.clinic) == HOME_COUNT // 2


def test_a_reading_wakes_the_evaluator(plain_clinic: Clinic, rules: RuleSet) -> None:
    houses(plain_clinic, 1)
    pages = "SELECT doctor_id FROM page"

    async def serve() -> list[tuple[str]]:
        stop = asyncio.Event()
        evaluator = Evaluator(rules, Linking("http://feed", SECRET))
        running = asyncio.create_task(evaluator.run(plain_clinic.dsn, stop))
        rows: list[tuple[str]] = await asyncio.to_thread(
            plain_clinic.until, lambda: plain_clinic.rows(pages)
        )
        stop.set()
        await running
        return rows

    assert asyncio.run(serve()) == [(OWN,)]


def test_an_evaluator_killed_again_and_again_decides_everything_once(
    plain_clinic: Clinic, short_tmp: Path
) -> None:
    houses(plain_clinic, HOME_COUNT)
    decisions = "SELECT count(*) FROM decision"
    for threshold in sorted(random.sample(range(1, HOME_COUNT), KILLS)):
        with role_until_killed("evaluate", plain_clinic.dsn, short_tmp):
            plain_clinic.until(lambda: plain_clinic.one(decisions) >= threshold)  # noqa: B023
    with role_until_killed("evaluate", plain_clinic.dsn, short_tmp):
        plain_clinic.until(lambda: plain_clinic.one("SELECT count(*) FROM eval_queue") == 0)
    assert decided_once(plain_clinic) == HOME_COUNT
    checked = list(replay(plain_clinic.dsn, Span(), verify=True))
    assert len(checked) >= HOME_COUNT
    assert [each for each in checked if each.differences] == []


def houses(clinic: Clinic, count: int) -> None:
    """Add residents, each with a cuff and two high readings that nobody has looked at yet."""
    clinic.rows("CREATE TABLE reading_rest PARTITION OF reading_kept DEFAULT")
    clinic.rows(
        """
        WITH people AS (
            INSERT INTO resident (code, name, team_id, doctor_id)
            SELECT 'r' || n, 'resident', 'team', 'wang' FROM generate_series(1, %s) n
            RETURNING patient_id
        ), cuffs AS (
            INSERT INTO device (address, gateway_id)
            SELECT 'cuff ' || patient_id, 'gw-1' FROM people RETURNING device_id, address
        ), owners AS (
            SELECT device_id, substr(address, 6)::integer AS patient_id FROM cuffs
        ), queued AS (
            INSERT INTO eval_queue (patient_id, queued_at) SELECT patient_id, %s FROM owners
        )
        INSERT INTO reading (patient_id, time, device_id, kind, systolic_mmhg, diastolic_mmhg,
            unit, flags, doubt_s, hub_time, received_at)
        SELECT patient_id, at, device_id, 'blood_pressure', 186, 112, 'mmHg', '{}', 1, at, at
        FROM owners, (VALUES (%s), (%s)) AS times (at)
        """,
        count,
        datetime.now(UTC),
        datetime.now(UTC) - timedelta(minutes=3),
        datetime.now(UTC) - timedelta(minutes=1),
    )


def decided_once(clinic: Clinic) -> int:
    """Return how many residents have one episode, finding and page each, when none has more."""
    counts = clinic.rows(
        "SELECT (SELECT count(*) FROM episode), (SELECT count(*) FROM finding),"
        " (SELECT count(*) FROM page), (SELECT count(DISTINCT episode_id) FROM page),"
        " (SELECT count(DISTINCT patient_id) FROM episode),"
        " (SELECT count(DISTINCT patient_id) FROM decision)"
    )
    assert len(set(counts[0])) == 1, counts
    return int(counts[0][0])
