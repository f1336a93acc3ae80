"""The pager: pages per second through its outbox, how late calls are, and from reading to phone.

Real processes on a PostgreSQL of their own. Every page has a telephone of its own, in each run
another one: pages to the same doctor within a minute would wait for each other, as they are to.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from paging_live import reading_to_phone, timers
from table import RUNS, Figure

from yikao_alerts.channels.channel import OutgoingPage
from yikao_alerts.channels.outcome import Delivered, Outcome
from yikao_alerts.pager import Pager
from yikao_ingest.embedded.postgres import EmbeddedPostgres
from yikao_ingest.migrate import migrate

PAGES = 20_000
PAGES_BAR = 2_000
"""Pages per second and process that are to be reached, with providers that answer at once."""

PEOPLE = """
INSERT INTO team VALUES ('t', 'team', 'Asia/Shanghai');
INSERT INTO doctor VALUES ('d', 't', 'doctor', 'zh');
UPDATE team SET duty_doctor_id = 'd';
INSERT INTO contact VALUES ('d', 0, 'webhook', 'http://d');
"""
RESIDENTS = """
INSERT INTO resident (code, name, team_id, doctor_id)
SELECT 'r' || n, 'resident', 't', 'd' FROM generate_series(1, %(count)s) n
"""
EPISODES = """
INSERT INTO episode (patient_id, family, state, rule_id, severity, level, confirmed, measured_at,
                     opened_at, level_since, round, last_evidence_at)
SELECT patient_id, 'bp_high', 'open', 'BP-03', 'page_now', 2, 'confirmed', %(at)s, %(at)s, %(at)s,
       1, %(at)s
FROM resident
"""
DUE = """
INSERT INTO page (page_id, episode_id, round, step, loop, doctor_id, contact_position, channel,
                  address, language, body, link, created_at, due_at)
SELECT gen_random_uuid(), episode_id, 1, 0, %(run)s, 'd', 0, 'webhook',
       'http://host-' || episode_id %% 20 || '/' || episode_id || '/' || %(run)s, 'zh',
       repeat('b', 60),
       'https://feed/p/' || repeat('l', 80), %(at)s, %(at)s
FROM episode
"""


class Instant:
    """A provider that takes everything at once; `all_in` is set when it has taken so many."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.all_in = asyncio.Event()

    async def send(self, page: OutgoingPage) -> Outcome:
        self.left -= 1
        if self.left == 0:
            self.all_in.set()
        return Delivered(str(page.page_id))


def figures() -> Iterator[Figure]:
    """Yield the pager's figures, each kind on a fresh embedded PostgreSQL."""
    yield from _on_a_server(lambda dsn, _: throughput(dsn))
    yield from _on_a_server(timers)
    yield from _on_a_server(reading_to_phone)


def _on_a_server(measure: Callable[[str, Path], Iterator[Figure]]) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="yk-") as folder:
        postgres = EmbeddedPostgres(Path(folder) / "pg")
        try:
            yield from measure(postgres.start(), Path(folder))
        finally:
            postgres.stop()


def throughput(dsn: str) -> Iterator[Figure]:
    """Yield how fast pages go through the outbox of one process."""
    migrate(dsn, datetime.now(UTC))
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(PEOPLE.encode())
        conn.execute(RESIDENTS, {"count": PAGES})
        conn.execute(EPISODES, {"at": datetime.now(UTC)})
    walls, owns = zip(*(_drain(dsn, run) for run in range(RUNS)), strict=True)
    rate = PAGES / statistics.median(walls)
    yield Figure("pager: pages sent, one process", rate, "pages/s", "to be at least", PAGES_BAR)
    own_us = statistics.median(owns) / PAGES * 1e6
    yield Figure("of it our own processor time", own_us, "us/page")


def _drain(dsn: str, run: int) -> tuple[float, float]:
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(DUE, {"run": run, "at": datetime.now(UTC)})
        conn.execute("VACUUM ANALYZE page")
        conn.execute("CHECKPOINT")

    async def send_all() -> None:
        provider, stop = Instant(PAGES), asyncio.Event()
        sending = asyncio.create_task(Pager({"webhook": provider}).run(dsn, stop))
        await provider.all_in.wait()
        stop.set()
        await sending

    began, own = time.perf_counter(), time.process_time()
    asyncio.run(send_all())
    wall, own = time.perf_counter() - began, time.process_time() - own
    with psycopg.connect(dsn) as conn:
        row = conn.execute("SELECT count(*) FROM page WHERE state <> 'sent'").fetchone()
    assert row == (0,), "every page is sent"
    return wall, own
