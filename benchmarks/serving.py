"""How soon the server is there: `yikao serve` on a data folder that it has used before."""

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from table import RUNS, Figure

from yikao_ingest.demo.stage import free_port
from yikao_ingest.serving import Serving


def figures() -> Iterator[Figure]:
    """Yield the time from the start to a feed that answers and an ingest that listens."""
    with tempfile.TemporaryDirectory(prefix="yk-") as folder:
        _start(Path(folder))
        seconds = [_start(Path(folder)) for _ in range(RUNS)]
    yield Figure("yikao serve: warm start", statistics.median(seconds), "s", "to be at most", 5)


def _start(folder: Path) -> float:
    serving = Serving(folder, {**os.environ, "YIKAO_FEED_PORT": str(free_port())})
    began = time.perf_counter()
    try:
        serving.prepare()
        serving.start()
        serving.wait_ready()
        return time.perf_counter() - began
    finally:
        serving.stop()
