"""Days and hours summed up, kept current in plain PostgreSQL; TimescaleDB does the same by itself.

Every change of readings left a line that says whose day it touched. Those days are computed anew
from their readings, and no others: a late reading, a corrected binding and a deletion are alike.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection

from yikao_alerts.sql_blocks import load_sql_blocks

SQL: Final = load_sql_blocks("yikao_ingest", "sql/upkeep.sql")
LINES_MAX: Final = 5000
"""Lines worked off in one transaction: about a second of it."""


async def roll_up(conn: AsyncConnection, lines_max: int = LINES_MAX) -> bool:
    """Compute the days that were touched longest ago anew; return whether others may be left.

    conn: autocommit. Only one may do this at a time.
    """
    async with conn.transaction():
        taken = await (await conn.execute(SQL["take_touched"], {"most": lines_max})).fetchall()
        if taken:
            # Of a line that is visible the readings are, to this statement and all that follow.
            await _compute(conn, sorted(set(taken)))
    return len(taken) == lines_max


async def _compute(conn: AsyncConnection, days: Sequence[tuple[Any, ...]]) -> None:
    patients, begins, ends = zip(*days, strict=True)
    values = {"patients": list(patients), "begins": list(begins), "ends": list(ends)}
    for statement in ("clear_hours", "clear_days", "make_hours", "make_days"):
        await conn.execute(SQL[statement], values)


async def touch_month(conn: AsyncConnection, begins: datetime, ends: datetime) -> None:
    """Have the days of a month computed anew that is about to go. Within a transaction."""
    await conn.execute(SQL["touch_month"], {"begins": begins, "ends": ends})
