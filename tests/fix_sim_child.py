"""For the simulator's tests: a `yikao-sim` in a process of its own, and what it prints."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from yikao_devices.story_clock import VARIABLE

DEADLINE_S = 60.0
"""Whoever waits so long, also on a busy machine, waits for something that never comes."""
CHUNK_BYTES = 65536


class SimChild:
    """One running `yikao-sim`; without `--json` in its arguments only its text can be read."""

    def __init__(self, *arguments: str, clock: str | None = None) -> None:
        environment = {**os.environ, "PYTHONWARNINGS": "error"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "yikao_sim.cli", *arguments],
            env=environment if clock is None else {**environment, VARIABLE: clock},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._seen = b""

    def line(self) -> str:
        """Return the next line it prints; fails with its errors when there is none."""
        assert self._process.stdout is not None
        until_s = time.monotonic() + DEADLINE_S
        while b"\n" not in self._seen:
            left_s = max(0.0, until_s - time.monotonic())
            ready, _, _ = select.select([self._process.stdout], [], [], left_s)
            assert ready, f"no line within {DEADLINE_S} s after {self._seen!r}"
            chunk = os.read(self._process.stdout.fileno(), CHUNK_BYTES)
            assert chunk, f"ended: {self.errors()}"
            self._seen += chunk
        line, _, self._seen = self._seen.partition(b"\n")
        return line.decode()

    def until(self, **wanted: object) -> dict[str, Any]:
        """Return the next JSON line that has these values; lines before it are passed over."""
        while True:
            told: dict[str, Any] = json.loads(self.line())
            if wanted.items() <= told.items():
                return told

    def type(self, text: str) -> None:
        """Write a line to its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode() + b"\n")
        self._process.stdin.flush()

    def close_input(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()

    def errors(self) -> str:
        """Wait for its end and return what it wrote to standard error."""
        assert self._process.stderr is not None
        self._process.wait(DEADLINE_S)
        return self._process.stderr.read().decode()

    def ends(self) -> int:
        """Wait for its end and return its exit code."""
        return self._process.wait(DEADLINE_S)

    def stop(self) -> int:
        """End it as a service manager does; return its exit code."""
        self._process.terminate()
        return self.ends()

    def close(self) -> None:
        self.stop()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()


@pytest.fixture
def yikao_sim() -> Iterator[Callable[..., SimChild]]:
    """Start `yikao-sim`: `yikao_sim("phone", "--json", clock=...)`; ended with the test."""
    children: list[SimChild] = []

    def start(*arguments: object, clock: str | None = None) -> SimChild:
        children.append(SimChild(*map(str, arguments), clock=clock))
        return children[-1]

    yield start
    for child in reversed(children):
        child.close()
