"""One connection to a broker: what it leaves behind when it is over."""

import asyncio
import gc
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from stage import eventually

from yikao_gateway.uplink.publisher import Broker, Closed, Happening, Opened, Presence, Publisher

STORY_MAX_S = 30.0
CONNECTIONS = 5


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def _comes_and_goes(broker: Broker) -> None:
    happenings: asyncio.Queue[Happening] = asyncio.Queue()
    publisher = Publisher(
        broker, Presence(f"gw-{uuid4().hex}", ["t/receipt"]), happenings.put_nowait
    )
    publisher.open()
    assert isinstance(await happenings.get(), Opened)
    publisher.close()
    assert isinstance(await happenings.get(), Closed)


def test_the_sockets_of_a_connection_are_closed_with_it(broker_url: str) -> None:
    """A gateway whose broker comes and goes for months must not run out of them."""
    address = urlsplit(broker_url)
    assert address.hostname is not None
    assert address.port is not None
    broker = Broker(address.hostname, address.port)

    async def story() -> None:
        await _comes_and_goes(broker)
        gc.collect()
        before = open_files()
        for _ in range(CONNECTIONS):
            await _comes_and_goes(broker)
        await eventually(lambda: open_files() <= before)

    async def bounded() -> None:
        async with asyncio.timeout(STORY_MAX_S):
            await story()

    gc.disable()
    try:
        asyncio.run(bounded())
    finally:
        gc.enable()
