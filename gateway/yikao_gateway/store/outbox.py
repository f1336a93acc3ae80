"""What the gateway has read and the server has not yet confirmed: nothing leaves it otherwise.

A reading is an item of the outbox from the transaction that stores its last frame, and is open
until the server's receipt says that it is in the database, or in quarantine. The broker's own
acknowledgement settles nothing. A record that a device sends again has the same `reading_id` and
is no new item.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Cursor
from typing import Final
from uuid import UUID

from msgspec import json

from yikao_devices.wire import Item, RefusedFrame, Rejection, encode_item, kind_of
from yikao_gateway.errors import StorageFull
from yikao_gateway.store import frames
from yikao_gateway.store.database import Database
from yikao_gateway.store.frames import KeptFrame
from yikao_gateway.store.soundness import checksum, is_id, is_sound, moment_of

Placed = Callable[[Sequence[Item]], Sequence[Item]]

_INSERT: Final = (
    "INSERT INTO item (reading_id, kind, payload, crc, captured_at, measured_at)"
    " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (reading_id) DO UPDATE"
    " SET kind = excluded.kind, payload = excluded.payload, crc = excluded.crc,"
    " measured_at = excluded.measured_at, state = 'open', code = NULL WHERE state = 'damaged'"
)
"""What comes again is no new item, but it mends what the disk had changed."""


@dataclass(frozen=True, slots=True)
class Row:
    """An open item; `payload` is its JSON as it travels, `measured_s` when it was measured as Unix
    time, `attempts` counts the sends so far."""

    seq: int
    reading_id: UUID
    kind: str
    payload: bytes
    measured_s: float
    attempts: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How many items are in which state; `rejected_by_code` says why."""

    open: int
    stored: int
    rejected: int
    damaged: int
    frames: int
    oldest_open: datetime | None
    rejected_by_code: dict[str, int]


class Outbox:
    """Items and frames in a `Database`; every method is one transaction, or raises `StorageError`
    and has changed nothing.

    placed: says of new items where they were measured, and by whose card.
    """

    def __init__(self, database: Database, placed: Placed = tuple) -> None:
        self._database = database
        self._placed = placed

    def next_boot(self) -> int:
        """Return how often the gateway has started with this file, this time included."""
        with self._database.write() as cursor:
            cursor.execute(
                "INSERT INTO meta VALUES ('boot', '1')"
                " ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1"
            )
            (boot,) = cursor.execute("SELECT value FROM meta WHERE key = 'boot'").fetchone()
        return int(boot)

    def keep(
        self,
        session: str,
        frame: KeptFrame | None,
        items: Sequence[Item],
        at: datetime,
        *,
        complete: bool,
    ) -> int:
        """Store a frame and the items it completed; return how many of these are new.

        complete: what was stored of `session` before need not wait any longer; all its bytes are
        in items.
        """
        rows = [_row_of(item, at) for item in self._placed(items)]
        with self._database.write() as cursor:
            if complete:
                frames.delete(cursor, (session,))
            if frame is not None:
                frames.store(cursor, session, frame)
            return _insert(cursor, rows)

    def add(self, item: Item, at: datetime) -> bool:
        """Store an item that no frame brought; return whether it is new."""
        return self.keep("", None, (item,), at, complete=False) == 1

    def leftovers(self, visited: Collection[str] = ()) -> dict[str, list[KeptFrame]]:
        """Return the frames that wait, by session, in order of arrival.

        visited: devices whose frames are left out. A frame that the disk has changed is set to
        `damaged`, as an item of its own.
        """
        sessions, damaged = frames.leftovers(self._database, visited)
        if damaged:
            with self._database.write() as cursor:
                frames.give_up(cursor, damaged)
        return sessions

    def release(self, sessions: Collection[str], items: Sequence[Item], at: datetime) -> int:
        """Store items, and delete the frames of these sessions; return how many items are new.

        Of items with one id the first is stored.
        """
        rows = [_row_of(item, at) for item in self._placed(items)]
        with self._database.write() as cursor:
            frames.delete(cursor, sessions)
            return _insert(cursor, rows)

    def last_seq(self) -> int:
        """Return the number of the newest item, 0 when there is none."""
        (last,) = self._database.read("SELECT COALESCE(MAX(seq), 0) FROM item")[0]
        return int(last)

    def news_ids(self, since: datetime, limit: int) -> list[tuple[int, UUID]]:
        """Return number and id of the open items measured since then, oldest first."""
        return self._ids(
            "SELECT seq, reading_id FROM item WHERE state = 'open' AND measured_at >= ?"
            " ORDER BY measured_at, seq LIMIT ?",
            (since.timestamp(), limit),
        )

    def backlog_ids(self, before: datetime, limit: int) -> list[tuple[int, UUID]]:
        """Return number and id of the open items measured before then, oldest first."""
        return self._ids(
            "SELECT seq, reading_id FROM item WHERE state = 'open' AND measured_at < ?"
            " ORDER BY measured_at, seq LIMIT ?",
            (before.timestamp(), limit),
        )

    def _ids(self, sql: str, arguments: tuple[float, int]) -> list[tuple[int, UUID]]:
        rows = self._database.read(sql, arguments)
        self._set_damaged([seq for seq, name in rows if not is_id(name)])
        return [(seq, UUID(bytes=name)) for seq, name in rows if is_id(name)]

    def waiting(self, limit: int, after: int = 0) -> list[Row]:
        """Return the open items with a higher number than `after`, in the order of storing."""
        return self._sound(
            "SELECT {columns} FROM item WHERE state = 'open' AND seq > ? ORDER BY seq LIMIT ?",
            (after, limit),
        )

    def rows(self, seqs: Sequence[int]) -> list[Row]:
        """Return those of the items of these numbers that are open, oldest measured first."""
        return self._sound(
            "SELECT {columns} FROM json_each(?) JOIN item ON seq = value"
            " WHERE state = 'open' ORDER BY measured_at, seq",
            (json.encode(seqs),),
        )

    def _sound(self, sql: str, arguments: tuple[object, ...]) -> list[Row]:
        """Return what can be sent of a query's rows.

        What the disk has changed is set to `damaged` and never returned: signed by us, it would
        pass for a reading.
        """
        columns = (
            "seq, reading_id, kind, payload, crc, attempts, coalesce(CAST(measured_at AS REAL), 0)"
        )
        found = self._database.read(sql.format(columns=columns), arguments)
        good, damaged = [], []
        for seq, name, kind, payload, crc, attempts, measured_s in found:
            if is_sound(name, kind, payload, crc):
                good.append(Row(seq, UUID(bytes=name), kind, payload, measured_s, attempts))
            else:
                damaged.append(seq)
        self._set_damaged(damaged)
        return good

    def mark_sent(self, seqs: Iterable[int], at: datetime) -> None:
        """Note that these items have been handed to the broker."""
        with self._database.write() as cursor:
            cursor.executemany(
                "UPDATE item SET attempts = attempts + 1,"
                " first_sent_at = COALESCE(first_sent_at, ?) WHERE seq = ?",
                [(at.timestamp(), seq) for seq in seqs],
            )

    def settle(self, stored: Iterable[UUID], rejected: Iterable[Rejection], at: datetime) -> None:
        """Close the items that the server has; an unknown id is none of ours and is ignored.

        What is stored stays stored, whatever a later receipt says of a repetition. Where there is
        no room to note it, what the server has stored goes, which takes none.
        """
        names, refusals = [each.bytes for each in stored], list(rejected)
        try:
            self._close(names, refusals, at)
        except StorageFull:
            with self._database.write() as cursor:
                cursor.executemany(
                    "DELETE FROM item WHERE reading_id = ?", [(name,) for name in names]
                )
            self._close([], refusals, at)

    def _close(self, stored: list[bytes], rejected: list[Rejection], at: datetime) -> None:
        when = at.timestamp()
        with self._database.write() as cursor:
            cursor.executemany(
                "UPDATE item SET state = 'stored', code = NULL, receipt_at = ?"
                " WHERE reading_id = ? AND state <> 'stored'",
                [(when, name) for name in stored],
            )
            cursor.executemany(
                "UPDATE item SET state = 'rejected', code = ?, receipt_at = ?"
                " WHERE reading_id = ? AND state = 'open'",
                [(each.code, when, each.reading_id.bytes) for each in rejected],
            )

    def reopen_rejected(self) -> int:
        """Open every rejected item again, after its cause was mended; return how many."""
        with self._database.write() as cursor:
            cursor.execute(
                "UPDATE item SET state = 'open', code = NULL, receipt_at = NULL"
                " WHERE state = 'rejected'"
            )
            return cursor.rowcount

    def counts(self) -> Counts:
        """Return how many items are in which state."""
        states: dict[str, int] = dict(
            self._database.read("SELECT state, COUNT(*) FROM item GROUP BY state")
        )
        codes = self._database.read(
            "SELECT COALESCE(code, ''), COUNT(*) FROM item WHERE state = 'rejected' GROUP BY 1"
        )
        (oldest,) = self._database.read("SELECT MIN(captured_at) FROM item WHERE state = 'open'")[0]
        ((frames,),) = self._database.read("SELECT COUNT(*) FROM frame")
        return Counts(
            states.get("open", 0),
            states.get("stored", 0),
            states.get("rejected", 0),
            states.get("damaged", 0),
            frames,
            moment_of(oldest),
            dict(codes),
        )

    def waiting_count(self) -> int:
        """Return how many items are open."""
        ((count,),) = self._database.read("SELECT COUNT(*) FROM item WHERE state = 'open'")
        return int(count)

    def has_new(self) -> bool:
        """Return whether there is an open item that was never sent."""
        rows = self._database.read(
            "SELECT 1 FROM item WHERE state = 'open' AND attempts = 0 LIMIT 1"
        )
        return bool(rows)

    def oldest_open_at(self) -> datetime | None:
        """Return when the open item was read that has waited longest; None when none waits."""
        (oldest,) = self._database.read("SELECT MIN(captured_at) FROM item WHERE state = 'open'")[0]
        return moment_of(oldest)

    def last_receipt_at(self) -> datetime | None:
        """Return when the server last said that it has something; None when it never did."""
        (last,) = self._database.read(
            "SELECT MAX(receipt_at) FROM item WHERE receipt_at IS NOT NULL"
        )[0]
        return moment_of(last)

    def state_of(self, reading_id: UUID) -> str | None:
        """Return the state of an item; None when it is not there, or not any more."""
        rows = self._database.read(
            "SELECT state FROM item WHERE reading_id = ?", (reading_id.bytes,)
        )
        return str(rows[0][0]) if rows else None

    def _set_damaged(self, seqs: list[int]) -> None:
        if not seqs:
            return
        with self._database.write() as cursor:
            cursor.executemany(
                "UPDATE item SET state = 'damaged', code = NULL WHERE seq = ?",
                [(seq,) for seq in seqs],
            )


_ItemRow = tuple[bytes, str, bytes, int, float, float]


def _insert(cursor: Cursor, rows: Sequence[_ItemRow]) -> int:
    """Store items; return how many are new."""
    before = cursor.connection.total_changes
    cursor.executemany(_INSERT, rows)
    return cursor.connection.total_changes - before


def _row_of(item: Item, at: datetime) -> _ItemRow:
    payload = encode_item(item)
    measured = item.clocks.t_hub if isinstance(item, RefusedFrame) else item.measured_at
    stored_s, measured_s = at.timestamp(), measured.timestamp()
    name = item.reading_id.bytes
    return name, kind_of(item), payload, checksum(payload), stored_s, measured_s
