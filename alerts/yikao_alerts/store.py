"""What the evaluator, the answer and the pager share of the database: locks, wake-ups, the story.

One transaction holds everything that follows from one look at one resident: the decision record,
the episodes, their pages. There is no moment at which an alert exists without its page. What the
evaluator reads is in `store_read.py`, what it writes in `store_write.py`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from yikao_alerts.deliberate import PageDue
from yikao_alerts.episodes import Event, State
from yikao_alerts.links import PageLink, make_link
from yikao_alerts.sql_blocks import load_sql_blocks

SQL: Final = load_sql_blocks("yikao_alerts")
LOCK_CLASS: Final = 0x79696B61
"""First key of the advisory lock on a resident; the second is the resident."""

CHANGED: Final = "yikao_changed"
PAGES: Final = "yikao_page"
EVALUATE: Final = "yikao_eval"
COMMANDS: Final = "yikao_command"
"""Notification channels: hints to wake up, never the truth."""


@dataclass(frozen=True, slots=True)
class Linking:
    """How a page's link is made: where the feed is reached, and the key that signs."""

    public_url: str
    secret: bytes

    def url(self, page: PageDue, now: datetime) -> str:
        """Return the address that the doctor opens."""
        token = make_link(self.secret, PageLink(page.page_id, page.doctor.doctor_id), now)
        return f"{self.public_url}/p/{token}"


def jsonb(value: object) -> Jsonb:
    """Return a value as the database's JSON: times, sets and our own types included."""
    return Jsonb(value, dumps=_encode)


_encode: Final = msgspec.json.Encoder(order="sorted").encode


async def lock_patient(conn: AsyncConnection, patient_id: int) -> None:
    """Wait until nobody else decides about this resident, until the transaction ends."""
    await conn.execute(SQL["lock_patient"], {"lock_class": LOCK_CLASS, "patient_id": patient_id})


async def save_event(
    conn: AsyncConnection,
    episode_id: int,
    at: datetime,
    event: Event | str,
    states: tuple[State, State],
    *,
    actor: str | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Add a line to an episode's story."""
    values = {
        "episode_id": episode_id,
        "at": at,
        "event": str(event),
        "from_state": str(states[0]),
        "to_state": str(states[1]),
        "actor": actor,
        "detail": jsonb(detail or {}),
    }
    await conn.execute(SQL["insert_event"], values)


async def cancel_pages(conn: AsyncConnection, episode_id: int) -> None:
    """Cancel what has not gone out yet."""
    await conn.execute(SQL["cancel_pages"], {"episode_id": episode_id})


async def notify(conn: AsyncConnection, channel: str, payload: str = "") -> None:
    """Wake whoever listens; sent when the transaction commits."""
    await conn.execute(SQL["notify"], {"channel": channel, "payload": payload})
