"""A server program kept as our child: started, watched, stopped, and never left behind.

Used for PostgreSQL and for the broker. The child reads nothing, appends all it says to a log file,
sits in a session of its own (Ctrl-C in our terminal does not reach it: we stop it in order), and
is told by the kernel when our process dies (see `die_with_parent`).
"""

import functools
import logging
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from signal import SIG_BLOCK, SIGINT, SIGKILL, SIGTERM, Signals, pthread_sigmask

LOG_MAX_BYTES = 10 * 1024 * 1024
"""A log longer than this when a server starts becomes `.1`, and the `.1` before it goes."""
TAIL_CHARACTERS = 800
"""What an error shows of the log: enough for PostgreSQL's last words."""
TAIL_BYTES = 4 * TAIL_CHARACTERS
"""UTF-8 needs at most four bytes a character."""

_LAUNCHER = Path(__file__).with_name("die_with_parent.py")
_log = logging.getLogger(__name__)


class Child:
    """A running (or ended) server process. Not for use by two threads at once."""

    def __init__(self, name: str, process: subprocess.Popen[bytes]) -> None:
        self._name = name
        self._process = process

    @property
    def pid(self) -> int:
        """Return the process id, which stays the same for the child's life."""
        return self._process.pid

    def poll(self) -> int | None:
        """Return None while the child runs, then its exit code (negative: the signal's number)."""
        return self._process.poll()

    def wait(self, timeout_s: float) -> int | None:
        """Wait for the end, at most `timeout_s`; return as `poll` does."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, *polite: Signals, patience_s: float) -> None:
        """End the child: each polite signal in turn, then SIGKILL; `patience_s` for each.

        Does nothing when it has ended already.
        """
        for signal in (*polite, SIGKILL):
            if self._process.poll() is not None:
                return
            if signal is not polite[0]:
                _log.warning(
                    "embedded server does not stop",
                    extra={"server": self._name, "pid": self.pid, "signal": signal.name},
                )
            self._process.send_signal(signal)
            self.wait(patience_s)


def started(child: Child | None) -> Child:
    """Return the child of a server that was started; to ask before is a programmer's error."""
    assert child is not None, "start() comes first"
    return child


def spawn(
    argv: Sequence[str],
    log: Path,
    *,
    death_signal: Signals,
    environ: Mapping[str, str] | None = None,
) -> Child:
    """Start `argv` and return its `Child`; its output is appended to `log`.

    `environ` replaces this process's environment.
    `death_signal` is what the child gets when this process dies. A program that cannot be run
    shows as a child that ends with exit code 1 and a line in the log.
    """
    launcher = [sys.executable, "-I", "-S", str(_LAUNCHER), str(int(death_signal))]
    command = [*launcher, str(os.getpid()), *argv]

    def fork() -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=environ,
            )

    _rotate(log)
    return Child(Path(argv[0]).name, _keeper(os.getpid()).submit(fork).result())


@functools.cache
def _keeper(pid: int) -> ThreadPoolExecutor:
    """Return the one thread of process `pid` that forks its servers.

    "Parent" in PR_SET_PDEATHSIG means the *thread* that forked. A server started from a thread
    that ends would be shut down with it, so all are started from this one, which lives as long as
    the process. The key is the process id because threads do not survive a fork.
    """
    return ThreadPoolExecutor(
        max_workers=1, thread_name_prefix=f"server-keeper-{pid}", initializer=_defer_stopping
    )


def _defer_stopping() -> None:
    """Have children begin deaf to being stopped, until the launcher has become their program.

    A launcher that is interrupted would write a traceback over the server's own last words.
    """
    pthread_sigmask(SIG_BLOCK, {SIGINT, SIGTERM})


def log_tail(log: Path) -> str:
    """Return the last `TAIL_CHARACTERS` of `log`; empty when there is none."""
    try:
        with log.open("rb") as lines:
            size = lines.seek(0, os.SEEK_END)
            lines.seek(max(0, size - TAIL_BYTES))
            return lines.read().decode(errors="replace")[-TAIL_CHARACTERS:].strip()
    except FileNotFoundError:
        return ""


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_MAX_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))
