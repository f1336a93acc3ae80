"""TimescaleDB's background jobs: is one ill, and if so, do its work in the foreground.

A job may fail or hang for weeks without a word (https://github.com/timescale/timescaledb/issues/3216,
/8885); an update of PostgreSQL alone can stop every one of them, while called by hand the same work
goes on. So each is looked at, worked off here while it is ill, and told as a fault.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import psycopg
from psycopg import AsyncConnection
from psycopg.errors import LockNotAvailable

from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_ingest.upkeep import book

log = logging.getLogger(__name__)

SQL: Final = load_sql_blocks("yikao_ingest", "sql/upkeep.sql")
LATE: Final = timedelta(minutes=30)
"""A job that should have begun so long ago has nobody who begins it."""
PREFIX: Final = "job "
"""How the names of jobs in the book begin."""
STUCK: Final = timedelta(hours=6)
"""Longer than any of our jobs takes."""


class Illness(StrEnum):
    """What is wrong with a job."""

    FAILED = "failed"
    OVERDUE = "overdue"
    STUCK = "stuck"


@dataclass(frozen=True, slots=True)
class Job:
    """A background job as the database tells of it; None for what has not been yet.

    every: from one run to the next.
    """

    job_id: int
    what: str
    every: timedelta
    running: bool | None = None
    failed: bool | None = None
    started_at: datetime | None = None
    next_at: datetime | None = None

    @property
    def name(self) -> str:
        """Return what it is called in the book."""
        return f"{PREFIX}{self.job_id} {self.what}"


def illness(job: Job, now: datetime, since: datetime) -> Illness | None:
    """Return what is wrong with a job at `now`; None: nothing.

    now: of the database's own clock, by which its jobs go. since: when we began to look, which is
    when a job that never ran counts as due.
    """
    if job.running:
        stuck = job.started_at is not None and now > job.started_at + STUCK
        return Illness.STUCK if stuck else None
    if job.failed:
        return Illness.FAILED
    return Illness.OVERDUE if now > (job.next_at or since) + LATE else None


def ill(jobs: Iterable[Job], now: datetime, since: datetime) -> dict[Job, Illness]:
    """Return the jobs that are ill, each with what is wrong."""
    judged = {job: illness(job, now, since) for job in jobs}
    return {job: what for job, what in judged.items() if what is not None}


def to_run(found: Mapping[Job, Illness], ran: Mapping[int, datetime], now: datetime) -> list[Job]:
    """Return whose work is to be done in the foreground: no more often than the job itself would.

    ran: when each was last worked off by us. One that is stuck may hold what we would wait for.
    """
    return [
        job
        for job, what in found.items()
        if what is not Illness.STUCK
        and (job.job_id not in ran or now >= ran[job.job_id] + job.every)
    ]


@dataclass(slots=True)
class JobWatch:
    """Looks at the background jobs of one database, and does the work of those that are ill."""

    since: datetime
    """When this process began to look, on the database's clock."""
    _ran: dict[int, datetime] = field(default_factory=dict)
    _how: dict[int, str] = field(default_factory=dict)
    """When the work of which job was last done here, and how that went."""

    async def look(self, conn: AsyncConnection, now: datetime) -> None:
        """Do the work of who is ill, and write both down. conn: autocommit.

        now: the time for the book; the jobs go by the database's own clock.
        """
        clock = await _clock(conn)
        found = ill(await load_jobs(conn), clock, self.since)
        for job, what in found.items():
            log.error("background job is ill", extra={"job": job.name, "what": str(what)})
        for job in to_run(found, self._ran, clock):
            self._ran[job.job_id] = clock
            self._how[job.job_id] = await _in_foreground(conn, job)
        for job, what in found.items():
            how = self._how.get(job.job_id)
            await book.failed(conn, job.name, f"{what}, {how}" if how else str(what), now)
        await book.well(conn, PREFIX, [job.name for job in found])
        self._how = {job.job_id: self._how[job.job_id] for job in found if job.job_id in self._how}


async def _in_foreground(conn: AsyncConnection, job: Job) -> str:
    """Do a job's work; return what is to be said of that."""
    try:
        if not await run_job(conn, job.job_id):
            return "being done by somebody else"
    except psycopg.Error as error:
        if conn.closed:
            raise
        log.exception("a job fails in the foreground too", extra={"job": job.name})
        return f"in the foreground too: {book.reason(error)}"
    log.warning("a job's work was done in the foreground", extra={"job": job.name})
    return "done in the foreground"


async def _clock(conn: AsyncConnection) -> datetime:
    ((at,),) = await (await conn.execute(SQL["read_clock"])).fetchall()
    assert isinstance(at, datetime), "a clock always answers"
    return at


async def watch_jobs(conn: AsyncConnection) -> JobWatch:
    """Return a watch that begins now."""
    return JobWatch(await _clock(conn))


async def load_jobs(conn: AsyncConnection) -> Sequence[Job]:
    """Return the jobs that are ours and not paused."""
    cursor = await conn.execute(SQL["jobs"])
    return [Job(*row) for row in await cursor.fetchall()]


async def run_job(conn: AsyncConnection, job_id: int) -> bool:
    """Do a job's work; return whether it was done. conn: autocommit.

    Not done: it is being done already, by its own worker or by somebody's hand.
    """
    try:
        await conn.execute(SQL["run_job"], {"job_id": job_id})
    except LockNotAvailable:
        log.info("job is being done already", extra={"job": job_id})
        return False
    return True


async def refresh(conn: AsyncConnection) -> bool:
    """Bring the continuous aggregates up to date; return whether all were free to be. As above."""
    cursor = await conn.execute(SQL["refresh_jobs"])
    done = [await run_job(conn, job_id) for (job_id,) in await cursor.fetchall()]
    return all(done)
