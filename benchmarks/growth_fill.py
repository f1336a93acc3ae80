"""Years of readings, as if they had come day after day: for measuring what growth costs.

Five readings a day of each resident, in the order in which they would have arrived. Their ids stand
in the ledger; the sums of days are there, those of hours, which nobody asks for here, are not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import LiteralString
from zoneinfo import ZoneInfo

import psycopg

from yikao_ingest.migrate import Mode
from yikao_ingest.partitions import months, partition

A_DAY = 5
"""Readings of a resident."""
RESIDENTS_MAX = 10_000
DAYS_MIN = 100
TEAM = 2_000
"""Residents of a team."""
DAY = timedelta(days=1)
ZONE = ZoneInfo("Asia/Shanghai")
"""The teams' own, whose days the sums of days have."""

PEOPLE: LiteralString = """
INSERT INTO team SELECT 't' || n, 'team', 'Asia/Shanghai'
FROM generate_series(0, (%(residents)s - 1) / %(team)s) n;
INSERT INTO doctor SELECT 'd' || substr(team_id, 2), team_id, 'doctor', 'zh' FROM team;
UPDATE team SET duty_doctor_id = 'd' || substr(team_id, 2);
INSERT INTO gateway (gateway_id, tenant, public_key)
SELECT 'gateway-' || n, 'growth', 'key' FROM generate_series(1, %(residents)s) n;
INSERT INTO resident (code, name, birth_year, sex, team_id, doctor_id)
SELECT 'r' || n, 'resident', 1940 + n %% 40, CASE n %% 2 WHEN 0 THEN 'f' ELSE 'm' END,
       't' || (n - 1) / %(team)s, 'd' || (n - 1) / %(team)s
FROM generate_series(1, %(residents)s) n;
INSERT INTO device (address, gateway_id)
SELECT 'C4:1D:' || n, 'gateway-' || n FROM generate_series(1, %(residents)s) n;
INSERT INTO device_binding (device_id, patient_id, valid)
SELECT v.device_id, r.patient_id, tstzrange('2000-01-01', NULL)
FROM device v JOIN resident r ON v.gateway_id = 'gateway-' || substr(r.code, 2)
"""
# One after the other in a session: the table is emptied each day.
MAKE_DAY: LiteralString = "CREATE TEMPORARY TABLE arrived (LIKE reading)"
ARRIVED: LiteralString = """
INSERT INTO arrived (patient_id, time, device_id, kind, systolic_mmhg, diastolic_mmhg, mean_mmhg,
                     pulse_bpm, unit, record, flags, doubt_s, device_time, device_offset_s,
                     hub_time, received_at)
SELECT p, at, p, 'blood_pressure', sys, dia, round((sys + 2 * dia) / 3.0),
       58 + abs(hashint4(p + key * 31)) %% 30, 'mmHg', key,
       CASE key %% 50 WHEN 0 THEN '{body_movement}' ELSE '{}' END::text[], 1,
       to_char(at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD"T"HH24:MI:SS'), 1.5,
       at + interval '9 s' + jitter, at + interval '10 s' + 2 * jitter
FROM generate_series(0, %(a_day)s - 1) s, generate_series(1, %(residents)s::integer) p,
     LATERAL (SELECT %(day)s + interval '7 hours' + s * interval '3 hours'
                     + abs(hashint4(p * 31 + s + %(number)s)) %% 5400 * interval '1 s' AS at,
                     %(number)s * %(a_day)s + s AS key,
                     abs(hashint4(p + s)) %% 1000000 * interval '1 microsecond' AS jitter) one,
     LATERAL (SELECT 112 + abs(hashint4(p * 7919 + key)) %% 35 AS sys,
                     66 + abs(hashint4(p * 104729 + key)) %% 20 AS dia) measured
"""
STORED: LiteralString = "INSERT INTO reading SELECT * FROM arrived"
ENTERED: LiteralString = """
INSERT INTO ingest_ledger (reading_id, received_at, message_id, outcome)
SELECT gen_random_uuid(), received_at, 0, 'stored' FROM arrived
"""
SUMMED: LiteralString = """
INSERT INTO reading_daily
SELECT patient_id, kind, %(day)s, count(*), count(systolic_mmhg),
       sum(systolic_mmhg), min(systolic_mmhg), max(systolic_mmhg),
       sum(diastolic_mmhg), min(diastolic_mmhg), max(diastolic_mmhg),
       count(pulse_bpm), sum(pulse_bpm), min(pulse_bpm), max(pulse_bpm),
       count(glucose_mmol_l), sum(glucose_mmol_l), min(glucose_mmol_l), max(glucose_mmol_l)
FROM arrived GROUP BY patient_id, kind
"""
LATEST: LiteralString = """
INSERT INTO patient_latest (patient_id, kind, time, received_at)
SELECT DISTINCT ON (patient_id, kind) patient_id, kind, time, received_at
FROM arrived ORDER BY patient_id, kind, time DESC
"""
KEYLESS: LiteralString = "ALTER TABLE ingest_ledger DROP CONSTRAINT ingest_ledger_pkey"
# As full as random ids leave it that come one by one.
KEYED: LiteralString = (
    "ALTER TABLE ingest_ledger ADD PRIMARY KEY (reading_id) WITH (fillfactor = 70)"
)


@dataclass(frozen=True, slots=True)
class Years:
    """How many residents measured how long."""

    residents: int
    days: int

    @property
    def readings(self) -> int:
        """Return how many that makes."""
        return self.residents * self.days * A_DAY


def years(readings: int) -> Years:
    """Return about so many readings: of as many residents as may be, but not of a few days."""
    days = max(DAYS_MIN, readings // (RESIDENTS_MAX * A_DAY))
    return Years(max(TEAM, readings // (days * A_DAY)), days)


def fill(dsn: str, wanted: Years, now: datetime) -> None:
    """Store what came until yesterday into a database that has our schema, and nothing else."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        mode = Mode(_one(conn, "SELECT value FROM schema_meta WHERE key = 'mode'"))
        conn.execute("SET synchronous_commit = off")
        conn.execute("SET maintenance_work_mem = '512MB'")
        if mode is Mode.PLAIN:
            # The sums are made here: no line of what is to be summed up anew.
            conn.execute("SET session_replication_role = replica")
        values = {"residents": wanted.residents, "team": TEAM}
        for statement in PEOPLE.split(";"):
            conn.execute(statement, values if "%(" in statement else None)
        conn.execute(KEYLESS)
        conn.execute(MAKE_DAY)
        days = list(_days(wanted.days, now))
        if mode is Mode.PLAIN:
            _make_months(conn, days)
        for number, day in enumerate(days):
            _day(conn, wanted, number, day, mode)
        conn.execute(LATEST)
        conn.execute(KEYED)
        if mode is Mode.TIMESCALE:
            conn.execute("CALL refresh_continuous_aggregate('reading_daily', NULL, NULL)")
        # What was filled in must be neither tidied up nor written out while we measure.
        conn.execute("VACUUM ANALYZE")
        conn.execute("CHECKPOINT")


def _day(conn: psycopg.Connection, wanted: Years, number: int, day: datetime, mode: Mode) -> None:
    values = {"residents": wanted.residents, "a_day": A_DAY, "day": day, "number": number}
    conn.execute("TRUNCATE arrived")
    conn.execute(ARRIVED, values)
    conn.execute(STORED)
    conn.execute(ENTERED)
    if mode is Mode.PLAIN:
        conn.execute(SUMMED, {"day": day})


def _days(count: int, now: datetime) -> Iterator[datetime]:
    """Yield the first moments of the last days before today."""
    today = datetime.combine(now.astimezone(ZONE), time(), ZONE)
    yield from ((today - DAY * back).astimezone(UTC) for back in range(count, 0, -1))


def _make_months(conn: psycopg.Connection, days: list[datetime]) -> None:
    for month in sorted(months((*days, days[-1] + DAY))):
        name, start, end = partition(month)
        conn.execute(
            f"CREATE TABLE {name} PARTITION OF reading"
            f" FOR VALUES FROM ('{start}') TO ('{end}')".encode()
        )


def _one(conn: psycopg.Connection, query: LiteralString) -> str:
    row = conn.execute(query).fetchone()
    assert row is not None, "a database with our schema has it"
    return str(row[0])
