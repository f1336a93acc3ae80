"""From a committed reading to a phone while one thing is broken: each fault in a run of its own.

The load is that of the healthy figure. Every doctor has two contacts, at two providers; a fault
begins after some seconds and a provider's lasts until the end. Whoever keeps processes running
starts again at once what was killed.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from os import kill
from pathlib import Path
from signal import SIGKILL

import psycopg
from paging_live import (
    FAULTS,
    HOPS,
    PAGES_PER_S,
    READINGS_PER_S,
    WATCHED_S,
    Live,
    measure,
    running,
    shares,
)
from table import Figure

from yikao_ingest.embedded.postgres import EmbeddedPostgres

BEGINS_S = 5.0
REACHED_S = 60.0
"""Whoever has not been reached so long after the last reading never is."""
BAR_S = 30.0

Break = Callable[[EmbeddedPostgres, Live], None]


def figures() -> Iterator[Figure]:
    """Yield, for each fault, how long it took until somebody was reached."""
    for what, happens in FAULTY.items():
        yield from _with(what, happens)


def _with(what: str, happens: Break) -> Iterator[Figure]:
    residents = int(READINGS_PER_S * WATCHED_S / 2)
    with tempfile.TemporaryDirectory(prefix="yk-") as name:
        postgres = EmbeddedPostgres(Path(name) / "pg")
        try:
            dsn = postgres.start()
            with running(dsn, Path(name), residents, contacts=2) as live:
                measure(dsn, residents, {BEGINS_S: lambda: happens(postgres, live)})
                waits = _reached(dsn, int(PAGES_PER_S * WATCHED_S))
        finally:
            postgres.stop()
    # That nobody may be left over is part of the figure: it would not be a number.
    assert None not in waits, f"{what}: {waits.count(None)} of {len(waits)} reached nobody"
    known = [float(wait) for wait in waits if wait is not None]
    yield from shares(f"{what}: reading to phone", known, (BAR_S, BAR_S))


def _reached(dsn: str, ill: int) -> list[float | None]:
    """Return how long each of so many took, when all are done or no longer waited for."""
    until = time.monotonic() + REACHED_S
    while True:
        with psycopg.connect(dsn) as conn:
            waits = [row[0] for row in conn.execute(HOPS)]
        if (len(waits) == ill and None not in waits) or time.monotonic() > until:
            return waits + [None] * (ill - len(waits))
        time.sleep(0.5)


def _provider(fault: str) -> Break:
    def happens(_: EmbeddedPostgres, live: Live) -> None:
        live.providers[0].fault = fault

    return happens


def _role(name: str) -> Break:
    return lambda _, live: live.roles[name].kill()


def _postgres(postgres: EmbeddedPostgres, _: Live) -> None:
    kill(postgres.pid, SIGKILL)
    while not postgres.ensure():
        time.sleep(0.05)


FAULTY: dict[str, Break] = {
    "pager killed -9": _role("pager"),
    "evaluator killed -9": _role("evaluate"),
    "PostgreSQL killed -9": _postgres,
    **{f"provider: {fault}": _provider(fault) for fault in FAULTS},
}

if __name__ == "__main__":
    for figure in figures():
        print(figure.line(), flush=True)
