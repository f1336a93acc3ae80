"""The figures of ingest at work: counted where it happens, told by the role that was asked to."""

import os
import re
import socket
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

from clinic import pressure
from fix_database import Clinic
from ingest_parts import home_at, ingesting
from leaks import Canaries, leaks

from yikao_alerts.rules import RuleSet
from yikao_ingest.metrics import IngestMetrics
from yikao_ingest.settings import BROKER_URL, DATABASE_URL, METRICS_LISTEN, READY_FILE


def value(metrics: IngestMetrics, name: str, **labels: str) -> float:
    return metrics.registry.get_sample_value(f"yikao_ingest_{name}", labels) or 0.0


def test_what_is_taken_in_is_counted(plain_clinic: Clinic, url: str, rules: RuleSet) -> None:
    now = datetime.now(UTC)
    readings = [pressure(120 + n, 80, at=now - timedelta(minutes=n)) for n in range(7)]
    with (
        ingesting(plain_clinic.dsn, url, rules) as pipeline,
        home_at(url, plain_clinic.first) as home,
    ):
        home.send(*readings[:5])
        home.send(*readings[5:])
        home.until(lambda: home.is_done(readings))
        found = pipeline.metrics
        assert value(found, "active") == 1
    assert value(found, "messages_total") == 2
    assert value(found, "readings_total") == value(found, "batch_readings_sum") == 7
    assert 1 <= value(found, "batches_total") <= 2
    assert value(found, "receipts_total", outcome="sent") == value(found, "batches_total")
    assert value(found, "connections_total", to="database") == 1
    for step in ("judge", "commit", "receipt"):
        took_s = value(found, "step_seconds_sum", step=step)
        assert 0 < took_s < 60, step
    assert value(found, "active") == value(found, "messages_waiting") == 0


def test_the_role_tells_them_where_it_was_told_to(
    plain_clinic: Clinic, url: str, short_tmp: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    ready = short_tmp / "ready"
    settings = {
        DATABASE_URL: plain_clinic.dsn,
        BROKER_URL: url,
        METRICS_LISTEN: address,
        READY_FILE: str(ready),
    }
    child = subprocess.Popen(
        [sys.executable, "-m", "yikao_ingest", "ingest"],
        env={**os.environ, **settings},
        stderr=subprocess.DEVNULL,
    )
    try:
        plain_clinic.until(ready.exists)
        with home_at(url, plain_clinic.first) as home:
            reading = pressure(186, 112, at=datetime.now(UTC))
            home.send(reading)
            home.until(lambda: home.is_done([reading]))
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
            text = answer.read().decode()
    finally:
        child.terminate()
        child.wait(30)
    assert "yikao_ingest_readings_total 1.0" in text
    assert 'yikao_ingest_connections_total{to="broker"} 1.0' in text
    assert re.search(r"^yikao_ingest_active 1.0$", text, re.MULTILINE)
    canaries = Canaries(("赵奶奶", "王医生"), ("zhao", "gw-1"), ("186/112",))
    assert not leaks(text, canaries)
