"""Readings are kept leaner than they came, and `reading` shows them as they were."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from clinic import NOW, pressure
from fix_database import Clinic, Intake
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from yikao_devices import wire

MILLISECOND = timedelta(milliseconds=1)
DAYS = st.timedeltas(timedelta(0), timedelta(days=900))
MOMENTS = st.datetimes(timezones=st.just(UTC)).filter(lambda at: 1 < at.year < 9999)
OFFSETS = st.one_of(
    st.none(), st.floats(-1e12, 1e12), st.integers(-(10**9), 10**9).map(lambda us: us / 10**6)
)
SHOWN = st.one_of(
    st.none(),
    st.datetimes().map(lambda at: at.replace(microsecond=0).isoformat()),
    st.datetimes().map(datetime.isoformat),
    st.sampled_from(
        [
            "2026-02-30T07:30:00",
            "2026-W47-7T07:30:00",
            "20261122T073000.123",
            "2026-11-22 07:30:00",
            "2026-11-22T07:30:61",
            "\N{FULLWIDTH DIGIT TWO}026-11-22T07:30:00",
            "",
        ]
    ),
    st.text(st.characters(blacklist_characters="\0", codec="utf-8"), max_size=32),
)
SHOWS = "SELECT device_time, device_offset_s, hub_time, received_at FROM reading"
OLDER = (
    "INSERT INTO reading (patient_id, time, device_id, kind, unit, flags, doubt_s, device_time,"
    " hub_time, received_at) VALUES (1, %s, 1, 'glucose', 'mmol/L', '{}', 0, 'noon', %s,"
    " %s)"
)


@pytest.mark.usefixtures("clinic")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ago=DAYS, hub=MOMENTS, shown=SHOWN, offset=OFFSETS)
@example(timedelta(0), NOW - timedelta(days=3, microseconds=1), "0001-01-01T00:00:00", None)
@example(timedelta(microseconds=1), NOW, "9999-12-31T23:59:59", 1e12)
@example(timedelta(microseconds=500_000), NOW, "2026-03-02T12:00:00", 0.5)
@example(timedelta(microseconds=123_456), NOW, "2026-03-02T12:00:00", 0.123456)
def test_its_times_are_shown_as_they_were(
    ingest: Intake, ago: timedelta, hub: datetime, shown: str | None, offset: float | None
) -> None:
    ingest.clinic.rows("TRUNCATE reading_kept, ingest_ledger, reading_conflict, quarantine")
    item = pressure(at=NOW - ago, clocks=wire.Clocks(hub, shown, offset))
    ingest.receives(ingest.clinic.first.send(item))
    ((device_time, device_offset_s, hub_time, received_at),) = ingest.clinic.rows(SHOWS)
    assert device_time == shown
    if offset is None or device_offset_s is None:
        assert device_offset_s is offset
    else:
        assert abs(device_offset_s - offset) < 2e-6
    # A clock that is off by centuries is kept to 32 us.
    assert abs(hub - hub_time) < MILLISECOND + timedelta(microseconds=32)
    assert timedelta(0) <= NOW - received_at < MILLISECOND


@pytest.mark.usefixtures("clinic")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.datetimes(), st.integers(-(10**9), 10**9), st.sampled_from([0, 28_800, -12_600]))
def test_what_a_gateway_sends_follows_from_two_small_numbers(
    ingest: Intake, shown: datetime, offset_us: int, zone_s: int
) -> None:
    """Whatever its clock is off by: the numbers change no faster than the offset's seconds."""
    ingest.clinic.rows("TRUNCATE reading_kept, ingest_ledger, reading_conflict, quarantine")
    shown = shown.replace(year=2024, microsecond=0)
    at = (shown - timedelta(seconds=zone_s, microseconds=offset_us)).replace(tzinfo=UTC)
    item = pressure(at=at, clocks=wire.Clocks(NOW, shown.isoformat(), offset_us / 10**6))
    ingest.receives(ingest.clinic.first.send(item))
    ((words, offset, ahead_s, zone),) = ingest.clinic.rows(
        "SELECT device_time, device_offset_s, device_ahead_s, device_zone_s FROM reading_kept"
    )
    assert (words, offset, zone) == (None, None, zone_s)
    assert abs(ahead_s - zone_s - offset_us / 10**6) <= 0.5


def test_who_stores_by_the_columns_of_before_is_understood(clinic: Clinic) -> None:
    at = NOW - timedelta(days=1)
    if clinic.one("SELECT value = 'plain' FROM schema_meta WHERE key = 'mode'"):
        clinic.rows("CREATE TABLE reading_all PARTITION OF reading_kept DEFAULT")
    clinic.rows(OLDER, at, at, at)
    assert clinic.rows(SHOWS) == [("noon", None, at, at)]
    with pytest.raises(psycopg.errors.UniqueViolation):
        clinic.rows(OLDER, at, at, at)


def test_a_conflict_shows_both_as_they_came(ingest: Intake) -> None:
    at, hub = NOW - timedelta(hours=1), NOW - timedelta(minutes=1)
    first, second = (
        pressure(systolic, at=at, clocks=wire.Clocks(hub, "2026-03-02T11:00:01", 1.0))
        for systolic in (120.0, 130.0)
    )
    ingest.receives(ingest.clinic.first.send(first), ingest.clinic.first.send(second))
    ((stored, arrived),) = ingest.clinic.rows("SELECT stored, arrived FROM reading_conflict")
    assert {stored["systolic_mmhg"], arrived["systolic_mmhg"]} == {120, 130}
    assert stored.keys() == arrived.keys()
    for field in ("device_time", "device_offset_s", "hub_time", "received_at", "time", "device_id"):
        assert stored[field] == arrived[field]
    assert arrived["device_time"] == "2026-03-02T11:00:01"
