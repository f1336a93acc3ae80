"""Where an enrolment is kept: in the state folder, under one name that is changed all at once.

`enrolled/current` leads to a folder with everything that belongs together; the next certificate is
written into a folder of its own, and one rename makes all of it true. Killed at any moment there is
the old one or the new one, each complete. A key that a certificate was asked for waits beside them,
so that whoever is killed in between asks for the same one again.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from msgspec import json

from yikao_gateway.enrolment.certificate import DoorKey, new_key, read_key
from yikao_gateway.enrolment.enrolled import (
    AUTHORITY,
    CURRENT,
    FACTS,
    FOLDER,
    PAIR,
    Facts,
    facts_in,
)
from yikao_gateway.errors import EnrolmentError, StorageError
from yikao_gateway.keys import KEY_FILE
from yikao_gateway.state import LOCK, make_folder, only_one

WAITING_KEY: Final = "next.key"
SERVER_TRUST: Final = "server-ca.pem"
"""By which authorities the server proves itself when the certificate is renewed."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """An enrolment as it is kept; PEM throughout."""

    facts: Facts
    certificate: bytes
    key: DoorKey
    authority: bytes
    server_trust: bytes


def hand_over(state: Path) -> None:
    """Give what root has written here to the folder's own user, who is to read it later."""
    if os.geteuid() != 0:
        return
    owner = state.stat()
    for path in (state / KEY_FILE, state / FOLDER, *(state / FOLDER).rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


class EnrolmentFolder:
    """The folder, while one process works on it: `with open_folder(state) as folder`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Enrolment:
        """Return what is kept. Raises `EnrolmentError` where that is nothing, or damaged."""
        folder = self._path / CURRENT
        try:
            pair = (folder / PAIR).read_bytes()
            files = [(folder / name).read_bytes() for name in (AUTHORITY, SERVER_TRUST)]
        except OSError as error:
            raise EnrolmentError(f"{error.filename}: {error.strerror}; enrol again") from error
        return Enrolment(facts_in(folder), pair, read_key(pair), *files)

    def kept(self) -> Enrolment | None:
        """Return what is kept, if that is of any use."""
        with contextlib.suppress(EnrolmentError):
            return self.read()
        return None

    def waiting_key(self) -> DoorKey:
        """Return the key to ask a certificate for: the one of an attempt that was cut short.

        Cut short at its very end it has its certificate already; the next one is for a new key.
        """
        path = self._path / WAITING_KEY
        with contextlib.suppress(FileNotFoundError, EnrolmentError):
            waiting = read_key(path.read_bytes())
            held = self.kept()
            if held is None or held.key.pem != waiting.pem:
                return waiting
        key = new_key()
        fresh = path.with_name(f"{WAITING_KEY}.{uuid4().hex}")
        _write(fresh, key.pem)
        fresh.replace(path)
        _sync(self._path)
        return key

    def keep(self, enrolment: Enrolment) -> None:
        """Make this the enrolment, all of it or nothing."""
        name = uuid4().hex
        folder = self._path / name
        folder.mkdir(mode=0o700)
        _write(folder / FACTS, json.encode(enrolment.facts))
        _write(folder / AUTHORITY, enrolment.authority)
        _write(folder / SERVER_TRUST, enrolment.server_trust)
        _write(folder / PAIR, enrolment.certificate + enrolment.key.pem)
        _sync(folder)
        fresh = self._path / f"{name}.link"
        fresh.symlink_to(name)
        fresh.replace(self._path / CURRENT)
        _sync(self._path)
        self._tidy(name)

    def _tidy(self, name: str) -> None:
        """Remove what is over: older enrolments, what was begun and cut short, the waiting key."""
        kept = {CURRENT, name, LOCK}
        for path in self._path.iterdir():
            if path.name in kept:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


@contextlib.contextmanager
def open_folder(state: Path) -> Iterator[EnrolmentFolder]:
    """Have the folder for oneself. Raises `StorageError`, also when another has it."""
    path = state / FOLDER
    make_folder(path)
    with only_one(path):
        try:
            yield EnrolmentFolder(path)
        except OSError as error:
            raise StorageError(f"{path} cannot be written ({error})") from error


def _write(path: Path, content: bytes) -> None:
    """Write a new file that nobody else can read, to the disk itself."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Have the names in a folder on the disk as well (fsync(2), on a directory)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
