"""What growth costs: ingest and the questions people ask, with millions of readings stored.

`python benchmarks/growth.py 50000000` takes the whole figure: it fills 25 GB of disk first.
With YIKAO_TEST_TIMESCALE_DSN the same on TimescaleDB, and what a reading takes there compressed.
"""

import asyncio
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import LiteralString
from uuid import uuid4

import psycopg
from crowd import Crowd, settle
from growth_fill import A_DAY, TEAM, ZONE, Years, fill, tidy, years
from psycopg import AsyncConnection, sql
from psycopg.conninfo import make_conninfo
from publishing import packets, publish
from servers import ARRIVES_S, Servers, arrival, broker, servers
from table import RUNS, Figure
from takers import Yikao, enrol, running

from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_ingest.migrate import migrate
from yikao_ingest.queries import people, sums
from yikao_ingest.upkeep.packing import pack

READINGS = 5_000_000
BYTES_A_READING = 550
"""Room that a reading takes while it is filled in, with its id, its indexes and the log."""
BACKLOG = 50_000
WARM_UP, ASKED = 5, 50
"""How often a question is asked before it counts, and then."""
TIMESCALE = "YIKAO_TEST_TIMESCALE_DSN"
OLD = timedelta(days=60)
"""What is older is compressed (migration 0002)."""
COMPRESSED_BAR = 20.0
KEPT_UP_BAR = 0.8

FEED = load_sql_blocks("yikao_alerts", "feed/sql/queries.sql")
CHUNKS: LiteralString = """
SELECT format('%%I.%%I', chunk_schema, chunk_name) FROM timescaledb_information.chunks
WHERE hypertable_name = 'reading_kept' AND range_end <= %s ORDER BY range_end
"""
COMPRESS: LiteralString = "SELECT compress_chunk(%s::regclass, true)"
COMPRESSED: LiteralString = """
SELECT sum(s.total_bytes)::bigint, max(c.range_end)
FROM chunks_detailed_size('reading_kept') s
JOIN timescaledb_information.chunks c USING (chunk_schema, chunk_name)
WHERE c.is_compressed AND c.hypertable_name = 'reading_kept'
"""


@dataclass(frozen=True, slots=True)
class Question:
    """Something people ask about a resident or the team; bar_ms: how fast at 50 million."""

    what: str
    bar_ms: float
    ask: Callable[[AsyncConnection, int, datetime], Awaitable[object]]


async def _resident(conn: AsyncConnection, number: int, now: datetime) -> object:
    values = {
        "patient_id": number,
        "since": now - timedelta(days=90),
        "until": now,
        "limit": 90 * A_DAY,
    }
    return await (await conn.execute(FEED["readings"], values)).fetchall()


async def _day_parts(conn: AsyncConnection, number: int, now: datetime) -> object:
    today = now.astimezone(ZONE).date()
    return await people.day_parts(conn, number, today - timedelta(days=89), today)


async def _freshness(conn: AsyncConnection, number: int, now: datetime) -> object:
    values = {"team": _team(number), "seen_since": now - timedelta(hours=1), "now": now}
    return await (await conn.execute(FEED["freshness"], values)).fetchall()


async def _latest(conn: AsyncConnection, number: int, now: datetime) -> object:
    return await people.latest(conn, _team(number))


async def _sums(conn: AsyncConnection, number: int, now: datetime) -> object:
    today = now.astimezone(ZONE).date()
    return await sums.team_days(conn, _team(number), today - timedelta(days=29), today)


def _team(number: int) -> str:
    """Return the team of a resident."""
    return f"t{(number - 1) // TEAM}"


QUESTIONS = (
    Question("a resident's 90 days, each reading", 10.0, _resident),
    Question("a resident's 90 days by day part", 10.0, _day_parts),
    Question(f"latest of {TEAM} residents", 20.0, _latest),
    Question(f"who of {TEAM} residents is silent, for the feed", 20.0, _freshness),
    Question(f"daily sums of {TEAM} residents, 30 days", 200.0, _sums),
)


def figures(readings: int = READINGS, runs: int = RUNS) -> Iterator[Figure]:
    """Yield the figures of growth on a fresh embedded PostgreSQL, and on TimescaleDB if set up."""
    wanted = years(readings)
    with tempfile.TemporaryDirectory(prefix="yk-") as folder:
        needed, free = wanted.readings * BYTES_A_READING, shutil.disk_usage(folder).free
        assert needed < free, f"{folder} has {free >> 30} GB free, and {needed >> 30} are needed"
        with ExitStack() as ending:
            full, none = (
                ending.enter_context(servers(_made(Path(folder) / name))) for name in "fn"
            )
            yield from _figures("PostgreSQL", full, none, wanted, runs)
    if not (dsn := os.environ.get(TIMESCALE)):
        print(f"NOT MEASURED: TimescaleDB; set {TIMESCALE}", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory(prefix="yk-") as folder, ExitStack() as ending:
        full, none = (
            ending.enter_context(_timescale(dsn, _made(Path(folder) / name))) for name in "fn"
        )
        yield from _figures("TimescaleDB", full, none, wanted, runs)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@contextmanager
def _timescale(dsn: str, folder: Path) -> Iterator[Servers]:
    """Have a broker, and a database of our own on the server that was named, for the block."""
    name = f"bench_{uuid4().hex[:8]}"
    with psycopg.connect(dsn, autocommit=True) as conn, broker(folder) as url:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            ours = make_conninfo(dsn, dbname=name)
            migrate(ours, datetime.now(UTC))
            yield Servers(ours, url, 0, folder)
        finally:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _figures(kind: str, full: Servers, none: Servers, wanted: Years, runs: int) -> Iterator[Figure]:
    now = datetime.now(UTC)
    fill(full.dsn, wanted, now)
    stored = f"{kind}, {wanted.readings / 1e6:,.0f} M readings"
    if kind == "TimescaleDB":
        size = _compressed(full.dsn, now)
        yield Figure(f"{stored}: a reading, compressed", size, "bytes", "at most", COMPRESSED_BAR)
    tidy(full.dsn)
    for question in QUESTIONS:
        took_ms = asyncio.run(_ask(full.dsn, question, wanted, now)) * 1000
        beside = "to be at most at 50 M"
        yield Figure(f"{stored}: {question.what}", took_ms, "ms", beside, question.bar_ms)
    rates = _rates(full, none, runs)
    what = f"{stored}: backlog of {BACKLOG}"
    yield Figure(what, rates[0], "readings/s", "into empty tables", rates[1])
    ratio = rates[0] / rates[1]
    yield Figure(f"{stored}: the two compared", ratio * 100, "%", "at least", KEPT_UP_BAR * 100)


async def _ask(dsn: str, question: Question, wanted: Years, now: datetime) -> float:
    """Return how long an answer takes, in seconds: each time about somebody else."""
    step = max(1, wanted.residents // ASKED)
    took_s = []
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        for number in range(WARM_UP + ASKED):
            resident = 1 + number * step % wanted.residents
            began = time.perf_counter()
            found = await question.ask(conn, resident, now)
            took_s.append(time.perf_counter() - began)
            assert found, f"{question.what}: no answer"
    return statistics.median(took_s[WARM_UP:])


def _rates(full: Servers, none: Servers, runs: int) -> list[float]:
    """Return how fast a backlog is drained into full and into empty tables, measured in turn."""
    taker = Yikao()
    crowds = [(live, settle(live.dsn)) for live in (full, none)]
    for live, crowd in crowds:
        with running(taker, live, held=False):
            enrol(taker, live, crowd)
    taken: list[list[float]] = [[], []]
    for run in range(runs):
        for (live, crowd), rates in zip(crowds, taken, strict=True):
            rates.append(_rate(taker, live, crowd, run))
    return [statistics.median(rates) for rates in taken]


def _rate(taker: Yikao, live: Servers, crowd: Crowd, run: int) -> float:
    readings = crowd.kept(BACKLOG, run)
    publish(live.port, packets(crowd.backlog(readings)))
    with running(taker, live, held=True) as child:
        began = time.time()
        taker.let_go(child)
        came = arrival(live.dsn, taker.table, readings[-1].key, ARRIVES_S)
        assert came is not None, "the last reading never arrived"
        return BACKLOG / (came - began)


def _compressed(dsn: str, now: datetime) -> float:
    """Compress what is old, as its policy does in time; return the bytes of a reading there."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        for chunk in conn.execute(CHUNKS, (now - OLD,)).fetchall():
            # One after the other, as the policy does: each is joined to the one before.
            conn.execute(COMPRESS, chunk)
        asyncio.run(_pack(dsn, now))
        size, until = conn.execute(COMPRESSED).fetchone() or (0, None)
        count = conn.execute("SELECT count(*) FROM reading WHERE time < %s", (until,)).fetchone()
    assert count is not None and count[0], "nothing is old enough to be compressed"
    return float(size) / int(count[0])


async def _pack(dsn: str, now: datetime) -> None:
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        await pack(conn, now)


if __name__ == "__main__":
    for figure in figures(*map(int, sys.argv[1:])):
        print(figure.line(), flush=True)
