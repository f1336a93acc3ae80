"""A small HTTP(S) server on this machine only, that can misbehave as networks and providers do.

One request a connection (HTTP/1.1, RFC 9112). What is decided about a request is decided behind
the door; here is only reading, writing, and the ways in which a connection ends badly.
"""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from yikao_sim.errors import ListenError
from yikao_sim.phone.loopback import is_loopback
from yikao_sim.providers.door import Door
from yikao_sim.providers.wire import Request, Response, Silence

READ_MAX_S: Final = 5.0
"""Whoever does not send their request in this time is hung up on."""
HEAD_MAX_BYTES: Final = 16 * 1024
BODY_MAX_BYTES: Final = 64 * 1024
"""A page is well below a kilobyte; a longer body is refused unread."""
RESET_AT_CLOSE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: closing sends RST instead of FIN (socket(7))."""


class BadRequestError(Exception):
    """What came is no request that is served here."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


@asynccontextmanager
async def serving(
    host: str, port: int, door: Door, tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """Serve `door` and give its address, `http(s)://HOST:PORT`. Raises `ListenError`."""
    if not is_loopback(host):
        raise ListenError(f"{host} is reached from outside: a fake phone listens on 127.0.0.1 only")
    talks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.ensure_future(_talk(door, reader, writer))
        talks.add(talk)
        talk.add_done_callback(talks.discard)

    try:
        server = await asyncio.start_server(connected, host, port, limit=HEAD_MAX_BYTES, ssl=tls)
    except OSError as error:
        raise ListenError(f"cannot listen at {host}:{port}: {error.strerror}") from error
    try:
        shown = f"[{host}]" if ":" in host else host
        yield f"http{'s' if tls else ''}://{shown}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        # Those who were left hanging are let go now.
        for talk in tuple(talks):
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        await server.wait_closed()


async def _talk(door: Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        try:
            async with asyncio.timeout(READ_MAX_S):
                request = await _read(reader)
            reply = door.receive(request)
            head_only = request.method == "HEAD"
        except BadRequestError as error:
            reply = door.refuse(error.status, error.why)
            head_only = False
        await _reply(writer, reply, head_only=head_only)
    except (OSError, TimeoutError, EOFError):
        # Whoever hangs up, or says nothing, is let go.
        pass
    finally:
        writer.close()


async def _read(reader: asyncio.StreamReader) -> Request:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.LimitOverrunError as error:
        raise BadRequestError(431, f"headers of more than {HEAD_MAX_BYTES} bytes") from error
    first, *lines = head[:-4].split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequestError(400, "not HTTP/1.1")
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise BadRequestError(400, "a header without a colon")
        headers[name.strip().lower()] = value.strip()
    target = urlsplit(words[1])
    query = dict(parse_qsl(target.query, keep_blank_values=True))
    body = await _body(reader, words[0], headers)
    return Request(words[0], unquote(target.path), query, headers, body)


async def _body(reader: asyncio.StreamReader, method: str, headers: dict[str, str]) -> bytes:
    length = headers.get("content-length", "" if method == "POST" else "0")
    if not (length.isascii() and length.isdecimal()):
        raise BadRequestError(411, "no Content-Length")
    if int(length) > BODY_MAX_BYTES:
        raise BadRequestError(413, f"a page of {length} bytes; at most {BODY_MAX_BYTES}")
    return await reader.readexactly(int(length))


async def _reply(
    writer: asyncio.StreamWriter, reply: Response | Silence, *, head_only: bool
) -> None:
    match reply:
        case Response():
            writer.write(_head(reply, len(reply.body)) + (b"" if head_only else reply.body))
            await writer.drain()
        case Silence.HANG:
            await asyncio.Event().wait()
        case Silence.HANG_AFTER_HEADERS:
            writer.write(_head(Response(200, b""), BODY_MAX_BYTES))
            await writer.drain()
            await asyncio.Event().wait()
        case Silence.RESET:
            _reset(writer)


def _head(reply: Response, length: int) -> bytes:
    headers = (
        *reply.headers,
        ("Content-Type", reply.content_type),
        ("Content-Length", str(length)),
        ("Connection", "close"),
    )
    lines = [f"HTTP/1.1 {reply.status} {_phrase(reply.status)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close the connection as a router does that lost its memory."""
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
    # Without the farewell that TLS would say.
    writer.transport.abort()
