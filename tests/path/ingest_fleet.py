"""A fleet of gateways for the ingest's storm: each with the product's own outbox and courier.

What is measured stays in an outbox until the server's receipt, and is sent again until then. The
gateways are never killed here, so their outboxes are in memory.
"""

import asyncio
import random
import time
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from background import begun
from clinic import TENANT, Signer
from county import County

from yikao_devices import wire
from yikao_gateway.household.alarms import Alarms
from yikao_gateway.household.prompts import Prompts
from yikao_gateway.keys import SigningKey
from yikao_gateway.store.database import Database
from yikao_gateway.store.outbox import Outbox
from yikao_gateway.uplink.courier import Courier
from yikao_gateway.uplink.delivery import Post
from yikao_gateway.uplink.publisher import Broker
from yikao_gateway.visits.known_devices import KnownDevices

TICK_S = 0.05
HEARTBEAT_S = 10.0
HASTE = 0.1
"""The gateways' pauses are a random part of this part of what they are at home, where a gateway
that lost its connection has time."""
ANSWER_S = 60.0
T = TypeVar("T")


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway's memory, and what brings it to the server."""

    database: Database
    outbox: Outbox
    courier: Courier


class Fleet:
    """Gateways in a thread of their own, which measure so many readings a second altogether.

    Whoever asks does so from another thread.
    """

    def __init__(self, county: County, url: str, per_s: float, chance: random.Random) -> None:
        self._county = county
        self._url = url
        self._per_s = per_s
        self._chance = chance
        self._since = now()
        self._made = 0
        self._measuring = True
        self._gateways: list[Gateway] = []
        self._loop = asyncio.new_event_loop()
        self._ending = asyncio.Event()
        self.ended = begun(lambda: self._loop.run_until_complete(self._run()))

    def falls_silent(self) -> int:
        """Measure no more; return how many readings there are."""

        async def stop() -> int:
            self._measuring = False
            return self._made

        return self._ask(stop())

    def waiting(self) -> int:
        """Return how many readings have no receipt yet."""

        async def count() -> int:
            return sum(gateway.outbox.waiting_count() for gateway in self._gateways)

        return self._ask(count())

    def stored(self) -> int:
        """Return how many readings the server says it has stored."""

        async def count() -> int:
            return sum(gateway.outbox.counts().stored for gateway in self._gateways)

        return self._ask(count())

    def readings(self) -> Iterator[wire.BloodPressureReading]:
        """Yield what was measured up to now."""
        return (self._reading(number) for number in range(self._made))

    def close(self) -> None:
        """Take all gateways off the line."""
        if not self.ended.done():
            self._loop.call_soon_threadsafe(self._ending.set)
        self.ended.result(ANSWER_S)
        self._loop.close()

    def _ask(self, question: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(question, self._loop).result(ANSWER_S)

    def _reading(self, number: int) -> wire.BloodPressureReading:
        return self._county.pressure(number, self._since + timedelta(seconds=number / self._per_s))

    async def _run(self) -> None:
        broker = _broker_at(self._url)
        self._gateways = [self._gateway(signer, broker) for signer in self._county.signers]
        async with asyncio.TaskGroup() as group:
            works = [gateway.courier.run() for gateway in self._gateways]
            tasks = [group.create_task(work) for work in (*works, self._measures())]
            await self._ending.wait()
            for task in tasks:
                task.cancel()
        for gateway in self._gateways:
            gateway.database.close()

    async def _measures(self) -> None:
        began_s = time.monotonic()
        while self._measuring:
            due = int((time.monotonic() - began_s) * self._per_s)
            shares: dict[int, list[wire.BloodPressureReading]] = {}
            for number in range(self._made, due):
                shares.setdefault(number % len(self._gateways), []).append(self._reading(number))
            for which, items in shares.items():
                gateway = self._gateways[which]
                gateway.outbox.keep("", None, items, now(), complete=False)
                gateway.courier.wake()
            self._made = due
            await asyncio.sleep(TICK_S)

    def _gateway(self, signer: Signer, broker: Broker) -> Gateway:
        database = Database(Path(":memory:"))
        outbox = Outbox(database)
        post = Post(
            tenant=TENANT,
            gateway=signer.gateway,
            boot=outbox.next_boot(),
            version="0",
            radio="sim",
            heartbeat_s=HEARTBEAT_S,
            key=SigningKey(signer.private),
            outbox=outbox,
            devices=KnownDevices(database),
            prompts=Prompts("zh", now, lambda _: None, database),
            now=now,
            chance=lambda: HASTE * self._chance.random(),
            alarms=Alarms(signer.gateway, outbox, now),
        )
        return Gateway(database, outbox, Courier(post, broker, time.monotonic))


def _broker_at(url: str) -> Broker:
    address = urlsplit(url)
    assert address.hostname is not None
    assert address.port is not None
    return Broker(address.hostname, address.port)
