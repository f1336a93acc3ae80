"""Days and hours summed up: the same as the readings say, in whatever order those came and went."""

import random as dice
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from fix_database import TIMESCALE, Clinic, without_workers
from fix_hypothesis import examples
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from upkeep_parts import Row, bring_up_to_date, cuff, does, is_plain, meter, put

from yikao_ingest.migrate import migrate, migrations
from yikao_ingest.upkeep.rollup import roll_up

DAY = datetime(2026, 2, 27, 16, tzinfo=UTC)
"""Midnight of the 28th in Shanghai; two days later there is another month."""
SUMS = """
    SELECT patient_id, kind, bucket, readings, pressures, systolic_sum, systolic_min, systolic_max,
        diastolic_sum, diastolic_min, diastolic_max, pulses, pulse_sum, pulse_min, pulse_max,
        glucoses, round(glucose_sum::numeric, 6), round(glucose_min::numeric, 6),
        round(glucose_max::numeric, 6)
    FROM {} ORDER BY 1, 2, 3
"""
OF_READINGS = """
    SELECT patient_id, kind, {}, count(*), count(systolic_mmhg), sum(systolic_mmhg),
        min(systolic_mmhg), max(systolic_mmhg), sum(diastolic_mmhg), min(diastolic_mmhg),
        max(diastolic_mmhg), count(pulse_bpm), sum(pulse_bpm), min(pulse_bpm), max(pulse_bpm),
        count(mmol), round(sum(mmol)::numeric, 6), round(min(mmol)::numeric, 6),
        round(max(mmol)::numeric, 6)
    FROM (SELECT *, coalesce(glucose_mmol_l, glucose_mg_dl / 18.0182) AS mmol FROM reading) r
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
BUCKETS = {
    "reading_daily": "date_trunc('day', time, 'Asia/Shanghai')",
    "reading_hourly": "date_trunc('hour', time, 'UTC')",
}
COLUMNS = """
    SELECT column_name, data_type FROM information_schema.columns
    WHERE table_name = %s ORDER BY ordinal_position
"""


def agrees(clinic: Clinic) -> None:
    """Both roll-ups say what the readings say."""
    for table, bucket in BUCKETS.items():
        said = clinic.connection.execute(SUMS.format(table).encode()).fetchall()
        assert said == clinic.connection.execute(OF_READINGS.format(bucket).encode()).fetchall()


def rows_at(*minutes: int) -> list[Row]:
    return [
        cuff(1 + n % 2, DAY + timedelta(minutes=m), 120.0 + m % 9) for n, m in enumerate(minutes)
    ]


def test_both_kinds_of_database_have_the_same_columns(clinic: Clinic) -> None:
    daily, hourly = (clinic.rows(COLUMNS, table) for table in BUCKETS)
    assert daily == hourly
    assert len(daily) == 19
    assert daily[:4] == [
        ("patient_id", "integer"),
        ("kind", "text"),
        ("bucket", "timestamp with time zone"),
        ("readings", "bigint"),
    ]


def test_late_readings_are_in_after_the_next_refresh(clinic: Clinic) -> None:
    rows = [
        *rows_at(0, 10, 70, 1439, 1440, 4000, -1),
        meter(1, DAY, 6.1),
        meter(1, DAY + timedelta(hours=2), None, mg_dl=126.0),
        meter(2, DAY, None),
    ]
    dice.Random(7).shuffle(rows)
    put(clinic, *rows[:5])
    bring_up_to_date(clinic)
    put(clinic, *rows[5:], cuff(1, DAY - timedelta(days=40), 150.0))
    bring_up_to_date(clinic)
    agrees(clinic)
    clinic.rows("DELETE FROM reading WHERE time = %s", DAY)
    clinic.rows("UPDATE reading SET patient_id = 3 WHERE patient_id = 2")
    bring_up_to_date(clinic)
    agrees(clinic)


def test_readings_from_before_the_rollups_are_in_them(empty_url: str, server_dsn: str) -> None:
    if server_dsn == TIMESCALE:
        without_workers(empty_url)
    number = next(m.number for m in migrations() if "rollups" in m.name)
    migrate(empty_url, DAY, [m for m in migrations() if m.number < number])
    clinic = Clinic(empty_url)
    put(clinic, *rows_at(0, 10, 1440))
    migrate(empty_url, DAY)
    bring_up_to_date(clinic)
    agrees(clinic)
    assert clinic.one("SELECT sum(readings) FROM reading_daily") == 3
    clinic.connection.close()


MINUTES = st.integers(-3000, 3000)
PATIENTS = st.integers(1, 3)
STEPS = st.one_of(
    st.tuples(st.just("put"), st.lists(st.tuples(PATIENTS, MINUTES), min_size=1, max_size=6)),
    st.tuples(st.just("delete"), MINUTES),
    st.tuples(st.just("bind"), st.tuples(PATIENTS, PATIENTS)),
    st.tuples(st.just("roll up"), st.none()),
)


def step(clinic: Clinic, what: str, detail: object) -> None:
    match what, detail:
        case "put", list(chosen):
            put(clinic, *(cuff(p, DAY + timedelta(minutes=m), 100.0 + m % 90) for p, m in chosen))
        case "delete", int(before):
            clinic.rows("DELETE FROM reading WHERE time < %s", DAY + timedelta(minutes=before))
        case "bind", (int(old), int(new)):
            # A corrected binding; where the other has such a reading already it stays.
            clinic.rows(
                "UPDATE reading r SET patient_id = %s WHERE patient_id = %s AND NOT EXISTS"
                " (SELECT FROM reading o WHERE o.patient_id = %s AND o.time = r.time)",
                new,
                old,
                new,
            )
        case _:
            bring_up_to_date(clinic)


@given(st.lists(STEPS, max_size=8))
@examples(25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_whatever_happens_in_whatever_order_they_say_the_same(
    clinic: Clinic, steps: list[tuple[str, object]]
) -> None:
    clinic.rows("DELETE FROM reading")
    for what, detail in steps:
        step(clinic, what, detail)
    bring_up_to_date(clinic)
    agrees(clinic)


def test_only_what_was_touched_is_computed_anew(plain_clinic: Clinic) -> None:
    put(plain_clinic, *rows_at(0, 1440, 2880, 4320))
    bring_up_to_date(plain_clinic)
    before = dict(plain_clinic.rows("SELECT bucket, xmin::text FROM reading_daily"))
    put(plain_clinic, cuff(1, DAY + timedelta(minutes=5), 130.0))
    bring_up_to_date(plain_clinic)
    after = dict(plain_clinic.rows("SELECT bucket, xmin::text FROM reading_daily"))
    assert {at for at in after if after[at] != before.get(at)} == {DAY}


def test_what_is_not_committed_yet_is_not_forgotten(plain_clinic: Clinic) -> None:
    put(plain_clinic, *rows_at(0))
    late = rows_at(5)
    with psycopg.connect(plain_clinic.dsn) as other:
        ours, plain_clinic.connection = plain_clinic.connection, other
        put(plain_clinic, *late)
        plain_clinic.connection = ours
        # The same day is computed, and its line taken, while the reading is under way.
        bring_up_to_date(plain_clinic)
        assert plain_clinic.one("SELECT readings FROM reading_daily") == 1
        other.commit()
    bring_up_to_date(plain_clinic)
    assert plain_clinic.one("SELECT readings FROM reading_daily") == 2


def test_what_is_broken_off_is_done_again(plain_clinic: Clinic) -> None:
    put(plain_clinic, *rows_at(0, 1440))
    plain_clinic.rows("ALTER TABLE reading_daily ADD CONSTRAINT full_up CHECK (readings < 1)")
    with pytest.raises(psycopg.errors.CheckViolation):
        does(plain_clinic, roll_up)
    assert plain_clinic.one("SELECT count(*) FROM rollup_touched") == 2
    plain_clinic.rows("ALTER TABLE reading_daily DROP CONSTRAINT full_up")
    bring_up_to_date(plain_clinic)
    assert is_plain(plain_clinic)
    agrees(plain_clinic)
