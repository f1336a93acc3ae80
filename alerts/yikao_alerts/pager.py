"""The pager: takes pages from the outbox, hands them to channels, and keeps what came of it.

A page is claimed under a lease that names our own database connection: when this process dies the
lease is void at once, and another pager takes the page. A page is retried until it is accepted,
cancelled by an answer, superseded by a later call, or refused for good; then, or when it has been
retried for a minute, the doctor's next contact is tried. Retrying never holds up the escalation,
which goes by its own clock.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from yikao_alerts.channels.channel import Channel, OutgoingPage
from yikao_alerts.channels.outcome import Ambiguous, Delivered, Outcome, Permanent, Retryable
from yikao_alerts.clock import Now, read_clock, story_clock
from yikao_alerts.deliberate import page_id
from yikao_alerts.episodes import State
from yikao_alerts.store import CHANGED, EVALUATE, PAGES, SQL, lock_patient, notify, save_event
from yikao_alerts.working import work

log = logging.getLogger(__name__)

SLOTS: Final = 40
"""Pages on their way at once; further ones wait in the table."""
LEASE_S: Final = 15.0
"""Longer than any channel may take; a dead pager's lease ends with its connection anyway."""
RETRY_FIRST_S: Final = 0.2
RETRY_MAX_S: Final = 5.0
FAILOVER_S: Final = 60.0
"""A page that nobody has accepted for so long goes to the doctor's next contact as well."""
DETAIL_MAX: Final = 200
"""Characters kept of what a provider calls a page, or of why it refused it."""


def retry_delay_s(attempts: int, asked_s: float | None) -> float:
    """Return the pause before the next attempt: doubling up to a bound, or what was asked for."""
    backoff = min(RETRY_MAX_S, RETRY_FIRST_S * 2.0 ** min(attempts, 10))
    return max(backoff, asked_s or 0.0)


@dataclass(slots=True)
class Pager:
    """Sends due pages through `channels`, by name; `wake` is set whenever a slot is free again."""

    channels: Mapping[str, Channel]
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    now: Now = read_clock
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _running: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self, dsn: str, stop: asyncio.Event) -> None:
        """Work until stopped; what is on its way then is waited for, and its result kept."""
        await work(dsn, PAGES, self.cycle, self.wake, stop, self.finish)

    async def cycle(self, conn: AsyncConnection) -> bool:
        """Start sending what is due, as far as there are slots; return whether there may be more.

        conn: autocommit, used by this pager alone. A page whose result could not be stored stays
        due and is sent again under the same id.
        """
        free = SLOTS - len(self._running)
        if free <= 0:
            return False
        async with self._lock, conn.transaction():
            now = await self.now(conn)
            values = {"now": now, "slots": free, "lease_until": now + _story(LEASE_S)}
            cursor = conn.cursor(row_factory=dict_row)
            await cursor.execute(SQL["claim_pages"], values)
            rows = await cursor.fetchall()
        for row in rows:
            task = asyncio.create_task(self._send(conn, row))
            self._running.add(task)
            task.add_done_callback(self._done)
        return len(rows) == free

    async def finish(self) -> None:
        """Wait for the pages that are on their way."""
        await asyncio.gather(*self._running, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self.wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("page result not stored", extra={"error": type(error).__name__})

    async def _send(self, conn: AsyncConnection, row: dict[str, Any]) -> None:
        page = OutgoingPage(
            row["page_id"],
            row["episode_id"],
            row["address"],
            row["language"],
            row["body"],
            row["link"],
            row["attempts"],
        )
        outcome = await self._hand_over(row["channel"], page)
        async with self._lock, conn.transaction():
            await record(conn, page, outcome, await self.now(conn))
        extra = {"page_id": str(page.page_id), "outcome": type(outcome).__name__}
        log.info("page handed over", extra=extra)

    async def _hand_over(self, name: str, page: OutgoingPage) -> Outcome:
        channel = self.channels.get(name)
        if channel is None:
            return Permanent(f"no channel {name!r} is configured")
        try:
            return await channel.send(page)
        except (
            Exception
        ) as error:  # against its contract; the attempt must be on record all the same
            log.exception("channel failed", extra={"channel": name})
            return Ambiguous(f"the channel failed: {type(error).__name__}")


async def record(
    conn: AsyncConnection, page: OutgoingPage, outcome: Outcome, now: datetime
) -> None:
    """Store what came of one attempt, and what follows from it."""
    key = {"page_id": page.page_id}
    attempt = {"at": now, "outcome": type(outcome).__name__.lower(), "detail": _detail(outcome)}
    await conn.execute(SQL["insert_attempt"], key | attempt)
    match outcome:
        case Delivered():
            values = key | {"now": now, "provider_id": _detail(outcome)}
            await conn.execute(SQL["page_sent"], values)
        case Retryable(_, after_s):
            await _again(conn, page, now, after_s)
        case Ambiguous():
            await _again(conn, page, now, None)
        case Permanent():
            await _fall_back(conn, page, now)
    await notify(conn, CHANGED, f"episode:{page.episode_id}")


async def _again(
    conn: AsyncConnection, page: OutgoingPage, now: datetime, after_s: float | None
) -> None:
    due_at = now + _story(retry_delay_s(page.attempt, after_s))
    await conn.execute(SQL["page_again"], {"page_id": page.page_id, "due_at": due_at})
    key = {"page_id": page.page_id, "before": now - _story(FAILOVER_S)}
    if await _one(conn, "page_overdue", key) is None:
        return
    await _lock_patient_of(conn, page)
    # Read again under the lock: an answer may have come in between.
    overdue = await _one(conn, "page_overdue", key)
    if overdue is not None:
        await _page_next_contact(conn, overdue, now)


async def _fall_back(conn: AsyncConnection, page: OutgoingPage, now: datetime) -> None:
    """Try the doctor's next contact; without one, have the evaluator call the next step now.

    Under the resident's lock, as the answer: no page can be made that an answer does not cancel.
    """
    patient_id, state = await _lock_patient_of(conn, page)
    failed = await _one(conn, "page_failed", {"page_id": page.page_id})
    if failed is None or await _page_next_contact(conn, failed, now):
        return
    detail = {"step": failed["step"], "doctor": failed["doctor_id"]}
    await save_event(conn, page.episode_id, now, "unreachable", (state, state), detail=detail)
    await conn.execute(SQL["queue_evaluation"], {"patient_id": patient_id, "now": now})
    await notify(conn, EVALUATE)


async def _lock_patient_of(conn: AsyncConnection, page: OutgoingPage) -> tuple[int, State]:
    """Lock the resident a page is about; return who it is and where the episode stands."""
    key = {"episode_id": page.episode_id}
    row = await _one(conn, "patient_of_episode", key)
    assert row is not None, "a page belongs to an episode"
    await lock_patient(conn, row["patient_id"])
    row = await _one(conn, "patient_of_episode", key)
    assert row is not None, "episodes are never deleted"
    return row["patient_id"], State(row["state"])


async def _page_next_contact(conn: AsyncConnection, page: dict[str, Any], now: datetime) -> bool:
    """Make the same call's page to the doctor's next contact; return whether there is one."""
    who = {"doctor_id": page["doctor_id"], "position": page["contact_position"]}
    contact = await _one(conn, "next_contact", who)
    if contact is None:
        return False
    call = (page["step"], page["loop"])
    doctor, position = page["doctor_id"], contact["position"]
    number = page_id(page["episode_id"], page["round"], call, doctor, position)
    # The link names the first page; it opens the same episode for the same doctor.
    values = page | contact | {"page_id": number, "contact_position": position, "now": now}
    await conn.execute(SQL["insert_page"], values)
    await notify(conn, PAGES)
    return True


async def _one(
    conn: AsyncConnection, statement: str, values: Mapping[str, Any]
) -> dict[str, Any] | None:
    cursor = conn.cursor(row_factory=dict_row)
    await cursor.execute(SQL[statement], values)
    return await cursor.fetchone()


def _detail(outcome: Outcome) -> str:
    """Return what is kept of an outcome: a provider's words, cut, and without NUL."""
    text = outcome.provider_id if isinstance(outcome, Delivered) else outcome.reason
    return text.replace("\0", "")[:DETAIL_MAX]


def _story(real_s: float) -> timedelta:
    """Return how much story time passes in `real_s`: providers answer in real time."""
    return timedelta(seconds=real_s * story_clock().speed)
