"""Tells every open page that something changed; the page then asks for what it shows.

Server-sent events (WHATWG HTML, section 9.2). The event carries nothing: the stream is a hint, the
tables are the truth, and each reader is shown only what that reader may see. So there is nothing
to lose and nothing to queue: each client has one flag, and a client that does not read is closed.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from typing import Final

from starlette.types import Receive, Scope, Send

GATHER_S: Final = 0.3
"""Changes in quick succession are told once: a thousand readings a second are three events."""
KEEP_ALIVE_S: Final = 15.0
"""Proxies close what is silent for a minute."""
SEND_MAX_S: Final = 10.0
"""A client that takes longer to accept a few bytes is gone."""
CLIENTS_MAX: Final = 2000
HEADERS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    # Some proxies collect a response before they pass it on.
    (b"x-accel-buffering", b"no"),
)
CHANGED: Final = b"event: changed\ndata:\n\n"
KEEP_ALIVE: Final = b": keep-alive\n\n"

_log = logging.getLogger(__name__)


class Hub:
    """All open streams. Used from one event loop only."""

    def __init__(self) -> None:
        self._clients: set[asyncio.Event] = set()
        self._news = asyncio.Event()
        self._closing = False

    @property
    def clients(self) -> int:
        """How many pages are open."""
        return len(self._clients)

    def note(self) -> None:
        """Something changed."""
        self._news.set()

    async def run(self) -> None:
        """Pass news on, gathered, until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            self._wake()
            await asyncio.sleep(GATHER_S)

    def close(self) -> None:
        """End every stream: the server is stopping, and they would not end by themselves."""
        self._closing = True
        self._wake()

    async def events(self) -> AsyncGenerator[bytes, None]:
        """Yield what one client is told until the server stops.

        It begins with news: what changed before the client was there it can only ask for.
        """
        flag = asyncio.Event()
        self._clients.add(flag)
        try:
            yield CHANGED
            while not self._closing:
                try:
                    async with asyncio.timeout(KEEP_ALIVE_S):
                        await flag.wait()
                except TimeoutError:
                    yield KEEP_ALIVE
                    continue
                flag.clear()
                if not self._closing:
                    yield CHANGED
        finally:
            self._clients.discard(flag)

    def _wake(self) -> None:
        for flag in self._clients:
            flag.set()


class EventStream:
    """The route of the stream; each answer ends when its client goes or does not read, or when the
    server stops.
    """

    def __init__(self, hub: Hub, send_max_s: float = SEND_MAX_S) -> None:
        self._hub = hub
        self._send_max_s = send_max_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        if self._hub.clients >= CLIENTS_MAX:
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": list(HEADERS)})
        talking = asyncio.create_task(self._talk(send))
        gone = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait((talking, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (talking, gone):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, TimeoutError):
                    await task

    async def _talk(self, send: Send) -> None:
        async with contextlib.aclosing(self._hub.events()) as events:
            async for chunk in events:
                async with asyncio.timeout(self._send_max_s):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body"})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
