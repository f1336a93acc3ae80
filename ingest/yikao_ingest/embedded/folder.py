"""The folder of an embedded server: private to its user, and used by one process at a time."""

import fcntl
import os
from pathlib import Path

from yikao_ingest.embedded.errors import FolderInUseError

PRIVATE = 0o700
"""Readable by its owner alone: the database trusts whoever reaches its socket."""


def make_private(folder: Path) -> None:
    """Create `folder` if it is missing, and let nobody but its owner into it."""
    folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    folder.chmod(PRIVATE)


class FolderLock:
    """The right to use a folder, held until `release` or until this process ends, however it ends.

    The kernel drops the lock (flock(2)) with the last descriptor, so a crash leaves no stale lock.
    The process id in the file is only for the message. Refuses with `FolderInUseError`.
    """

    def __init__(self, folder: Path) -> None:
        # Python's descriptors are not inherited: the server itself must not hold the lock.
        self._descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(self._descriptor, 20).decode(errors="replace") or "unknown"
            os.close(self._descriptor)
            raise FolderInUseError(
                f"another Yikao process (pid {holder}) is using {folder}",
                "stop that one first, or give this one another data folder",
            ) from error
        os.truncate(self._descriptor, 0)
        os.write(self._descriptor, str(os.getpid()).encode())

    def release(self) -> None:
        """Let the next process in. To be called once."""
        os.close(self._descriptor)
