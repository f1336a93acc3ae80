"""Rotas in the database: read as values, and what people say on top of them written down.

A word is dated and signed; it is withdrawn at most, never deleted, so that a year later one can see
why somebody was called.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection

from yikao_alerts.rota.model import (
    HandOver,
    Kind,
    Layer,
    Leave,
    Override,
    Rota,
    Rotas,
    Rotation,
    Word,
)
from yikao_alerts.rota.when import Hours
from yikao_alerts.sql_blocks import load_sql_blocks

SQL: Final = load_sql_blocks("yikao_alerts", "sql/rota.sql")
ALWAYS: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def rows_of(conn: AsyncConnection, statement: str, **values: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a statement of `sql/rota.sql`."""
    cursor = await conn.execute(SQL[statement], values)
    return await cursor.fetchall()


async def load_rotas(conn: AsyncConnection, since: datetime = ALWAYS) -> Rotas:
    """Return every rota by its id, with all words and leaves that end after `since`."""
    zones = {rota_id: ZoneInfo(zone) for rota_id, zone in await rows_of(conn, "rotas")}
    if not zones:
        return {}
    layers: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for rota_id, *layer in await rows_of(conn, "layers"):
        layers[rota_id].append(tuple(layer))
    words: dict[str, list[Word]] = defaultdict(list)
    for rota_id, *word in await rows_of(conn, "overrides", since=since):
        words[rota_id].append(_word(*word))
    leaves = await load_leaves(conn, since)
    holidays = dict(await rows_of(conn, "holidays"))
    made: dict[str, Rota] = {}

    def make(rota_id: str) -> Rota:
        """Make a rota after those it refers to; the registry refuses a circle."""
        if rota_id not in made:
            parts = tuple(
                _layer(make(other) if other else None, *rest) for other, *rest in layers[rota_id]
            )
            said = tuple(words[rota_id])
            made[rota_id] = Rota(rota_id, zones[rota_id], parts, said, leaves, holidays)
        return made[rota_id]

    return {rota_id: make(rota_id) for rota_id in zones}


async def load_leaves(conn: AsyncConnection, since: datetime = ALWAYS) -> tuple[Leave, ...]:
    """Return who is away, when, and who stands in; what ended before `since` is left out."""
    return tuple(Leave(*row) for row in await rows_of(conn, "leaves", since=since))


def _layer(other: Rota | None, *row: Any) -> Layer:
    start, days, hand_over, on_days, begin, end, first, last, members = row
    turns = other or Rotation(tuple(members), start, days, hand_over)
    hours = Hours(frozenset(on_days), begin, end) if on_days else None
    return Layer(turns, hours, first, last)


def _word(
    kind: str, doctors: Sequence[str], giver: str | None, begin: datetime, end: datetime
) -> Word:
    if giver is not None:
        return HandOver(giver, doctors[0], begin, end)
    return Override(Kind(kind), tuple(doctors), begin, end)


@dataclass(frozen=True, slots=True)
class Signed:
    """Who says something, when, and why."""

    by: str
    now: datetime
    reason: str


async def say(conn: AsyncConnection, rota_id: str, word: Word, signed: Signed) -> int:
    """Write an override or a hand-over down; return its number."""
    what: dict[str, Any]
    match word:
        case HandOver(giver, taker):
            what = {"kind": "hand_over", "giver": giver, "doctors": [taker]}
        case Override(kind, doctors):
            what = {"kind": str(kind), "giver": None, "doctors": list(doctors)}
    span = {"rota": rota_id, "begin": word.begin, "end": word.end}
    ((number,),) = await rows_of(conn, "add_override", **what, **span, **_signature(signed))
    return int(number)


async def say_leave(conn: AsyncConnection, leave: Leave, signed: Signed) -> int:
    """Write a doctor's leave down; return its number."""
    what = {"doctor": leave.doctor, "substitute": leave.substitute}
    span = {"begin": leave.begin, "end": leave.end}
    ((number,),) = await rows_of(conn, "add_leave", **what, **span, **_signature(signed))
    return int(number)


async def withdraw(conn: AsyncConnection, what: str, number: int, by: str, now: datetime) -> bool:
    """Take an "override" (or hand-over) or a "leave" back; return whether it still counted."""
    statement = "withdraw_leave" if what == "leave" else "withdraw_override"
    return bool(await rows_of(conn, statement, id=number, by=by, now=now))


def _signature(signed: Signed) -> dict[str, Any]:
    return {"by": signed.by, "now": signed.now, "reason": signed.reason}
