"""A doctor answered by text message: the episode is taken, once, and what came in is kept.

The code in the answer says which message is meant, and is good only on the telephone that it went
to; without it nothing is taken, for two may be waiting. A message that names several residents is
answered for all of them. Whoever guesses is not heard after a few misses. What was not understood
is kept as well: no answer disappears.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from yikao_alerts.answer import Answered, acknowledge
from yikao_alerts.channels.sms_reply import Incoming
from yikao_alerts.reply import TAKE, Reply, read_reply, reply_code
from yikao_alerts.sql_blocks import load_sql_blocks

SQL: Final = load_sql_blocks("yikao_alerts", "sql/reply.sql")
GOOD_FOR: Final = timedelta(hours=24)
"""As long as the link of the same page."""
PAGES_MAX: Final = 200
"""Pages to one telephone within `GOOD_FOR` that are looked at, the newest."""
MISSES_MAX: Final = 10
"""Codes that fit nothing, of one telephone within `MISSES_WITHIN`; then none is looked at."""
MISSES_WITHIN: Final = timedelta(hours=1)


class Heard(StrEnum):
    """What came of an answer."""

    TAKEN = "taken"
    LATE = "late"
    UNKNOWN = "unknown"
    UNREADABLE = "unreadable"
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True)
class _Sent:
    """A message that was sent to a telephone: the episodes it names, each with whom it called."""

    message_id: UUID
    calls: tuple[tuple[int, str], ...]


async def take_by_reply(
    conn: AsyncConnection, *, now: datetime, secret: bytes, incoming: Incoming
) -> Heard:
    """Take all that the answered message names, for the doctor whose telephone it came from.

    The same answer, told again by the cloud, does nothing.
    """
    async with conn.transaction():
        reply = read_reply(incoming.said)
        sent = await _answered_by(conn, now, secret, incoming, reply)
        outcome = _expected(reply, sent)
        if not await _keep(conn, now, incoming, outcome, sent):
            return Heard.REPEATED
        if sent is None:
            return outcome
        if await _take(conn, now, sent):
            return Heard.TAKEN
        await conn.execute(SQL["reply_was_late"], {"reply_id": incoming.reply_id})
        return Heard.LATE


def _expected(reply: Reply | None, sent: _Sent | None) -> Heard:
    if reply is None or reply.word != TAKE:
        return Heard.UNREADABLE
    return Heard.UNKNOWN if sent is None else Heard.TAKEN


async def _take(conn: AsyncConnection, now: datetime, sent: _Sent) -> bool:
    """Take each episode of a message; return whether any of them is the doctor's now."""
    answers = [
        await acknowledge(
            conn, now=now, episode_id=episode_id, doctor_id=doctor_id, disposition=None
        )
        for episode_id, doctor_id in sent.calls
    ]
    return any(isinstance(answer, Answered) for answer in answers)


async def _answered_by(
    conn: AsyncConnection, now: datetime, secret: bytes, incoming: Incoming, reply: Reply | None
) -> _Sent | None:
    """Return the message that was answered; None when none fits, or too much was tried."""
    if reply is None or reply.word != TAKE:
        return None
    who = {"address": incoming.address}
    misses = await _rows(conn, "missed_replies", who | {"since": now - MISSES_WITHIN})
    if misses[0]["missed"] >= MISSES_MAX:
        return None
    rows = await _rows(conn, "messages_to", who | {"since": now - GOOD_FOR, "limit": PAGES_MAX})
    for message_id in dict.fromkeys(row["message_id"] for row in rows):
        if reply_code(secret, message_id, incoming.address) == reply.code:
            ours = (row for row in rows if row["message_id"] == message_id)
            # Residents are locked in one order everywhere: two answers never wait for each other.
            ordered = sorted(ours, key=lambda row: (row["patient_id"], row["episode_id"]))
            calls = tuple((row["episode_id"], row["doctor_id"]) for row in ordered)
            return _Sent(message_id, calls)
    return None


async def _keep(
    conn: AsyncConnection, now: datetime, incoming: Incoming, outcome: Heard, sent: _Sent | None
) -> bool:
    """Keep what came in; return whether it is new."""
    values = {
        "reply_id": incoming.reply_id,
        "address": incoming.address,
        "said": incoming.said,
        "now": now,
        "outcome": str(outcome),
        "message_id": sent and sent.message_id,
    }
    return bool(await _rows(conn, "keep_reply", values))


async def _rows(conn: AsyncConnection, statement: str, values: dict[str, Any]) -> list[Any]:
    cursor = conn.cursor(row_factory=dict_row)
    await cursor.execute(SQL[statement], values)
    return await cursor.fetchall()
