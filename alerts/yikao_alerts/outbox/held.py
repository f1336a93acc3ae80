"""Pages that grew old while no pager ran: they are held, and a person decides about each.

After an outage, or when a database comes back from a backup, nobody is to be woken by what is over.
Nobody is lost by it either: an episode that is still open calls by its own clock, with new pages.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from yikao_alerts.compose import load_texts
from yikao_alerts.deliberate import NAMESPACE
from yikao_alerts.episodes import State
from yikao_alerts.links import LIFETIME
from yikao_alerts.outbox.claim import SQL
from yikao_alerts.store import PAGES, lock_patient, notify

HOLD_AFTER: Final = timedelta(hours=1)
"""A page that is older when a pager starts, and that nobody has tried since, is held."""


@dataclass(frozen=True, slots=True)
class HeldPage:
    """A page that waits for a person. `episode_state` is None where it is about no resident."""

    page_id: UUID
    created_at: datetime
    episode_id: int | None
    episode_state: str | None
    doctor_id: str | None
    channel: str
    red: bool


async def hold_old(conn: AsyncConnection, now: datetime) -> int:
    """Hold what is too old to go out unasked, and tell the duty desks; return how many pages."""
    async with conn.transaction():
        rows = await (await conn.execute(SQL["hold_old"], {"before": now - HOLD_AFTER})).fetchall()
        if rows:
            await _tell(conn, [row[0] for row in rows], now)
    return len(rows)


async def _tell(conn: AsyncConnection, pages: Sequence[UUID], now: datetime) -> None:
    """Page each desk about its pages by every contact it has: no chain follows on a notice."""
    cursor = conn.cursor(row_factory=dict_row)
    await cursor.execute(SQL["desks_of"], {"pages": list(pages)})
    for row in await cursor.fetchall():
        number = uuid5(NAMESPACE, f"held|{row['doctor_id']}|{row['position']}|{now.isoformat()}")
        body = load_texts(row["language"])["pager"]["held"].format(count=row["count"])
        values: dict[str, Any] = row | {"page_id": number, "body": body, "now": now}
        await conn.execute(SQL["insert_notice"], values)
    await notify(conn, PAGES)


async def held_pages(conn: AsyncConnection) -> list[HeldPage]:
    """Return the pages that are held, red ones first, then the oldest."""
    rows = await (await conn.execute(SQL["held_pages"])).fetchall()
    return [HeldPage(*row) for row in rows]


async def release(
    conn: AsyncConnection, pages: Iterable[HeldPage], by: str, now: datetime
) -> list[HeldPage]:
    """Let held pages go out now, and return those that do.

    Not those whose episode has been answered or is over: they are cancelled. Nor those that are
    older than their link lives: the episode, where it is open, has newer ones.
    """
    released = []
    for page in pages:
        async with conn.transaction():
            key = {"page_id": page.page_id, "by": by, "now": now, "readable": now - LIFETIME}
            if not await _still_open(conn, page):
                await conn.execute(SQL["discard_page"], key)
            elif (await conn.execute(SQL["release_page"], key)).rowcount:
                released.append(page)
                await notify(conn, PAGES)
    return released


async def discard(conn: AsyncConnection, pages: Iterable[HeldPage], by: str, now: datetime) -> int:
    """Cancel held pages; return how many."""
    done = 0
    for page in pages:
        key = {"page_id": page.page_id, "by": by, "now": now}
        done += (await conn.execute(SQL["discard_page"], key)).rowcount
    return done


async def _still_open(conn: AsyncConnection, page: HeldPage) -> bool:
    """Return whether a page's episode still calls, under the resident's lock."""
    if page.episode_id is None:
        return True
    key = {"page_id": page.page_id}
    row = await (await conn.execute(SQL["about"], key)).fetchone()
    assert row is not None, "episodes are never deleted"
    await lock_patient(conn, row[0])
    row = await (await conn.execute(SQL["about"], key)).fetchone()
    return row is not None and row[1] == State.OPEN
