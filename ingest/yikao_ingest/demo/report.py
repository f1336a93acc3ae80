"""The accounts of a demo: what was measured against what is stored, what was due against what rang.

The truth is what the simulated cuffs and meters measured, by their own log; it is compared row by
row with the database. A reading is lost when it is in neither the readings nor the quarantine.
"""

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import psycopg

from yikao_alerts.history import JUDGED
from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_devices.story_clock import Clock
from yikao_ingest.demo.follow import Follower

SQL: Final = load_sql_blocks("yikao_ingest.demo", "report.sql")
TAKEN: Final = frozenset({"sent", "delivered"})


class Identity(NamedTuple):
    """What tells one measurement from all others: device, its clock's time, what it measured."""

    device: str
    device_time: str
    kind: str


def truth_of(path: Path) -> list[Identity]:
    """Return what the devices measured, from the simulator's own log."""
    return [
        Identity(line["device"], line["device_time"], line["kind"])
        for line in Follower(path).lines()
        if line.get("kind") in JUDGED
    ]


def readings_account(
    measured: Sequence[Identity], stored: Sequence[Identity], quarantined: Sequence[Identity]
) -> dict[str, int]:
    """Return how the readings came through; `lost` and `duplicated` have to be 0."""
    truth, rows, refused = Counter(measured), Counter(stored), Counter(quarantined)
    lost = sum((truth - rows - refused).values())
    duplicated = sum((rows - truth).values())
    return {
        "measured": len(measured),
        "stored": len(stored),
        "quarantined": len(quarantined),
        "lost": lost,
        "duplicated": duplicated,
    }


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the nearest-rank percentile of `values`, None when there are none."""
    ordered = sorted(values)
    if not ordered:
        return None
    rank = max(1, -(-len(ordered) * share // 1))
    return round(ordered[int(rank) - 1], 1)


class Accounts:
    """Reads the database of a demo; for one thread."""

    def __init__(self, dsn: str, truth: Path, phone_log: Path, clock: Clock) -> None:
        self._dsn = dsn
        self._truth = truth
        self._phone_log = phone_log
        self._clock = clock

    def readings(self) -> dict[str, int]:
        """Return the account of the readings."""
        with psycopg.connect(self._dsn) as conn:
            stored = [Identity(*row) for row in conn.execute(SQL["stored"])]
            quarantined = [
                identity
                for (payload,) in conn.execute(SQL["quarantined"])
                if (identity := _identity(bytes(payload))) is not None
            ]
        return readings_account(truth_of(self._truth), stored, quarantined)

    def report(self) -> dict[str, Any]:
        """Return the whole report."""
        readings = self.readings()
        rang = {
            line.get("page_id")
            for line in Follower(self._phone_log).lines()
            if line["event"] == "rang"
        }
        with psycopg.connect(self._dsn) as conn:
            now = self._clock.at(time.time())
            pages = conn.execute(SQL["pages"], {"now": now}).fetchall()
            waits = [row[0] for row in conn.execute(SQL["first_page_waits"])]
            episodes = [_episode(row) for row in conn.execute(SQL["episodes"])]
        latencies = [wait.total_seconds() / self._clock.speed * 1000 for wait in waits]
        return {
            "readings": readings,
            "pages": pages_account(pages, rang),
            "latency_ms": {
                "reading_to_page": {
                    "p50": percentile(latencies, 0.50),
                    "p99": percentile(latencies, 0.99),
                    "n": len(latencies),
                }
            },
            "episodes": episodes,
            "speed": self._clock.speed,
        }


def pages_account(pages: Sequence[tuple[Any, ...]], rang: set[Any]) -> dict[str, int]:
    """Return how the pages came through. A page that an answer cancelled is not due any more; one
    that failed for good is not lost when another contact or step took its place."""
    states = Counter(state for _, state, _ in pages)
    due = (
        len(pages)
        - states["cancelled"]
        - sum(1 for _, s, taken in pages if s == "failed" and taken)
    )
    delivered = sum(1 for page, state, _ in pages if state in TAKEN and str(page) in rang)
    return {
        "due": due,
        "delivered": delivered,
        "lost": due - delivered,
        "cancelled": states["cancelled"],
    }


def _episode(row: tuple[Any, ...]) -> dict[str, Any]:
    names = ("resident", "rule", "state", "opened", "paged", "answered", "answered_by", "resolved")
    values = (part.isoformat() if hasattr(part, "isoformat") else part for part in row)
    return dict(zip(names, values, strict=True))


def _identity(payload: bytes) -> Identity | None:
    """Return whose reading a quarantined item was, where it was one."""
    try:
        item: Mapping[str, Any] = json.loads(payload)
        clocks = item["clocks"]
        return Identity(item["device"], clocks["t_dev"], item["kind"])
    except (ValueError, KeyError, TypeError):
        return None
