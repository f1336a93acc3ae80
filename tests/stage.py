"""A stage for stories on the simulated air: homes, a socket, and gateways that call.

`@on_air()` turns an async story into a test: it is given a `Stage`, and everything it opened is
closed behind it. Nothing here sleeps; whoever waits does so on an event, under one deadline.
"""

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from yikao_gateway.radio.open import open_radio
from yikao_gateway.radio.ports import Advertisement, Link, Pairing, Radio
from yikao_sim.air.server import AirServer
from yikao_sim.air.service import Air, Truth
from yikao_sim.home import Device, Home, Outfit

STORY_MAX_S = 60.0
"""A story takes a second; one that takes this long waits for something that never comes."""
CUFF, METER = 0x2A35, 0x2A18
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


class Gateway:
    """One gateway's radio, and all that came over it."""

    def __init__(self, radio: Radio) -> None:
        self.radio = radio
        self.notes: list[tuple[int, bytes]] = []
        self.heard: list[Advertisement] = []
        self._news = asyncio.Event()

    async def start(self) -> None:
        await self.radio.start(self._hear)

    async def hears(self, address: str) -> Advertisement:
        """Return the next advertisement of `address` from now on."""
        start = len(self.heard)
        await self.until(lambda: any(a.address == address for a in self.heard[start:]))
        return self.heard[-1]

    async def connect(
        self, address: str, *, pair: bool = True, passkey: int | None = None, deadline_s: float = 10
    ) -> Link:
        return await self.radio.connect(
            address,
            on_notification=self._note,
            pairing=Pairing(pair, passkey),
            deadline_s=deadline_s,
        )

    async def receives(self, char: int, count: int) -> list[bytes]:
        """Return what `char` sent, once it is `count` values or more."""
        await self.until(lambda: len(self.values(char)) >= count)
        return self.values(char)

    def values(self, char: int) -> list[bytes]:
        return [value for sender, value in self.notes if sender == char]

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._news.clear()
            await self._news.wait()

    def _hear(self, advertisement: Advertisement) -> None:
        self.heard.append(advertisement)
        self._news.set()

    def _note(self, char: int, value: bytes) -> None:
        self.notes.append((char, value))
        self._news.set()


class Stage:
    """Homes on an air that is served on a socket."""

    def __init__(self, folder: Path, air: Air, truths: list[Truth]) -> None:
        self.folder = folder
        self.air = air
        self.truths = truths
        self.server = AirServer(air.link)
        self.spec = f"sim:unix:{folder}/air"
        self._closing = contextlib.AsyncExitStack()

    @property
    def home(self) -> Home:
        return self.air.homes["h1"]

    async def open(self, homes: int) -> None:
        self._closing.push_async_callback(self.air.close)
        for _ in range(homes):
            await self.air.add_home()
        await self.serve()

    async def serve(self) -> None:
        await self.server.start(self.spec.removeprefix("sim:"))
        self._closing.push_async_callback(self.server.close)

    async def gateway(self, state: str = "gateway") -> Gateway:
        """Return a started gateway that keeps its address and bonds under `state`."""
        gateway = Gateway(open_radio(self.spec, self.folder / state))
        self._closing.push_async_callback(gateway.radio.stop)
        await gateway.start()
        return gateway

    async def close(self) -> None:
        await self._closing.aclose()


Story = Callable[[Stage], Awaitable[None]]


def on_air(outfit: Outfit | None = None, homes: int = 1) -> Callable[[Story], Callable[..., None]]:
    """Return what makes a test of a story: `homes` homes with `outfit`, on a socket."""

    def decorate(story: Story) -> Callable[..., None]:
        async def play(folder: Path) -> None:
            truths: list[Truth] = []
            stage = Stage(folder, Air(lambda: NOON, outfit, truths.append), truths)
            async with asyncio.timeout(STORY_MAX_S):
                try:
                    await stage.open(homes)
                    await story(stage)
                finally:
                    await stage.close()

        @functools.wraps(story)
        def test(short_tmp: Path) -> None:
            asyncio.run(play(short_tmp))

        # pytest reads the arguments of the test, not of the story inside.
        del test.__wrapped__
        return test

    return decorate


async def eventually(condition: Callable[[], bool]) -> None:
    """Return once `condition` holds; for what changes without telling anybody."""
    while not condition():
        await asyncio.sleep(0.005)


async def sent(device: Device, samples: int) -> None:
    """Return once a device has sent so many records or samples on one link."""
    enough = asyncio.Event()
    device.peripheral.on_sent = lambda n: enough.set() if n >= samples else None
    await enough.wait()


def address(device: object) -> str:
    """Return the address of a cuff or meter."""
    text: str = device.peripheral.nameplate.address  # type: ignore[attr-defined]
    return text
