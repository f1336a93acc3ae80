"""The server's figures for a machine that draws and watches them: Prometheus, text format 0.0.4.

They stand in the tables: what waits, what was put aside, which gateways speak, what fails. Pages
are counted from the outbox itself: whatever process sent one, it is counted once, beginning at zero
when this process starts, as counters of Prometheus may. No name, no value, no resident.

Only this file knows prometheus_client.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from yikao_alerts.feed.connections import Connection
from yikao_alerts.feed.store import SEEN_WITHIN
from yikao_alerts.sql_blocks import load_sql_blocks

SQL: Final = {
    **load_sql_blocks("yikao_alerts", "sql/watchdog.sql"),
    **load_sql_blocks("yikao_alerts.feed", "sql/metrics.sql"),
}
CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
SETTLED: Final = timedelta(seconds=5)
"""An attempt is counted when it is this old: one with a smaller number may be committed later."""
BATCH: Final = 5000
"""Attempts counted at one look; the rest at the next."""
EVIDENCE_WITHIN: Final = timedelta(days=1)
STATES_WITHIN: Final = timedelta(days=1)
SECONDS: Final = (0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Bounds of the histogram: with the targets 0.3 s and 2 s (healthy), 30 s (a fault) among them."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure as it is now: each row of its statement is a value behind its labels."""

    name: str
    what: str
    statement: str
    labels: tuple[str, ...] = ()


FIGURES: Final = (
    Figure("yikao_episodes", "Active episodes", "episodes_by_state", ("state",)),
    Figure(
        "yikao_pages",
        "Pages of the last day, and all that are due or held",
        "pages_by_state",
        ("channel", "state"),
    ),
    Figure("yikao_oldest_due_page_seconds", "How long the oldest due page waits", "oldest_due"),
    Figure(
        "yikao_last_message_age_seconds", "Since the newest message was stored", "newest_message"
    ),
    Figure("yikao_eval_queue", "Rows that wait for the evaluator", "eval_waiting"),
    Figure("yikao_eval_queue_age_seconds", "How long the oldest of them waits", "eval_oldest"),
    Figure("yikao_quarantine_open", "Put aside and not settled", "quarantine_open", ("reason",)),
    Figure("yikao_gateways", "Gateways, by what they last said", "gateways_by_state", ("state",)),
    Figure(
        "yikao_gateway_configurations",
        "Gateways, by what became of the newest configuration wished of them",
        "gateway_configurations",
        ("state",),
    ),
    Figure("yikao_gateway_versions", "Gateways, by version", "gateway_versions", ("version",)),
    Figure("yikao_receipts_owed", "Items for which gateways wait for a receipt", "receipts_owed"),
    Figure(
        "yikao_upkeep_failing",
        "The database's own work, by task or background job: 1 while it fails",
        "upkeep_failing",
        ("task",),
    ),
    Figure("yikao_upkeep_age_seconds", "Since any of it was last begun", "upkeep_age"),
)
"""What stands in the tables at each look; the counters below are of this process."""


@dataclass(slots=True)
class Metrics:
    """The figures of one feed process; `read` before `text`."""

    registry: CollectorRegistry = field(
        default_factory=lambda: CollectorRegistry(auto_describe=True)
    )
    _seen: int | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _attempts: Counter = field(init=False)
    _took: Histogram = field(init=False)
    _gauges: dict[str, Gauge] = field(init=False)

    def __post_init__(self) -> None:
        here = self.registry
        self._attempts = Counter(
            "yikao_page_attempts",
            "Pages handed to providers",
            ("channel", "outcome"),
            registry=here,
        )
        self._took = Histogram(
            "yikao_page_latency_seconds",
            "From the commit of a reading to a provider's acceptance of its page",
            buckets=SECONDS,
            registry=here,
        )
        self._gauges = {
            figure.name: Gauge(figure.name, figure.what, figure.labels, registry=here)
            for figure in FIGURES
        }

    async def read(self, connection: Connection, now: datetime) -> None:
        """Bring the figures up to date; connection: autocommit, its clock says `now`."""
        async with self._lock:
            await self._count(connection, now)
            since, seen_since = now - STATES_WITHIN, now - SEEN_WITHIN
            values = {"now": now, "since": since, "seen_since": seen_since}
            for figure in FIGURES:
                _set(self._gauges[figure.name], await _rows(connection, figure.statement, values))

    def text(self) -> bytes:
        """Return the figures in the text format."""
        return generate_latest(self.registry)

    async def _count(self, connection: Connection, now: datetime) -> None:
        if self._seen is None:
            ((self._seen,),) = await _rows(connection, "last_attempt", {})
        values = {
            "after": self._seen,
            "settled": now - SETTLED,
            "limit": BATCH,
            "evidence_within": EVIDENCE_WITHIN,
        }
        for number, channel, outcome, took_s in await _rows(connection, "attempts_after", values):
            self._attempts.labels(channel, outcome).inc()
            if took_s is not None:
                self._took.observe(took_s)
            self._seen = number


def _set(gauge: Gauge, rows: Iterable[Sequence[Any]]) -> None:
    """Give a gauge its values anew: what is there no more is zero by its absence."""
    gauge.clear()
    for *labels, value in rows:
        (gauge.labels(*labels) if labels else gauge).set(value)


async def _rows(
    connection: Connection, statement: str, values: dict[str, Any]
) -> list[tuple[Any, ...]]:
    return await (await connection.execute(SQL[statement], values)).fetchall()
