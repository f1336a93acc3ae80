"""Who watches the watcher: a reading of somebody who does not exist goes all the way each minute,
and whichever part dies, operations are called in time, by a channel of the watchdog's own.
"""

import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg
import pytest

from yikao_alerts.compose import load_texts
from yikao_alerts.watchdog import Suspect
from yikao_devices.story_clock import VARIABLE, Clock
from yikao_ingest.demo.follow import Follower
from yikao_ingest.demo.stage import free_port
from yikao_ingest.registry import parse_registry
from yikao_ingest.registry_store import apply_registry
from yikao_ingest.serving import Process, Serving
from yikao_ingest.settings import DATABASE_URL, WEBHOOK_SECRET_FILE, make_secret
from yikao_ingest.watch.canary import CODE, registry_entries
from yikao_ingest.watch.sink import sink_url

SPEED = 30.0
IN_TIME = timedelta(minutes=5)
PATIENCE_S = 60.0
POLL_S = 0.05
PARTS = {
    "ingest": Suspect.INGEST,
    "evaluate": Suspect.EVALUATOR,
    "pager": Suspect.PAGER,
    "broker": Suspect.BROKER,
    "postgres": Suspect.DATABASE,
}


class External:
    """An external watchdog: it counts how often it was told that all is well."""

    def __init__(self) -> None:
        self.pings = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.pings += 1
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/ping"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Watched:
    """A server with its watchdog, the phone of operations, and an external watchdog."""

    def __init__(self, folder: Path, external: External) -> None:
        now_s = time.time()
        self.clock = Clock(now_s, now_s, SPEED)
        self.folder, self.external = folder, external
        environ = {
            **os.environ,
            VARIABLE: self.clock.spec(),
            "YIKAO_FEED_PORT": str(free_port()),
        }
        self.serving = Serving(folder, environ)
        self.alarms: list[dict[str, Any]] = []
        self._follower = Follower(folder / "phone.jsonl")

    def start(self) -> None:
        serving, key = self.serving, self.folder / "canary.key"
        serving.prepare()
        make_secret(key)
        listen, phone = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        text = registry_entries(key.read_bytes(), sink_url(listen, key.read_bytes()), "UTC")
        apply_registry(serving.environ[DATABASE_URL], parse_registry(text, "canary.toml"))
        argv = ["phone", "--listen", phone, "--log", str(self.folder / "phone.jsonl"), "--json"]
        argv += ["--secret", serving.environ[WEBHOOK_SECRET_FILE], "--owner", "ops=silent"]
        serving.add("phone", (sys.executable, "-m", "yikao_sim.cli", *argv))
        serving.start()
        serving.add(
            "watch",
            (sys.executable, "-m", "yikao_ingest", "watch"),
            YIKAO_WATCH_KEY_FILE=str(key),
            YIKAO_WATCH_LISTEN=listen,
            YIKAO_WATCH_CHANNEL=f"webhook:http://{phone}/ops",
            YIKAO_WATCH_LANGUAGE="en",
            YIKAO_WATCH_PING_URL=self.external.url,
        )
        serving.wait_ready()

    def until(self, condition: Callable[[], object], what: str, *, repair: bool = True) -> None:
        """Wait; repair: start again what has ended, as `yikao serve` does."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, (
                f"not within {PATIENCE_S:g} s: {what}\n" + self.serving.failed("watch")
            )
            if repair:
                self.serving.watch()
            time.sleep(POLL_S)

    def rings(self) -> list[str]:
        """Return what has rung at the phone of operations."""
        self.alarms += [line for line in self._follower.lines() if line["event"] == "rang"]
        return [line["text"] for line in self.alarms]

    def beats(self, more: int = 2) -> None:
        """Wait until pages have arrived so often."""
        before = self.external.pings
        self.until(lambda: self.external.pings >= before + more, "pages arrive")

    def kill(self, name: str) -> None:
        """Kill a part with -9; nobody starts it again until `repair`."""
        (self.folder / "processes.json").unlink(missing_ok=True)
        self.serving.watch()
        pids = json.loads((self.folder / "processes.json").read_text())
        os.kill(pids[name], signal.SIGKILL)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.serving.environ[DATABASE_URL]) as conn:
            return conn.execute(statement).fetchall()  # type: ignore[arg-type]

    def process(self, name: str) -> Process:
        return next(each for each in self.serving.processes if each.name == name)


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    with tempfile.TemporaryDirectory(prefix="yk-", dir="/tmp") as folder:
        external = External()
        watched = Watched(Path(folder), external)
        try:
            watched.start()
            yield watched
        finally:
            watched.serving.stop()
            external.stop()


def test_all_is_well_and_only_the_external_watchdog_is_told(watched: Watched) -> None:
    told = len(watched.rings())
    watched.beats(3)
    assert len(watched.rings()) == told
    log = watched.process("watch").log_file.read_text()
    assert "beat arrived" in log, log


@pytest.mark.parametrize("part", PARTS)
def test_whichever_part_dies_operations_are_called_in_time(watched: Watched, part: str) -> None:
    watched.beats(1)
    told = len(watched.rings())
    watched.kill(part)
    at = watched.clock.at(time.time())
    watched.until(lambda: len(watched.rings()) > told, f"called: {part}", repair=False)
    assert watched.clock.at(time.time()) - at <= IN_TIME
    text = watched.rings()[told]
    assert text.startswith("[SELF-TEST] No test page")
    assert load_texts("en")["watch"][f"part_{PARTS[part]}"] in text
    watched.beats(1)
    watched.until(lambda: "again" in watched.rings()[-1], "operations hear that it is over")


def test_who_does_not_exist_is_nobodys_patient(watched: Watched) -> None:
    watched.beats(2)
    assert watched.rows(f"SELECT synthetic FROM resident WHERE code = '{CODE}'") == [(True,)]
    assert watched.rows("SELECT count(*) FROM patient") == [(0,)]
    assert watched.rows("SELECT count(*) FROM worklist_entry") == [(0,)]
    assert watched.rows("SELECT DISTINCT channel FROM page") == [("sink",)]
    ((active,),) = watched.rows(
        "SELECT count(*) FROM episode WHERE state IN ('open', 'answered', 'watching')"
    )
    assert active <= 1
