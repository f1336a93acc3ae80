"""A city's backlog after an outage: from mosquitto to committed rows, through `yikao ingest`.

The messages wait in the session of whoever takes them, who is ready and takes nothing yet; the time
is from the moment it is let go until the last row is committed, connecting to the broker included.
Beside us mq-bridge drains the same readings as single messages, as gateways without ours send them.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from crowd import Crowd, settle
from drains import Drain, beside, drain, median
from peer_takers import NodeRed, peers
from publishing import packets, publish
from servers import EMPTIED, Servers, empty, servers
from storage import bare_copy, stored_rows
from table import RUNS, Figure
from takers import Taker, Yikao, enrol, reset, running

READINGS = 50_000
BAR = 30_000
"""Readings per second that are to be reached on two processors."""
SHARE_BAR = 50
"""Percent of what PostgreSQL takes from COPY and ON CONFLICT alone."""


def figures(readings: int = READINGS, runs: int = RUNS) -> Iterator[Figure]:
    """Yield how fast a backlog of so many readings is drained, and what it costs."""
    ours = Yikao()
    # Node-RED is not taken: it cannot be told to wait.
    others = [peer for peer in peers() if not isinstance(peer, NodeRed)]
    takers: list[Taker] = [ours, *others]
    with tempfile.TemporaryDirectory(prefix="yk-") as folder, servers(Path(folder)) as live:
        crowd = settle(live.dsn)
        drains: dict[str, list[Drain]] = {taker.name: [] for taker in takers}
        for taker in takers:
            taker.prepare(live.dsn)
            with running(taker, live, held=False):
                enrol(taker, live, crowd)
        limits: list[float] = []
        for run in range(runs):
            for taker in takers:
                drains[taker.name].append(drained(taker, live, crowd, readings, run))
                if taker is ours:
                    limits.append(_limit(live))
    mine = drains.pop(ours.name)
    what = f"backlog of {readings} readings in messages of 100"
    for shown, field in (
        ("let go to last commit", "rows_per_s"),
        ("first to last commit", "pace_per_s"),
    ):
        yield Figure(f"{what}, {shown}", median(mine, field), "readings/s", "to be at least", BAR)
    pace = median(mine, "pace_per_s") / statistics.median(limits)
    yield Figure(f"{what}, of what a bare script stores", pace * 100, "%", "at least", SHARE_BAR)
    yield from beside("the same, peers by single messages", mine, drains)


def drained(taker: Taker, live: Servers, crowd: Crowd, count: int, run: int) -> Drain:
    """Return how a taker drains a backlog of so many readings into an empty table."""
    readings = crowd.kept(count, run)
    messages = crowd.backlog(readings) if isinstance(taker, Yikao) else taker.pack(readings, crowd)
    reset(taker, live)
    publish(live.port, packets(messages))
    with running(taker, live, held=True) as child:
        return drain(taker, live, child, crowd.since, readings, lambda: taker.let_go(child))


def _limit(live: Servers) -> float:
    """Return how many readings a second a script stores that has the rows and checks nothing.

    They are those that the product has just stored.
    """
    rows = stored_rows(live.dsn)
    empty(live.dsn, *EMPTIED)
    began = time.perf_counter()
    bare_copy(live.dsn, rows)
    return len(rows) / (time.perf_counter() - began)


if __name__ == "__main__":
    for figure in figures(*map(int, sys.argv[1:])):
        print(figure.line(), flush=True)
