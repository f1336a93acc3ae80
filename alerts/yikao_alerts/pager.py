"""The pager: takes pages from the outbox, hands them to channels, and keeps what came of it.

A page is claimed under a lease that names our own database connection: when this process dies the
lease is void at once, and another pager takes the page. A page is retried until it is accepted,
cancelled by an answer, superseded by a later call, or refused for good; then, or when it has been
tried for 15 seconds, or as soon as its provider counts as down, the doctor's next contact is tried.
Retrying never holds up the escalation, which goes by its own clock.

What came of many pages is stored together, in the same transaction that claims the next ones.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from psycopg import AsyncConnection, Error

from yikao_alerts.budget import defer
from yikao_alerts.channels.channel import Channel
from yikao_alerts.channels.outcome import Ambiguous, Outcome, Permanent
from yikao_alerts.clock import Now, read_clock
from yikao_alerts.outbox.breaker import Breakers
from yikao_alerts.outbox.claim import SQL, Claim, Lease, Room, Underway, claim
from yikao_alerts.outbox.held import hold_old
from yikao_alerts.outbox.receipts import ReceiptDesk
from yikao_alerts.outbox.results import (
    DETAIL_MAX,
    FAILOVER_S,
    RETRY_FIRST_S,
    RETRY_MAX_S,
    Result,
    in_story,
    over_budget,
    refused,
    rescue,
    retry_delay_s,
    storable,
    store_results,
    to_rescue,
)
from yikao_alerts.store import PAGES
from yikao_alerts.working import work

__all__ = [
    "DETAIL_MAX",
    "FAILOVER_S",
    "LEASE_S",
    "RETRY_FIRST_S",
    "RETRY_MAX_S",
    "SLOTS",
    "Pager",
    "retry_delay_s",
]

log = logging.getLogger(__name__)

SLOTS: Final = 100
"""Messages on their way at once; further ones wait in the table. Each round of the tables serves so
many: with 40 a page costs twice as much of the database."""
LEASE_S: Final = 15.0
"""Longer than any channel may take; a dead pager's lease ends with its connection anyway."""
RESCUE_EVERY_S: Final = 1.0
NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Pager:
    """Sends due pages through `channels`, by name; `wake` is set whenever there is a result."""

    channels: Mapping[str, Channel]
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    now: Now = read_clock
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _conn: AsyncConnection | None = None
    _since: datetime = NEVER
    """Since when the connection has been there, as the server tells."""
    _at: datetime = NEVER
    """When the tables were last looked at."""
    _rescued: datetime = NEVER
    _running: dict[asyncio.Task[None], Underway] = field(default_factory=dict)
    _results: list[Result] = field(default_factory=list)
    _refused: list[Result] = field(default_factory=list)
    _breakers: Breakers = field(default_factory=Breakers)

    async def run(self, dsn: str, stop: asyncio.Event) -> None:
        """Work until stopped; what is on its way then is waited for, and its result kept."""
        desk = ReceiptDesk(self.channels, self.now)
        loops = [work(dsn, PAGES, self.cycle, self.wake, stop, self.finish)]
        if desk.needed:
            loops.append(work(dsn, PAGES, desk.cycle, asyncio.Event(), stop))
        await asyncio.gather(*loops)

    async def cycle(self, conn: AsyncConnection) -> bool:
        """Keep what has come of pages, and start sending what is due, as far as there are slots.

        conn: autocommit, used by this pager alone. Returns whether there may be more. A result that
        could not be stored is stored with the next ones, on a new connection if need be.
        """
        async with self._lock:
            await self._begin(conn)
            claimed = await self._exchange(conn)
            for underway in claimed.messages:
                task = asyncio.create_task(self._send(underway))
                self._running[task] = underway
                task.add_done_callback(self._done)
            await self._other_ways(conn, claimed.over_budget)
        return claimed.more or bool(claimed.over_budget)

    async def finish(self) -> None:
        """Wait for the pages that are on their way, and keep what came of them."""
        await asyncio.gather(*self._running, return_exceptions=True)
        async with self._lock:
            if self._conn is None:
                return
            try:
                await self._exchange(self._conn, claiming=False)
                await self._other_ways(self._conn, ())
            except Error as error:
                log.warning("page results not stored", extra={"error": type(error).__name__})

    async def _begin(self, conn: AsyncConnection) -> None:
        """Make a new connection known; what has grown old without one is held first."""
        if conn is self._conn:
            return
        row = await (await conn.execute(SQL["backend_start"])).fetchone()
        assert row is not None, "a connection is among the connections"
        self._since = row[0]
        if held := await hold_old(conn, await self.now(conn)):
            log.warning("old pages held", extra={"pages": held})
        self._conn = conn

    async def _exchange(self, conn: AsyncConnection, *, claiming: bool = True) -> Claim:
        """Store the results there are and claim what they made room for, in one transaction.

        What cannot be stored yet is stored next time; where nothing is claimed there is none.
        """
        done, later = list(self._results), list[Result]()
        seen = len(done)
        room = self._room()
        if not done and not (claiming and room.free):
            return Claim((), (), more=False)
        async with conn.transaction():
            self._at = now = await self.now(conn)
            if claiming and done:
                done, later = await storable(conn, done)
            await store_results(conn, done, now)
            claimed = Claim((), (), more=False)
            if claiming and room.free:
                lease = Lease(now + in_story(LEASE_S), self._since)
                ranked = await defer(conn, now) is not None
                claimed = await claim(conn, room, lease, now, ranked=ranked)
        self._results = later + self._results[seen:]
        self._refused += [each for each in done if isinstance(each.outcome, Permanent)]
        return claimed

    def _room(self) -> Room:
        under_way = self._running.values()
        providers = Counter(each.provider for each in under_way)
        # What has come of a page and is not stored yet is not to be claimed again either.
        waiting = [result.underway for result in (*self._results, *self._refused)]
        ours = [mine.page_id for each in (*under_way, *waiting) for mine in each.pages]
        return Room(SLOTS, SLOTS - len(self._running), providers, ours, self._breakers)

    async def _other_ways(self, conn: AsyncConnection, over: tuple[UUID, ...]) -> None:
        """Find another way for what was refused, for what waits too long, and for `over` budget."""
        while self._refused:
            result = self._refused[0]
            assert isinstance(result.outcome, Permanent), "others are tried again"
            for mine in result.underway.pages:
                async with conn.transaction():
                    await refused(conn, mine.page_id, mine.attempt, result.outcome, self._at)
            self._refused.pop(0)
        for page in over:
            async with conn.transaction():
                await over_budget(conn, page, self._at)
        if self._rescued is NEVER or self._at >= self._rescued + in_story(RESCUE_EVERY_S):
            self._rescued = self._at
            for page in await to_rescue(conn, self._breakers.down, self._at):
                async with conn.transaction():
                    await rescue(conn, page, self._at)

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self.wake.set()

    async def _send(self, underway: Underway) -> None:
        outcome = await self._hand_over(underway)
        self._breakers.note(underway.provider, outcome)
        self._results.append(Result(underway, outcome))
        for mine in underway.pages:
            extra = {"page_id": str(mine.page_id), "outcome": type(outcome).__name__}
            log.info("page handed over", extra=extra)

    async def _hand_over(self, underway: Underway) -> Outcome:
        if underway.refused is not None:
            return Permanent(underway.refused)
        channel = self.channels.get(underway.channel)
        if channel is None:
            return Permanent(f"no channel {underway.channel!r} is configured")
        try:
            return await channel.send(underway.message)
        except (
            Exception
        ) as error:  # against its contract; the attempt must be on record all the same
            log.exception("channel failed", extra={"channel": underway.channel})
            return Ambiguous(f"the channel failed: {type(error).__name__}")
