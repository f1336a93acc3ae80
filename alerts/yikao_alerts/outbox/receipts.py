"""Did the page arrive? Channels that learn it later are asked, and what they know is kept.

A page that its provider took and that did not arrive goes to the doctor's next contact.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from psycopg import AsyncConnection

from yikao_alerts.channels.channel import Channel
from yikao_alerts.channels.receipt import ASK_AT_ONCE, Handed, Receipt, Receipts
from yikao_alerts.clock import Now, story_clock
from yikao_alerts.outbox.claim import SQL
from yikao_alerts.outbox.results import in_story, undelivered
from yikao_alerts.store import CHANGED, notify

ASK_EVERY_S: Final = 10.0
ASK_FOR: Final = timedelta(hours=24)
"""What a provider does not know after a day it never will."""
NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class ReceiptDesk:
    """Asks the channels for receipts, those that were asked for longest ago first."""

    channels: Mapping[str, Channel]
    now: Now
    _next: datetime = NEVER
    _asked: dict[tuple[str, str], datetime] = field(default_factory=dict)

    @property
    def needed(self) -> bool:
        """Whether any channel learns what became of its pages."""
        return any(isinstance(channel, Receipts) for channel in self.channels.values())

    async def cycle(self, conn: AsyncConnection) -> bool:
        """Ask each channel once, when it is time; return False: there is never more at once."""
        now = await self.now(conn)
        if now < self._next:
            return False
        self._next = now + in_story(ASK_EVERY_S)
        for name, channel in self.channels.items():
            if isinstance(channel, Receipts):
                handed = await self._handed(conn, name, now)
                for receipt in await channel.receipts(handed) if handed else ():
                    await keep(conn, name, receipt, await self.now(conn))
        return False

    async def _handed(self, conn: AsyncConnection, name: str, now: datetime) -> list[Handed]:
        values = {"channel": name, "since": now - ASK_FOR}
        rows = await (await conn.execute(SQL["without_receipt"], values)).fetchall()
        rows.sort(key=lambda row: self._asked.get((name, row[0]), NEVER))
        open_ones = {(name, row[0]) for row in rows}
        self._asked = {k: at for k, at in self._asked.items() if k[0] != name or k in open_ones}
        clock, handed = story_clock(), []
        for number, address, sent_at in rows[:ASK_AT_ONCE]:
            self._asked[name, number] = now
            real = datetime.fromtimestamp(clock.real_time(sent_at), UTC)
            handed.append(Handed(number, address, real))
        return handed


async def keep(conn: AsyncConnection, channel: str, receipt: Receipt, now: datetime) -> None:
    """Store what a receipt says of the pages of its message; one that comes again says nothing."""
    key = {"channel": channel, "number": receipt.provider_id}
    if receipt.delivered:
        async with conn.transaction():
            values = {"channel": channel, "numbers": [receipt.provider_id], "now": now}
            rows = await (await conn.execute(SQL["pages_delivered"], values)).fetchall()
            for episode_id in {number for (number,) in rows if number is not None}:
                await notify(conn, CHANGED, f"episode:{episode_id}")
        return
    for (page,) in await (await conn.execute(SQL["pages_of_number"], key)).fetchall():
        async with conn.transaction():
            await undelivered(conn, page, receipt.reason, now)
