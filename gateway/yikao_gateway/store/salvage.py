"""Saves from a damaged outbox what is still whole: a cuff may have deleted what only stood there.

Open items and frames are read by their numbers, and believed only if their checksum says that they
are what was stored. So is what the gateway remembers, of devices and of itself, as far as it can
have been written by us; but how far a device was read is forgotten, for what is lost is only there.
What cannot be read is passed over; the damaged file itself is kept.
"""

import itertools
import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from yikao_gateway.store.database import Database
from yikao_gateway.store.soundness import is_sound, is_sound_device, is_sound_frame

log = logging.getLogger(__name__)

BLOCK: Final = 256
"""Rows read at once; a block that cannot be read is read in halves, down to a single row."""
REFUSALS_MAX: Final = 10_000
"""Blocks that cannot be read after which the rest is given up: a second or two of work."""
NUMBERS_MAX: Final = 1 << 21
"""Rows looked for where the file does not say how many there were: a full file's."""
UNREADABLE: Final = (sqlite3.DatabaseError, UnicodeDecodeError)
"""The second comes of SQLite's own words, where it quotes a damaged definition."""
TOGETHER: Final = 1000
"""Rows stored in one transaction."""
UNKNOWN: Final = "\ufffd"
"""What stands for bytes that are no text."""
BOOTS_END: Final = 1 << 32
"""Starts are counted on from the Unix time of a damage, which is less until the year 2106."""


@dataclass(frozen=True, slots=True)
class _Table:
    """How the rows of a table are counted, read between two numbers, judged, and stored."""

    last: str
    read: str
    whole: Callable[[tuple[Any, ...]], bool]
    store: str


def _is_whole_item(row: tuple[Any, ...]) -> bool:
    name, kind, payload, crc, captured_s, measured_s = row
    times = isinstance(captured_s, float) and isinstance(measured_s, float)
    return times and is_sound(name, kind, payload, crc)


def _is_whole_memory(row: tuple[Any, ...]) -> bool:
    """Return whether it is text at all, and no start beyond the bound: others' readers judge it."""
    if not all(isinstance(each, str) and UNKNOWN not in each for each in row):
        return False
    key, value = row
    return key != "boot" or (value.isdecimal() and int(value) < BOOTS_END)


ITEMS: Final = _Table(
    "SELECT max(seq) FROM item",
    "SELECT reading_id, kind, payload, crc, captured_at, measured_at FROM item"
    " WHERE seq >= ? AND seq < ? AND state = 'open' ORDER BY seq LIMIT ?",
    _is_whole_item,
    "INSERT INTO item (reading_id, kind, payload, crc, captured_at, measured_at)"
    " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
)
FRAMES: Final = _Table(
    "SELECT max(id) FROM frame",
    "SELECT session, device, model, characteristic, arrived_at, device_offset_s, bytes, crc"
    " FROM frame WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
    lambda row: is_sound_frame(row[:-1], row[-1]),
    "INSERT INTO frame (session, device, model, characteristic, arrived_at, device_offset_s,"
    " bytes, crc) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
)
DEVICES: Final = _Table(
    "SELECT max(rowid) FROM device",
    # Read from its first record on, it is no longer so that every older record was read.
    "SELECT address, model, identity, NULL, problem, battery_low, last_seen, clock_at,"
    " clock_ahead_s, clock_over, 0 FROM device"
    " WHERE rowid >= ? AND rowid < ? ORDER BY rowid LIMIT ?",
    is_sound_device,
    "INSERT INTO device (address, model, identity, next_record, problem, battery_low, last_seen,"
    " clock_at, clock_ahead_s, clock_over, clock_drained)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
)
MEMORIES: Final = _Table(
    "SELECT max(rowid) FROM meta",
    "SELECT key, value FROM meta WHERE rowid >= ? AND rowid < ? ORDER BY rowid LIMIT ?",
    _is_whole_memory,
    "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO NOTHING",
)
TABLES: Final = (ITEMS, FRAMES, DEVICES, MEMORIES)


def salvage(damaged: Path, database: Database) -> int:
    """Copy what is whole from a damaged file into a new one; return how many rows that is."""
    with closing(sqlite3.connect(damaged)) as source:
        source.text_factory = lambda raw: raw.decode("utf-8", "replace")
        saved = sum(_copy(source, table, database) for table in TABLES)
    log.error("damaged outbox: what is whole was saved", extra={"rows": saved})
    return saved


def _copy(source: sqlite3.Connection, table: _Table, database: Database) -> int:
    count = 0
    rows = filter(table.whole, _rows(source, table))
    while some := list(itertools.islice(rows, TOGETHER)):
        with database.write() as cursor:
            cursor.executemany(table.store, some)
        count += len(some)
    return count


def _rows(source: sqlite3.Connection, table: _Table) -> Iterator[tuple[Any, ...]]:
    """Yield the rows that can be read, by number."""
    blocks = [(first, first + BLOCK) for first in range(1, _last(source, table) + 1, BLOCK)]
    blocks.reverse()
    refusals = 0
    while blocks and refusals < REFUSALS_MAX:
        first, end = blocks.pop()
        try:
            # With the limit it does not look beyond the last row, where it might be refused.
            yield from source.execute(table.read, (first, end, end - first)).fetchall()
        except UNREADABLE:
            refusals += 1
            if end - first > 1:
                middle = (first + end) // 2
                blocks += [(middle, end), (first, middle)]


def _last(source: sqlite3.Connection, table: _Table) -> int:
    """Return the highest number; a bound where only that cannot be read, 0 where nothing can."""
    try:
        source.execute(f"EXPLAIN {table.last}").fetchall()
    except UNREADABLE:
        # Not even where the table is.
        return 0
    try:
        ((number,),) = source.execute(table.last)
    except UNREADABLE:
        return NUMBERS_MAX
    return min(number or 0, NUMBERS_MAX)
