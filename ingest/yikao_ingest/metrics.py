"""The figures of the ingest process for a machine that draws and watches them.

What only this process knows is counted here: how large its batches are, how long it takes to judge,
to commit and to send receipts, how often a connection broke. What stands in tables the feed tells.
No value, no name, no resident is in any figure. Prometheus, text format 0.0.4.

Of ingest only this file knows prometheus_client.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from yikao_ingest.errors import ServerError
from yikao_ingest.settings import METRICS_LISTEN

READINGS: Final = (1.0, 10.0, 100.0, 500.0, 1_000.0, 5_000.0, 10_000.0, 50_000.0)
"""Bounds of the batch's size: one live reading, one message of 100, 500 messages of 100."""
SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Bounds of each step's time, with the target 0.05 s from commit to receipt among them."""
BROKER: Final = "broker"
DATABASE: Final = "database"


class IngestMetrics:
    """The figures of one ingest process. Any thread may count; a call takes microseconds."""

    def __init__(self) -> None:
        self.registry = here = CollectorRegistry(auto_describe=True)
        self._batches = Counter("yikao_ingest_batches", "Batches committed", registry=here)
        self._messages = Counter("yikao_ingest_messages", "Messages in them", registry=here)
        self._readings = Counter(
            "yikao_ingest_readings", "Items in them, whatever became of each", registry=here
        )
        self._size = Histogram(
            "yikao_ingest_batch_readings", "Items in a batch", buckets=READINGS, registry=here
        )
        self._took = Histogram(
            "yikao_ingest_step_seconds",
            "How long a batch took: judge, commit, receipt",
            ("step",),
            buckets=SECONDS,
            registry=here,
        )
        self._receipts = Counter(
            "yikao_ingest_receipts",
            "Receipts handed to the broker (sent), or not for want of a connection (unsent)",
            ("outcome",),
            registry=here,
        )
        self._again = Counter(
            "yikao_ingest_redeliveries", "Messages that the broker delivered again", registry=here
        )
        self._connections = Counter(
            "yikao_ingest_connections",
            "Connections made; each after the first is a reconnection",
            ("to",),
            registry=here,
        )
        self._active = Gauge(
            "yikao_ingest_active", "1: takes messages; 0: stands by", registry=here
        )
        self._waiting = Gauge(
            "yikao_ingest_messages_waiting", "Messages received and not yet judged", registry=here
        )

    def batch(self, messages: int, readings: int, judge_s: float, commit_s: float) -> None:
        """Count a batch that was committed, and how long its two steps took."""
        self._batches.inc()
        self._messages.inc(messages)
        self._readings.inc(readings)
        self._size.observe(readings)
        self._took.labels("judge").observe(judge_s)
        self._took.labels("commit").observe(commit_s)

    def receipts(self, sent: int, unsent: int, took_s: float) -> None:
        """Count the receipts of a batch: those the connection took, and those it did not."""
        self._receipts.labels("sent").inc(sent)
        self._receipts.labels("unsent").inc(unsent)
        self._took.labels("receipt").observe(took_s)

    def redelivered(self, messages: int) -> None:
        """Count messages that came again, because their acknowledgement never arrived."""
        self._again.inc(messages)

    def connected(self, to: str) -> None:
        """Count a connection to `BROKER` or `DATABASE`."""
        self._connections.labels(to).inc()

    def active(self, yes: bool) -> None:
        """Note whether this process is the active ingest."""
        self._active.set(yes)

    def waiting(self, ask: Callable[[], int]) -> None:
        """Have `ask` asked, at each look at the figures, how many messages wait."""
        self._waiting.set_function(ask)


def metrics_address(environ: Mapping[str, str]) -> tuple[str, int] | None:
    """Return where the figures are to be read, host and port; None where they are not wanted.

    Refuses with `ServerError` what is not HOST:PORT.
    """
    text = environ.get(METRICS_LISTEN)
    if not text:
        return None
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or port is None or text != parts.netloc:
        raise ServerError(
            f"{METRICS_LISTEN}={text} is not of the form HOST:PORT", "write 127.0.0.1:9464, say"
        )
    return host, port


@contextmanager
def told_at(address: tuple[str, int] | None, metrics: IngestMetrics) -> Iterator[int | None]:
    """Have the figures read at `address` for the block; gives the port, None without an address.

    They are for whoever asks: no password is asked for. Port 0 is any free one. Refuses with
    `ServerError` an address that cannot be had.
    """
    if address is None:
        yield None
        return
    host, port = address
    try:
        server, thread = start_http_server(port, host, metrics.registry)
    except OSError as error:
        raise ServerError(
            f"the figures cannot be told at {host}:{port}, {error.strerror}",
            f"set {METRICS_LISTEN} to a free port of this machine",
        ) from error
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
