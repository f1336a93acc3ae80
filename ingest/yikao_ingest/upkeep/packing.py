"""Compressed readings of TimescaleDB, packed more closely once months have become one piece.

A month of a resident is compressed by itself, and its pack pays for each column: 40 bytes that 150
readings share. TimescaleDB joins six months to one piece, but leaves the packs as they are. Packed
anew, up to a thousand share them.
"""

import logging
from datetime import datetime
from typing import Final

from psycopg import AsyncConnection

from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_ingest.upkeep.months import PATIENCE

log = logging.getLogger(__name__)

SQL: Final = load_sql_blocks("yikao_ingest", "sql/upkeep.sql")


async def pack(conn: AsyncConnection, now: datetime) -> int:
    """Pack the pieces that have grown since they were packed last; return how many those were.

    conn: autocommit. Readings can be asked for meanwhile; one that comes so late that it belongs
    into the piece waits, and ingest with it, for about a minute with nine million readings.
    """
    await conn.execute(SQL["forget_packed"])
    grown = await (await conn.execute(SQL["grown"])).fetchall()
    for chunk, until in grown:
        values = {"chunk": chunk, "until": until}
        async with conn.transaction():
            await conn.execute(SQL["lock_timeout"], {"timeout": PATIENCE})
            await conn.execute(SQL["pack"], values)
            await conn.execute(SQL["note_packed"], values)
        log.info("readings packed", extra={"chunk": chunk})
    return len(grown)
