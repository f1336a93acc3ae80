"""Serve the feed until told to stop; say in one sentence what to do when it cannot."""

import asyncio
import errno
import logging
import socket
from typing import Final

import uvicorn

from yikao_alerts.feed.app import create_app
from yikao_alerts.feed.errors import FeedError
from yikao_alerts.feed.settings import HOST, PORT, FeedSettings
from yikao_alerts.feed.web import Feed

BACKLOG: Final = 2048
BODY_WAIT_S: Final = 75
"""An idle connection is kept so long, longer than the usual proxy does."""

_log = logging.getLogger(__name__)


class FeedServer(uvicorn.Server):
    """uvicorn waits for open responses before it ends; our streams never end by themselves."""

    def __init__(self, settings: FeedSettings) -> None:
        app = create_app(settings)
        self._feed: Feed = app.state.feed
        self._socket = _bind(settings.host, settings.port)
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=BODY_WAIT_S,
                lifespan="on",
            )
        )

    @property
    def url(self) -> str:
        """Return the address to open."""
        host, port = self._socket.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def serve_here(self) -> None:
        """Serve until a signal or `stop`; for a thread or process of its own."""
        with self._socket:
            asyncio.run(self.serve(sockets=[self._socket]))

    def release(self) -> None:
        """Let the port go without ever serving."""
        self._socket.close()

    def stop(self) -> None:
        """End `serve_here`; may be called from another thread."""
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams first."""
        self._feed.hub.close()
        await super().shutdown(sockets)


def run(settings: FeedSettings) -> None:
    """Serve the feed until a signal; refuses with `FeedError` what is unsafe or taken."""
    server = FeedServer(settings)
    _log.info("feed listening", extra={"url": server.url})
    server.serve_here()


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise _cannot_listen(host, port, error) from error
    return listener


def _cannot_listen(host: str, port: int, error: OSError) -> FeedError:
    if error.errno == errno.EADDRINUSE:
        return FeedError(
            f"port {port} of {host} is taken, perhaps by another feed",
            f"stop that one, or choose another port with {PORT}",
        )
    return FeedError(
        f"the feed cannot listen on {host}:{port}: {error.strerror}",
        f"set {HOST} and {PORT} to an address of this machine",
    )
