"""What the gateway has read and the server has not yet confirmed: nothing leaves it otherwise.

A reading is an item of the outbox from the transaction that stores its last frame, and is open
until the server's receipt says that it is in the database, or in quarantine. The broker's own
acknowledgement settles nothing. A record that a device sends again has the same `reading_id` and
is no new item.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from yikao_devices.wire import Item, Rejection, encode_item, kind_of
from yikao_gateway.database import Database

PURGE_MAX: Final = 1000
"""Rows that one call of `purge` deletes at most, so that it never holds up a reading."""
LEFTOVERS_MAX: Final = 100_000
"""Frames given back after a crash; one session has fewer."""

SEQ_MAX: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class KeptFrame:
    """A frame as it arrived; `arrived_at` aware, `device_offset_s` as known at that time."""

    device: str
    model: str
    characteristic: int
    data: bytes
    arrived_at: datetime
    device_offset_s: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """An open item; `payload` is its JSON as it travels, `attempts` counts the sends so far."""

    seq: int
    reading_id: UUID
    kind: str
    payload: bytes
    captured_at: datetime
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
    and has changed nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

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

        complete: nothing of `session` waits for a later frame, so its stored frames can go: all
        their bytes are in items.
        """
        rows = [_row_of(item, at) for item in items]
        with self._database.write() as cursor:
            if frame is not None:
                cursor.execute(
                    "INSERT INTO frame (session, device, model, characteristic, bytes, arrived_at,"
                    " device_offset_s) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        session,
                        frame.device,
                        frame.model,
                        frame.characteristic,
                        frame.data,
                        frame.arrived_at.isoformat(),
                        frame.device_offset_s,
                    ),
                )
            before = cursor.connection.total_changes
            cursor.executemany(
                "INSERT INTO item (reading_id, kind, payload, crc, captured_at)"
                " VALUES (?, ?, ?, ?, ?) ON CONFLICT (reading_id) DO NOTHING",
                rows,
            )
            new = cursor.connection.total_changes - before
            if complete:
                cursor.execute("DELETE FROM frame WHERE session = ?", (session,))
        return new

    def add(self, item: Item, at: datetime) -> bool:
        """Store an item that no frame brought; return whether it is new."""
        return self.keep("", None, (item,), at, complete=False) == 1

    def leftovers(self) -> dict[str, list[KeptFrame]]:
        """Return the frames that a crash left without an item, by session, in order of arrival."""
        sessions: dict[str, list[KeptFrame]] = {}
        for (
            session,
            device,
            model,
            characteristic,
            data,
            arrived_at,
            offset_s,
        ) in self._database.read(
            "SELECT session, device, model, characteristic, bytes, arrived_at, device_offset_s"
            " FROM frame ORDER BY id LIMIT ?",
            (LEFTOVERS_MAX,),
        ):
            arrived = datetime.fromisoformat(arrived_at)
            frame = KeptFrame(device, model, characteristic, data, arrived, offset_s)
            sessions.setdefault(session, []).append(frame)
        return sessions

    def last_seq(self) -> int:
        """Return the number of the newest item, 0 when there is none."""
        (last,) = self._database.read("SELECT COALESCE(MAX(seq), 0) FROM item")[0]
        return int(last)

    def waiting_ids(
        self, limit: int, *, after: int = 0, upto: int = SEQ_MAX
    ) -> list[tuple[int, UUID]]:
        """Return number and id of the open items in a range of numbers, oldest first."""
        rows = self._database.read(
            "SELECT seq, reading_id FROM item"
            " WHERE state = 'open' AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
            (after, upto, limit),
        )
        return [(seq, UUID(bytes=name)) for seq, name in rows]

    def waiting(self, limit: int, after: int = 0) -> list[Row]:
        """Return the open items with a higher number than `after`, oldest first.

        A payload that the disk has changed is set to `damaged` and never returned: signed by us,
        it would pass for a reading.
        """
        found = self._database.read(
            "SELECT seq, reading_id, kind, payload, captured_at, attempts, crc FROM item"
            " WHERE state = 'open' AND seq > ? ORDER BY seq LIMIT ?",
            (after, limit),
        )
        damaged = [seq for seq, _, _, payload, *_, crc in found if zlib.crc32(payload) != crc]
        if damaged:
            self._set_damaged(damaged)
        return [
            Row(seq, UUID(bytes=name), kind, payload, _moment(captured), attempts)
            for seq, name, kind, payload, captured, attempts, _ in found
            if seq not in damaged
        ]

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

        What is stored stays stored, whatever a later receipt says of a repetition.
        """
        when = at.timestamp()
        with self._database.write() as cursor:
            cursor.executemany(
                "UPDATE item SET state = 'stored', code = NULL, receipt_at = ?"
                " WHERE reading_id = ? AND state <> 'stored'",
                [(when, reading_id.bytes) for reading_id in stored],
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

    def purge(self, before: datetime) -> int:
        """Delete up to `PURGE_MAX` items that the server had before then; return how many."""
        with self._database.write() as cursor:
            cursor.execute(
                "DELETE FROM item WHERE seq IN (SELECT seq FROM item"
                " WHERE state = 'stored' AND receipt_at < ? ORDER BY receipt_at LIMIT ?)",
                (before.timestamp(), PURGE_MAX),
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
            None if oldest is None else _moment(oldest),
            dict(codes),
        )

    def waiting_count(self) -> int:
        """Return how many items are open."""
        ((count,),) = self._database.read("SELECT COUNT(*) FROM item WHERE state = 'open'")
        return int(count)

    def _set_damaged(self, seqs: list[int]) -> None:
        with self._database.write() as cursor:
            cursor.executemany(
                "UPDATE item SET state = 'damaged' WHERE seq = ?", [(seq,) for seq in seqs]
            )


def _row_of(item: Item, at: datetime) -> tuple[bytes, str, bytes, int, float]:
    payload = encode_item(item)
    crc = zlib.crc32(payload)
    return item.reading_id.bytes, kind_of(item), payload, crc, at.timestamp()


def _moment(unix_s: float) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)
