"""Years of readings, as if they had come day after day: for measuring what growth costs.

Five readings a day of each resident, in the order in which they would have arrived, two months at a
time. The ids of the last 90 days stand in the ledger, as the upkeep leaves it; the sums of days are
there, those of hours, which nobody asks for here, are not. Indexes are built at the end, as loose
as coming one by one leaves them.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any, LiteralString
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql

from yikao_ingest.cli_bar import Bar
from yikao_ingest.migrate import Mode
from yikao_ingest.partitions import after, partition
from yikao_ingest.upkeep.ledger import LEDGER_KEPT

Values = dict[str, Any]

A_DAY = 5
"""Readings of a resident."""
RESIDENTS_MAX = 10_000
DAYS_MIN = 100
TEAM = 2_000
"""Residents of a team."""
DAY = timedelta(days=1)
SHANGHAI = timedelta(hours=8)
"""By so much its days begin before those of UTC."""
EPOCH, CHUNK = datetime(1970, 1, 1, tzinfo=UTC), timedelta(days=30)
"""The pieces of TimescaleDB (migration 0002)."""
AT_ONCE = 2
"""Pieces that are filled at the same time: one for each processor of a small machine."""
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
MAKE: LiteralString = "CREATE TABLE {} (LIKE reading_kept)"
# Between 08:00 and 21:30 on the clock of the zone: a day there is one of UTC.
STORED: LiteralString = """
INSERT INTO {} (patient_id, time, device_id, kind, systolic_mmhg, diastolic_mmhg, mean_mmhg,
                pulse_bpm, unit, record, flags, doubt_s, hub_after_ms, received_after_ms,
                device_ahead_s, device_zone_s)
SELECT p, at, p, 'blood_pressure', sys, dia, round((sys + 2 * dia) / 3.0),
       58 + abs(hashint4(p + key * 31)) %% 30, 'mmHg', key,
       CASE key %% 50 WHEN 0 THEN ARRAY['body_movement'] ELSE '{{}}'::text[] END, 1,
       9000 + jitter_ms, 10000 + 2 * jitter_ms, 28802, 28800
FROM generate_series(%(first)s::integer, %(last)s) number,
     generate_series(0, %(a_day)s - 1) s, generate_series(1, %(residents)s::integer) p,
     LATERAL (SELECT %(midnight)s::timestamptz + number * interval '1 day'
                     + (s * 10800 + abs(hashint4(p * 31 + s + number)) %% 5400) * interval '1 s'
                     + abs(hashint4(p * 13 + number * 5 + s)) %% 1000000 * interval '1 us' AS at,
                     number * %(a_day)s + s AS key,
                     abs(hashint4(p * 17 + s + number * 5)) %% 1000 AS jitter_ms) one,
     LATERAL (SELECT 112 + abs(hashint4(p * 7919 + key)) %% 35 AS sys,
                     66 + abs(hashint4(p * 104729 + key)) %% 20 AS dia) measured
"""
ENTERED: LiteralString = """
INSERT INTO ingest_ledger (reading_id, received_at, message_id, outcome)
SELECT md5(patient_id || '/' || record)::uuid, moment_after(time, received_after_ms), 0, 'stored'
FROM {} WHERE time >= %(known_since)s
"""
SUMMED: LiteralString = """
INSERT INTO reading_daily
SELECT patient_id, kind, day - interval '8 hours', count(*), count(systolic_mmhg),
       sum(systolic_mmhg), min(systolic_mmhg), max(systolic_mmhg),
       sum(diastolic_mmhg), min(diastolic_mmhg), max(diastolic_mmhg),
       count(pulse_bpm), sum(pulse_bpm), min(pulse_bpm), max(pulse_bpm), 0
FROM {}, LATERAL (SELECT date_bin('1 day', time, %(midnight)s) AS day) of_time
GROUP BY day, patient_id, kind ORDER BY day, patient_id
"""
# As full as it is left by those who measure one after the other.
PIECE_KEYED: LiteralString = (
    "ALTER TABLE {} ADD PRIMARY KEY (patient_id, time, device_id, kind) WITH (fillfactor = 70)"
)
TIMED: LiteralString = "CREATE INDEX ON {} (time DESC)"
ATTACH_MONTH: LiteralString = (
    "ALTER TABLE reading_kept ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})"
)
ATTACH_CHUNK: LiteralString = """
CALL attach_chunk('reading_kept', %(name)s::regclass,
                  jsonb_build_object('time', jsonb_build_array(%(begins)s::text, %(ends)s::text)))
"""
# Forced: of a chunk that is attached no line says that its days have to be made.
REFRESH: LiteralString = """
CALL refresh_continuous_aggregate('reading_daily', %s::timestamptz, %s::timestamptz, force => true)
"""
LATEST: LiteralString = """
INSERT INTO patient_latest (patient_id, kind, time, received_at, device_id, unit, systolic_mmhg,
                            diastolic_mmhg, pulse_bpm, flags, values_at)
SELECT DISTINCT ON (patient_id, kind) patient_id, kind, time, received_at, device_id, unit,
       systolic_mmhg, diastolic_mmhg, pulse_bpm, flags, time
FROM reading WHERE time >= %(last_day)s ORDER BY patient_id, kind, time DESC
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


@dataclass(frozen=True, slots=True)
class Piece:
    """A table of days by their numbers, `first` of them to `last`, between two moments."""

    name: str
    begins: datetime
    ends: datetime
    first: int
    last: int


def fill(dsn: str, wanted: Years, now: datetime) -> None:
    """Store what came until yesterday into a database that has our schema, and nothing else."""
    values: Values = {"residents": wanted.residents, "team": TEAM, "a_day": A_DAY}
    with _connect(dsn) as conn:
        mode = Mode(_one(conn, "SELECT value FROM schema_meta WHERE key = 'mode'"))
        for statement in PEOPLE.split(";"):
            conn.execute(statement, values if "%(" in statement else None)
        conn.execute(KEYLESS)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        values["midnight"] = since = midnight - wanted.days * DAY
        values["known_since"] = now - LEDGER_KEPT
        bar, done = Bar(), 0
        with ThreadPoolExecutor(AT_ONCE) as threads:
            store = partial(_store, dsn, mode, values)
            for piece in threads.map(store, _pieces(mode, since, wanted.days)):
                done += piece.last - piece.first + 1
                bar.show("days of readings", done, wanted.days)
            conn.execute(LATEST, {"last_day": midnight - DAY})
            bar.show("ids in the ledger", done, wanted.days)
            conn.execute(KEYED)
            if mode is Mode.TIMESCALE:
                bar.show("sums of days", done, wanted.days)
                middle = since + wanted.days // 2 * DAY - SHANGHAI
                list(threads.map(partial(_refresh, dsn), (None, middle), (middle, None)))
        bar.end()


def tidy(dsn: str) -> None:
    """Have nothing left to be tidied up or written out while we measure."""
    with _connect(dsn) as conn:
        conn.execute("VACUUM ANALYZE")
        conn.execute("CHECKPOINT")


def _connect(dsn: str) -> psycopg.Connection:
    conn = psycopg.connect(dsn, autocommit=True)
    for setting in ("synchronous_commit = off", "wal_compression = off"):
        conn.execute(f"SET {setting}".encode())
    conn.execute("SET maintenance_work_mem = '512MB'")
    return conn


def _pieces(mode: Mode, since: datetime, days: int) -> Iterator[Piece]:
    """Yield what the days from `since` on are divided into, in order."""
    place = _month if mode is Mode.PLAIN else _chunk
    for (name, begins, ends), together in groupby(range(days), lambda n: place(since + n * DAY)):
        numbers = list(together)
        yield Piece(name, begins, ends, numbers[0], numbers[-1])


def _month(day: datetime) -> tuple[str, datetime, datetime]:
    """Return the partition of a day: its name and its bounds."""
    month = day.replace(day=1)
    return partition(month)[0], month, after(month)


def _chunk(day: datetime) -> tuple[str, datetime, datetime]:
    """Return the chunk of a day, likewise: TimescaleDB counts them from 1970 on."""
    begins = EPOCH + (day - EPOCH) // CHUNK * CHUNK
    return f"chunk_{begins:%Y_%m_%d}", begins, begins + CHUNK


def _store(dsn: str, mode: Mode, values: Values, piece: Piece) -> Piece:
    """Store a piece and make it part of the readings; on plain PostgreSQL with its sums."""
    values = values | asdict(piece)
    name = sql.Identifier(piece.name)
    with _connect(dsn) as conn:
        for statement in (MAKE, STORED, ENTERED, PIECE_KEYED):
            conn.execute(sql.SQL(statement).format(name), values if "%(" in statement else None)
        if mode is Mode.PLAIN:
            conn.execute(sql.SQL(SUMMED).format(name), values)
            conn.execute(sql.SQL(ATTACH_MONTH).format(name, piece.begins, piece.ends))
            conn.execute(sql.SQL("VACUUM ANALYZE {}").format(name))
        else:
            conn.execute(sql.SQL(TIMED).format(name))
            conn.execute(ATTACH_CHUNK, values)
    return piece


def _refresh(dsn: str, begins: datetime | None, ends: datetime | None) -> None:
    with _connect(dsn) as conn:
        conn.execute(REFRESH, (begins, ends))


def _one(conn: psycopg.Connection, query: LiteralString) -> str:
    row = conn.execute(query).fetchone()
    assert row is not None, "a database with our schema has it"
    return str(row[0])
