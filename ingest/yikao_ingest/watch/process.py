"""`yikao watch`: sends a reading each minute, waits for its page, and calls when none comes.

Everything it depends on may be gone, and it goes on: that is when it is needed. Whether it runs
itself is for an external watchdog to see, which is pinged after each page that arrived.
"""

import asyncio
import logging
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

import psycopg
from psycopg import AsyncConnection

from yikao_alerts.answer import Disposition, acknowledge, close
from yikao_alerts.channels.channel import SEND_TIMEOUT_S, OutgoingPage
from yikao_alerts.channels.http import Answer, Http
from yikao_alerts.channels.outcome import Delivered
from yikao_alerts.clock import read_clock
from yikao_alerts.compose import load_texts
from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_alerts.watchdog import BEAT, Pulse, Trace, Verdict, suspect
from yikao_alerts.working import connect, wait_any
from yikao_devices.story_clock import Clock
from yikao_ingest.watch.canary import CODE, beat
from yikao_ingest.watch.publisher import Publisher
from yikao_ingest.watch.settings import WatchSettings
from yikao_ingest.watch.sink import Sink

log = logging.getLogger(__name__)

SQL: Final = load_sql_blocks("yikao_alerts", "sql/watchdog.sql")
TICK_S: Final = 1.0
"""Longest pause between two looks at the clock."""
DATABASE_S: Final = 5.0
PING_S: Final = 5.0


@dataclass(slots=True)
class Watch:
    """One watchdog, on the story's clock."""

    settings: WatchSettings
    clock: Clock
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _arrivals: list[float] = field(default_factory=list)
    _number: int = 0
    _alarm: UUID = field(default_factory=uuid4)
    _pings: set[asyncio.Task[None]] = field(default_factory=set)
    _http: Http = field(default_factory=lambda: Http(timeout_s=PING_S))

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until stopped."""
        loop = asyncio.get_running_loop()
        sink = Sink(self.settings.sink, lambda: self._arrived(loop))
        publisher = Publisher(self.settings.broker_url)
        sink.start()
        publisher.start()
        pulse = Pulse(self._now())
        pause_s = min(TICK_S, self.clock.real_seconds(BEAT) / 10)
        try:
            while not stop.is_set():
                pulse = await self._round(pulse, publisher)
                await wait_any(pause_s, self._woken, stop)
        finally:
            publisher.stop()
            sink.stop()
            await asyncio.gather(*self._pings)
            await self._http.close()

    async def _round(self, pulse: Pulse, publisher: Publisher) -> Pulse:
        """Do what is due now: note what arrived, send the next reading, say what is to be said."""
        self._woken.clear()
        if self._arrivals:
            pulse = self._note(pulse)
        now = self._now()
        if pulse.beats(now):
            await self._close_what_arrived()
            self._number += 1
            now = self._now()
            sent = publisher.send(beat(self.settings.key, now, self._number))
            log.info("beat sent" if sent else "beat not sent", extra={"beat": self._number})
            pulse = pulse.sent(now)
        if (verdict := pulse.verdict(now)) is not Verdict.NOTHING:
            accepted = await self._say(verdict, pulse, publisher, now)
            pulse = pulse.told(verdict, now, accepted=accepted)
        return pulse

    def _arrived(self, loop: asyncio.AbstractEventLoop) -> None:
        """Note a page, from the sink's thread."""
        loop.call_soon_threadsafe(self._take, time.time())

    def _take(self, at_s: float) -> None:
        self._arrivals.append(at_s)
        self._woken.set()

    def _note(self, pulse: Pulse) -> Pulse:
        at = self.clock.at(self._arrivals[-1])
        self._arrivals.clear()
        if pulse.sent_at is not None:
            took_s = (at - pulse.sent_at).total_seconds()
            log.info("beat arrived", extra={"beat": self._number, "took_s": round(took_s, 3)})
        if self.settings.ping_url:
            ping = asyncio.create_task(_ping(self._http, self.settings.ping_url))
            self._pings.add(ping)
            ping.add_done_callback(self._pings.discard)
        return pulse.arrived(at)

    async def _close_what_arrived(self) -> None:
        """End the episodes whose page has gone out, so that the next reading calls anew."""
        try:
            async with asyncio.timeout(DATABASE_S), await self._connected() as conn:
                rows = await (
                    await conn.execute(SQL["synthetic_to_close"], {"code": CODE})
                ).fetchall()
                for episode_id, doctor_id in rows:
                    said = {
                        "now": await read_clock(conn),
                        "episode_id": episode_id,
                        "doctor_id": doctor_id,
                        "disposition": Disposition.TECHNICAL,
                    }
                    await acknowledge(conn, **said)
                    await close(conn, **said)
        except (psycopg.Error, TimeoutError) as error:
            log.warning("watchdog: database away", extra={"error": type(error).__name__})

    async def _say(
        self, verdict: Verdict, pulse: Pulse, publisher: Publisher, now: datetime
    ) -> bool:
        """Tell operations; return whether the provider took it."""
        texts = load_texts(self.settings.language)["watch"]
        # Tried again it is the same message, which a provider may know already.
        self._alarm = self._alarm if pulse.tried_at else uuid4()
        minutes = max(1, round((now - pulse.heard_at).total_seconds() / 60))
        if verdict is Verdict.AWAY:
            part = suspect(broker=publisher.connected, trace=await self._trace(pulse.heard_at))
            body = texts["away"].format(minutes=minutes, part=texts[f"part_{part}"])
            log.error("pages stay away", extra={"suspect": str(part)})
        else:
            body = texts["back"]
            log.warning("pages arrive again")
        page = OutgoingPage(
            self._alarm, 0, self.settings.address, self.settings.language, body, "", attempt=1
        )
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S + 1):
                outcome = await self.settings.channel.send(page)
        except Exception:  # against its contract; the alarm must be tried again all the same
            log.exception("the watchdog's channel failed")
            return False
        if not isinstance(outcome, Delivered):
            log.error("alarm not accepted", extra={"outcome": type(outcome).__name__})
        return isinstance(outcome, Delivered)

    async def _trace(self, since: datetime) -> Trace | None:
        """Return how far the readings came; None when the database does not answer."""
        try:
            async with asyncio.timeout(DATABASE_S), await self._connected() as conn:
                values = {"code": CODE, "since": since + BEAT / 2}
                row = await (await conn.execute(SQL["synthetic_trace"], values)).fetchone()
        except (psycopg.Error, TimeoutError):
            return None
        return Trace(*row) if row else Trace(stored=False, decided=False, paged=False)

    async def _connected(self) -> AsyncConnection:
        return await connect(self.settings.database_url)

    def _now(self) -> datetime:
        return self.clock.at(time.time())


async def _ping(http: Http, url: str) -> None:
    """Tell the external watchdog that all is well; that it does not hear us is its to notice."""
    answer = await http.talk().get(url)
    failure = answer.failure() if isinstance(answer, Answer) else answer
    if failure is not None:
        log.warning("external watchdog not reached", extra={"reason": failure.reason})
