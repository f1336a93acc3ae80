"""The coming months of plain PostgreSQL, made before their first reading comes.

Ingest makes a month that is missing, but has to lock all readings for that moment. A table that is
made by itself and then attached locks nobody out.
"""

import logging
from datetime import datetime
from typing import Final

from psycopg import AsyncConnection, sql

from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_ingest.partitions import coming, partition

log = logging.getLogger(__name__)

SQL: Final = load_sql_blocks("yikao_ingest", "sql/upkeep.sql")
AHEAD: Final = 3
"""Months that are there before they begin."""
PATIENCE: Final = "2s"
"""Longest wait for a lock on the readings: while we wait, others wait behind us."""
_MAKE: Final = "CREATE TABLE {} (LIKE reading_kept INCLUDING ALL)"
_ATTACH: Final = "ALTER TABLE reading_kept ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})"


async def make_ahead(conn: AsyncConnection, now: datetime) -> int:
    """Make the months after `now` that are missing; return how many those were.

    conn: autocommit. The month that `now` is in is left to ingest, which may be making it.
    """
    there = await partitions(conn)
    made = 0
    for month in coming(now, AHEAD):
        name, begins, ends = partition(month)
        if name not in there:
            table = sql.Identifier(name)
            async with conn.transaction():
                await conn.execute(SQL["lock_timeout"], {"timeout": PATIENCE})
                await conn.execute(sql.SQL(_MAKE).format(table))
                bounds = (sql.Literal(begins), sql.Literal(ends))
                await conn.execute(sql.SQL(_ATTACH).format(table, *bounds))
            log.info("month made ahead", extra={"partition": name})
            made += 1
    return made


async def partitions(conn: AsyncConnection) -> frozenset[str]:
    """Return the names of the months that are there."""
    cursor = await conn.execute(SQL["partitions"])
    return frozenset(row[0] for row in await cursor.fetchall())
