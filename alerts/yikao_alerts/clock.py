"""What time is it for the server? The database's clock, seen through the story clock.

One clock for all processes: no process's own clock decides when something is due.
"""

import os
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import cache

from psycopg import AsyncConnection

from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_devices.story_clock import VARIABLE, Clock, parse_clock

Now = Callable[[AsyncConnection], Awaitable[datetime]]
"""Tells a worker the time; `read_clock`, or a hand of the clock that a story holds."""


@cache
def story_clock() -> Clock:
    """Return the clock of this process, from its environment."""
    return parse_clock(os.environ.get(VARIABLE))


async def read_clock(conn: AsyncConnection) -> datetime:
    """Return the time now, aware, in UTC."""
    cursor = await conn.execute(load_sql_blocks("yikao_alerts")["read_clock"])
    row = await cursor.fetchone()
    assert row is not None, "a clock always answers"
    return story_clock().at(row[0].timestamp())
