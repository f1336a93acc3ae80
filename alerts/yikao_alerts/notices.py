"""Messages about the service itself: is this contact really yours, and who is missing on the rota.

Unlike a page nothing waits for an answer, so there is no escalation: a notice is tried a few times,
and one about a rota goes to the doctor's next contact when the first has failed. A row is claimed
by moving its due time on: whoever dies with it leaves it to be sent again.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from yikao_alerts.channels.channel import Channel, OutgoingPage
from yikao_alerts.channels.outcome import Ambiguous, Delivered, Outcome, Permanent
from yikao_alerts.clock import Now, read_clock
from yikao_alerts.roster import Contact
from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_alerts.store import PAGES, notify
from yikao_alerts.working import work

log = logging.getLogger(__name__)

SQL: Final = load_sql_blocks("yikao_alerts", "sql/notices.sql")
NAMESPACE: Final = UUID("6e6f7469-6365-5d4a-8c11-79696b616f21")
"""Root of ids: the same notice computed twice is the same row."""
AGAIN_AFTER: Final = timedelta(seconds=60)
"""Longer than any channel may take."""
ATTEMPTS_MAX: Final = 5
OUTCOME_MAX: Final = 200
"""Characters kept of why a notice was not accepted."""

CHECK: Final = "check"
COVERAGE: Final = "coverage"
UPKEEP: Final = "upkeep"
TO_A_DESK: Final = frozenset({COVERAGE, UPKEEP})
"""Kinds that somebody has to hear: the desk's contacts are tried one after the other."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to one contact of one doctor."""

    notice_id: UUID
    kind: str
    doctor_id: str
    contact: Contact
    language: str
    body: str
    link: str


@dataclass(frozen=True, slots=True)
class Check:
    """A test message as its page shows it."""

    doctor_id: str
    doctor_name: str
    language: str
    channel: str
    sent_at: datetime
    confirmed_at: datetime | None


async def check_of(conn: AsyncConnection, notice_id: UUID, doctor_id: str) -> Check | None:
    """Return the test message that a link stands for, or None."""
    values = {"notice_id": notice_id, "doctor_id": doctor_id}
    row = await (await conn.execute(SQL["check"], values)).fetchone()
    return Check(*row) if row else None


async def confirm(conn: AsyncConnection, notice_id: UUID, doctor_id: str, now: datetime) -> None:
    """Keep that a test message has reached the doctor; a second time changes nothing."""
    values = {"notice_id": notice_id, "doctor_id": doctor_id, "now": now}
    await conn.execute(SQL["confirm"], values)


async def contacts_of(conn: AsyncConnection, doctor_id: str) -> list[Contact]:
    """Return how a doctor is reached, in order."""
    cursor = await conn.execute(SQL["contacts"], {"doctor_id": doctor_id})
    return [Contact(*row) for row in await cursor.fetchall()]


async def add(conn: AsyncConnection, notices: Sequence[Notice], now: datetime) -> int:
    """Have notices sent; return how many of them are new."""
    added = 0
    for notice in notices:
        cursor = await conn.execute(SQL["add"], {**_values(notice), "now": now})
        added += cursor.rowcount
    if added:
        await notify(conn, PAGES)
    return added


def _values(notice: Notice) -> dict[str, Any]:
    return {
        "notice_id": notice.notice_id,
        "kind": notice.kind,
        "doctor_id": notice.doctor_id,
        "position": notice.contact.position,
        "channel": notice.contact.channel,
        "address": notice.contact.address,
        "language": notice.language,
        "body": notice.body,
        "link": notice.link,
    }


@dataclass(frozen=True, slots=True)
class Notices:
    """Sends what is due through `channels`, by name."""

    channels: Mapping[str, Channel]
    now: Now = read_clock

    async def run(self, dsn: str, stop: asyncio.Event) -> None:
        """Work until stopped."""
        await work(dsn, PAGES, self.cycle, asyncio.Event(), stop)

    async def cycle(self, conn: AsyncConnection) -> bool:
        """Send one notice; return whether there was any. conn: autocommit."""
        now = await self.now(conn)
        cursor = conn.cursor(row_factory=dict_row)
        await cursor.execute(SQL["claim"], {"now": now, "again_at": now + AGAIN_AFTER})
        row = await cursor.fetchone()
        if row is None:
            return False
        outcome = await self._send(row)
        async with conn.transaction():
            await self._keep(conn, row, outcome, now)
        return True

    async def _send(self, row: Mapping[str, Any]) -> Outcome:
        channel = self.channels.get(row["channel"])
        if channel is None:
            return Permanent(f"the channel {row['channel']} is not set up")
        page = OutgoingPage(
            row["notice_id"],
            0,
            row["address"],
            row["language"],
            row["body"],
            row["link"],
            row["attempts"],
            urgent=False,
        )
        try:
            return await channel.send(page)
        except Exception as error:  # against its contract; it must not end the pager beside it
            log.exception("channel failed", extra={"channel": row["channel"]})
            return Ambiguous(f"the channel failed: {type(error).__name__}")

    async def _keep(
        self, conn: AsyncConnection, row: Mapping[str, Any], outcome: Outcome, now: datetime
    ) -> None:
        known = {"notice": str(row["notice_id"]), "channel": row["channel"]}
        values = {"notice_id": row["notice_id"], "now": now}
        if isinstance(outcome, Delivered):
            await conn.execute(SQL["sent"], values)
            log.info("notice sent", extra=known)
            return
        over = isinstance(outcome, Permanent) or row["attempts"] >= ATTEMPTS_MAX
        again_at = None if over else now + row["attempts"] * AGAIN_AFTER
        why = outcome.reason[:OUTCOME_MAX]
        await conn.execute(SQL["not_sent"], {**values, "again_at": again_at, "outcome": why})
        log.warning("notice not accepted", extra={**known, "over": over})
        if over and row["kind"] in TO_A_DESK:
            await self._next_contact(conn, row, now)

    async def _next_contact(
        self, conn: AsyncConnection, row: Mapping[str, Any], now: datetime
    ) -> None:
        for contact in await contacts_of(conn, row["doctor_id"]):
            if contact.position > row["position"]:
                number = uuid5(NAMESPACE, f"{row['notice_id']}|{contact.position}")
                words = (row["language"], row["body"], row["link"])
                notice = Notice(number, row["kind"], row["doctor_id"], contact, *words)
                await add(conn, [notice], now)
                return
