"""The folder in which a gateway keeps its outbox, its key and its radio's bonds."""

import contextlib
import fcntl
import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from yikao_gateway.errors import StorageError
from yikao_gateway.store.database import Damaged, Database, remove, set_aside
from yikao_gateway.store.printed import Printed
from yikao_gateway.store.salvage import salvage
from yikao_gateway.store.stock import Stock

log = logging.getLogger(__name__)

OUTBOX: Final = "outbox.sqlite3"
BEGUN: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""Before this program was written."""
MENDED: Final = "outbox.sqlite3.mended"
"""What takes a damaged outbox's place, while it is being made."""
LOCK: Final = "gateway.lock"


def make_folder(path: Path) -> None:
    """Make the state folder, readable by its owner only. Raises `StorageError`."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"the state folder {path} cannot be made ({error}): give it to the gateway's user"
        ) from error


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the folder for one process that reads devices; a second one is refused."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StorageError(f"the state folder {folder} cannot be written ({error})") from error
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StorageError(
            f"another yikao-gateway is running with {folder}: stop it, or use another state folder"
        ) from error
    except OSError as error:
        raise StorageError(
            f"the state folder {folder} cannot be locked ({error}): use a disk of this machine"
        ) from error


def open_database(folder: Path) -> Database:
    """Return the folder's database; the caller closes it. Raises `StorageError`."""
    return Database(folder / OUTBOX)


def open_verified(folder: Path, at: datetime) -> tuple[Database, Path | None]:
    """Return the folder's database after SQLite's own check of it.

    A damaged one is set aside for somebody to look at, and a new one made with what was whole in
    it; devices are read anew then. The second value is where the damaged one went, or None.
    """
    if not (folder / OUTBOX).exists() and (folder / MENDED).exists():
        _take_its_place(folder)
    try:
        database = open_database(folder)
        try:
            database.verify()
            if forgotten := Stock(database).forget_unsound_devices():
                log.error("devices damaged on the disk: forgotten", extra={"count": forgotten})
        except StorageError:
            database.close()
            raise
    except Damaged:
        return _mend(folder, at)
    return database, None


def _mend(folder: Path, at: datetime) -> tuple[Database, Path]:
    """Put a new outbox in the place of a damaged one. Killed anywhere, it is begun or ended anew:
    there is a complete one before the damaged one goes."""
    remove(folder / MENDED)
    mended = Database(folder / MENDED)
    try:
        salvage(folder / OUTBOX, mended)
        # Higher than any number of starts, which may have been lost; also with a clock unset.
        Stock(mended).go_on_from(int(max(at, BEGUN).timestamp()))
        # Its items have other numbers now: rather twice than not at all.
        Printed(mended).note(0)
    finally:
        mended.close()
    aside = set_aside(folder / OUTBOX, at.strftime("%Y%m%dT%H%M%S"))
    _take_its_place(folder)
    return open_database(folder), aside


def _take_its_place(folder: Path) -> None:
    # The log of another file, left behind, would be taken for this one's.
    remove(folder / OUTBOX)
    try:
        (folder / MENDED).rename(folder / OUTBOX)
    except OSError as error:
        raise StorageError(f"{folder / MENDED} cannot be renamed ({error})") from error
