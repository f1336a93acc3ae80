"""A reading that may be another's stays out of the days; one that is, out of every rule's sight."""

from datetime import UTC, datetime

import pytest
from clinic import CUFF, NOW, SHARED_CUFF
from fix_database import Clinic
from fix_watch import Watch
from test_daily_silence import FIRST, Mornings, mornings  # noqa: F401  # a fixture

from yikao_alerts.history import BLOOD_PRESSURE, key_of
from yikao_alerts.record import unpack
from yikao_ingest.replaying import Span, replay


def doubts(clinic: Clinic, at: datetime, device: str = CUFF, answer: str | None = None) -> None:
    """Have a reading of Zhao's doubted, and the day it was measured on looked at again."""
    patient = clinic.patient("zhao")
    clinic.rows("DELETE FROM reading_doubt")
    clinic.rows(
        "INSERT INTO reading_doubt (patient_id, reading_key, measured_at, asked_at, answer)"
        " VALUES (%s, %s, %s, %s, %s)",
        *(patient, key_of(BLOOD_PRESSURE, device, at), at, at, answer),
    )
    clinic.rows("UPDATE daily_progress SET touched_at = %s WHERE patient_id = %s", at, patient)


@pytest.mark.parametrize(
    ("device", "answer", "counts"),
    [
        (CUFF, None, False),
        (CUFF, "other", False),
        (CUFF, "own", True),
        (SHARED_CUFF, None, True),  # at the same moment, but not this one
    ],
)
def test_what_is_set_aside_is_in_no_day_and_no_profile(
    mornings: Mornings,  # noqa: F811
    device: str,
    answer: str | None,
    counts: bool,
) -> None:
    days = range(FIRST, FIRST + 31)
    mornings.measures(*days)
    mornings.morning(FIRST + 31)
    measured = "SELECT count(*) FROM resident_day"
    assert mornings.clinic.one(measured) == len(days)
    profile = "SELECT (profile ->> 'n')::int FROM resident_habit"
    assert mornings.clinic.one(profile) == len(days)
    ((at,),) = mornings.clinic.rows("SELECT time FROM reading ORDER BY time OFFSET 20 LIMIT 1")
    doubts(mornings.clinic, at.astimezone(UTC), device, answer)
    mornings.works()
    assert mornings.clinic.one(measured) == len(days) - (not counts)
    left = mornings.clinic.one(profile)
    assert (left == len(days)) is counts


@pytest.mark.parametrize(
    ("answer", "expected"), [(None, ["BP-04"]), ("own", ["BP-04"]), ("other", [])]
)
def test_what_is_anothers_pages_nobody_and_its_records_can_be_checked(
    watch: Watch, answer: str | None, expected: list[str]
) -> None:
    watch.measures(205, 125)
    doubts(watch.clinic, NOW, answer=answer)
    watch.decides()
    watch.until(2)
    watch.measures(131, 81)
    watch.decides()
    found = watch.clinic.rows("SELECT DISTINCT rule_id FROM finding WHERE rule_id LIKE 'BP%%'")
    assert [rule for (rule,) in found] == expected
    bodies = [unpack(bytes(body)) for (body,) in watch.clinic.rows("SELECT body FROM decision")]
    assert any(b"205.0" in body for body in bodies) is (answer != "other")
    checked = list(replay(watch.clinic.dsn, Span(), verify=True))
    assert len(checked) == len(bodies) > 1
    assert [each for each in checked if each.differences] == []
