"""The file in which a gateway remembers: one SQLite database, safe against a pulled plug.

Write-ahead log with `synchronous=FULL`: when a transaction has returned, its bytes are on the
disk, as far as the disk itself is honest. Several processes may use the file at once.

Source: https://www.sqlite.org/pragma.html#pragma_synchronous, https://www.sqlite.org/wal.html.
"""

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from yikao_gateway.errors import StorageError, StorageFull
from yikao_gateway.store.room import Room

STEPS: Final = ("outbox.sql", "outbox_measured_at.sql", "outbox_device_clock.sql")
"""Step n makes a file of version n of one of version n - 1; one that was released never changes."""
VERSION: Final = len(STEPS)
"""`user_version` of the file; a newer program's file is refused rather than guessed at."""
BUSY_TIMEOUT_S: Final = 5.0
"""How long to wait for another process's transaction; each lasts milliseconds."""
PAGE_BYTES: Final = 4096
FILE_BYTES_MAX: Final = 1 << 30
"""1 GiB, about a million readings. At the bound storing fails loudly; nothing is overwritten."""
AUTOCHECKPOINT_PAGES: Final = 1000
DISK_SPARE_BYTES: Final = 16 << 20
"""Of the disk not for readings: the write-ahead log is there, and whoever else lives there."""
PROBE_BYTES: Final = 64 * 1024
"""Some fifty readings: a disk that takes so much can be read for again."""
END_OF_PROBE: Final = "DELETE FROM meta WHERE key = 'probe'"

Row = tuple[Any, ...]

_TAILS: Final = ("", "-wal", "-shm")
"""Of the names of the files that SQLite keeps a database in."""
_DAMAGED: Final = frozenset(
    # What we ask is right: that a table or a column is not there (an error) is the file's fault.
    {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}
)
_READ_ONLY: Final = sqlite3.SQLITE_READONLY
_WRITE_VERSION_AT: Final = 18
_WRITE_AHEAD: Final = 2
"""Of a file with a write-ahead log, the byte that says who may write it; above, only newer SQLites.

Source: https://www.sqlite.org/fileformat2.html, 1.3.3."""
_FULL: Final = frozenset(
    # A quota and a bound on file sizes are told as a failed write.
    {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE}
)


class Damaged(StorageError):  # noqa: N818  the name says what is the case
    """The file is no database any more; `set_aside` makes room for a new one."""


class Database:
    """One connection; to be used from the thread that made it."""

    def __init__(self, path: Path, *, bytes_max: int = FILE_BYTES_MAX) -> None:
        """Open or create the file. Raises `StorageError`, `Damaged` when it is broken."""
        self.path = path
        self._bytes_max = bytes_max
        with _our_errors(path):
            self._connection = sqlite3.connect(
                path, timeout=BUSY_TIMEOUT_S, isolation_level=None, cached_statements=64
            )
        try:
            with _our_errors(path):
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the file; what was committed stays."""
        self._connection.close()

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Cursor]:
        """Run the block as one transaction: all of it is on the disk at its end, or none."""
        with _our_errors(self.path):
            cursor = self._connection.cursor()
            cursor.execute("BEGIN IMMEDIATE")
            try:
                yield cursor
                cursor.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    cursor.execute("ROLLBACK")
                raise

    def read(self, sql: str, arguments: Sequence[object] = ()) -> list[Row]:
        """Return the rows of a query."""
        with _our_errors(self.path):
            return self._connection.execute(sql, arguments).fetchall()

    def room(self) -> Room:
        """Return how full the file is, by its bound and by what its disk has left."""
        ((pages, free_pages),) = self.read(
            "SELECT page_count, freelist_count FROM pragma_page_count, pragma_freelist_count"
        )
        with _our_errors(self.path):
            free_bytes = shutil.disk_usage(self.path.parent).free
            # What is in the log only has yet to find a place in the file.
            file_bytes, log_bytes = (
                _size(self.path.with_name(self.path.name + tail)) for tail in ("", "-wal")
            )
        reach = file_bytes + max(0, free_bytes + log_bytes - DISK_SPARE_BYTES)
        return Room((pages - free_pages) * PAGE_BYTES, min(self._bytes_max, reach))

    def probe(self) -> None:
        """Write `PROBE_BYTES` and take them out again. Raises `StorageFull` while they do not fit.

        The log is written back first: from then on it is used from its beginning.
        """
        self.read("PRAGMA wal_checkpoint(RESTART)")
        with self.write() as cursor:
            cursor.execute(
                "INSERT INTO meta VALUES ('probe', ?)"
                " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                ("." * PROBE_BYTES,),
            )
        with self.write() as cursor:
            cursor.execute(END_OF_PROBE)

    def verify(self) -> None:
        """Raise `Damaged` when SQLite's own check finds a fault.

        The whole check: an index that has lost a row would hide it for ever. Raises `StorageError`
        where it may not be written.
        """
        self._verify_writable()
        (verdict,) = self.read("PRAGMA integrity_check(1)")[0]
        if verdict != "ok":
            raise _damaged(self.path, verdict)
        with contextlib.closing(Database(Path(":memory:"))) as ours:
            if self._tables() != ours._tables():
                raise _damaged(self.path, "its tables are not ours")

    def _verify_writable(self) -> None:
        try:
            with self.write() as cursor:
                # Of a process that was killed in the middle of it; mostly there is none.
                cursor.execute(END_OF_PROBE)
        except StorageError as error:
            # One byte of its head can shut a file for ever that the disk would take.
            if _is_read_only(error.__cause__) and _write_version(self.path) > _WRITE_AHEAD:
                raise _damaged(self.path, "its head says that only others may write it") from error
            raise

    def _tables(self) -> list[Row]:
        return self.read("SELECT type, name, sql FROM sqlite_master ORDER BY name")

    def _prepare(self) -> None:
        # What the disk has changed may be no text any more: a checksum is to say so, not an error.
        self._connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        execute = self._connection.execute
        execute(f"PRAGMA page_size = {PAGE_BYTES}")
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = FULL")
        execute(f"PRAGMA wal_autocheckpoint = {AUTOCHECKPOINT_PAGES}")
        execute(f"PRAGMA max_page_count = {self._bytes_max // PAGE_BYTES}")
        (version,) = execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise StorageError(
                f"{self.path} was written by a newer program (version {version}): install that one"
            )
        if version < VERSION:
            self._upgrade()

    def _upgrade(self) -> None:
        with self.write() as cursor:
            # Asked for again: another process may have come first.
            (version,) = cursor.execute("PRAGMA user_version").fetchone()
            for step in STEPS[version:]:
                for statement in _statements(
                    files("yikao_gateway").joinpath(step).read_text("utf-8")
                ):
                    cursor.execute(statement)
            cursor.execute(f"PRAGMA user_version = {VERSION}")


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _is_read_only(error: BaseException | None) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == _READ_ONLY


def _write_version(path: Path) -> int:
    """Return the byte of a file's head that says who may write it; 0 where there is none."""
    with _our_errors(path), path.open("rb") as file:
        return next(iter(file.read(_WRITE_VERSION_AT + 1)[_WRITE_VERSION_AT:]), 0)


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def set_aside(path: Path, suffix: str) -> Path:
    """Rename a damaged file and its log out of the way, for somebody to look at; return where.

    One that was set aside at the same time of an unset clock stays as well.
    """
    with _our_errors(path):
        aside, number = path.with_name(f"{path.name}.damaged-{suffix}"), 1
        while aside.exists():
            number += 1
            aside = path.with_name(f"{path.name}.damaged-{suffix}-{number}")
        for tail in _TAILS:
            source = path.with_name(path.name + tail)
            if source.exists():
                source.rename(aside.with_name(aside.name + tail))
    return aside


def remove(path: Path) -> None:
    """Delete a file and its log, if they are there."""
    with _our_errors(path):
        for tail in _TAILS:
            path.with_name(path.name + tail).unlink(missing_ok=True)


@contextlib.contextmanager
def _our_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0)
        # The low byte is the primary code. Source: https://www.sqlite.org/rescode.html.
        if code & 0xFF in _DAMAGED:
            raise _damaged(path, error) from error
        if code in _FULL:
            raise StorageFull(
                f"{path} cannot grow ({error}): make free space on its disk"
            ) from error
        raise StorageError(
            f"{path} cannot be used ({error}): check the disk's free space and the permissions"
        ) from error
    except UnicodeDecodeError as error:
        # SQLite's own words, where it quotes a table's definition.
        raise _damaged(path, error.reason) from error
    except OSError as error:
        raise StorageError(f"{path} cannot be used ({error})") from error


def _damaged(path: Path, why: object) -> Damaged:
    return Damaged(f"{path} is damaged ({why}): it must be set aside")
