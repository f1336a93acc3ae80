"""The pager's figures for a machine that draws and watches them: Prometheus, text format 0.0.4.

Counted from the outbox itself: whatever process sent a page, it is counted once. The figures begin
at zero when this process starts, as counters of Prometheus may. No name, no value, no resident.

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
from yikao_alerts.sql_blocks import load_sql_blocks

SQL: Final = load_sql_blocks("yikao_alerts", "sql/watchdog.sql")
CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
SETTLED: Final = timedelta(seconds=5)
"""An attempt is counted when it is this old: one with a smaller number may be committed later."""
BATCH: Final = 5000
"""Attempts counted at one look; the rest at the next."""
EVIDENCE_WITHIN: Final = timedelta(days=1)
STATES_WITHIN: Final = timedelta(days=1)
SECONDS: Final = (0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Bounds of the histogram: with the targets 0.3 s and 2 s (healthy), 30 s (a fault) among them."""


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
    _episodes: Gauge = field(init=False)
    _pages: Gauge = field(init=False)
    _oldest: Gauge = field(init=False)

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
        self._episodes = Gauge("yikao_episodes", "Active episodes", ("state",), registry=here)
        self._pages = Gauge(
            "yikao_pages",
            "Pages of the last day, and all that are due or held",
            ("channel", "state"),
            registry=here,
        )
        self._oldest = Gauge(
            "yikao_oldest_due_page_seconds", "How long the oldest due page waits", registry=here
        )

    async def read(self, connection: Connection, now: datetime) -> None:
        """Bring the figures up to date; connection: autocommit, its clock says `now`."""
        async with self._lock:
            await self._count(connection, now)
            _set(self._episodes, await _rows(connection, "episodes_by_state", {}))
            values = {"since": now - STATES_WITHIN}
            _set(self._pages, await _rows(connection, "pages_by_state", values))
            ((waits_s,),) = await _rows(connection, "oldest_due", {"now": now})
            self._oldest.set(waits_s or 0.0)

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
        gauge.labels(*labels).set(value)


async def _rows(
    connection: Connection, statement: str, values: dict[str, Any]
) -> list[tuple[Any, ...]]:
    return await (await connection.execute(SQL[statement], values)).fetchall()
