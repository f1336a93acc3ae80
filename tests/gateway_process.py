"""`yikao-gateway run` as a process of its own, to be killed and started anew on the same folder."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SETTINGS = """
id = "{gateway}"
tenant = "{tenant}"
broker_url = "{url}"
radio = "{radio}"
state_dir = "{folder}/state"
timezone = "Asia/Shanghai"
speak = false
reread_s = 2
eager_s = 0.2
"""


@dataclass
class GatewayProcess:
    """A gateway's folder, and its process while there is one."""

    folder: Path
    said: list[str] = field(default_factory=list)
    """The log lines of all its lives."""
    starts: int = 0
    process: asyncio.subprocess.Process | None = None
    _listening: asyncio.Task[None] | None = None

    @property
    def config(self) -> Path:
        return self.folder / "gateway.toml"

    def is_told(self, devices: Iterable[str], **settings: object) -> None:
        """Write its settings; `devices`: the addresses of those it may read and bond with."""
        listed = "".join(f'[[devices]]\naddress = "{address}"\n' for address in devices)
        self.config.write_text(SETTINGS.format(folder=self.folder, **settings) + listed)

    async def start(
        self, environ: Mapping[str, str], before: tuple[str, ...] = ()
    ) -> asyncio.subprocess.Process:
        """Start it; `before`: a command that runs another."""
        command = (*before, sys.executable, "-m", "yikao_gateway.cli", "run")
        self.process = await asyncio.create_subprocess_exec(
            *(*command, "--config", str(self.config)),
            env={**os.environ, **environ},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        self.starts += 1
        self._listening = asyncio.create_task(self._listen(self.process))
        return self.process

    async def end(self, number: signal.Signals = signal.SIGKILL) -> int:
        """Send it a signal, and return its exit code."""
        assert self.process is not None
        assert self._listening is not None
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        code = await self.process.wait()
        await self._listening
        self.process = None
        return code

    async def close(self) -> None:
        if self.process is not None:
            await self.end()

    def has_said(self, words: str) -> bool:
        return any(words in line for line in self.said)

    def rows(self, sql: str) -> list[Any]:
        """Ask its outbox."""
        with contextlib.closing(sqlite3.connect(self.folder / "state/outbox.sqlite3")) as outbox:
            return outbox.execute(sql).fetchall()

    def counts(self) -> dict[str, int]:
        """Return how many readings are in which state; none while there is no outbox yet."""
        try:
            return dict(self.rows(COUNTS))
        except sqlite3.OperationalError:
            return {}

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            self.said.append(line.decode("utf-8", "replace"))


COUNTS = "SELECT state, count(*) FROM item WHERE kind <> 'event' GROUP BY state"
