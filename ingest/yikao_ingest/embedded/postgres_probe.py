"""Talk to the embedded database just enough to know that it is up, and that ours exists in it.

The only file of this folder that imports psycopg.
"""

import logging
from enum import Enum, auto
from pathlib import Path

import psycopg
from psycopg import pq, sql
from psycopg.conninfo import make_conninfo

from yikao_ingest.embedded.errors import StartError

CONNECT_TIMEOUT_S = 2
"""libpq's own minimum. On a Unix socket the answer takes less than a millisecond."""

_log = logging.getLogger(__name__)


class Answer(Enum):
    """What a server says to a knock."""

    READY = auto()
    BUSY = auto()
    """It is there, and is starting, recovering or shutting down."""
    NONE = auto()


def connection_string(run: Path, user: str, database: str, port: int) -> str:
    """Return the libpq connection string for the socket in `run`."""
    return make_conninfo(host=str(run), port=port, user=user, dbname=database)


def knock(dsn: str) -> Answer:
    """Return whether the server at `dsn` takes connections (libpq's PQping; logs in nowhere)."""
    timed = make_conninfo(dsn, connect_timeout=CONNECT_TIMEOUT_S)
    match pq.PGconn.ping(timed.encode()):
        case pq.Ping.OK:
            return Answer.READY
        case pq.Ping.REJECT:
            return Answer.BUSY
        case _:
            return Answer.NONE


def create_database(maintenance_dsn: str, name: str) -> None:
    """Create the database `name` unless it exists; `maintenance_dsn` leads to another database."""
    try:
        with psycopg.connect(
            maintenance_dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S
        ) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if known.fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
                _log.info("database created", extra={"database": name})
    except psycopg.Error as error:
        raise StartError(
            f"PostgreSQL runs, but the database {name} can be neither found nor made",
            "read pg.log in its folder, and check that the disk is not full",
            str(error),
        ) from error
