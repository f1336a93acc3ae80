"""Days, trends, habits, labels and silence count what was measured at home, and nothing else."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from test_daily_live import SHANGHAI
from test_daily_silence import FIRST, LAST, Mornings, mornings  # noqa: F401  # a fixture

from yikao_ingest.daily_rows import beginning

COUNTED = (
    "SELECT * FROM resident_day ORDER BY patient_id, day",
    "SELECT * FROM trend_state ORDER BY patient_id, signal, through_day",
    "SELECT * FROM resident_habit ORDER BY patient_id",
    "SELECT patient_id, label, reasons FROM label ORDER BY patient_id, at",
    "SELECT patient_id, rule_id, opened_day, ended_day FROM worklist_entry ORDER BY 1, 2, 3",
    "SELECT panel, day, residents, median FROM season_index ORDER BY 1, 2",
)


def counted(mornings: Mornings) -> list[list[Any]]:  # noqa: F811
    return [mornings.clinic.rows(each) for each in COUNTED]


def at_station(mornings: Mornings, at: datetime, systolic: float) -> None:  # noqa: F811
    """Let Zhao measure at a station: with another cuff, which she has at home as well."""
    mornings.clinic.rows(
        "INSERT INTO reading (patient_id, time, device_id, kind, systolic_mmhg, diastolic_mmhg,"
        " pulse_bpm, unit, flags, doubt_s, hub_time, received_at, place)"
        " SELECT %s, %s, device_id, 'blood_pressure', %s, 95, 80, 'mmHg', '{}', 1, %s, %s, 'office'"
        " FROM device ORDER BY device_id DESC LIMIT 1",
        *(mornings.clinic.patient("zhao"), at, systolic, at, at),
    )


@pytest.mark.parametrize("seed", range(3))
def test_readings_at_a_station_change_no_day(mornings: Mornings, seed: int) -> None:  # noqa: F811
    chance = Random(seed)
    mornings.measures(*range(FIRST, LAST + 1))
    mornings.morning(LAST + 1)
    before = counted(mornings)
    assert before[0] and before[2], "there is something that could change"
    for _ in range(40):
        day = chance.randrange(FIRST, LAST + 1)
        at = beginning(day, SHANGHAI) + timedelta(hours=5, seconds=chance.randrange(1, 40_000))
        at_station(mornings, at.astimezone(UTC), chance.uniform(90, 220))
    first = beginning(FIRST, SHANGHAI).astimezone(UTC)
    mornings.clinic.rows("UPDATE daily_progress SET touched_at = %s", first)
    mornings.works()
    after = counted(mornings)
    # The label is written anew on the same day.
    assert after[:3] + after[4:] == before[:3] + before[4:]
    assert {tuple(row[1:2]) for row in after[3]} == {tuple(row[1:2]) for row in before[3]}


def test_who_measures_at_a_station_alone_is_silent_at_home(mornings: Mornings) -> None:  # noqa: F811
    mornings.measures(*range(FIRST, LAST + 1))
    mornings.morning(LAST + 1)
    for day in range(LAST + 1, LAST + 12):
        at = beginning(day, SHANGHAI) + timedelta(hours=6)
        at_station(mornings, at.astimezone(UTC), 150)
        mornings.morning(day + 1)
    silent = (
        "SELECT closed_at IS NULL FROM worklist_entry JOIN resident USING (patient_id)"
        " WHERE code = 'zhao' AND evidence ->> 'what' = 'silence'"
    )
    assert mornings.clinic.rows(silent) == [(True,)]
    mornings.measures(LAST + 13)
    mornings.morning(LAST + 14)
    assert mornings.clinic.rows(silent) == [(False,)]
