"""Run PostgreSQL for us alone: start it, keep it running, and stop it with us.

It is reached through a socket in a private folder and never through the network. Whatever ends
our process, kill -9 included, makes PostgreSQL shut down cleanly by itself (on Linux).
"""

import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from signal import SIGINT, SIGQUIT

from yikao_ingest.embedded.child import Child, log_tail, spawn, started
from yikao_ingest.embedded.errors import StartError
from yikao_ingest.embedded.folder import FolderLock, make_private
from yikao_ingest.embedded.postgres_binaries import find_binaries
from yikao_ingest.embedded.postgres_cluster import (
    PORT,
    USER,
    check_socket_path,
    create_cluster,
    identity_prefix,
    write_settings,
)
from yikao_ingest.embedded.postgres_probe import (
    Answer,
    connection_string,
    create_database,
    knock,
)

DATABASE = "yikao"
START_TIMEOUT_S = 60.0
"""How long nobody may answer; a server that answers "recovering" is given `RECOVERY_MAX_S`."""
RECOVERY_MAX_S = 900.0
"""Replaying a full gigabyte of log from an SD card; killing it would only start it over."""
KNOCK_EVERY_S = 0.03
START_AGAIN_AFTER_S = 0.2
STOP_PATIENCE_S = 30.0
"""For a fast shutdown (SIGINT), which writes what is in memory; then an immediate one (SIGQUIT)."""

_log = logging.getLogger(__name__)


class EmbeddedPostgres:
    """The embedded database of one data folder, a folder of its own. For one thread at a time.

    `start` once; then `ensure` every now and then; `stop` at the end, also after a failure.
    The thread that calls these may end: the server is forked by a thread that stays (`child`).
    """

    def __init__(self, root: Path, environ: Mapping[str, str] = os.environ) -> None:
        self._root = root.absolute()
        self._environ = environ
        self._data = self._root / "data"
        self._run = self._root / "run"
        self._log_file = self._root / "pg.log"
        self._command: tuple[str, ...] = ()
        self._lock: FolderLock | None = None
        self._child: Child | None = None

    @property
    def pid(self) -> int:
        """Return the process id of the server (the postmaster)."""
        return started(self._child).pid

    def poll(self) -> int | None:
        """Return None while the server runs, then its exit code (negative: a signal's number)."""
        return started(self._child).poll()

    def start(self, timeout_s: float = START_TIMEOUT_S) -> str:
        """Start the server, making the database when there is none; return its connection string.

        Takes 0.2 s, or 1 s the first time. Refuses with an `EmbeddedError` that names the remedy,
        and then leaves nothing running.
        """
        assert self._lock is None, "start() comes once"
        began_s = time.monotonic()
        check_socket_path(self._run)
        make_private(self._root)
        make_private(self._run)
        self._lock = FolderLock(self._root)
        try:
            self._command = self._prepare()
            self._bring_up(timeout_s)
            create_database(self._dsn("postgres"), DATABASE)
        except BaseException:
            self.stop()
            raise
        took_s = round(time.monotonic() - began_s, 3)
        _log.info("embedded database ready", extra={"pid": self.pid, "took_s": took_s})
        return self._dsn(DATABASE)

    def ensure(self, timeout_s: float = START_TIMEOUT_S) -> bool:
        """Start the server again if it has died; return whether it had.

        To be called every second or so. Refuses with `StartError`, after which it may be called
        again. What was committed before the death is there after it.
        """
        code = self.poll()
        if code is None:
            return False
        _log.error("embedded database died", extra={"pid": self.pid, "exit_code": code})
        self._bring_up(timeout_s)
        _log.info("embedded database is back", extra={"pid": self.pid})
        return True

    def stop(self) -> None:
        """Shut the server down and let the folder go; clients are disconnected. Harmless twice."""
        if self._child is not None:
            self._child.stop(SIGINT, SIGQUIT, patience_s=STOP_PATIENCE_S)
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _prepare(self) -> tuple[str, ...]:
        """Settle everything on disk and return the server's command line."""
        binaries = find_binaries(self._data, self._environ)
        prefix = identity_prefix(os.geteuid())
        create_cluster(self._data, binaries, prefix, self._log_file)
        settings = self._root / "postgresql.conf"
        write_settings(settings, binaries)
        places = ("-D", str(self._data), "-k", str(self._run), "-c", f"config_file={settings}")
        return (*prefix, binaries.postgres, *places)

    def _bring_up(self, timeout_s: float) -> None:
        """Start the server until it answers.

        Again and again, because for a second after a kill -9 a new server refuses: the old one's
        processes are still leaving, and its postmaster.pid looks alive.
        """
        began_s = time.monotonic()
        deadline_s = began_s + timeout_s
        while True:
            self._child = spawn(self._command, self._log_file, death_signal=SIGINT)
            while self._child.wait(KNOCK_EVERY_S) is None:
                match self._answer():
                    case Answer.READY:
                        return
                    case Answer.BUSY:
                        deadline_s = max(deadline_s, began_s + RECOVERY_MAX_S)
                    case Answer.NONE:
                        pass
                if time.monotonic() > deadline_s:
                    self._give_up(timeout_s)
            if time.monotonic() > deadline_s:
                self._give_up(timeout_s)
            time.sleep(START_AGAIN_AFTER_S)

    def _answer(self) -> Answer:
        """Knock, and believe only our own child: an older server may still hold the socket."""
        answer = knock(self._dsn("postgres"))
        return answer if _postmaster_pid(self._data) == str(self.pid) else Answer.NONE

    def _give_up(self, timeout_s: float) -> None:
        assert self._child is not None
        self._child.stop(SIGINT, SIGQUIT, patience_s=STOP_PATIENCE_S)
        raise StartError(
            f"PostgreSQL in {self._root} was not ready after {timeout_s:.0f} s",
            f"mend what the end of {self._log_file} says, and start again",
            log_tail(self._log_file),
        )

    def _dsn(self, database: str) -> str:
        return connection_string(self._run, USER, database, PORT)


def _postmaster_pid(data: Path) -> str | None:
    """Return the first line of postmaster.pid, the server's process id; None without a server."""
    try:
        return (data / "postmaster.pid").read_text(encoding="utf-8").partition("\n")[0]
    except FileNotFoundError:
        return None
