"""Serves the page for as long as the gateway runs, within the gateway's own loop.

What a browser does can neither stop nor hold up the reading of a device: each request has a bound
in bytes and in seconds, and its work is a few rows of the gateway's own database.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from yikao_gateway.errors import PageUnavailable, StorageError
from yikao_gateway.page import door
from yikao_gateway.page.http import (
    HEAD_BYTES_MAX,
    BadRequest,
    Request,
    Response,
    encode,
    read_request,
)
from yikao_gateway.page.routes import Pages
from yikao_gateway.settings_values import PageAddress

log = logging.getLogger(__name__)

CONNECTIONS_MAX: Final = 32
"""Browsers open a few at a time; more are hung up on."""
REQUEST_MAX_S: Final = 10.0
ANSWER_MAX_S: Final = 2.0
"""How long it is waited for whoever holds the port already."""


class PageServer:
    """Answers browsers. anywhere: those of the whole home, and not of this machine alone."""

    def __init__(self, pages: Pages, *, anywhere: bool) -> None:
        self._pages = pages
        self._anywhere = anywhere
        self._open = 0

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection: one request, one answer, and goodbye."""
        self._open += 1
        try:
            if self._open <= CONNECTIONS_MAX:
                async with asyncio.timeout(REQUEST_MAX_S):
                    await self._serve(reader, writer)
        except (ConnectionError, EOFError, TimeoutError) as error:
            log.debug("browser gone", extra={"why": repr(error)})
        finally:
            self._open -= 1
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = Request("GET", "/")
        try:
            request = await read_request(reader)
            response = self._answer(request)
        except BadRequest as error:
            response = self._pages.refused(request, error.status)
        writer.write(encode(response, door.HEADERS, with_body=request.method != "HEAD"))
        await writer.drain()

    def _answer(self, request: Request) -> Response:
        status = door.refusal(request, anywhere=self._anywhere)
        if status is not None:
            log.warning("page refused", extra={"path": request.path, "status": status.value})
            return self._pages.refused(request, status)
        try:
            return self._pages.answer(request)
        except StorageError as error:
            log.error("page not answered", extra={"path": request.path, "why": str(error)})
            return self._pages.failed(request)


@contextlib.asynccontextmanager
async def serving(
    pages: Pages, address: PageAddress | None, *, anywhere: bool
) -> AsyncIterator[int | None]:
    """Serve within the block; gives the port. A page that cannot be served is told in the log, and
    the gateway goes on without: reading devices matters more."""
    if address is None:
        yield None
        return
    server = PageServer(pages, anywhere=anywhere)
    try:
        listening = await _listen(address, server.connected)
    except PageUnavailable as error:
        log.error("page not served", extra={"why": str(error)})
        yield None
        return
    port: int = listening.sockets[0].getsockname()[1]
    log.info("page served", extra={"host": str(address.host), "port": port})
    async with listening:
        yield port


async def try_page(address: PageAddress) -> str:
    """Return in words that the page can be served, or is by a gateway that runs already.

    Raises `PageUnavailable`.
    """
    try:
        listening = await _listen(address, lambda reader, writer: writer.close())
    except PageUnavailable:
        if not await is_served(address):
            raise
        return f"{_url(address)} is served by the running gateway"
    listening.close()
    await listening.wait_closed()
    return f"{_url(address)} is free"


async def _listen(
    address: PageAddress,
    connected: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None] | None],
) -> asyncio.Server:
    try:
        return await asyncio.start_server(
            connected, str(address.host), address.port, limit=HEAD_BYTES_MAX
        )
    except OSError as error:
        raise PageUnavailable(
            f"{_url(address)} cannot be used ({error.strerror}): is another program there? Write "
            "another port, or an address of this machine, as page"
        ) from error


async def is_served(address: PageAddress) -> bool:
    """Return whether one of ours answers there."""
    try:
        async with asyncio.timeout(ANSWER_MAX_S):
            reader, writer = await asyncio.open_connection(str(address.host), address.port)
            try:
                writer.write(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                head = await reader.read(HEAD_BYTES_MAX)
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
    return f"Server: {door.SERVER}".encode() in head


def _url(address: PageAddress) -> str:
    host = f"[{address.host}]" if address.host.version == 6 else str(address.host)
    return f"http://{host}:{address.port}"
