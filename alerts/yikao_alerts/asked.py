"""What each doctor was called for, week by week: the burden that budgets keep bearable."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from psycopg import AsyncConnection
from psycopg.rows import class_row

from yikao_alerts.sql_blocks import load_sql_blocks

SQL: Final = load_sql_blocks("yikao_alerts", "sql/watchdog.sql")


@dataclass(frozen=True, slots=True)
class AskedRow:
    """One doctor's week, which begins on the Monday of the team's zone.

    red, yellow: episodes that called; pages: all that went out, repetitions included; night: those
    from 22 to 7; deferred: yellow episodes left to the worklist.
    """

    week: date
    team_id: str
    doctor_id: str
    doctor_name: str
    red: int
    yellow: int
    pages: int
    night: int
    deferred: int


async def asked_of_doctors(
    conn: AsyncConnection, since: datetime, now: datetime
) -> Sequence[AskedRow]:
    """Return the weeks of every doctor who was called between the two times, the newest first."""
    async with conn.cursor(row_factory=class_row(AskedRow)) as cursor:
        await cursor.execute(SQL["asked_of_doctors"], {"since": since, "now": now, "team": None})
        return await cursor.fetchall()
