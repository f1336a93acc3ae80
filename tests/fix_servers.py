"""Real servers for tests: a PostgreSQL and a broker a session, and an empty database a test.

They are the embedded ones, in short folders below /tmp (a Unix socket's path has at most 107
bytes, and pytest's own temporary folders are longer), and they end with the test session. Each
worker of `make test` is a session of its own, with servers of its own.
"""

import os
import select
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from fix_database import database_on

from yikao_ingest.embedded.broker import EmbeddedBroker
from yikao_ingest.embedded.postgres import EmbeddedPostgres


def require(present: bool, what: str) -> None:
    """Skip the test when `what` is missing here; fail it where YIKAO_REQUIRE_SERVERS=1."""
    if present:
        return
    if os.environ.get("YIKAO_REQUIRE_SERVERS") == "1":
        pytest.fail(f"{what} is missing, and YIKAO_REQUIRE_SERVERS=1")
    pytest.skip(f"{what} is missing")


def ends_within(pid: int, timeout_s: float) -> bool:
    """Return whether process `pid`, ours or not, ends within `timeout_s`."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        # Readable when the process has ended: pidfd_open(2).
        return bool(select.select([descriptor], [], [], timeout_s)[0])
    finally:
        os.close(descriptor)


def _short_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="yk-", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def short_tmp() -> Iterator[Path]:
    """An empty folder with a short path, removed at the end."""
    yield from _short_folder()


@pytest.fixture(scope="session")
def short_session_tmp() -> Iterator[Path]:
    """The same for the whole session."""
    yield from _short_folder()


@pytest.fixture(scope="session")
def postgres_dsn_root(short_session_tmp: Path) -> Iterator[str]:
    """The connection string of the session's PostgreSQL, as its superuser.

    It does not wait for the disk: its tests kill processes, not power.
    """
    postgres = EmbeddedPostgres(short_session_tmp / "pg")
    dsn = postgres.start()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    yield dsn
    postgres.stop()


@pytest.fixture
def database_url(postgres_dsn_root: str) -> Iterator[str]:
    """The connection string of an empty database for this test alone."""
    with database_on(postgres_dsn_root) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def broker_url(short_session_tmp: Path) -> Iterator[str]:
    """The address of the session's broker, `mqtt://127.0.0.1:PORT`; use topics of your own."""
    broker = EmbeddedBroker(short_session_tmp / "broker")
    yield broker.start()
    broker.stop()
