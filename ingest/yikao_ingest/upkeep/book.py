"""What the upkeep did last and what is amiss, as a table: for `yikao check` and the figures.

A fault is told without values and names of people: the database's own log has the rest.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import psycopg
from psycopg import AsyncConnection

from yikao_alerts.sql_blocks import load_sql_blocks

SQL: Final = load_sql_blocks("yikao_ingest", "sql/upkeep.sql")
SILENT: Final = timedelta(minutes=30)
"""Without a word for so long nobody does the upkeep. Something is begun every minute, but a job of
the database that is done here may take its time."""
NOBODY: Final = "upkeep"
"""What the fault is called that nothing is done at all."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A task as it stands in the book; failing_since: None where all is well."""

    name: str
    began_at: datetime
    failing_since: datetime | None
    detail: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What is amiss, since when; None: it has never been done."""

    name: str
    since: datetime | None
    detail: str


def faults(entries: Iterable[Entry], now: datetime) -> list[Fault]:
    """Return what is amiss at `now`, by name; that nobody is at work comes first."""
    known = sorted(entries, key=lambda entry: entry.name)
    newest = max((entry.began_at for entry in known), default=None)
    silent = newest is None or now - newest > SILENT
    nobody = [Fault(NOBODY, newest, "nobody does it: start `yikao evaluate`")] if silent else []
    failing = [Fault(e.name, e.failing_since, e.detail) for e in known if e.failing_since]
    return nobody + failing


def reason(error: Exception) -> str:
    """Return what failed in words that hold no value."""
    state = getattr(error, "sqlstate", None)
    return f"{type(error).__name__} {state}" if state else type(error).__name__


def read(conn: psycopg.Connection) -> list[Entry]:
    """Return the book, for a command that looks at it."""
    return [Entry(*row) for row in conn.execute(SQL["tasks"]).fetchall()]


async def load(conn: AsyncConnection) -> list[Entry]:
    """Return the book."""
    return [Entry(*row) for row in await (await conn.execute(SQL["tasks"])).fetchall()]


async def done(conn: AsyncConnection, name: str, now: datetime) -> None:
    """Write down that a task has ended well."""
    await conn.execute(SQL["task_done"], {"name": name, "now": now})


async def failed(conn: AsyncConnection, name: str, detail: str, now: datetime) -> None:
    """Write down that a task fails; since when, stays as it was."""
    await conn.execute(SQL["task_failed"], {"name": name, "detail": detail, "now": now})


async def well(conn: AsyncConnection, prefix: str, ill: Iterable[str]) -> None:
    """Write down that of all tasks with this prefix no others are ill."""
    await conn.execute(SQL["jobs_well"], {"prefix": prefix, "ill": list(ill)})
