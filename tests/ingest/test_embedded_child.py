"""How a server is kept as a child: it hears us, it cannot outstay us, and its log has an end."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from signal import SIGCHLD, SIGINT, SIGKILL, SIGTERM

from yikao_ingest.embedded import child, die_with_parent
from yikao_ingest.embedded.child import LOG_MAX_BYTES, TAIL_CHARACTERS, Child, log_tail, spawn

PATIENCE_S = 30.0


def spawn_python(folder: Path, program: str) -> Child:
    """Start a Python child and return once it has run `program`; then it waits for signals."""
    ready = folder / "ready"
    os.mkfifo(ready)
    waiting = f"{program}\nopen({str(ready)!r}, 'w').close()\nwhile True: signal.pause()"
    command = [sys.executable, "-c", f"import signal\n{waiting}"]
    started = spawn(command, folder / "child.log", death_signal=SIGTERM)
    # Opening one end of a named pipe waits for the other.
    ready.open().close()
    return started


def test_a_child_ends_at_the_first_polite_signal(tmp_path: Path) -> None:
    polite = spawn_python(tmp_path, "")
    polite.stop(SIGTERM, patience_s=PATIENCE_S)
    assert polite.poll() == -SIGTERM
    polite.stop(SIGTERM, patience_s=PATIENCE_S)


def test_a_child_that_will_not_go_is_killed(tmp_path: Path) -> None:
    stubborn = spawn_python(tmp_path, "signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    assert stubborn.wait(0) is None
    stubborn.stop(SIGTERM, patience_s=0.05)
    assert stubborn.wait(PATIENCE_S) == -SIGKILL


def test_a_child_hears_signals_that_its_parent_has_blocked(tmp_path: Path) -> None:
    spawn(["true"], tmp_path / "child.log", death_signal=SIGTERM).wait(PATIENCE_S)
    # The forking thread is there from now on; what it blocks is what a child would inherit.
    block = child._keeper(os.getpid()).submit(
        signal.pthread_sigmask, signal.SIG_BLOCK, {SIGTERM, SIGCHLD}
    )
    before = block.result()
    try:
        hearing = spawn_python(tmp_path, "")
        hearing.stop(SIGTERM, patience_s=PATIENCE_S)
        assert hearing.poll() == -SIGTERM
    finally:
        child._keeper(os.getpid()).submit(
            signal.pthread_sigmask, signal.SIG_SETMASK, before
        ).result()


def test_a_program_whose_parent_has_died_already_is_not_run(tmp_path: Path) -> None:
    made = tmp_path / "made"
    not_my_parent = str(os.getpid() + 1)
    launcher = [sys.executable, "-I", "-S", str(die_with_parent.__file__)]
    arguments = [str(int(SIGINT)), not_my_parent, "touch", str(made)]
    assert subprocess.run([*launcher, *arguments], check=False).returncode == 1
    assert not made.exists()


def test_a_long_log_is_put_aside_when_a_server_starts(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    log.write_bytes(b"old" * LOG_MAX_BYTES)
    spawn(["echo", "new"], log, death_signal=SIGTERM).wait(PATIENCE_S)
    assert log.read_text() == "new\n"
    assert (tmp_path / "child.log.1").stat().st_size == 3 * LOG_MAX_BYTES


def test_the_tail_of_a_log_is_its_last_characters(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    assert log_tail(log) == ""
    log.write_text("医" * 5000 + "靠", encoding="utf-8")
    assert log_tail(log) == "医" * (TAIL_CHARACTERS - 1) + "靠"
