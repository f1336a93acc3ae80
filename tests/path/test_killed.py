"""Each part is killed with -9 in turn while homes measure: nothing is lost, nothing comes twice."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SECONDS = 70
PATIENCE_S = 60.0
POLL_S = 0.05
VICTIMS = ("gateway-h1", "broker", "ingest", "postgres", "evaluate", "pager", "gateway-h2")


def _pids(data: Path) -> dict[str, int]:
    try:
        return dict(json.loads((data / "processes.json").read_text()))
    except FileNotFoundError:
        return {}


def _until(condition: object, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, f"not within {PATIENCE_S:g} s: {what}"
        time.sleep(POLL_S)


def _truths(data: Path) -> int:
    truth = data / "truth.jsonl"
    return len(truth.read_text().splitlines()) if truth.exists() else 0


def test_killing_each_part_in_turn_loses_nothing(short_tmp: Path) -> None:
    data, report = short_tmp / "d", short_tmp / "out.json"
    command = [sys.executable, "-m", "yikao_ingest", "demo", "--seconds", str(SECONDS)]
    command += ["--speed", "60", "--homes", "2", "--data", str(data), "--report", str(report)]
    with (short_tmp / "demo.log").open("wb") as log:
        demo = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _until(lambda: _pids(data), "the demo is ready")
        for victim in VICTIMS:
            # One more measurement after each death, so that each part is missed by somebody.
            measured = _truths(data)
            pid = _pids(data)[victim]
            os.kill(pid, signal.SIGKILL)
            _until(lambda v=victim, p=pid: _pids(data).get(v) not in (None, p), f"{victim} is back")
            _until(lambda m=measured: _truths(data) > m or demo.poll() is not None, "a measurement")
        assert demo.wait(PATIENCE_S + SECONDS) == 0, (short_tmp / "demo.log").read_text()
    finally:
        if demo.poll() is None:
            demo.send_signal(signal.SIGINT)
            demo.wait(PATIENCE_S)
    accounts = json.loads(report.read_text())
    readings, pages = accounts["readings"], accounts["pages"]
    assert readings["measured"] >= len(VICTIMS)
    assert readings["stored"] + readings["quarantined"] == readings["measured"]
    assert (readings["lost"], readings["duplicated"]) == (0, 0)
    assert pages["due"] >= 1
    assert pages["lost"] == 0
