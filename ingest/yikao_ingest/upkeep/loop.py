"""The upkeep's loop: one process at a time, task after task, each when it is due.

When a task was last begun stands in the database, so that a restart repeats nothing. A task that
fails is written down and tried again later; the others go on.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from psycopg import AsyncConnection

from yikao_alerts.clock import Now, read_clock
from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_alerts.working import wait_any, work
from yikao_ingest.migrate import Mode
from yikao_ingest.upkeep import book, tell
from yikao_ingest.upkeep.jobs import watch_jobs
from yikao_ingest.upkeep.ledger import prune_ledger
from yikao_ingest.upkeep.months import make_ahead
from yikao_ingest.upkeep.packing import pack
from yikao_ingest.upkeep.retention import retain
from yikao_ingest.upkeep.rollup import roll_up

log = logging.getLogger(__name__)

SQL: Final = load_sql_blocks("yikao_ingest", "sql/upkeep.sql")
LOCK: Final = 0x79696B75
"""Advisory lock of who does the upkeep; others stand by."""
CHANNEL: Final = "yikao_upkeep"
"""Whoever listens here does the upkeep, or stands by. A notification wakes it."""
ROLL_UP_EVERY: Final = timedelta(seconds=10)
LOOK_EVERY: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
AGAIN: Final = timedelta(minutes=5)
"""After a failure a task is tried again no later than this."""
FINISH_S: Final = 2.0
"""At a stop what is under way may take so long; then it is broken off, and undone."""


Do = Callable[[AsyncConnection, datetime], Awaitable[bool]]
"""Does a task at a time; returns whether there is more of it at once. conn: autocommit."""


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do again and again."""

    name: str
    every: timedelta
    do: Do


def is_due(
    every: timedelta, began_at: datetime | None, now: datetime, *, well: bool = True
) -> bool:
    """Return whether a task is due; also when the clock was set back before it last began."""
    pause = every if well else min(every, AGAIN)
    return began_at is None or now >= began_at + pause or now < began_at


@dataclass(slots=True)
class Upkeep:
    """Looks after one database. kept: how long readings are kept; None: for ever.

    public_url: of the feed, for the link of a notice.
    """

    kept: timedelta | None = None
    public_url: str = ""
    now: Now = read_clock
    _holding: AsyncConnection | None = None
    _tasks: Sequence[Task] = ()
    _began: dict[str, datetime] = field(default_factory=dict)
    _failing: set[str] = field(default_factory=set)

    async def run(self, dsn: str, stop: asyncio.Event) -> None:
        """Work until stopped."""

        async def cycle(conn: AsyncConnection) -> bool:
            try:
                return await self.cycle(conn)
            except Exception:  # what cannot be looked after must not end who works beside us
                if conn.closed:
                    raise
                log.exception("upkeep is not done")
                await wait_any(AGAIN.total_seconds(), stop)
                return False

        working = asyncio.create_task(work(dsn, CHANNEL, cycle, asyncio.Event(), stop))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({working}, timeout=FINISH_S)
        finally:
            stopping.cancel()
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await working

    async def cycle(self, conn: AsyncConnection) -> bool:
        """Do what is due; return whether there is more to do at once. conn: autocommit."""
        if not await self._hold(conn):
            return False
        now = await self.now(conn)
        again = False
        for task in self._tasks:
            well = task.name not in self._failing
            if is_due(task.every, self._began.get(task.name), now, well=well):
                again |= await self._do(conn, task, now)
        return again

    async def _hold(self, conn: AsyncConnection) -> bool:
        """Return whether this connection holds the lock; what it needs to know is read then."""
        if self._holding is conn:
            return True
        if not await _one(conn, "take_lock", key=LOCK):
            return False
        self._tasks = await self._all(conn, Mode(await _one(conn, "mode")))
        rows = await conn.execute(SQL["last_begun"])
        self._began = dict(await rows.fetchall())
        self._holding = conn
        log.info("this process does the upkeep")
        return True

    async def _all(self, conn: AsyncConnection, mode: Mode) -> list[Task]:
        """Return what there is to do in a database of this kind."""
        tasks = []
        if mode is Mode.TIMESCALE:
            tasks.append(Task("jobs", LOOK_EVERY, _once((await watch_jobs(conn)).look)))
            tasks.append(Task("packing", HOUR, _once(pack)))
        else:
            tasks.append(Task("roll-ups", ROLL_UP_EVERY, lambda conn, now: roll_up(conn)))
            tasks.append(Task("months", HOUR, _once(make_ahead)))
        tasks.append(Task("ledger", DAY, _once(prune_ledger)))
        if self.kept is not None:
            tasks.append(Task("retention", DAY, _once(partial(retain, mode, self.kept))))
        return [*tasks, Task("faults", LOOK_EVERY, _once(self._tell))]

    async def _do(self, conn: AsyncConnection, task: Task, now: datetime) -> bool:
        """Do a task and write down how it ended; return whether there is more of it."""
        self._began[task.name] = now
        try:
            more = await task.do(conn, now)
        except Exception as error:  # one task that fails must not end the others
            if conn.closed:
                raise
            log.exception("upkeep task failed", extra={"task": task.name})
            self._failing.add(task.name)
            await book.failed(conn, task.name, book.reason(error), now)
            return False
        self._failing.discard(task.name)
        await book.done(conn, task.name, now)
        if more:
            del self._began[task.name]
        return more

    async def _tell(self, conn: AsyncConnection, now: datetime) -> None:
        await tell.tell(conn, book.faults(await book.load(conn), now), now, self.public_url)


def _once(do: Callable[[AsyncConnection, datetime], Awaitable[object]]) -> Do:
    """Return a task of which there is never more than one round at a time."""

    async def done(conn: AsyncConnection, now: datetime) -> bool:
        await do(conn, now)
        return False

    return done


async def _one(conn: AsyncConnection, statement: str, **values: Any) -> Any:
    row = await (await conn.execute(SQL[statement], values)).fetchone()
    return row[0] if row else None
