"""An episode, and its pages, whose readings turned out to be another resident's.

Nothing of it is taken back: somebody was called, and decides what becomes of it. But its story says
from then on that the registry was corrected, and whoever opens it is told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg import AsyncConnection

from yikao_alerts.episode import State
from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_alerts.store import CHANGED, notify, save_event

SQL: Final = load_sql_blocks("yikao_alerts", "sql/amended.sql")
AMENDED: Final = "amended"
"""Event: readings of the episode are another resident's. It changes no state."""
RETURNED: Final = "returned"
"""Event: they are the resident's after all."""


@dataclass(frozen=True, slots=True)
class Correction:
    """Which registry says so, who applied it, and when its word was carried out."""

    version: str
    by: str
    at: datetime


async def amend(
    conn: AsyncConnection,
    patient_id: int,
    readings: Mapping[str, datetime],
    event: str,
    correction: Correction,
) -> int:
    """Add `event` to the story of each episode of a resident made of these readings; return to how
    many. readings: by key, when they were measured. The resident is locked by the caller."""
    values = {
        "patient_id": patient_id,
        "keys": list(readings),
        "times": list(readings.values()),
    }
    rows = await (await conn.execute(SQL["made_of"], values)).fetchall()
    for episode_id, state, count in rows:
        detail = {"readings": count, "registry": correction.version}
        states = (State(state), State(state))
        await save_event(
            conn, episode_id, correction.at, event, states, actor=correction.by, detail=detail
        )
        await notify(conn, CHANGED, f"episode:{episode_id}")
    return len(rows)
