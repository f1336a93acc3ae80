"""The live lane: messages of a single reading, as fast as they come and at fixed rates.

We check, sign, answer and queue for the doctor; the peers beside us insert. Everybody listens
before the first message is sent, by a publisher that is never the limit.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from crowd import Crowd, settle
from drains import Drain, beside, drain
from peer_takers import peers
from publishing import packets, publish
from servers import Servers, servers
from table import RUNS, Figure
from takers import Taker, Yikao, enrol, reset, running

READINGS = 20_000
RATES_PER_S = (200, 1_000)
LASTS_S = 5
"""How long a fixed rate is held."""


def figures(readings: int = READINGS, runs: int = RUNS) -> Iterator[Figure]:
    """Yield rows per second and processor time per reading, ours beside each peer's."""
    ours = Yikao()
    takers: list[Taker] = [ours, *peers()]
    loads = {None: readings} | {rate: rate * LASTS_S for rate in RATES_PER_S}
    with tempfile.TemporaryDirectory(prefix="yk-") as folder, servers(Path(folder)) as live:
        crowd = settle(live.dsn)
        for taker in takers:
            taker.prepare(live.dsn)
        for rate, count in loads.items():
            drains: dict[str, list[Drain]] = {taker.name: [] for taker in takers}
            for run in range(runs):
                for taker in takers:
                    drains[taker.name].append(_carried(taker, live, crowd, count, run, rate))
            what = "live lane " + (f"at {rate} readings/s" if rate else "as fast as they come")
            yield from beside(what, drains.pop(ours.name), drains)


def _carried(
    taker: Taker, live: Servers, crowd: Crowd, count: int, run: int, rate: float | None
) -> Drain:
    """Return how a taker keeps up with so many single readings."""
    readings = crowd.live(count, run)
    prepared = packets(taker.pack(readings, crowd))
    reset(taker, live)
    with running(taker, live, held=False) as child:
        enrol(taker, live, crowd)
        return drain(
            *(taker, live, child, crowd.since, readings),
            lambda: publish(live.port, prepared, rate),
        )


if __name__ == "__main__":
    for figure in figures(*map(int, sys.argv[1:])):
        print(figure.line(), flush=True)
