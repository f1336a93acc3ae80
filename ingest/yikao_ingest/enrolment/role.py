"""`yikao enrol`: serves gateways that want a certificate, and keeps the list of withdrawn ones.

A process of its own, because it alone has the key by which every gateway is believed. Its own
HTTPS certificate it signs at each start: the key of it is in memory only.
"""

import asyncio
import contextlib
import logging
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

import psycopg
import uvicorn
from fastapi import FastAPI

from yikao_alerts.clock import story_clock
from yikao_alerts.working import connect
from yikao_devices.enrolment import REQUEST_BYTES_MAX
from yikao_ingest.enrolment.app import Counter, create_app
from yikao_ingest.enrolment.authority import AUTHORITY_LIFE, Authority, load_authority
from yikao_ingest.enrolment.store import Office
from yikao_ingest.errors import ServerError
from yikao_ingest.settings import (
    DATABASE_URL,
    ENROL_BROKER_URL,
    ENROL_LISTEN,
    ENROL_URL,
    meanings,
    required,
)

DEFAULT_LISTEN: Final = "127.0.0.1:8322"
CONNECTIONS_MAX: Final = 200
"""More are told to come later."""
IDLE_MAX_S: Final = 10
LIST_EVERY_S: Final = 30.0
"""How soon a withdrawal stands on the list, wherever `yikao gateway withdraw` ran."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EnrolSettings:
    """What the role needs; `hosts` are the names under which gateways reach it."""

    dsn: str
    broker_url: str
    hosts: tuple[str, ...]
    listen: tuple[str, int]
    authority: Authority


def enrol_settings(environ: Mapping[str, str]) -> EnrolSettings:
    """Return the settings in `environ`. Raises `ServerError` for what is missing or wrong."""
    host = _address(environ, ENROL_URL, "https").hostname
    broker = _address(environ, ENROL_BROKER_URL, "mqtts").geturl()
    assert host is not None, "_address sees to it"
    return EnrolSettings(
        required(environ, DATABASE_URL), broker, (host,), _listen(environ), load_authority(environ)
    )


def _address(environ: Mapping[str, str], name: str, scheme: str) -> SplitResult:
    """Return an address that gateways are told; any other scheme would speak in the clear."""
    try:
        parts = urlsplit(environ.get(name, ""))
        good = parts.scheme == scheme and parts.hostname and parts.port != 0 and not parts.username
    except ValueError:
        good = False
    if not good or parts.path.strip("/"):
        remedy = f"set it, {meanings('en')[name]}"
        raise ServerError(f"{name} is not of the form {scheme}://HOST:PORT", remedy)
    return parts


def _listen(environ: Mapping[str, str]) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{environ.get(ENROL_LISTEN) or DEFAULT_LISTEN}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or port is None:
        raise ServerError(f"{ENROL_LISTEN} is not of the form HOST:PORT", "mend it")
    return host, port


class EnrolServer(uvicorn.Server):
    """Serves until a signal. ready: is called when it works."""

    def __init__(self, settings: EnrolSettings, now: datetime, ready: Callable[[], None]) -> None:
        """Bind at once. Raises `ServerError` when the address cannot be had."""
        office = Office(settings.authority, settings.broker_url)
        app = create_app(Counter(office, settings.dsn))
        app.router.lifespan_context = _lifespan(office, settings.dsn, ready)
        self._socket = _bind(*settings.listen)
        super().__init__(_config(app, settings, now))

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._socket.getsockname()[1])

    def serve_here(self) -> None:
        """Serve until a signal."""
        with self._socket:
            asyncio.run(self.serve(sockets=[self._socket]))


def run(environ: Mapping[str, str], ready: Callable[[], None]) -> None:
    """Serve gateways until a signal. Raises `ServerError` for what the operator has to mend."""
    settings = enrol_settings(environ)
    server = EnrolServer(settings, story_clock().at(time.time()), ready)
    log.info("certificates are given", extra={"port": server.port})
    server.serve_here()


def _config(app: FastAPI, settings: EnrolSettings, now: datetime) -> uvicorn.Config:
    """Return how to serve, with a certificate made for it.

    It lasts as long as its authority: its key is as safe as the other one in this process, and ends
    with it.
    """
    certificate, key = settings.authority.for_server(settings.hosts, now, AUTHORITY_LIFE)
    with tempfile.TemporaryDirectory() as folder:
        pair = Path(folder, "pair.pem")
        pair.touch(mode=0o600)
        pair.write_bytes(key + certificate.encode())
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            ssl_certfile=str(pair),
            limit_concurrency=CONNECTIONS_MAX,
            timeout_keep_alive=IDLE_MAX_S,
            h11_max_incomplete_event_size=REQUEST_BYTES_MAX,
            lifespan="on",
        )
        config.load()
    return config


def _lifespan(
    office: Office, dsn: str, ready: Callable[[], None]
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        keeping = asyncio.create_task(_keep_list(office, dsn))
        ready()
        yield
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)

    return lifespan


async def _keep_list(office: Office, dsn: str) -> None:
    """Write the list of withdrawn certificates whenever it has changed, until cancelled."""
    while True:
        try:
            async with await connect(dsn) as conn:
                if await office.keep_list(conn):
                    log.info("list of withdrawn certificates written: the broker has to reload")
        except (psycopg.Error, ServerError) as error:
            why = str(error).partition("\n")[0]
            log.error("list of withdrawn certificates not written", extra={"why": why})
        await asyncio.sleep(LIST_EVERY_S)


def _bind(host: str, port: int) -> socket.socket:
    try:
        # Also IPv6, where the host is one of its addresses.
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ServerError(
            f"{ENROL_LISTEN}: cannot listen on {host}:{port}, {error.strerror}",
            "set it to an address of this machine, and a port that is free",
        ) from error
