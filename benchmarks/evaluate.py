"""The live evaluator: readings decided about per second, with a record of each decision.

Every resident has a session of two readings in the queue, and a month or ten months of sessions and
records behind it: what a decision costs must not depend on how long somebody has been measuring.

Each history is in a server of its own, and they are looked at in turn: the machine's drift meets
both. What is filled in is tidied up before anything is measured. Else the database would do that in
the background meanwhile, for ten months at once, where in life each month is tidied up once.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
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
"""Readings in a session, which is what waits in the queue of each resident."""
APART = timedelta(hours=12)
"""From one session to the next."""
ROUNDS = 3
"""How often everybody is looked at in a run: a moment's trouble is a small part of it then."""
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
INSERT INTO reading_kept (patient_id, time, device_id, kind, systolic_mmhg, diastolic_mmhg,
                          pulse_bpm, unit, flags, doubt_s, hub_time, received_at)
SELECT p, at, p, 'blood_pressure', 112 + abs(hashint4(p * 7919 + s)) %% 35,
       66 + abs(hashint4(p * 104729 + s)) %% 20, 58 + abs(hashint4(p + s * 31)) %% 30,
       'mmHg', '{}', 1, at + interval '5 s', at + interval '9 s'
FROM generate_series(1, %(residents)s::integer) p,
     generate_series(%(first)s::integer, %(last)s) s,
     LATERAL (SELECT %(at)s - (1 + s - %(first)s) * interval '90 s'
              - p %% 60 * interval '1 s' AS at) AS times
"""
RECORDS = """
INSERT INTO decision (patient_id, decided_at, ruleset_digest, code_version, seq, body, prev_hash,
                      hash)
SELECT p, %(at)s, repeat('0', 16), '0.0.0', %(number)s, convert_to(repeat('r', 300), 'UTF8'),
       sha256(int4send(%(number)s - 1)), sha256(int4send(%(number)s))
FROM generate_series(1, %(residents)s::integer) p
"""
"""As long as the record of a decision in which nothing was found."""
QUEUE = "INSERT INTO eval_queue (patient_id, queued_at) SELECT patient_id, %(now)s FROM resident"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a look at one resident takes: seconds that pass, and seconds of our own processor."""

    wall_s: float
    own_s: float


def figures() -> Iterator[Figure]:
    """Yield the evaluator's figures on fresh embedded PostgreSQLs, one for each history."""
    with tempfile.TemporaryDirectory(prefix="yk-") as folder, ExitStack() as servers:
        dsns = {days: _server(servers, Path(folder) / str(days)) for days in DAYS}
        for days, dsn in dsns.items():
            fill(dsn, RESIDENTS, days)
        costs: dict[int, list[Cost]] = {days: [] for days in DAYS}
        for _ in range(RUNS):
            for days, dsn in dsns.items():
                costs[days].append(run(dsn))
        month, *longer = (_median(costs[days]) for days in DAYS)
        for days, cost in zip(DAYS, (month, *longer), strict=True):
            yield from _figures(days, cost)
        for days, cost in zip(DAYS[1:], longer, strict=True):
            what = f"a look with {days} days of history"
            beside = f"with {DAYS[0]} days"
            yield Figure(what, cost.wall_s * 1e6, "us/resident", beside, month.wall_s * 1e6)
        with psycopg.connect(dsns[DAYS[0]]) as conn:
            row = conn.execute("SELECT avg(pg_column_size(d.*)) FROM decision d").fetchone()
        assert row is not None, "an aggregate has a row"
        yield Figure("a decision's record", float(row[0]), "bytes/row")


def _server(servers: ExitStack, folder: Path) -> str:
    """Return the address of a fresh PostgreSQL that runs until `servers` is left."""
    postgres = EmbeddedPostgres(folder)
    servers.callback(postgres.stop)
    return postgres.start()


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        statistics.median(cost.wall_s for cost in costs),
        statistics.median(cost.own_s for cost in costs),
    )


def _figures(days: int, cost: Cost) -> Iterator[Figure]:
    yield Figure(
        f"evaluator: {RESIDENTS} residents, {days} days of history",
        SESSION / cost.wall_s,
        "readings/s",
        "to be at least",
        BAR,
    )
    yield Figure("the same", cost.wall_s * 1e6, "us/resident")
    yield Figure("of it our own processor time", cost.own_s * 1e6, "us/resident")


def fill(dsn: str, residents: int, days: int) -> None:
    """Store residents, and their sessions and records of so many days up to `NOW`, as they came."""
    sessions = timedelta(days=days) // APART
    times = [NOW - APART * back for back in reversed(range(sessions))]
    settle(dsn, residents, times)
    with psycopg.connect(dsn, autocommit=True) as conn:
        # Filled in, not decided: that every resident is there need not be checked each time.
        conn.execute("SET session_replication_role = replica")
        for number, at in enumerate(times, 1):
            values = {"residents": residents, "at": at, "number": number}
            first = number * SESSION
            conn.execute(READINGS, values | {"first": first, "last": first + SESSION - 1})
            conn.execute(RECORDS, values)
        # What was filled in must be neither tidied up nor written out while we measure.
        conn.execute("VACUUM ANALYZE")
        conn.execute("CHECKPOINT")


def settle(dsn: str, residents: int, times: Sequence[datetime]) -> None:
    """Make the schema, residents with a cuff each, and room for sessions at these times."""
    migrate(dsn, NOW)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(PEOPLE.encode())
        conn.execute(RESIDENT, {"residents": residents})
        conn.execute(DEVICE)
        for month in sorted(months((times[0] - APART, *times))):
            name, start, end = partition(month)
            conn.execute(
                f"CREATE TABLE {name} PARTITION OF reading_kept"
                f" FOR VALUES FROM ('{start}') TO ('{end}')".encode()
            )


def run(dsn: str) -> Cost:
    """Return what a look costs one evaluator, when it looks at everybody some times."""
    own = time.process_time()
    wall_s = sum(drain(dsn) for _ in range(ROUNDS))
    looks = ROUNDS * RESIDENTS
    return Cost(wall_s / looks, (time.process_time() - own) / looks)


def drain(dsn: str, now: datetime = NOW) -> float:
    """Return the seconds in which one evaluator looks at everybody, at the time `now`."""
    with psycopg.connect(dsn) as conn:
        conn.execute(QUEUE, {"now": now})
    began = time.perf_counter()
    asyncio.run(_drain(dsn, now))
    return time.perf_counter() - began


async def _drain(dsn: str, at: datetime) -> None:
    async def now(_: psycopg.AsyncConnection) -> datetime:
        return at

    evaluator = Evaluator(load_rules(), Linking("http://feed", b"a secret of the benchmark"), now)

    async def loop() -> None:
        async with await connect(dsn) as conn:
            while await evaluator.cycle(conn):
                pass

    await asyncio.gather(*(loop() for _ in range(SIDE_BY_SIDE)))
