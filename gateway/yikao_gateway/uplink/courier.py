"""Keeps a connection to the broker for as long as the gateway runs, and takes leave at its end."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from yikao_devices import topics
from yikao_gateway.errors import BrokerUnreachable, StorageFull
from yikao_gateway.uplink.delivery import Delivery, Post
from yikao_gateway.uplink.publisher import (
    Acknowledged,
    Broker,
    Closed,
    Happening,
    Opened,
    Presence,
    Publisher,
)

log = logging.getLogger(__name__)

OPEN_MAX_S: Final = 15.0
"""For name, TCP, TLS and the broker's word together."""
RECONNECT_FIRST_S: Final = 1.0
RECONNECT_MAX_S: Final = 60.0
"""The pause after a lost connection is a random part of this, so that ten thousand gateways do not
come back in one second."""
LINGER_S: Final = 0.05
"""A meter's records come in a burst; so long they are gathered, and travel together."""
STEADY_S: Final = 30.0
"""A connection that lasted so long was a good one; the next pause starts small again."""
FAREWELL_MAX_S: Final = 2.0


class Woken:
    """Something new is in the outbox."""


Event = Happening | Woken


class Courier:
    """Brings the outbox to the server until it is cancelled. monotonic: real seconds."""

    def __init__(self, post: Post, broker: Broker, monotonic: Callable[[], float]) -> None:
        self._post = post
        self._broker = broker
        self._monotonic = monotonic
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._waking: asyncio.TimerHandle | None = None

    def wake(self) -> None:
        """Look into the outbox soon; to be called in the loop's thread."""
        if self._waking is None:
            loop = asyncio.get_running_loop()
            self._waking = loop.call_later(LINGER_S, self._wake_now)

    def _wake_now(self) -> None:
        self._waking = None
        self._events.put_nowait(Woken())

    async def run(self) -> None:
        """Connect, deliver, and connect again. Raises `StorageError`, but for `StorageFull`."""
        failures = 0
        while True:
            since_s = self._monotonic()
            try:
                await self._connect_and_deliver()
            except BrokerUnreachable as error:
                log.warning("broker unreachable", extra={"why": str(error)})
            except StorageFull as error:
                # A receipt that could not be noted is only asked for again.
                log.error("what was sent cannot be noted", extra={"why": str(error)})
            failures = 0 if self._monotonic() - since_s > STEADY_S else failures + 1
            longest_s = min(RECONNECT_MAX_S, RECONNECT_FIRST_S * 2.0 ** min(failures, 10))
            await asyncio.sleep(self._post.chance() * longest_s)

    async def _connect_and_deliver(self) -> None:
        """Serve one connection to its end. Raises `BrokerUnreachable` when there was none."""
        # A queue of its own: what an older connection still says is not of this one.
        events = self._events = asyncio.Queue()
        publisher = Publisher(self._broker, self._presence(), events.put_nowait)
        publisher.open()
        try:
            opened = await self._opened(events)
            log.info("broker connected")
            await self._deliver(publisher, opened, events)
        except asyncio.CancelledError:
            await self._take_leave(publisher, events)
            raise
        finally:
            publisher.close()

    async def _opened(self, events: asyncio.Queue[Event]) -> Opened:
        try:
            async with asyncio.timeout(OPEN_MAX_S):
                while True:
                    match await events.get():
                        case Opened() as opened:
                            return opened
                        case Closed(reason):
                            raise BrokerUnreachable(reason)
        except TimeoutError as error:
            raise BrokerUnreachable(f"no answer within {OPEN_MAX_S:g} s") from error

    async def _deliver(
        self, publisher: Publisher, opened: Opened, events: asyncio.Queue[Event]
    ) -> None:
        delivery = Delivery(self._post, publisher, opened, self._monotonic())
        while not delivery.is_dead(self._monotonic()):
            delivery.pump(self._monotonic())
            try:
                async with asyncio.timeout(delivery.wait_s(self._monotonic())):
                    event = await events.get()
            except TimeoutError:
                continue
            while True:
                if isinstance(event, Closed):
                    log.warning("broker away", extra={"why": event.reason})
                    return
                if not isinstance(event, Woken):
                    delivery.handle(event)
                if events.empty():
                    break
                event = events.get_nowait()
        log.warning("broker away", extra={"why": "it acknowledges nothing"})

    async def _take_leave(self, publisher: Publisher, events: asyncio.Queue[Event]) -> None:
        """Say that we go, and wait a moment for the broker to have heard it."""
        sealed = self._post.key.seal(self._post.status("offline"))
        packet = publisher.publish(self._post.topic(topics.STATUS), sealed, retain=True)
        if packet is None:
            return
        try:
            async with asyncio.timeout(FAREWELL_MAX_S):
                while True:
                    match await events.get():
                        case Acknowledged(number, _) if number == packet:
                            return
                        case Closed():
                            return
        except TimeoutError:
            log.info("the broker did not hear our farewell")

    def _presence(self) -> Presence:
        return Presence(
            client_id=self._post.gateway,
            subscriptions=[self._post.topic(channel) for channel in topics.TO_GATEWAY],
            will_topic=self._post.topic(topics.STATUS),
            will=self._post.key.seal(self._post.status("offline")),
        )
