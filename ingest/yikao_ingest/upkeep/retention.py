"""Readings that are older than an operator wants to keep them, dropped by whole months or chunks.

Nothing is dropped unless a setting says so. What the law wants kept is for the operator to know:
in China records of outpatients for 15 years at least (Measures for the Management of Medical
Institutions' Records, National Health Commission 2013, article 29). Sums go with their readings.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from psycopg import AsyncConnection, sql

from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_ingest.errors import ServerError
from yikao_ingest.migrate import Mode
from yikao_ingest.partitions import after, over, partition
from yikao_ingest.settings import RETENTION_DAYS
from yikao_ingest.upkeep.jobs import refresh
from yikao_ingest.upkeep.ledger import LEDGER_KEPT
from yikao_ingest.upkeep.months import PATIENCE, partitions
from yikao_ingest.upkeep.rollup import touch_month

log = logging.getLogger(__name__)

SQL: Final = load_sql_blocks("yikao_ingest", "sql/upkeep.sql")
DAYS_MIN: Final = LEDGER_KEPT.days
"""Readings are kept at least as long as the ledger knows them."""


def retention(environ: Mapping[str, str]) -> timedelta | None:
    """Return how long readings are kept; None, without the setting: for ever.

    Refuses with `ServerError` what is no number of days, or fewer than `DAYS_MIN`.
    """
    text = environ.get(RETENTION_DAYS)
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or int(text) < DAYS_MIN:
        raise ServerError(
            f"{RETENTION_DAYS}={text} is no number of days from {DAYS_MIN} on",
            "mend it, or unset it to keep readings for ever",
        )
    return timedelta(days=int(text))


async def retain(
    mode: Mode, kept: timedelta, conn: AsyncConnection, now: datetime
) -> tuple[str, ...]:
    """Drop what is older than `kept` at `now`, whole months or chunks only; return their names.

    conn: autocommit. A story's clock that runs ahead of the database's drops nothing.
    """
    ((clock,),) = await (await conn.execute(SQL["read_clock"])).fetchall()
    now = min(now, clock)
    drop = _drop_chunks if mode is Mode.TIMESCALE else _drop_months
    dropped = await drop(conn, now - kept)
    # Each time: a round that was cut off after dropping is made good by the next.
    await conn.execute(SQL["forget_values"], {"before": now - kept})
    if dropped:
        log.info("old readings dropped", extra={"dropped": list(dropped)})
    return dropped


async def _drop_chunks(conn: AsyncConnection, before: datetime) -> tuple[str, ...]:
    async with conn.transaction():
        await conn.execute(SQL["lock_timeout"], {"timeout": PATIENCE})
        rows = await (await conn.execute(SQL["drop_chunks"], {"before": before})).fetchall()
    if rows:
        await refresh(conn)
    return tuple(row[0] for row in rows)


async def _drop_months(conn: AsyncConnection, before: datetime) -> tuple[str, ...]:
    dropped = []
    for month in over(await partitions(conn), before):
        name, *_ = partition(month)
        async with conn.transaction():
            await conn.execute(SQL["lock_timeout"], {"timeout": PATIENCE})
            await touch_month(conn, month, after(month))
            await conn.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
        dropped.append(name)
    return tuple(dropped)
