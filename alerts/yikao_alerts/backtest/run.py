"""A back-test from a file, or from records at hand, to findings: all of detection, no database.

Read, deal to buckets of residents, judge the readings of each bucket and put its days together;
then the season of the whole panel, and the daily lane over groups of buckets. The same readings
give the same findings, whatever their order and however many processes do it.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from yikao_alerts.backtest.columns import Columns
from yikao_alerts.backtest.day_grid import Span
from yikao_alerts.backtest.days import home_days, home_minutes
from yikao_alerts.backtest.found import in_order
from yikao_alerts.backtest.job import BacktestError, Job, Result
from yikao_alerts.backtest.panel import bucket_panel
from yikao_alerts.backtest.parts import (
    Part,
    accepted,
    bucket_count,
    bucket_of,
    deal,
    stretches,
)
from yikao_alerts.backtest.pool import Pool, Progress, silent
from yikao_alerts.backtest.report.examples import chosen
from yikao_alerts.backtest.sheet import Block
from yikao_alerts.backtest.stages import (
    ON_TRIAL,
    Place,
    groups,
    judge_bucket,
    judge_days,
    read_stretch,
)
from yikao_alerts.backtest.tally import Tally
from yikao_alerts.backtest.trace import Trace

__all__ = ["BacktestError", "Job", "Result", "backtest_file", "backtest_records"]

GROUP_RESIDENTS: Final = 2500
"""About as many go through the daily lane together."""
YEARS_MAX: Final = 12
"""A longer span is taken for a mistake in a date."""
_FOLDER: Final = "yikao-backtest-"


def backtest_file(path: Path, job: Job, progress: Progress = silent) -> Result:
    """Return what the rules find in a file of readings; refuses it with `FaultyFileError`."""
    tasks = list(stretches(path, job.zone))
    buckets = bucket_count(path.stat().st_size, job.jobs)
    # A file of one stretch is done before a second process stands.
    jobs = job.jobs if len(tasks) > 1 else 1
    with TemporaryDirectory(prefix=_FOLDER) as name, Pool(jobs, job, progress) as pool:
        folder = Path(name)
        reads = pool.map("reading", read_stretch, tasks, buckets, folder)
        parts = accepted(reads, path, lines_before=0 if tasks[0].json else 1)
        return _judged(parts, buckets, folder, job, pool)


def backtest_records(block: Block, job: Job, progress: Progress = silent) -> Result:
    """Return what the rules find in records at hand (see `vocabulary.ROW`)."""
    buckets = bucket_count(block.rows.nbytes, job.jobs)
    jobs = min(job.jobs, buckets)
    with TemporaryDirectory(prefix=_FOLDER) as name, Pool(jobs, job, progress) as pool:
        part = deal(block, buckets, Path(name) / "part", job.believed_from)
        return _judged([part], buckets, Path(name), job, pool)


def _judged(parts: list[Part], buckets: int, folder: Path, job: Job, pool: Pool) -> Result:
    place = Place(folder, tuple(parts), _span(parts, job))
    judging = pool.map("judging readings", judge_bucket, range(buckets), place)
    done = [bucket for bucket in judging if bucket.residents]
    found = [[f for b in done for f in b.findings[number]] for number in range(len(job.rules))]
    traced: dict[str, Trace] = {}
    tasks = [
        group
        for number in range(len(job.rules))
        for group in groups(done, GROUP_RESIDENTS, number, place, job)
    ]
    said = pool.map("judging days", judge_days, tasks, place)
    for group, (new, own) in zip(tasks, said, strict=True):
        found[group.rules] += new
        traced |= own
    tally = sum((bucket.tally for bucket in done), Tally())
    ordered = tuple(tuple(in_order(each)) for each in found)
    shown = _examples(chosen(ordered[ON_TRIAL]), buckets, place) if job.examples else {}
    return Result(ordered, tally, traced, shown)


def _examples(names: list[str], buckets: int, place: Place) -> dict[str, Columns]:
    """Return the rows of a few residents."""
    found = {}
    for name in names:
        panel = bucket_panel(place.parts, bucket_of(name, buckets))
        found[name] = panel.of(panel.residents.index(name)).alone()
    return found


def _span(parts: list[Part], job: Job) -> Span:
    """Return the days from the first to the last time that can be believed."""
    ends = [end for part in parts for end in (part.first, part.last) if end is not None]
    if not ends:
        return Span(0, 1)
    days = home_days(home_minutes(np.array([min(ends), max(ends)]), job.zone))
    span = Span(int(days[0]), int(days[1] - days[0]) + 1)
    if span.days > YEARS_MAX * 366:
        what = f"the readings span {span.days // 365} years"
        raise BacktestError(f"{what}; mend the dates, or give a file of at most {YEARS_MAX}")
    return span
