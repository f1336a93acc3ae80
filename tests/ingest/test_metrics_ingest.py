"""The figures of the ingest process: told over HTTP where they are wanted, and of nobody."""

import socket
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

import yikao_ingest
from yikao_ingest.errors import ServerError
from yikao_ingest.metrics import (
    BROKER,
    DATABASE,
    READINGS,
    SECONDS,
    IngestMetrics,
    metrics_address,
    told_at,
)
from yikao_ingest.settings import METRICS_LISTEN


def figures(metrics: IngestMetrics) -> dict[str, float]:
    """Ask over HTTP, and return the samples by name and labels."""
    with told_at(("127.0.0.1", 0), metrics) as port:
        answer = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10)
        with answer:
            text = answer.read().decode()
    return {
        f"{sample.name}{sorted(sample.labels.values())}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_what_a_batch_was_and_how_long_it_took() -> None:
    metrics = IngestMetrics()
    metrics.batch(messages=2, readings=101, judge_s=0.003, commit_s=0.04)
    metrics.batch(messages=1, readings=1, judge_s=0.0001, commit_s=0.0015)
    metrics.receipts(sent=2, unsent=1, took_s=0.0004)
    found = figures(metrics)
    assert found["yikao_ingest_batches_total[]"] == 2
    assert found["yikao_ingest_messages_total[]"] == 3
    assert found["yikao_ingest_readings_total[]"] == 102
    assert found["yikao_ingest_batch_readings_bucket['1.0']"] == 1
    assert found["yikao_ingest_batch_readings_bucket['500.0']"] == 2
    assert found["yikao_ingest_step_seconds_sum['commit']"] == pytest.approx(0.0415)
    assert found["yikao_ingest_step_seconds_bucket['0.005', 'judge']"] == 2
    assert found["yikao_ingest_step_seconds_count['receipt']"] == 1
    assert found["yikao_ingest_receipts_total['sent']"] == 2
    assert found["yikao_ingest_receipts_total['unsent']"] == 1


def test_connections_and_what_waits_as_it_is_when_asked() -> None:
    metrics, waiting = IngestMetrics(), [1, 2, 3]
    metrics.waiting(lambda: len(waiting))
    assert figures(metrics)["yikao_ingest_active[]"] == 0
    metrics.active(True)
    metrics.redelivered(4)
    for to in (BROKER, DATABASE, BROKER):
        metrics.connected(to)
    waiting.pop()
    found = figures(metrics)
    assert found["yikao_ingest_active[]"] == 1
    assert found["yikao_ingest_messages_waiting[]"] == 2
    assert found["yikao_ingest_redeliveries_total[]"] == 4
    assert found["yikao_ingest_connections_total['broker']"] == 2
    assert found["yikao_ingest_connections_total['database']"] == 1


def test_two_processes_count_for_themselves() -> None:
    first, second = IngestMetrics(), IngestMetrics()
    first.batch(1, 1, 0.0, 0.0)
    assert figures(second)["yikao_ingest_batches_total[]"] == 0


def test_the_targets_are_among_the_bounds() -> None:
    assert 0.05 in SECONDS and 50_000.0 in READINGS


def test_nothing_is_told_unless_it_is_wanted() -> None:
    assert metrics_address({}) is None
    with told_at(None, IngestMetrics()) as port:
        assert port is None


@pytest.mark.parametrize(
    ("text", "address"),
    [("127.0.0.1:9464", ("127.0.0.1", 9464)), ("[::1]:1", ("::1", 1)), ("localhost:0", None)],
)
def test_where(text: str, address: tuple[str, int] | None) -> None:
    assert metrics_address({METRICS_LISTEN: text}) == (address or ("localhost", 0))


@pytest.mark.parametrize(
    "text", ["9464", ":9464", "host:", "h:x", "h:70000", "[::1", "h:1/metrics"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ServerError, match=METRICS_LISTEN):
        metrics_address({METRICS_LISTEN: text})


def test_a_port_that_is_taken_is_refused_with_the_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = ("127.0.0.1", other.getsockname()[1])
        with (
            pytest.raises(ServerError, match=f"set {METRICS_LISTEN} to a free port"),
            told_at(address, IngestMetrics()),
        ):
            raise AssertionError("it cannot be had")


def test_no_file_but_one_knows_prometheus() -> None:
    package = Path(yikao_ingest.__path__[0])
    knowing = [f.name for f in package.rglob("*.py") if "prometheus_client" in f.read_text("utf-8")]
    assert knowing == ["metrics.py"]
