"""Processes that have to run: what dies is started again, and what dies at once is not hammered."""

import logging
import os
import sys
from pathlib import Path
from signal import SIGKILL

import pytest
from fix_database import DEADLINE_S

from yikao_ingest.serving import RESTART_PAUSE_S, RESTART_QUICK_S, Process

LATER_S = RESTART_QUICK_S + RESTART_PAUSE_S


def process(folder: Path, program: str) -> Process:
    return Process("ingest", (sys.executable, "-c", program), folder / "ingest.log", os.environ)


def test_a_process_that_was_killed_is_started_again(
    short_tmp: Path, caplog: pytest.LogCaptureFixture
) -> None:
    running = process(short_tmp, "import signal; signal.pause()")
    running.start(0.0)
    assert not running.ensure(LATER_S)
    assert running.child is not None
    first = running.child.pid
    os.kill(first, SIGKILL)
    assert running.child.wait(DEADLINE_S) is not None
    with caplog.at_level(logging.WARNING):
        assert running.ensure(LATER_S)
    assert running.child.pid != first
    assert [record.__dict__["role"] for record in caplog.records] == ["ingest"]
    running.child.stop(SIGKILL, patience_s=DEADLINE_S)


def test_a_process_that_fails_at_once_is_started_again_after_a_pause(short_tmp: Path) -> None:
    failing = process(short_tmp, "raise SystemExit(3)")
    failing.start(0.0)
    assert failing.child is not None
    assert failing.child.wait(DEADLINE_S) == 3
    assert not failing.ensure(LATER_S / 2)
    assert failing.ensure(LATER_S)
    assert failing.child.wait(DEADLINE_S) == 3
