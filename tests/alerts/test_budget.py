"""The doctors' budgets: red is never limited; of yellow the worst are told, the rest are listed."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from clinic import NOW
from fix_database import Clinic
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.budget import Yellow, beyond, defer, distance
from yikao_alerts.rules import RuleSet
from yikao_alerts.rules.policy import load_policies
from yikao_alerts.working import connect

A_DAY = 10
EPISODE = """
INSERT INTO episode (patient_id, family, state, rule_id, severity, level, confirmed, measured_at,
    opened_at, level_since, last_evidence_at)
VALUES (%(patient)s, %(family)s, 'open', 'BP-05', %(severity)s, %(level)s, 'confirmed', %(at)s,
    %(at)s, %(at)s, %(at)s)
RETURNING episode_id
"""
PAGE = """
INSERT INTO page (page_id, episode_id, round, step, loop, doctor_id, contact_position, channel,
    address, language, body, link, created_at, due_at, red)
VALUES (gen_random_uuid(), %(episode)s, 0, 0, 0, 'wang', 0, 'console', 'desk', 'zh', '', '',
    %(at)s, %(at)s, %(red)s)
"""

yellows = st.lists(
    st.builds(
        Yellow,
        page_id=st.uuids(),
        doctor_id=st.sampled_from(("wang", "li")),
        level=st.integers(1, 3),
        opened_at=st.datetimes(timezones=st.just(UTC)),
        distance=st.floats(0, 2),
        told=st.just(4),
    ),
    max_size=40,
    unique_by=lambda yellow: yellow.page_id,
)


@given(yellows, st.integers(1, 12))
def test_each_doctor_is_told_the_worst_and_no_more(found: list[Yellow], a_day: int) -> None:
    left = set(beyond(found, a_day))
    for doctor in ("wang", "li"):
        own = [yellow for yellow in found if yellow.doctor_id == doctor]
        told = [yellow for yellow in own if yellow.page_id not in left]
        out = [yellow for yellow in own if yellow.page_id in left]
        assert len(told) == min(len(own), max(0, a_day - 4))
        assert all(a.rank <= b.rank for a in told for b in out)


def test_order_is_level_then_age_then_distance() -> None:
    def yellow(number: int, level: int, hours: int, far: float) -> Yellow:
        opened = NOW - timedelta(hours=hours)
        return Yellow(UUID(int=number), "wang", level, opened, far, told=0)

    ranked = [
        yellow(4, 2, 1, 0.0),
        yellow(3, 1, 9, 0.0),
        yellow(2, 1, 1, 0.5),
        yellow(1, 1, 1, 0.1),
    ]
    for a_day in range(5):
        assert beyond(ranked, a_day) == [each.page_id for each in ranked[a_day:]]


def test_distance_is_the_share_past_the_limit(rules: RuleSet) -> None:
    evidence = {"statistic": {"systolic": 176.0, "diastolic": 90.0}, "readings": [{"unit": "mmHg"}]}
    assert distance("BP-05", evidence, rules) == pytest.approx(0.1)
    assert distance("BP-05", None, rules) == 0
    assert distance("no such rule", evidence, rules) == 0


def made(clinic: Clinic, number: int, severity: str, level: int = 1) -> int:
    """Open an episode with a page that is due now."""
    at = NOW - timedelta(minutes=number)
    values = {"patient": clinic.patient("zhao"), "family": f"f{number}-{severity}", "at": at}
    with clinic.connection.cursor() as cursor:
        cursor.execute(EPISODE, values | {"severity": severity, "level": level})
        ((episode,),) = cursor.fetchall()
        cursor.execute(PAGE, {"episode": episode, "at": at, "red": severity == "page_now"})
    return int(episode)


def ranked(clinic: Clinic, now: datetime = NOW) -> int:
    async def run() -> int:
        async with await connect(clinic.dsn) as connection, connection.transaction():
            return await defer(connection, now)

    return asyncio.run(run())


def test_the_policy_has_the_number_for_yellow_and_none_for_red() -> None:
    assert load_policies()["today"].calls_a_day == A_DAY
    assert load_policies()["page_now"].calls_a_day is None


def test_red_is_never_deferred(plain_clinic: Clinic) -> None:
    for number in range(A_DAY + 5):
        made(plain_clinic, number, "page_now")
    assert ranked(plain_clinic) == 0
    assert plain_clinic.one("SELECT count(*) FROM page WHERE state = 'due'") == A_DAY + 5


def test_what_goes_beyond_is_marked_and_stands_in_the_worklist(plain_clinic: Clinic) -> None:
    for number in range(A_DAY):
        made(plain_clinic, number, "today", level=2)
    last = made(plain_clinic, A_DAY, "today", level=1)
    assert ranked(plain_clinic) == 1
    assert plain_clinic.rows("SELECT episode_id, state FROM page WHERE deferred") == [
        (last, "cancelled")
    ]
    assert plain_clinic.rows("SELECT severity, evidence FROM worklist_entry") == [
        ("today", {"what": "deferred", "episode_id": last})
    ]
    assert ranked(plain_clinic) == 0


def test_the_budget_is_for_a_day(plain_clinic: Clinic) -> None:
    for number in range(A_DAY):
        made(plain_clinic, number, "today")
    assert ranked(plain_clinic) == 0
    plain_clinic.rows("UPDATE page SET state = 'sent', message_id = page_id, message_at = %s", NOW)
    made(plain_clinic, A_DAY, "today")
    assert ranked(plain_clinic) == 1
    made(plain_clinic, A_DAY + 1, "today")
    assert ranked(plain_clinic, NOW + timedelta(days=1)) == 0
