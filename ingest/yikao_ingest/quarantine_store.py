"""The quarantine as it is stored: what waits, all about one entry, and putting one away for good.

What waits is shown without what was measured: counts, times, gateways, devices.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from psycopg import Connection

from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_ingest.accept import Quarantined
from yikao_ingest.errors import ServerError
from yikao_ingest.packed import unpack
from yikao_ingest.quarantine import Entry, Message
from yikao_ingest.reasons import Reason
from yikao_ingest.setting_aside import DETAIL_MAX, storable

SQL: Final = load_sql_blocks("yikao_ingest", "sql/quarantine.sql")
RELEASED: Final = "released"
DISCARDED: Final = "discarded"
"""How an entry is closed."""
ITEM_BYTES: Final = 4096
"""Longer entries are not looked into for a device where many are listed: no item is so long."""


@dataclass(frozen=True, slots=True)
class Which:
    """Which entries are asked for; None: whichever. since: came at this time or later."""

    reasons: frozenset[Reason] | None = None
    gateway: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How many wait for one reason, and when the first and the last of them came."""

    reason: Reason
    entries: int
    oldest_at: datetime
    newest_at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """One that waits. device: whose item it is, where that can be read."""

    quarantine_id: int
    received_at: datetime
    reason: Reason
    gateway_id: str | None
    device: str | None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of one entry, open or closed.

    signed: whether the signature of a message refused as a whole is kept. message_id: of the
    message that an item came in. outcome: what the ledger says of its id today.
    """

    quarantine_id: int
    received_at: datetime
    reason: Reason
    detail: str
    topic: str
    gateway_id: str | None
    payload: bytes
    reading_id: UUID | None
    measured_at: datetime | None
    resident_code: str | None
    key_id: str | None
    signed: bool
    message_id: int | None
    outcome: str | None
    closed_as: str | None
    closed_at: datetime | None
    closed_by: str | None
    closed_because: str | None

    @property
    def device(self) -> str | None:
        """Whose item it is, where that can be read."""
        return device_of(self.payload)


class _Device(msgspec.Struct):
    """The least that can be read of an item whose rest cannot."""

    device: str


_decode_device = msgspec.json.Decoder(_Device).decode


def device_of(payload: bytes) -> str | None:
    """Return the device that an item names, None where it names none."""
    try:
        return _decode_device(payload).device
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def counts(conn: Connection[Any], which: Which) -> list[Count]:
    """Return how many wait, reason by reason; the reason of the newest entry comes first."""
    rows = conn.execute(SQL["waiting_by_reason"], _values(which)).fetchall()
    return [Count(Reason(reason), *rest) for reason, *rest in rows]


def newest(conn: Connection[Any], which: Which, limit: int) -> list[Waiting]:
    """Return at most `limit` that wait, the newest first."""
    values = _values(which) | {"limit": limit, "item_bytes": ITEM_BYTES}
    rows = conn.execute(SQL["waiting_newest"], values).fetchall()
    return [
        Waiting(number, at, Reason(reason), gateway, device_of(payload))
        for number, at, reason, gateway, payload in rows
    ]


def _values(which: Which) -> dict[str, Any]:
    reasons = None if which.reasons is None else sorted(which.reasons)
    return {"reasons": reasons, "gateway": which.gateway, "since": which.since}


def facts(conn: Connection[Any], quarantine_id: int) -> Facts:
    """Return all that is known of an entry; refuses with `ServerError` a number there is not."""
    check_known(conn, [quarantine_id])
    row = conn.execute(SQL["facts"], {"id": quarantine_id}).fetchone()
    assert row is not None, "entries are never deleted"
    number, received_at, reason, *rest = row
    return Facts(number, received_at, Reason(reason), *rest)


def check_known(conn: Connection[Any], ids: Sequence[int]) -> None:
    """Refuse with `ServerError` numbers under which nothing was ever in quarantine."""
    rows = conn.execute(SQL["known"], {"ids": list(ids)}).fetchall()
    if unknown := set(ids) - {row[0] for row in rows}:
        names = ", ".join(map(str, sorted(unknown)))
        raise ServerError(f"not in quarantine: {names}", "see `yikao quarantine list`")


def discard(
    conn: Connection[Any], ids: Sequence[int], by: str, because: str, now: datetime
) -> list[int]:
    """Put entries away for good, and return which; what is closed already stays as it is.

    Refuses with `ServerError` a number there is not, and a reason without a word.
    """
    if not because.strip():
        raise ServerError("no reason is given", 'say why: --because "…"')
    with conn.transaction():
        check_known(conn, ids)
        return close(conn, ids, DISCARDED, by, now, because=because.strip())


def close(
    conn: Connection[Any],
    ids: Sequence[int],
    as_: str,
    by: str,
    now: datetime,
    *,
    because: str | None = None,
) -> list[int]:
    """Close entries that are open, and return which."""
    values = {"ids": list(ids), "as": as_, "by": by, "now": now, "because": because}
    return [row[0] for row in conn.execute(SQL["close"], values).fetchall()]


def chosen(
    conn: Connection[Any],
    *,
    ids: Sequence[int] | None,
    reason: Reason | None,
    device: str | None,
) -> list[tuple[int, ...]]:
    """Return the numbers of those that wait and are meant, together what came in one message.

    device: only where the bytes name it. The oldest come first.
    """
    naming = None if device is None else msgspec.json.encode(device)
    values = {"ids": None if ids is None else list(ids), "reason": reason, "naming": naming}
    groups: dict[tuple[str, int], list[int]] = {}
    for number, message_id in conn.execute(SQL["chosen"], values).fetchall():
        key = ("entry", number) if message_id is None else ("message", message_id)
        groups.setdefault(key, []).append(number)
    return [tuple(numbers) for numbers in groups.values()]


def locked(conn: Connection[Any], ids: Sequence[int]) -> list[Entry]:
    """Return those that are still open, locked until the transaction ends."""
    rows = conn.execute(SQL["entries"], {"ids": list(ids)}).fetchall()
    known = {"ids": list({row[-1] for row in rows} - {None})}
    kept = {
        number: Message(unpack(payload), *proof)
        for number, payload, *proof in conn.execute(SQL["messages"], known)
    }
    return [_entry(row[:-1], kept.get(row[-1])) for row in rows]


def _entry(row: Sequence[Any], message: Message | None) -> Entry:
    fields = [*row[:4], Reason(row[4]), *row[5:], message]
    return Entry(*fields)


def set_verdict(conn: Connection[Any], quarantine_id: int, verdict: Quarantined) -> None:
    """Store why an entry stays, and whose it is where that is known by now."""
    values = {
        "id": quarantine_id,
        "reason": verdict.reason,
        "detail": storable(verdict.detail)[:DETAIL_MAX],
        "patient_id": verdict.patient_id,
        "measured_at": verdict.measured_at,
    }
    conn.execute(SQL["stays"], values)
