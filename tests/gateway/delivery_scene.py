"""The stage of the delivery tests: a gateway's courier, its outbox and the server's end."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway_parts import NOW, outbox_in
from server_end import STORY_MAX_S, TENANT, ServerEnd, server_end

from yikao_gateway.household.alarms import Alarms
from yikao_gateway.household.prompts import Prompts
from yikao_gateway.keys import load_key
from yikao_gateway.store.outbox import Counts, Outbox
from yikao_gateway.uplink.courier import Courier
from yikao_gateway.uplink.delivery import Post
from yikao_gateway.uplink.publisher import Broker
from yikao_gateway.visits.known_devices import KnownDevices


def broker_at(url: str) -> Broker:
    address = urlsplit(url)
    assert address.hostname is not None
    assert address.port is not None
    return Broker(address.hostname, address.port)


class Time:
    """Real seconds that a test moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s

    def passes(self, seconds: float) -> None:
        self.now_s += seconds


@dataclass
class Scene:
    """A gateway's courier, its outbox, and the server's end, on one broker."""

    url: str
    outbox: "WatchedOutbox"
    post: Post
    server: ServerEnd
    time: Time
    shown: list[dict[str, Any]]
    running: asyncio.Task[None] | None = None

    def starts(self) -> Courier:
        courier = Courier(self.post, broker_at(self.url), self.time)
        self.running = asyncio.create_task(courier.run())
        return courier

    async def stops(self) -> None:
        if self.running is not None:
            self.running.cancel()
            await asyncio.wait({self.running})
            if not self.running.cancelled():
                self.running.result()

    async def settles(self, condition: Callable[[Counts], bool]) -> None:
        """Wait until the outbox is so; the story's own time bounds it."""
        while not condition(self.outbox.counts()):
            self.outbox.changed.clear()
            await self.outbox.changed.wait()


class WatchedOutbox(Outbox):
    """An outbox that says when it has changed."""

    def __init__(self, outbox: Outbox) -> None:
        super().__init__(outbox._database)
        self.changed = asyncio.Event()

    def keep(self, *arguments: Any, **named: Any) -> int:
        new = super().keep(*arguments, **named)
        self.changed.set()
        return new

    def settle(self, *arguments: Any) -> None:
        super().settle(*arguments)
        self.changed.set()


@contextlib.asynccontextmanager
async def scene(url: str, folder: Path) -> AsyncIterator[Scene]:
    shown: list[dict[str, Any]] = []
    with outbox_in(folder) as opened:
        outbox = WatchedOutbox(opened)
        async with server_end(url) as server:
            post = Post(
                tenant=TENANT,
                gateway=server.gateway,
                boot=7,
                version="0",
                radio="bluez",
                heartbeat_s=60.0,
                key=load_key(folder),
                outbox=outbox,
                devices=KnownDevices(outbox._database),
                prompts=Prompts("zh", lambda: NOW, shown.append, outbox._database),
                now=lambda: NOW,
                chance=lambda: 0.0,
                alarms=Alarms(server.gateway, outbox, lambda: NOW),
            )
            played = Scene(url, outbox, post, server, Time(), shown)
            try:
                yield played
            finally:
                await played.stops()


Story = Callable[[Scene], Awaitable[None]]


def on_broker(story: Story) -> Callable[..., None]:
    """Make a test of a story on the session's broker."""

    async def play(url: str, folder: Path) -> None:
        async with asyncio.timeout(STORY_MAX_S), scene(url, folder) as played:
            await story(played)

    @functools.wraps(story)
    def test(broker_url: str, tmp_path: Path) -> None:
        asyncio.run(play(broker_url, tmp_path))

    del test.__wrapped__
    return test
