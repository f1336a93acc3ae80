"""A doctor pressed the button of a card: the episode is taken, once, and the card says by whom.

Providers tell the same press again when they had no answer in time, and anybody may have listened:
what was told once is kept, in the same transaction as the answer, and does nothing a second time.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from yikao_alerts.answer import acknowledge
from yikao_alerts.channels.wecom_event import Press
from yikao_alerts.episode import State
from yikao_alerts.sql_blocks import load_sql_blocks

SQL: Final = load_sql_blocks("yikao_alerts", "sql/provider.sql")


@dataclass(frozen=True, slots=True)
class Standing:
    """How the episode stands now: who has it, if anybody, and the language to say it in."""

    state: State
    doctor: str | None
    language: str


async def take(conn: AsyncConnection, *, now: datetime, press: Press) -> Standing | None:
    """Take the episode of a pressed card for the doctor whom the page was sent to.

    None when there is no such page, or it was sent to another member: nothing is changed then.
    """
    async with conn.transaction():
        known = {"page_id": press.page_id, "channel": "wecom", "address": press.member}
        page = await _one(conn, "page_of_press", known)
        if page is None:
            return None
        event = {"event_id": press.event_id, "page_id": press.page_id, "now": now}
        if await _one(conn, "keep_event", event) is not None:
            await acknowledge(
                conn,
                now=now,
                episode_id=page["episode_id"],
                doctor_id=page["doctor_id"],
                disposition=None,
            )
        row = await _one(conn, "who_has_it", {"episode_id": page["episode_id"]})
        assert row is not None, "a page belongs to an episode"
        return Standing(State(row["state"]), row["name"], page["language"])


async def _one(conn: AsyncConnection, statement: str, values: dict[str, Any]) -> Any:
    cursor = conn.cursor(row_factory=dict_row)
    await cursor.execute(SQL[statement], values)
    return await cursor.fetchone()
