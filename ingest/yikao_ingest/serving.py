"""`yikao serve`: the whole server on one machine, kept running.

Starts the embedded database and broker where none are given, brings the schema up to date, runs
each role as a process of its own, and starts again whatever dies. Ready means: the feed answers,
and ingest listens.
"""

import json
import logging
import sys
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGTERM
from typing import Final

import psycopg

from yikao_alerts.clock import story_clock
from yikao_alerts.feed.settings import DEFAULT_HOST, DEFAULT_PORT, HOST, LINK_SECRET_FILE, PORT
from yikao_ingest.embedded.broker import EmbeddedBroker
from yikao_ingest.embedded.child import Child, log_tail, spawn
from yikao_ingest.embedded.postgres import EmbeddedPostgres
from yikao_ingest.errors import ServerError
from yikao_ingest.migrate import MigrationError, migrate
from yikao_ingest.roles import ROLES
from yikao_ingest.settings import (
    BROKER_URL,
    DATABASE_URL,
    READY_FILE,
    WEBHOOK_SECRET_FILE,
    make_secret,
)

log = logging.getLogger(__name__)

READY_TIMEOUT_S: Final = 60.0
STOP_PATIENCE_S: Final = 10.0
RESTART_QUICK_S: Final = 1.0
"""A process that dies sooner than this after its start is started again only after a pause."""
RESTART_PAUSE_S: Final = 1.0
WATCH_EVERY_S: Final = 0.1


@dataclass(slots=True)
class Process:
    """One child that has to run: its command, and when it was started last."""

    name: str
    argv: tuple[str, ...]
    log_file: Path
    environ: Mapping[str, str]
    child: Child | None = None
    started_s: float = 0.0

    @property
    def ready_file(self) -> Path:
        """Made by the process when it works."""
        return self.log_file.with_suffix(".ready")

    def start(self, now_s: float) -> None:
        """Start it; it ends when this process does."""
        self.ready_file.unlink(missing_ok=True)
        environ = {**self.environ, READY_FILE: str(self.ready_file)}
        self.child = spawn(self.argv, self.log_file, death_signal=SIGTERM, environ=environ)
        self.started_s = now_s

    def ensure(self, now_s: float) -> bool:
        """Start it again when it has ended; return whether it had."""
        if self.child is None or self.child.poll() is None:
            return False
        if self.child.poll() and now_s - self.started_s < RESTART_QUICK_S + RESTART_PAUSE_S:
            return False
        log.warning("process ended, starting again", extra={"role": self.name})
        self.start(now_s)
        return True


@dataclass(slots=True)
class Serving:
    """Everything `yikao serve` runs; `start`, then `watch` every now and then, then `stop`."""

    data: Path
    environ: dict[str, str]
    postgres: EmbeddedPostgres | None = None
    broker: EmbeddedBroker | None = None
    processes: list[Process] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where the feed is."""
        host, port = self.environ.get(HOST) or DEFAULT_HOST, self.environ.get(PORT)
        return f"http://{host}:{port or DEFAULT_PORT}"

    def prepare(self) -> None:
        """Have a database with the schema, a broker and secrets; set the roles' environment."""
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.environ.get(DATABASE_URL):
            self.postgres = EmbeddedPostgres(self.data / "pg")
            self.environ[DATABASE_URL] = self.postgres.start()
        if not self.environ.get(BROKER_URL):
            self.broker = EmbeddedBroker(self.data / "broker")
            self.environ[BROKER_URL] = self.broker.start()
        for name, file in ((LINK_SECRET_FILE, "link.key"), (WEBHOOK_SECRET_FILE, "webhook.key")):
            if not self.environ.get(name):
                path = self.data / "secrets" / file
                make_secret(path)
                self.environ[name] = str(path)
        self._migrate()

    def _migrate(self) -> None:
        try:
            migrate(self.environ[DATABASE_URL], story_clock().at(time.time()))
        except MigrationError as error:
            raise ServerError("the schema stays as it is", str(error)) from error
        except psycopg.OperationalError as error:
            raise ServerError(
                f"the database does not answer, {_first_line(error)}",
                f"start it, or unset {DATABASE_URL} to use the embedded one",
            ) from error

    def start(self) -> None:
        """Start every role."""
        for role in ROLES:
            self.add(role, (sys.executable, "-m", "yikao_ingest", role))

    def add(self, name: str, argv: tuple[str, ...], **environ: str) -> Process:
        """Start one more process and keep it running."""
        log_file = self.data / "log" / f"{name}.log"
        log_file.parent.mkdir(mode=0o700, exist_ok=True)
        process = Process(name, argv, log_file, self.environ | environ)
        process.start(time.monotonic())
        self.processes.append(process)
        return process

    def wait_ready(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Return when ingest listens, evaluator and pager work and the feed answers.

        Refuses with `ServerError` and the last words of whoever is not ready in time.
        """
        until = time.monotonic() + timeout_s
        waiting = {process.name: process for process in self.processes if process.name in ROLES}
        while waiting:
            for name, process in list(waiting.items()):
                if process.ready_file.exists() or (name == "feed" and self._feed_answers()):
                    del waiting[name]
                elif process.child is not None and process.child.poll() is not None:
                    raise ServerError(f"{name} does not start", self.failed(name))
            if time.monotonic() > until:
                name = min(waiting)
                raise ServerError(f"{name} is not ready after {timeout_s:g} s", self.failed(name))
            time.sleep(WATCH_EVERY_S / 2)

    def _feed_answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def watch(self) -> None:
        """Start again what has ended, and write down who runs as what."""
        if self.postgres is not None:
            self.postgres.ensure()
        if self.broker is not None:
            self.broker.ensure()
        for process in self.processes:
            process.ensure(time.monotonic())
        self._write_pids()

    def _write_pids(self) -> None:
        pids = {p.name: p.child.pid for p in self.processes if p.child is not None}
        if self.postgres is not None:
            pids["postgres"] = self.postgres.pid
        if self.broker is not None:
            pids["broker"] = self.broker.pid
        path = self.data / "processes.json"
        text = json.dumps(pids, indent=2)
        if not path.exists() or path.read_text("utf-8") != text:
            fresh = path.with_suffix(".new")
            fresh.write_text(text, "utf-8")
            fresh.replace(path)

    def stop(self) -> None:
        """End everything, the database last."""
        for process in reversed(self.processes):
            if process.child is not None:
                process.child.stop(SIGTERM, patience_s=STOP_PATIENCE_S)
        if self.broker is not None:
            self.broker.stop()
        if self.postgres is not None:
            self.postgres.stop()

    def failed(self, name: str) -> str:
        """Return the last words of a process, for an error message."""
        return log_tail(self.data / "log" / f"{name}.log")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
