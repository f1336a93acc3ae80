"""The ledger of ids, kept as long as an id may come again.

An id is random, so each new one is written to another place of the index: the larger it is, the
more of the disk every reading touches. With fifty million ids a backlog took five times as long.
"""

import logging
from datetime import datetime, timedelta
from typing import Final

from psycopg import AsyncConnection

from yikao_alerts.sql_blocks import load_sql_blocks

log = logging.getLogger(__name__)

SQL: Final = load_sql_blocks("yikao_ingest", "sql/upkeep.sql")
LEDGER_KEPT: Final = timedelta(days=90)
"""As long as a gateway remembers what it has handed over: its longest repetition. What comes again
even later is known by its natural key."""
PAGES: Final = 1000
"""Pages of the ledger looked at in one transaction: 8 MiB."""


async def prune_ledger(conn: AsyncConnection, now: datetime) -> int:
    """Drop the lines of readings that came too long ago; return how many. conn: autocommit.

    A story's clock that runs ahead of the database's drops nothing.
    """
    ((clock,),) = await (await conn.execute(SQL["read_clock"])).fetchall()
    ((pages,),) = await (await conn.execute(SQL["ledger_pages"])).fetchall()
    before = min(now, clock) - LEDGER_KEPT
    lines = 0
    for first in range(0, pages, PAGES):
        values = {"first": f"({first},0)", "last": f"({first + PAGES},0)", "before": before}
        lines += (await conn.execute(SQL["prune_ledger"], values)).rowcount
    if lines:
        log.info("old ids dropped", extra={"lines": lines})
    return lines
