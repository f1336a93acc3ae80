"""Who takes readings from the broker into the database: `yikao ingest`, and what all share.

Each is a real process on the same broker and the same PostgreSQL, made ready before its run and let
go at its beginning. Those of the peers are in `peer_takers`.
"""

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Any, Protocol

import psycopg
from crowd import Crowd, Placed
from publishing import Outgoing, packets, publish
from servers import EMPTIED, Servers, arrival, empty

from yikao_ingest.embedded.child import Child, spawn
from yikao_ingest.settings import BROKER_URL, DATABASE_URL
from yikao_ingest.store import LOCK

READY_S = 60.0
PROBE_EVERY_S = 2.0
POLL_S = 0.05
ENDS_S = 10.0

STANDING_BY = """
SELECT count(*) FROM pg_stat_activity
WHERE query LIKE '%pg_try_advisory_lock%' AND pid <> pg_backend_pid()
  AND datname = current_database()
"""


class Taker(Protocol):
    """One way from the broker into a table."""

    @property
    def name(self) -> str:
        """Return what its figures go by."""

    @property
    def table(self) -> str:
        """Return where its readings arrive."""

    @property
    def tables(self) -> Sequence[str]:
        """Return all that its runs fill."""

    def prepare(self, dsn: str) -> None:
        """Make in the database what it needs."""

    def pack(self, readings: Sequence[Placed], crowd: Crowd) -> list[Outgoing]:
        """Return a message for each reading, as this taker understands it."""

    def start(self, servers: Servers) -> Child:
        """Start the process; it takes nothing yet, where it can be told to wait."""

    def let_go(self, child: Child) -> None:
        """Let it begin."""


@dataclass(slots=True)
class Yikao:
    """`yikao ingest`, which waits as hot standby until it may be the active one."""

    name: str = "yikao"
    table: str = "reading_kept"
    tables: Sequence[str] = EMPTIED
    _held: psycopg.Connection[Any] | None = None

    def prepare(self, dsn: str) -> None:
        """Do nothing: the schema is there."""

    def pack(self, readings: Sequence[Placed], crowd: Crowd) -> list[Outgoing]:
        """Return signed messages of one reading."""
        return crowd.signed(readings)

    def start(self, servers: Servers) -> Child:
        """Start it while the lock of the active ingest is ours; return when it stands by."""
        self._held = psycopg.connect(servers.dsn, autocommit=True)
        self._held.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        environ = {**os.environ, DATABASE_URL: servers.dsn, BROKER_URL: servers.broker}
        command = (sys.executable, "-m", "yikao_ingest", "ingest")
        child = launch(command, servers.folder / "ingest.log", environ)
        until = time.monotonic() + READY_S
        while self._held.execute(STANDING_BY).fetchone() == (0,):
            assert child.poll() is None and time.monotonic() < until, "ingest does not stand by"
            time.sleep(POLL_S)
        return child

    def let_go(self, child: Child) -> None:
        """Give up the lock."""
        assert self._held is not None, "start() comes first"
        self._held.close()


@contextmanager
def running(taker: Taker, servers: Servers, *, held: bool) -> Iterator[Child]:
    """Have a taker for the block; `held`: it takes nothing until it is let go."""
    child = taker.start(servers)
    try:
        if not held:
            taker.let_go(child)
        yield child
    finally:
        child.stop(SIGTERM, SIGKILL, patience_s=ENDS_S)


def enrol(taker: Taker, servers: Servers, crowd: Crowd) -> None:
    """Return when a probe has arrived in the table of a running taker.

    Then its session with the broker is there, too, which keeps what comes while it is away.
    """
    for number in range(int(READY_S / PROBE_EVERY_S)):
        probe = crowd.probe(number)
        publish(servers.port, packets(taker.pack([probe], crowd)))
        if arrival(servers.dsn, taker.table, probe.key, PROBE_EVERY_S):
            return
    raise AssertionError(f"{taker.name} stores nothing: see its log in {servers.folder}")


def reset(taker: Taker, servers: Servers) -> None:
    """Empty what a taker fills."""
    empty(servers.dsn, *taker.tables)


def launch(command: Sequence[str], log: Path, environ: Mapping[str, str]) -> Child:
    """Start a process that ends with us at the latest; what it says is appended to `log`."""
    return spawn(command, log, death_signal=SIGTERM, environ=environ)
