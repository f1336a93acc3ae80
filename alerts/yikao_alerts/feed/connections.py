"""A few database connections, shared by all requests; a request waits rather than opening more.

The only file of the feed that opens a connection. What PostgreSQL says when it is away becomes
`DatabaseAwayError`, which every page knows how to show.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import psycopg
from psycopg.pq import TransactionStatus

from yikao_alerts.feed.errors import DatabaseAwayError
from yikao_alerts.store import CHANGED

CONNECTIONS_MAX: Final = 8
"""Reads take milliseconds: eight serve a thousand open feeds."""
CONNECT_TIMEOUT_S: Final = 5
STATEMENT_TIMEOUT_MS: Final = 10_000
"""A page that takes longer is shown as "database away" instead of hanging."""
RETRY_EVERY_S: Final = 1.0
AWAY: Final = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.UndefinedTable)
"""Without its tables a database knows as little as one that does not answer."""

Connection = psycopg.AsyncConnection

_log = logging.getLogger(__name__)


class Connections:
    """At most `CONNECTIONS_MAX` connections, opened when needed and kept."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._idle: list[Connection] = []
        self._slots = asyncio.Semaphore(CONNECTIONS_MAX)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Connection]:
        """Lend a connection in autocommit mode; raises `DatabaseAwayError` when there is none."""
        connection: Connection | None = None
        async with self._slots:
            try:
                connection = await self._take()
                yield connection
            except AWAY as error:
                # After a restart of the database every idle connection is as dead as this one.
                await self.close()
                raise DatabaseAwayError(first_line(error)) from error
            finally:
                if connection is not None:
                    await self._give_back(connection)

    async def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            await self._idle.pop().close()

    async def _give_back(self, connection: Connection) -> None:
        """Keep a connection that is at rest; one left in the middle of something is closed."""
        if connection.info.transaction_status is TransactionStatus.IDLE:
            self._idle.append(connection)
        else:
            await connection.close()

    async def _take(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed:
                return connection
        return await _connect(self._url)


async def listen(database_url: str, heard: Callable[[], None]) -> None:
    """Call `heard` at each notice of a change, until cancelled; reconnect when the database goes.

    It is called too when the listening begins and when it breaks: what was said in the gap is
    lost, and whoever asks the tables then sees for himself that the database is away.
    """
    while True:
        try:
            async with await _connect(database_url) as connection:
                await connection.execute(f"LISTEN {CHANGED}")
                heard()
                async for _notice in connection.notifies():
                    heard()
        except psycopg.Error as error:
            _log.warning("database away, listening again", extra={"error": first_line(error)})
        heard()
        await asyncio.sleep(RETRY_EVERY_S)


def first_line(error: psycopg.Error) -> str:
    """Return what went wrong without the details below it, which may quote a row."""
    return str(error).partition("\n")[0]


async def _connect(url: str) -> Connection:
    return await psycopg.AsyncConnection.connect(
        url,
        autocommit=True,
        connect_timeout=CONNECT_TIMEOUT_S,
        options=f"-c statement_timeout={STATEMENT_TIMEOUT_MS}",
        application_name="yikao feed",
    )
