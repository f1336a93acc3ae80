"""What cannot be used is set aside: in the quarantine, with its bytes, its reason and its sender.

All that a batch brings goes in by two statements, however much it is: whoever sends what nobody can
use must not slow the others, whose readings are stored by the same transaction.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg import Connection

from yikao_alerts.from_wire import matters
from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_devices import wire
from yikao_ingest.accept import Judged, Quarantined

SQL: Final = load_sql_blocks("yikao_ingest")
DETAIL_MAX: Final = 500
"""Characters kept of what a decoder said; it may quote the message."""
KEPT_BYTES: Final = wire.MESSAGE_BYTES_MAX + 1
"""Of what is too long to be read the beginning is enough to see what it is: to write ten megabytes
takes 0.1 s, in which nobody gets a receipt. A byte over the limit it is too long also when it is
judged again."""
_TYPES: Final = (
    *("timestamptz", "text", "text", "text", "text", "bytea"),
    *("uuid", "int4", "timestamptz", "int8", "text", "text"),
)
"""Of the columns of `copy_quarantine`."""


class _Refused(NamedTuple):
    """Something to set aside, the message it came in, and that one's number where it is kept."""

    judged: Judged
    item: Quarantined
    message_id: int | None


def set_aside(
    conn: Connection[Any], batch: Sequence[Judged], message_ids: Sequence[int | None], now: datetime
) -> set[int]:
    """Put what was refused of a batch into quarantine; return the residents to look at.

    message_ids: of each message of the batch, None for one that is not kept. An id that the ledger
    has already is a repetition; of several under one id the first goes in.
    """
    refused = list(_once(batch, message_ids))
    if not refused:
        return set()
    named = {one.item.reading_id: one.message_id for one in refused if one.item.reading_id}
    fresh = {None, *_entered(conn, named, now)}
    entries = [one for one in refused if one.item.reading_id in fresh]
    with conn.cursor().copy(SQL["copy_quarantine"]) as copy:
        copy.set_types(_TYPES)
        for one in entries:
            copy.write_row(_row(one, now))
    told = (one.item for one in entries)
    return {item.patient_id for item in told if item.patient_id and matters(item.payload)}


def storable(text: str) -> str:
    """Return a text from outside as PostgreSQL can hold it: it takes every character but NUL."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _once(batch: Sequence[Judged], message_ids: Sequence[int | None]) -> Iterator[_Refused]:
    """Yield what was refused, of each id the first; what has no id is never a repetition."""
    seen: set[UUID] = set()
    for judged, message_id in zip(batch, message_ids, strict=True):
        for item in judged.items:
            if not isinstance(item, Quarantined) or item.reading_id in seen:
                continue
            if item.reading_id is not None:
                seen.add(item.reading_id)
            yield _Refused(judged, item, message_id)


def _entered(conn: Connection[Any], named: dict[UUID, int | None], now: datetime) -> set[UUID]:
    """Enter ids into the ledger; return those that it did not have."""
    # In one order: two that share the work must not wait for each other.
    ids = sorted(named)
    values = {"ids": ids, "message_ids": [named[known] for known in ids], "now": now}
    return {row[0] for row in conn.execute(SQL["ledger_quarantined"], values)}


def _row(one: _Refused, now: datetime) -> tuple[object, ...]:
    judged, item, message_id = one
    incoming = judged.incoming
    return (
        now,
        storable(judged.origin.gateway) if judged.origin else None,
        storable(incoming.topic),
        str(item.reason),
        _detail(item),
        item.payload[:KEPT_BYTES],
        item.reading_id,
        item.patient_id,
        item.measured_at,
        message_id,
        # Of a message refused as a whole, to look at its signature again.
        storable(incoming.key_id)[:DETAIL_MAX] if judged.whole else None,
        storable(incoming.signature)[:DETAIL_MAX] if judged.whole else None,
    )


def _detail(item: Quarantined) -> str:
    detail, length = storable(item.detail)[:DETAIL_MAX], len(item.payload)
    if length <= KEPT_BYTES:
        return detail
    return f"{detail}; of {length} bytes the first {KEPT_BYTES} are kept"
