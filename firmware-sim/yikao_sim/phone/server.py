"""The phone's front door: one HTTP path per doctor, on this machine only.

Standard: HTTP/1.1 (RFC 9112) as the standard library serves it, one request a connection. What is
decided about a page is decided in the phone's event loop; the threads here only read and write.
"""

import asyncio
import socket
import struct
import sys
import threading
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, ClassVar, Final

from yikao_sim.errors import ListenError
from yikao_sim.phone.form import BODY_MAX_BYTES, Refusal, Response
from yikao_sim.phone.loopback import is_loopback
from yikao_sim.phone.mishap import Reply
from yikao_sim.phone.phone import Phone

READ_MAX_S: Final = 5.0
"""Whoever does not send their request in this time is hung up on."""
POLL_S: Final = 0.05
"""How soon the server notices that it is to end."""
RESET_AT_CLOSE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: closing sends RST instead of FIN (socket(7))."""


class PhoneServer(ThreadingHTTPServer):
    """Listens on a loopback address; `serving` opens and closes it."""

    daemon_threads = False

    def __init__(self, host: str, port: int, phone: Phone) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._phone = phone
        self._loop = asyncio.get_running_loop()
        self.ending = threading.Event()
        super().__init__((host, port), _Handler)

    # The library's own would ask the name service who we are.
    server_bind = TCPServer.server_bind

    def receive(self, owner: str, headers: dict[str, str], body: bytes) -> Reply:
        return self._in_loop(self._phone.receive(owner, headers, body))

    def refuse(self, owner: str, refusal: Refusal) -> Reply:
        return self._in_loop(self._phone.refuse(owner, refusal))

    def _in_loop(self, work: Coroutine[Any, Any, Reply]) -> Reply:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Overlook a caller that hangs up; anything else is a mistake of ours and is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


@asynccontextmanager
async def serving(host: str, port: int, phone: Phone) -> AsyncIterator[str]:
    """Serve `phone` and give its address, `http://HOST:PORT`. Raises `ListenError`."""
    if not is_loopback(host):
        raise ListenError(f"{host} is reached from outside: a fake phone listens on 127.0.0.1 only")
    try:
        server = PhoneServer(host, port, phone)
    except OSError as error:
        raise ListenError(f"cannot listen at {host}:{port}: {error.strerror}") from error
    thread = threading.Thread(target=server.serve_forever, args=(POLL_S,), name="phone")
    thread.start()
    try:
        shown = f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{server.server_address[1]}"
    finally:
        server.ending.set()
        await asyncio.to_thread(server.shutdown)
        await asyncio.to_thread(server.server_close)
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    timeout: ClassVar[float] = READ_MAX_S
    server: PhoneServer

    def do_POST(self) -> None:
        owner = self.path.removeprefix("/")
        body = self._body()
        if isinstance(body, Refusal):
            self._reply(self.server.refuse(owner, body))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._reply(self.server.receive(owner, headers, body))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no HTTP, or another method than POST, in the form of all refusals."""
        if code == HTTPStatus.NOT_IMPLEMENTED:
            refusal = Refusal(405, f"{self.command} is no way to page: POST")
        else:
            refusal = Refusal(code, message or HTTPStatus(code).phrase)
        self._reply(self.server.refuse("", refusal))

    def _body(self) -> bytes | Refusal:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            return Refusal(411, "no Content-Length")
        if int(length) > BODY_MAX_BYTES:
            return Refusal(413, f"a page of {length} bytes; at most {BODY_MAX_BYTES}")
        return self.rfile.read(int(length))

    def _reply(self, reply: Reply) -> None:
        match reply:
            case Response(status, body, kind, headers):
                self.send_response(status)
                for name, value in (*headers, ("Content-Type", kind)):
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(b"" if self.command == "HEAD" else body)
            case _ if reply.hang:
                self.server.ending.wait()
            case _:
                self._reset()

    def _reset(self) -> None:
        """Close the connection as a router does that lost its memory."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
        # The reader holds the socket open, and a farewell would go out before the reset.
        self.rfile.close()
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Write nothing: the phone tells what happens."""
