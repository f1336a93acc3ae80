"""Where the canary's pages end: a machine that takes them as a telephone would, and notes when.

Spoken to as a webhook is. Its address has a part that follows from the canary's key, so that
nobody's stray request counts as a page.
"""

import hashlib
import json
import logging
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import urlsplit

from yikao_ingest.errors import ServerError

log = logging.getLogger(__name__)

BODY_MAX: Final = 64 * 1024
TIMEOUT_S: Final = 5.0
_PATH_LETTERS: Final = 32


def sink_url(listen: str, private: bytes) -> str:
    """Return the address to which the pager sends the canary's pages; listen: HOST:PORT."""
    secret = hashlib.sha256(b"yikao canary sink" + private).hexdigest()[:_PATH_LETTERS]
    return f"http://{listen}/{secret}"


class Sink:
    """Listens from `start` to `stop`; calls `arrived` for each page, from a thread of its own."""

    def __init__(self, url: str, arrived: Callable[[], None]) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None and parts.port is not None, "made by `sink_url`"
        try:
            self._server = ThreadingHTTPServer(
                (parts.hostname, parts.port), _handler(parts.path, arrived)
            )
        except OSError as error:
            raise ServerError(
                f"the sink cannot listen on {parts.netloc}, {error.strerror}",
                "choose another port, and apply the registry entries anew",
            ) from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def start(self) -> None:
        """Listen."""
        self._thread.start()

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(path: str, arrived: Callable[[], None]) -> type[BaseHTTPRequestHandler]:
    """Return what answers each request: the acceptance a webhook's receiver gives."""

    class Handler(BaseHTTPRequestHandler):
        timeout = TIMEOUT_S

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > BODY_MAX:
                self.send_error(HTTPStatus.LENGTH_REQUIRED)
                return
            self.rfile.read(int(length))
            if self.path != path:
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            arrived()
            body = json.dumps({"accepted": True, "id": "sink"}).encode()
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            log.debug("sink asked")

    return Handler
