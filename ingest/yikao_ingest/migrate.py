"""Brings a database to the schema of this version: each numbered file once, in order, for good.

`0002_reading.sql` is followed by `0002_reading.timescale.sql` or `0002_reading.plain.sql`; which
one is asked of the database at the first migration and remembered, so that the kind of storage
never flips silently. One transaction a file, an advisory lock around all: two that start at the
same time do not disturb each other.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from importlib import resources
from typing import Final

import psycopg
from psycopg import Connection

LOCK: Final = 0x79696B6D
"""Advisory lock of whoever migrates."""
_NAME: Final = re.compile(r"^(\d{4})_\w+(?:\.(timescale|plain))?\.sql$")


class Mode(StrEnum):
    """How readings are stored."""

    TIMESCALE = "timescale"
    PLAIN = "plain"


class MigrationError(Exception):
    """The schema cannot be brought to this version; the operator must look."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its place in the order, its name, what it does."""

    number: int
    name: str
    mode: Mode | None
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the file; an applied file may never change."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations() -> list[Migration]:
    """Return all files in order: by number, the common one before the one for a mode."""
    found = []
    for entry in resources.files("yikao_ingest.migrations").iterdir():
        if match := _NAME.match(entry.name):
            mode = Mode(match[2]) if match[2] else None
            found.append(Migration(int(match[1]), entry.name, mode, entry.read_text("utf-8")))
    return sorted(found, key=lambda m: (m.number, m.mode is not None, m.name))


def migrate(dsn: str, now: datetime, files: Sequence[Migration] | None = None) -> list[str]:
    """Apply what is missing of `files`, all of this version's, and return the names applied.

    Refuses with `MigrationError` a file that changed after it was applied, a database that is
    newer than this version, and a file that the database refuses; what came before that one stays.
    """
    applied_now = []
    with psycopg.connect(dsn, autocommit=True) as conn:
        # Held until the connection ends, however it ends.
        conn.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        conn.execute(_META)
        mode = _mode(conn)
        rows = conn.execute("SELECT name, checksum FROM schema_migration").fetchall()
        applied: dict[str, str] = dict(rows)
        known = migrations() if files is None else files
        wanted = [m for m in known if m.mode in (None, mode)]
        _check(applied, wanted)
        for migration in wanted:
            if migration.name not in applied:
                _apply(conn, migration, now)
                applied_now.append(migration.name)
    return applied_now


def schema_current(conn: Connection) -> bool:
    """Return whether the database has this version's schema."""
    known = conn.execute("SELECT to_regclass('schema_migration') IS NOT NULL").fetchone()
    if known is None or not known[0]:
        return False
    mode = _mode(conn)
    applied = {row[0] for row in conn.execute("SELECT name FROM schema_migration").fetchall()}
    return {m.name for m in migrations() if m.mode in (None, mode)} <= applied


_META: Final = """
CREATE TABLE IF NOT EXISTS schema_meta (key text PRIMARY KEY, value text NOT NULL);
CREATE TABLE IF NOT EXISTS schema_migration (
    name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL
);
"""


def _mode(conn: Connection) -> Mode:
    """Return the kind of storage: as remembered, else as the database can."""
    row = conn.execute("SELECT value FROM schema_meta WHERE key = 'mode'").fetchone()
    if row is not None:
        return Mode(row[0])
    mode = Mode.TIMESCALE if _has_timescale(conn) else Mode.PLAIN
    # Remembered only with the extension there: a failure must not leave half a choice behind.
    with conn.transaction():
        if mode is Mode.TIMESCALE:
            conn.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
        conn.execute("INSERT INTO schema_meta (key, value) VALUES ('mode', %s)", (str(mode),))
    return mode


def _has_timescale(conn: Connection) -> bool:
    """Return whether TimescaleDB is loaded, at hand and of the edition with a column store.

    That it is loaded shows in a setting of its own: the list of libraries is shown to few.
    """
    row = conn.execute(
        """
        SELECT current_setting('timescaledb.max_background_workers', true) IS NOT NULL
           AND EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')
           AND coalesce(current_setting('timescaledb.license', true), 'timescale') = 'timescale'
        """
    ).fetchone()
    return row is not None and bool(row[0])


def _check(applied: dict[str, str], wanted: list[Migration]) -> None:
    for migration in wanted:
        if applied.get(migration.name, migration.checksum) != migration.checksum:
            raise MigrationError(
                f"{migration.name} was changed after it had been applied: "
                "restore the file, and put the change into a new one"
            )
    if unknown := sorted(set(applied) - {m.name for m in wanted}):
        raise MigrationError(
            f"the database has {unknown[-1]}, which this version does not know: "
            "install the version that made it, or a newer one"
        )


def _apply(conn: Connection, migration: Migration, now: datetime) -> None:
    try:
        with conn.transaction():
            conn.execute(migration.text.encode())
            conn.execute(
                "INSERT INTO schema_migration (name, checksum, applied_at) VALUES (%s, %s, %s)",
                (migration.name, migration.checksum, now),
            )
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        reason = str(error).partition("\n")[0]
        raise MigrationError(
            f"{migration.name} was not applied, and nothing of it remains: {reason}"
        ) from error
