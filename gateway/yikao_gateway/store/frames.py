"""Frames that are stored but not yet part of an item: what waits for its context, or for its time.

They are rows of the outbox's file, and each has a checksum, for a frame that the disk has changed
would be decoded as if a device had said it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Cursor
from typing import Final
from uuid import uuid4

from msgspec import json

from yikao_gateway.store.database import Database
from yikao_gateway.store.soundness import frame_checksum, is_sound_frame

LEFTOVERS_MAX: Final = 100_000
"""Frames given back at once; one session has fewer."""


@dataclass(frozen=True, slots=True)
class KeptFrame:
    """A frame as it arrived; `arrived_at` aware, `device_offset_s` as known at that time."""

    device: str
    model: str
    characteristic: int
    data: bytes
    arrived_at: datetime
    device_offset_s: float | None


def store(cursor: Cursor, session: str, frame: KeptFrame) -> None:
    """Store a frame of a session."""
    offset_s = frame.device_offset_s
    columns = (
        session,
        frame.device,
        frame.model,
        frame.characteristic,
        frame.arrived_at.isoformat(),
        # SQLite keeps no negative zero: with one the checksum would call the frame damaged.
        None if offset_s is None else offset_s + 0.0,
        frame.data,
    )
    cursor.execute(
        "INSERT INTO frame (session, device, model, characteristic, arrived_at,"
        " device_offset_s, bytes, crc) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*columns, frame_checksum(*columns)),
    )


def delete(cursor: Cursor, sessions: Iterable[str]) -> None:
    """Delete the frames of these sessions."""
    cursor.executemany("DELETE FROM frame WHERE session = ?", [(each,) for each in sessions])


def leftovers(
    database: Database, visited: Collection[str]
) -> tuple[dict[str, list[KeptFrame]], list[int]]:
    """Return the stored frames by session, in order of arrival, and the numbers of those that the
    disk has changed. visited: devices whose frames are left out."""
    sessions: dict[str, list[KeptFrame]] = {}
    damaged: list[int] = []
    for number, crc, *columns in database.read(
        "SELECT id, crc, session, device, model, characteristic, arrived_at, device_offset_s,"
        " bytes FROM frame WHERE device NOT IN (SELECT value FROM json_each(?))"
        " ORDER BY id LIMIT ?",
        (json.encode(list(visited)).decode(), LEFTOVERS_MAX),
    ):
        if not is_sound_frame(columns, crc):
            damaged.append(number)
            continue
        session, device, model, characteristic, arrived_at, offset_s, data = columns
        arrived = datetime.fromisoformat(arrived_at)
        frame = KeptFrame(device, model, characteristic, data, arrived, offset_s)
        sessions.setdefault(session, []).append(frame)
    if sum(map(len, sessions.values())) >= LEFTOVERS_MAX and len(sessions) > 1:
        # The last may go on beyond the bound; its turn comes when the others are gone.
        sessions.popitem()
    return sessions, damaged


def give_up(cursor: Cursor, numbers: Iterable[int]) -> None:
    """Make damaged items of frames that the disk has changed: kept, told, never decoded."""
    for number in numbers:
        cursor.execute(
            "INSERT INTO item (reading_id, kind, payload, crc, captured_at, state)"
            " SELECT ?, 'frame', CAST(coalesce(bytes, '') AS BLOB), 0, 0, 'damaged'"
            " FROM frame WHERE id = ?",
            (uuid4().bytes, number),
        )
        cursor.execute("DELETE FROM frame WHERE id = ?", (number,))
