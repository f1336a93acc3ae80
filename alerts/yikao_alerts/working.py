"""The loop of every worker: connect, work, wait to be woken, reconnect when the database was away.

Notifications are hints that make work start sooner; the tables are asked every `POLL_S` anyway.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, LiteralString, TypedDict

from psycopg import AsyncConnection, InterfaceError, OperationalError
from psycopg.errors import IdleInTransactionSessionTimeout

log = logging.getLogger(__name__)

POLL_S: Final = 0.5
RECONNECT_FIRST_S: Final = 0.1
RECONNECT_MAX_S: Final = 2.0
CONNECT_TIMEOUT_S: Final = 5
GIVE_UP_IF_HUNG: Final = "SET idle_in_transaction_session_timeout = '30s'"
"""Whoever hangs within a transaction holds up those who wait for its locks no longer than this."""


class _Watched(TypedDict):
    keepalives_idle: int
    keepalives_interval: int
    keepalives_count: int


WATCHED: Final[_Watched] = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
"""For a connection's opening, in seconds: a server that vanished without a word is noticed after
25 s, not after the two hours of TCP."""

Cycle = Callable[[AsyncConnection], Awaitable[bool]]
"""One round of work on an autocommit connection; returns whether to go round again at once."""


async def nothing_left() -> None:
    """Finish at once: for a worker that has nothing under way between its rounds."""


async def work(
    dsn: str,
    listen: LiteralString,
    cycle: Cycle,
    wake: asyncio.Event,
    stop: asyncio.Event,
    finish: Callable[[], Awaitable[None]] = nothing_left,
) -> None:
    """Run `cycle` until `stop`, whenever woken through the channel `listen` or by `wake`.

    At the end `finish` is waited for while the connection is still there.
    """
    delay_s = RECONNECT_FIRST_S
    while not stop.is_set():
        try:
            async with await connect(dsn) as conn, await connect(dsn) as ears:
                await ears.execute("LISTEN " + listen)
                delay_s = RECONNECT_FIRST_S
                hearing = asyncio.create_task(_hear(ears, wake))
                try:
                    await _rounds(conn, cycle, wake, stop, hearing)
                    await finish()
                finally:
                    hearing.cancel()
                    await asyncio.gather(hearing, return_exceptions=True)
        except (OperationalError, InterfaceError, IdleInTransactionSessionTimeout) as error:
            # Its text may hold the connection's address, never a statement's values.
            log.warning("database away", extra={"error": str(error).partition("\n")[0]})
            await wait_any(delay_s, stop)
            delay_s = min(RECONNECT_MAX_S, delay_s * 2)


async def connect(dsn: str) -> AsyncConnection:
    """Return an autocommit connection to the database."""
    conn = await AsyncConnection.connect(
        dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, **WATCHED
    )
    try:
        await conn.execute(GIVE_UP_IF_HUNG)
    except BaseException:
        await conn.close()
        raise
    return conn


async def wait_any(timeout_s: float, *events: asyncio.Event) -> None:
    """Return when one of `events` is set, or after `timeout_s`."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waiting, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


async def _rounds(
    conn: AsyncConnection,
    cycle: Cycle,
    wake: asyncio.Event,
    stop: asyncio.Event,
    hearing: "asyncio.Task[None]",
) -> None:
    while not stop.is_set():
        wake.clear()
        while await cycle(conn) and not stop.is_set():
            pass
        if hearing.done():
            hearing.result()
        await wait_any(POLL_S, wake, stop)


async def _hear(ears: AsyncConnection, wake: asyncio.Event) -> None:
    async for _ in ears.notifies():
        wake.set()
