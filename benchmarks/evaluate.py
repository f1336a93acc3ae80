"""The live evaluator: readings decided about per second, with a record of each decision.

Every resident has a session of two readings in the queue, and a month (then ten months) of history
behind it: what it costs must not depend on how long somebody has been measuring.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from table import RUNS, Figure

from yikao_alerts.rules import load_rules
from yikao_alerts.store import Linking
from yikao_alerts.working import connect
from yikao_ingest.embedded.postgres import EmbeddedPostgres
from yikao_ingest.evaluator import SIDE_BY_SIDE, Evaluator
from yikao_ingest.migrate import migrate
from yikao_ingest.partitions import months, partition

RESIDENTS = 5_000
DAYS = (30, 300)
SESSION = 2
"""Readings of each resident that wait in the queue."""
BAR = 5_000
"""Readings per second and process that are to be reached."""
NOW = datetime(2026, 10, 20, 4, tzinfo=UTC)

PEOPLE = """
INSERT INTO team VALUES ('t', 'team', 'Asia/Shanghai');
INSERT INTO doctor VALUES ('d', 't', 'doctor', 'zh');
UPDATE team SET duty_doctor_id = 'd';
INSERT INTO contact VALUES ('d', 0, 'console', 'desk');
INSERT INTO gateway (gateway_id, tenant, public_key) VALUES ('g', 'bench', 'key');
"""
RESIDENT = """
INSERT INTO resident (code, name, birth_year, sex, team_id, doctor_id)
SELECT 'r' || n, 'resident', 1940 + n %% 40, CASE n %% 2 WHEN 0 THEN 'f' ELSE 'm' END, 't', 'd'
FROM generate_series(1, %(residents)s) n
"""
DEVICE = """
INSERT INTO device (address, gateway_id)
SELECT 'C4:1D:00:00:' || lpad(patient_id::text, 6, '0'), 'g' FROM resident ORDER BY patient_id
"""
READINGS = """
INSERT INTO reading (patient_id, time, device_id, kind, systolic_mmhg, diastolic_mmhg, pulse_bpm,
                     unit, flags, doubt_s, hub_time, received_at)
SELECT p, at, p, 'blood_pressure', 112 + abs(hashint4(p * 7919 + s)) %% 35,
       66 + abs(hashint4(p * 104729 + s)) %% 20, 58 + abs(hashint4(p + s * 31)) %% 30,
       'mmHg', '{}', 1, at + interval '5 s', at + interval '9 s'
FROM generate_series(1, %(residents)s::integer) p,
     generate_series(%(first)s::integer, %(last)s) s,
     LATERAL (SELECT %(now)s - s / 2 * interval '12 h' - (1 + s %% 2) * interval '90 s'
              - p %% 60 * interval '1 s' AS at) AS times
"""
QUEUE = "INSERT INTO eval_queue (patient_id, queued_at) SELECT patient_id, %(now)s FROM resident"


def figures() -> Iterator[Figure]:
    """Yield the evaluator's figures on a fresh embedded PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="yk-") as folder:
        postgres = EmbeddedPostgres(Path(folder) / "pg")
        dsn = postgres.start()
        try:
            migrate(dsn, NOW)
            fill(dsn, RESIDENTS, DAYS[0])
            yield from _figures(dsn, DAYS[0])
            add_days(dsn, RESIDENTS, DAYS[0], DAYS[1])
            yield from _figures(dsn, DAYS[1])
        finally:
            postgres.stop()


def _figures(dsn: str, days: int) -> Iterator[Figure]:
    began = time.process_time()
    seconds = statistics.median(drain(dsn) for _ in range(RUNS))
    own = (time.process_time() - began) / RUNS
    yield Figure(
        f"evaluator: {RESIDENTS} residents, {days} days of history",
        RESIDENTS * SESSION / seconds,
        "readings/s",
        "to be at least",
        BAR,
    )
    yield Figure("the same", seconds / RESIDENTS * 1e6, "us/resident")
    yield Figure("of it our own processor time", own / RESIDENTS * 1e6, "us/resident")
    with psycopg.connect(dsn) as conn:
        row = conn.execute("SELECT avg(pg_column_size(d.*)) FROM decision d").fetchone()
    assert row is not None, "an aggregate has a row"
    yield Figure("a decision's record", float(row[0]), "bytes/row")


def fill(dsn: str, residents: int, days: int) -> None:
    """Store residents, and sessions of two readings twice a day up to `NOW`."""
    with psycopg.connect(dsn) as conn:
        conn.execute(PEOPLE.encode())
        conn.execute(RESIDENT, {"residents": residents})
        conn.execute(DEVICE)
    add_days(dsn, residents, 0, days)


def add_days(dsn: str, residents: int, newest: int, oldest: int) -> None:
    """Store the sessions of the days from `oldest` to `newest` days ago."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        times = {NOW - timedelta(days=day) for day in range(newest, oldest + 2)}
        for month in sorted(months(times)):
            name, start, end = partition(month)
            conn.execute(
                f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF reading"
                f" FOR VALUES FROM ('{start}') TO ('{end}')".encode()
            )
        first, last = newest * 4, oldest * 4 - 1
        values = {"residents": residents, "first": first, "last": last, "now": NOW}
        conn.execute(READINGS, values)
        conn.execute("ANALYZE")
        # What was filled in must not be written out while we measure.
        conn.execute("CHECKPOINT")


def drain(dsn: str) -> float:
    """Return the seconds in which one evaluator looks at everybody."""
    with psycopg.connect(dsn) as conn:
        conn.execute(QUEUE, {"now": NOW})
    began = time.perf_counter()
    asyncio.run(_drain(dsn))
    return time.perf_counter() - began


async def _drain(dsn: str) -> None:
    async def now(_: psycopg.AsyncConnection) -> datetime:
        return NOW

    evaluator = Evaluator(load_rules(), Linking("http://feed", b"a secret of the benchmark"), now)

    async def loop() -> None:
        async with await connect(dsn) as conn:
            while await evaluator.cycle(conn):
                pass

    await asyncio.gather(*(loop() for _ in range(SIDE_BY_SIDE)))
