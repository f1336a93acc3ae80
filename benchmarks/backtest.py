"""Rows that a back-test judges in a second, reading the CSV included, beside reading its bytes."""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from table import Figure

from yikao_alerts.backtest.job import Job
from yikao_alerts.backtest.pool import cores
from yikao_alerts.backtest.run import backtest_file
from yikao_alerts.rules import load_rules
from yikao_sim.cli import main as simulate

RESIDENTS, DAYS = 500, 730
WHOLE = 10_000
"""Residents of the figure that is asked for: 10,000 over two years."""


def figures(residents: int = RESIDENTS) -> Iterator[Figure]:
    """Yield rows per second, and what that makes for 10,000 residents over two years."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "readings.csv"
        arguments = f"town --residents {residents} --days {DAYS} --csv {file} --quiet"
        _simulated(arguments.split())
        began = time.perf_counter()
        rows = file.read_bytes().count(b"\n")
        plain_s = time.perf_counter() - began
        began = time.perf_counter()
        backtest_file(file, Job((load_rules(),), jobs=cores()))
        took_s = time.perf_counter() - began
    yield Figure(
        f"back-test, {residents:,} residents x {DAYS} days, {cores()} processes",
        rows / took_s,
        "rows/s",
        "counting its lines",
        rows / plain_s,
    )
    yield Figure(f"the same for {WHOLE:,} residents", took_s * WHOLE / residents, "s")


def _simulated(arguments: list[str]) -> None:
    try:
        simulate(arguments)
    except SystemExit as end:
        if end.code:
            raise


if __name__ == "__main__":
    for figure in figures(int(sys.argv[1]) if sys.argv[1:] else RESIDENTS):
        print(figure.line(), flush=True)
