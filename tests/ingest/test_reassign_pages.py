"""Alerts made of readings that turn out to be another's: they say so, nothing is taken back, and
nobody is called for what is long over; old decisions stay what they were."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from clinic import CUFF, METER, NOW
from fix_database import Clinic
from fix_watch import Watch
from reassign_parts import DEFAULT, Bound, corrects, moves

from yikao_alerts.feed.store import SQL as FEED
from yikao_ingest.evaluator import Evaluator
from yikao_ingest.replaying import Span, replay

QIANS = (Bound(CUFF, "qian"), Bound(METER, "zhao"))


def called(clinic: Clinic, code: str) -> list[tuple[str, str]]:
    """Return a resident's episodes for which somebody is called: rule and severity."""
    return clinic.rows(
        "SELECT rule_id, severity FROM episode JOIN resident USING (patient_id)"
        " WHERE code = %s AND state = 'open' ORDER BY episode_id",
        code,
    )


def story(clinic: Clinic, code: str) -> list[tuple[str, str, Any]]:
    """Return what became of a resident's episodes by corrections."""
    return clinic.rows(
        "SELECT v.event, v.actor, v.detail ->> 'readings' FROM episode_event v"
        " JOIN episode USING (episode_id) JOIN resident USING (patient_id)"
        " WHERE code = %s AND v.event IN ('amended', 'returned') ORDER BY event_id",
        code,
    )


def amended_at(clinic: Clinic, code: str) -> Any:
    """Return what the doctor is told who opens the episode."""
    values = dict.fromkeys(("team", "episode_id"))
    values |= {"patient_id": clinic.patient(code), "limit": 1}
    values |= {"closed_since": NOW, "readings_since": NOW}
    cursor = clinic.connection.execute(FEED["episodes"], values)
    (row,) = cursor.fetchall()
    return row[[column.name for column in cursor.description or ()].index("amended_at")]


def agrees(clinic: Clinic) -> Sequence[int]:
    """Return how many readings of each decision have changed hands; all else is what it was."""
    checked = list(replay(clinic.dsn, Span(), verify=True))
    assert [each for each in checked if each.differences] == []
    return [each.traced for each in checked]


def measures_twice(watch: Watch) -> None:
    watch.measures(186, 112)
    watch.decides()
    watch.until(2)
    watch.measures(184, 110)
    watch.decides()


@pytest.mark.parametrize(
    ("minutes", "expected"), [(5, "page_now"), (200, "today"), (27 * 60, None)]
)
def test_the_alert_is_amended_and_only_what_is_fresh_is_news_for_the_other(
    any_watch: Watch, minutes: int, expected: str | None
) -> None:
    watch, clinic = any_watch, any_watch.clinic
    measures_twice(watch)
    assert called(clinic, "zhao") == [("BP-03", "page_now")]
    watch.until(minutes)
    corrects(clinic, QIANS, watch.now)
    assert moves(clinic, watch.now).amended == 1
    watch.decides()
    assert [severity for _, severity in called(clinic, "qian")] == ([expected] if expected else [])
    assert story(clinic, "zhao") == [("amended", "chen", "2")]
    assert amended_at(clinic, "zhao") == watch.now
    # Who was called decides what becomes of it.
    assert clinic.one("SELECT state FROM episode ORDER BY episode_id LIMIT 1") == "open"
    assert max(agrees(clinic)) == 2


def test_a_suspicion_that_was_anothers_ends(watch: Watch) -> None:
    watch.measures(186, 112)
    watch.decides()
    corrects(watch.clinic, QIANS, watch.now)
    moves(watch.clinic, watch.now)
    watch.decides()
    assert watch.episodes() == [
        ("BP-03", "dismissed", "not_confirmed"),
        ("BP-03", "suspected", "awaited"),
    ]
    assert story(watch.clinic, "zhao") == [("amended", "chen", "1")]


def test_a_wrong_correction_taken_back_leaves_all_as_it_was(watch: Watch) -> None:
    clinic = watch.clinic
    measures_twice(watch)
    watch.until(3)
    corrects(clinic, QIANS, watch.now)
    moves(clinic, watch.now)
    watch.decides()
    watch.until(6)
    corrects(clinic, DEFAULT, watch.now)
    moves(clinic, watch.now)
    watch.decides()
    assert story(clinic, "zhao") == [("amended", "chen", "2"), ("returned", "chen", "2")]
    assert story(clinic, "qian") == [("amended", "chen", "2")]
    assert amended_at(clinic, "zhao") is None
    assert called(clinic, "zhao") == [("BP-03", "page_now")]
    watch.until(9)
    watch.measures(150, 90)
    watch.decides()
    assert called(clinic, "zhao") == [("BP-03", "page_now")]
    # Qian's were decided by what came at the third minute; Zhao's are where they were.
    assert max(agrees(clinic)) == 2


def test_a_reading_that_is_really_gone_is_still_told(watch: Watch) -> None:
    measures_twice(watch)
    corrects(watch.clinic, QIANS, watch.now)
    moves(watch.clinic, watch.now)
    watch.clinic.rows("UPDATE reading SET systolic_mmhg = 150 WHERE systolic_mmhg = 184")
    checked = replay(watch.clinic.dsn, Span(), verify=True)
    told = [difference.detail for each in checked for difference in each.differences]
    assert len(told) == 1
    assert "is gone" in told[0]


@pytest.mark.parametrize(("hours", "states"), [(0, ["open"]), (27, [])])
def test_what_comes_out_of_quarantine_is_as_old_as_it_is(
    watch: Watch, hours: int, states: list[str]
) -> None:
    clinic = watch.clinic
    watch.measures(186, 112, ago_min=2)
    watch.measures(184, 110)
    watch.until(hours * 60 + 1)
    clinic.rows(
        "INSERT INTO reading_released (patient_id, reading_id, time, kind, device_id, at)"
        " SELECT patient_id, gen_random_uuid(), time, kind, device_id, %s FROM reading",
        watch.now,
    )
    watch.decides()
    assert clinic.rows("SELECT state FROM episode") == [(state,) for state in states]
    assert agrees(clinic) == [2]


def test_the_evaluator_finishes_what_was_cut_off(watch: Watch) -> None:
    """As it runs in production: nobody but the evaluator moves anything here."""
    clinic = watch.clinic
    watch.measures(128, 82)
    corrects(clinic, QIANS, watch.now)
    watch.until(30)
    stop = asyncio.Event()

    async def runs() -> None:
        evaluator = Evaluator(watch.evaluator.rules, watch.evaluator.linking, watch.clock)
        running = asyncio.create_task(evaluator.run(clinic.dsn, stop))
        moved = "SELECT * FROM reading_reassigned"
        await asyncio.to_thread(clinic.until, lambda: clinic.rows(moved))
        stop.set()
        await running

    asyncio.run(runs())
    whose = "SELECT code FROM reading JOIN resident USING (patient_id)"
    assert clinic.rows(whose) == [("qian",)]


def test_days_are_counted_anew_for_both(watch: Watch) -> None:
    clinic = watch.clinic
    watch.measures(128, 82)
    rows = "SELECT patient_id, touched_at FROM daily_progress ORDER BY 1"
    who = [clinic.patient("zhao"), clinic.patient("qian")]
    for patient_id in who:
        clinic.rows(
            "INSERT INTO daily_progress (patient_id, through_day, closed_until)"
            " VALUES (%s, '2026-03-02', %s)",
            *(patient_id, NOW + timedelta(days=1)),
        )
    corrects(clinic, QIANS, watch.now)
    moves(clinic, watch.now)
    assert clinic.rows(rows) == [(patient_id, NOW) for patient_id in who]
