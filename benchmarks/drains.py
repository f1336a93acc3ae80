"""How fast somebody brought readings into a table, and what that cost: one run of one taker."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from crowd import Placed
from servers import ARRIVES_S, Servers, arrival, committed, cpu_s
from table import Figure
from takers import Taker

from yikao_ingest.embedded.child import Child

SETTLES_S = 0.5
"""What is left to do after the last commit, receipts and acknowledgements, takes less."""


@dataclass(frozen=True, slots=True)
class Drain:
    """A run: rows per second, and processor microseconds per reading."""

    rows_per_s: float
    """From the beginning to the last commit."""
    pace_per_s: float
    """From the first commit to the last, without the rows of the first."""
    own_us: float
    postgres_us: float


def drain(
    taker: Taker,
    live: Servers,
    child: Child,
    since: datetime,
    readings: Sequence[Placed],
    begin: Callable[[], object],
) -> Drain:
    """Return how a taker brings these readings into its table, from the call of `begin` on.

    since: no other readings are that new. PostgreSQL's share is all that it did meanwhile.
    """
    own_s, postgres_s = cpu_s(child.pid), cpu_s(live.postgres_pid)
    began = time.time()
    begin()
    came = arrival(live.dsn, taker.table, readings[-1].key, ARRIVES_S)
    assert came is not None, f"{taker.name}: the last reading never arrived"
    postgres_s = cpu_s(live.postgres_pid) - postgres_s
    commits = committed(live.dsn, taker.table, since, len(readings))
    time.sleep(SETTLES_S)
    own_s = cpu_s(child.pid) - own_s
    return Drain(
        len(readings) / (commits.last_at - began),
        commits.rows_per_s,
        own_s / len(readings) * 1e6,
        postgres_s / len(readings) * 1e6,
    )


def median(drains: Sequence[Drain], field: str) -> float:
    """Return the median of one field."""
    values: list[float] = [getattr(one, field) for one in drains]
    return statistics.median(values)


def beside(what: str, ours: Sequence[Drain], peers: Mapping[str, Sequence[Drain]]) -> list[Figure]:
    """Return rows per second and processor time, ours beside each peer's, or alone."""
    rows = (
        (what, "rows_per_s", "readings/s"),
        (f"{what}: own processor", "own_us", "us/reading"),
        (f"{what}: PostgreSQL's processor", "postgres_us", "us/reading"),
    )
    if not peers:
        return [Figure(shown, median(ours, field), unit) for shown, field, unit in rows]
    return [
        Figure(shown, median(ours, field), unit, name, median(theirs, field))
        for shown, field, unit in rows
        for name, theirs in peers.items()
    ]
