"""For the pager's tests: a channel that does what it is told, and a provider that speaks HTTP."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from yikao_alerts.channels.channel import OutgoingPage
from yikao_alerts.channels.outcome import Delivered, Outcome


def delivered(page: OutgoingPage) -> Outcome:
    return Delivered(f"provider-{page.page_id}")


class Phone:
    """A channel: notes each page, waits while it is held, and answers by `outcome`."""

    def __init__(self, outcome: Callable[[OutgoingPage], Outcome] = delivered) -> None:
        self.outcome = outcome
        self.rung: list[OutgoingPage] = []
        self._free = asyncio.Event()
        self._free.set()
        self._news = asyncio.Condition()

    def hold(self) -> None:
        """Let no page through until `release`."""
        self._free.clear()

    def release(self) -> None:
        self._free.set()

    async def send(self, page: OutgoingPage) -> Outcome:
        self.rung.append(page)
        async with self._news:
            self._news.notify_all()
        await self._free.wait()
        return self.outcome(page)

    async def rings(self, count: int) -> None:
        """Wait until so many pages have come."""
        async with self._news:
            await self._news.wait_for(lambda: len(self.rung) >= count)


class Provider(ThreadingHTTPServer):
    """A local HTTP service that accepts pages, and counts them by their idempotency key."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: Counter[str] = Counter()
        self.news = threading.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/doctor"

    def handle_error(self, *_: object) -> None:
        """Say nothing of a pager that was killed before it had read the answer."""

    def note(self, key: str) -> None:
        with self.news:
            self.received[key] += 1
            self.news.notify_all()


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_POST(self) -> None:  # the name http.server calls
        self.rfile.read(int(self.headers["Content-Length"]))
        key = self.headers["Idempotency-Key"]
        self.server.note(key)
        answer = json.dumps({"accepted": True, "id": f"p-{key}"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Keep the terminal quiet."""
