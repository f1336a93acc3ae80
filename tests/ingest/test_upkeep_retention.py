"""What is dropped when it is old: nothing unless a setting says so, and only by whole months."""

from datetime import UTC, datetime, timedelta

import pytest
from clinic import SHARED_CUFF, glucose, pressure
from fix_database import Clinic, Intake
from hypothesis import given
from hypothesis import strategies as st
from upkeep_parts import bring_up_to_date, cuff, does, is_plain, put

from yikao_ingest.errors import ServerError
from yikao_ingest.landing import STRAIGHT_FROM
from yikao_ingest.migrate import Mode
from yikao_ingest.partitions import after, coming, months, over, partition
from yikao_ingest.store import DataRefusedError
from yikao_ingest.upkeep.ledger import LEDGER_KEPT, prune_ledger
from yikao_ingest.upkeep.loop import Upkeep
from yikao_ingest.upkeep.retention import (
    DAYS_MIN,
    RETENTION_DAYS,
    retain,
    retention,
)

NOW = datetime(2026, 3, 20, tzinfo=UTC)
DAY = timedelta(days=1)
TIMES = st.integers(-10_000, 30_000).map(lambda days: NOW + days * DAY / 7)
LEDGER = """
    INSERT INTO ingest_ledger (reading_id, received_at, outcome)
    SELECT gen_random_uuid(), %s, unnest(%s::text[])
"""
OUTCOMES = ["stored", "duplicate", "conflict", "quarantined", "event", "symptom"]


def mode(clinic: Clinic) -> Mode:
    return Mode.PLAIN if is_plain(clinic) else Mode.TIMESCALE


def retained(clinic: Clinic, kept: timedelta) -> tuple[str, ...]:
    return does(clinic, lambda conn: retain(mode(clinic), kept, conn, NOW))


@given(TIMES, st.integers(1, 30))
def test_the_coming_months_follow_each_other(now: datetime, count: int) -> None:
    found = coming(now, count)
    (begins,) = months([now])
    assert [begins, *found] == sorted({begins, *found})
    assert all(after(one) == two for one, two in zip([begins, *found], found, strict=False))


@given(st.sets(TIMES, max_size=5), TIMES)
def test_only_months_that_are_over_are_dropped(times: set[datetime], before: datetime) -> None:
    every = months(times)
    names = [partition(month)[0] for month in every]
    dropped = over([*names, "reading_2026_3", "reading_old", "readings_2026_03"], before)
    assert dropped == sorted(month for month in every if after(month) <= before)


def test_without_the_setting_readings_are_kept_for_ever() -> None:
    assert retention({}) is None
    assert retention({RETENTION_DAYS: ""}) is None
    assert retention({RETENTION_DAYS: "5475"}) == 5475 * DAY


@pytest.mark.parametrize("text", ["0", str(DAYS_MIN - 1), "-90", "90.5", "x", "٩٩٩", "1e3"])
def test_a_setting_that_would_drop_too_much_is_refused(text: str) -> None:
    with pytest.raises(ServerError, match=f"{RETENTION_DAYS}.*mend it"):
        retention({RETENTION_DAYS: text})


def test_by_default_no_reading_is_ever_dropped(clinic: Clinic) -> None:
    put(clinic, cuff(1, NOW - 10_000 * DAY, 120))
    does(clinic, Upkeep().cycle)
    assert clinic.one("SELECT count(*) FROM reading") == 1
    assert clinic.rows("SELECT name FROM upkeep_task WHERE name = 'retention'") == []


def test_whole_months_go_and_their_sums_with_them(clinic: Clinic) -> None:
    times = [NOW - days * DAY for days in (0, 99, 100, 101, 150, 151, 400)]
    put(clinic, *(cuff(1, at, 120) for at in times))
    bring_up_to_date(clinic)
    assert len(retained(clinic, 100 * DAY)) > 0
    bring_up_to_date(clinic)
    kept = {at for (at,) in clinic.rows("SELECT time FROM reading")}
    # No reading that is young enough has gone, and of the old ones only some share its part.
    assert set(times[:3]) <= kept <= set(times[:4])
    buckets = "SELECT min(bucket), sum(readings) FROM "
    for table in ("reading_daily", "reading_hourly"):
        ((first, readings),) = clinic.connection.execute((buckets + table).encode()).fetchall()
        assert first >= min(kept) - DAY
        assert readings == len(kept)
    assert retained(clinic, 100 * DAY) == ()


def test_the_newest_values_go_with_their_reading(ingest: Intake) -> None:
    for days in (0, 400):
        item = pressure(at=NOW - days * DAY, device=SHARED_CUFF, user=1 if days else 2)
        ingest.receives(ingest.clinic.second.send(item), now=NOW)
    retained(ingest.clinic, 100 * DAY)
    shown = "SELECT time, values_at IS NOT NULL FROM patient_latest ORDER BY time DESC"
    assert ingest.clinic.rows(shown) == [(NOW, True), (NOW - 400 * DAY, False)]


def test_the_sums_of_a_day_that_lies_in_two_months(plain_clinic: Clinic) -> None:
    """01:00 and 07:00 on 1 December in Shanghai: November and December of UTC."""
    midnight = datetime(2025, 11, 30, 16, tzinfo=UTC)
    put(plain_clinic, cuff(1, midnight + DAY / 24, 120), cuff(1, midnight + 15 * DAY / 24, 130))
    bring_up_to_date(plain_clinic)
    assert plain_clinic.rows("SELECT bucket, readings FROM reading_daily") == [(midnight, 2)]
    assert retained(plain_clinic, 100 * DAY) == ("reading_2025_11",)
    bring_up_to_date(plain_clinic)
    assert plain_clinic.rows("SELECT bucket, readings FROM reading_daily") == [(midnight, 1)]


def test_the_ledger_keeps_what_may_come_again(clinic: Clinic) -> None:
    clinic.rows(LEDGER, NOW - LEDGER_KEPT, OUTCOMES)
    clinic.rows(LEDGER, NOW - LEDGER_KEPT - DAY, OUTCOMES)
    assert does(clinic, lambda conn: prune_ledger(conn, NOW)) == 3
    left = clinic.rows("SELECT outcome, count(*) FROM ingest_ledger GROUP BY 1")
    assert dict(left) == {o: 1 if o in OUTCOMES[:3] else 2 for o in OUTCOMES}


def test_a_clock_that_runs_ahead_drops_nothing(clinic: Clinic) -> None:
    clock = clinic.one("SELECT clock_timestamp()")
    put(clinic, cuff(1, clock, 120))
    ahead = clock + 40_000 * DAY
    kept = 100 * DAY
    pruned = does(clinic, lambda conn: retain(mode(clinic), kept, conn, ahead))
    assert pruned == ()
    assert clinic.one("SELECT count(*) FROM reading") == 1


@pytest.mark.parametrize("many", [1, 2 * STRAIGHT_FROM])
def test_what_comes_late_for_what_was_dropped_is_stored_and_dropped_again(
    ingest: Intake, many: int
) -> None:
    """The same ingest is at work all the time, on either way into the table."""
    clinic, old = ingest.clinic, NOW - 200 * DAY
    times = [old + n * DAY / 1000 for n in range(many)]
    ingest.receives(clinic.first.send(pressure(at=old - DAY / 2), pressure(at=NOW)), now=NOW)
    for make in (pressure, glucose):
        assert retained(clinic, 100 * DAY)
        assert ingest.readings() == [(NOW, 128)]
        (told,) = ingest.receives(clinic.first.send(*(make(at=at) for at in times)), now=NOW)
        assert len(told.stored) == many
        assert [at for at, _ in ingest.readings()] == [*times, NOW]
    bring_up_to_date(clinic)
    assert clinic.one("SELECT sum(readings) FROM reading_daily") == many + 1
    assert retained(clinic, 100 * DAY)
    bring_up_to_date(clinic)
    assert clinic.one("SELECT sum(readings) FROM reading_daily") == 1
    assert clinic.one("SELECT count(*) FROM quarantine") == 0


def test_a_month_that_a_broken_off_transaction_made_is_made_again(ingest: Intake) -> None:
    judged = ingest.judge(ingest.clinic.first.send(pressure(at=NOW - 200 * DAY)), now=NOW)
    with pytest.raises(KeyboardInterrupt), ingest.store.together():
        ingest.store.save(judged, NOW)
        raise KeyboardInterrupt
    assert ingest.readings() == []
    ingest.store.save(judged, NOW)
    assert len(ingest.readings()) == 1


def test_a_rule_of_the_table_that_is_broken_is_no_missing_month(ingest: Intake) -> None:
    ingest.clinic.rows("ALTER TABLE reading_kept ADD CONSTRAINT low CHECK (systolic_mmhg < 130)")
    judged = ingest.judge(ingest.clinic.first.send(pressure(186)), now=NOW)
    with pytest.raises(DataRefusedError, match="CheckViolation"):
        ingest.store.save(judged, NOW)
