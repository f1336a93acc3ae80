"""The file in which a gateway remembers: one SQLite database, safe against a pulled plug.

Write-ahead log with `synchronous=FULL`: when a transaction has returned, its bytes are on the
disk, as far as the disk itself is honest. Several processes may use the file at once.

Source: https://www.sqlite.org/pragma.html#pragma_synchronous, https://www.sqlite.org/wal.html.
"""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from yikao_gateway.errors import StorageError

VERSION: Final = 1
"""`user_version` of the file; a newer program's file is refused rather than guessed at."""
BUSY_TIMEOUT_S: Final = 5.0
"""How long to wait for another process's transaction; each lasts milliseconds."""
PAGE_BYTES: Final = 4096
FILE_BYTES_MAX: Final = 1 << 30
"""1 GiB, about a million readings. At the bound storing fails loudly; nothing is overwritten."""
AUTOCHECKPOINT_PAGES: Final = 1000

Row = tuple[Any, ...]


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

    def verify(self) -> None:
        """Raise `Damaged` when SQLite's own check finds a fault."""
        (verdict,) = self.read("PRAGMA quick_check(1)")[0]
        if verdict != "ok":
            raise Damaged(f"{self.path} is damaged ({verdict}): it must be set aside")

    def _prepare(self) -> None:
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
            schema = files("yikao_gateway").joinpath("outbox.sql").read_text("utf-8")
            self._connection.executescript(
                f"BEGIN IMMEDIATE; {schema} PRAGMA user_version = {VERSION}; COMMIT;"
            )


def set_aside(path: Path, suffix: str) -> Path:
    """Rename a damaged file and its log out of the way, for somebody to look at; return where."""
    aside = path.with_name(f"{path.name}.damaged-{suffix}")
    with _our_errors(path):
        for tail in ("", "-wal", "-shm"):
            source = path.with_name(path.name + tail)
            if source.exists():
                source.rename(aside.with_name(aside.name + tail))
    return aside


@contextlib.contextmanager
def _our_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        # The low byte is the primary code. Source: https://www.sqlite.org/rescode.html.
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise Damaged(f"{path} is damaged ({error}): it must be set aside") from error
        raise StorageError(
            f"{path} cannot be used ({error}): check the disk's free space and the permissions"
        ) from error
    except OSError as error:
        raise StorageError(f"{path} cannot be used ({error})") from error
