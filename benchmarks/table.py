"""How figures are taken and shown: medians of several runs, the limit beside us in the same run."""

import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

RUNS = 3


@dataclass(frozen=True, slots=True)
class Figure:
    """One row: what was measured, our figure, and what it stands beside."""

    what: str
    ours: float
    unit: str
    beside: str = ""
    limit: float | None = None

    def line(self) -> str:
        """Return the row as a line of a Markdown table."""
        limit, share = "", ""
        if self.limit is not None:
            limit = f"{self.limit:,.0f}"
            share = f"{self.ours / self.limit:.0%}"
        return (
            f"| {self.what} | {self.ours:,.1f} | {self.unit} | {self.beside} | {limit} | {share} |"
        )


def rate(count: int, work: Callable[[], object], runs: int = RUNS) -> float:
    """Return the median number of things per second when `work` does `count` of them."""
    return statistics.median(_timed(count, work) for _ in range(runs))


def _timed(count: int, work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def header() -> str:
    """Return what the figures were taken on: machine, Python, commit."""
    root = Path(__file__).parent
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return (
        f"{_processor()}, {_cores()} cores, {platform.system()} {platform.release()}, "
        f"Python {sys.version.split()[0]}, commit {commit or 'unknown'}; medians of {RUNS}\n\n"
        "| what | ours | unit | beside | its figure | share |\n|---|---|---|---|---|---|"
    )


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.machine()


def _cores() -> int:
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
