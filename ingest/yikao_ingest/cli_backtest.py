"""`yikao backtest`: what a rule set would have found in readings that are already there."""

import argparse
import gc
import shutil
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from yikao_alerts.backtest.burden import Load
from yikao_alerts.backtest.job import BacktestError, Job, Result
from yikao_alerts.backtest.output import source_of, write_json
from yikao_alerts.backtest.parts import digest_of
from yikao_alerts.backtest.people import read_people
from yikao_alerts.backtest.pool import cores, silent
from yikao_alerts.backtest.report.examples import examples_of
from yikao_alerts.backtest.report.page import page
from yikao_alerts.backtest.run import backtest_file
from yikao_alerts.backtest.summary import Figures, figures_of
from yikao_alerts.rules import load_rules
from yikao_ingest.errors import ServerError

BAR_CHARS = 30
USAGE = 2
LINES = {
    str(Load.PAGE): "立即呼叫医生 pages",
    str(Load.TASK): "今日任务 tasks for today",
    str(Load.ENTRY): "工作清单 worklist entries",
    "naive_135_alert_days": "对比：单次≥135 即报警的天数 compare: days with one >= 135",
}
CHANGES = {"new": "新增 new", "gone": "消失 gone", "earlier": "提前 earlier", "later": "推后 later"}


def backtest(arguments: argparse.Namespace) -> int:
    """Run the detection over a file and write what is asked for."""
    # Hundreds of thousands of findings, no cycles among them, and the end of the process after it.
    gc.disable()
    try:
        job = _job(arguments)
        result, source = _computed(arguments, job)
    except OSError as error:
        what = f"{error.filename or arguments.readings} cannot be used, {error.strerror}"
        raise ServerError(what, "give it a file that stays, and a disk with room") from error
    except BacktestError as error:
        print(f"yikao: {error}", file=sys.stderr)
        return USAGE
    figures = figures_of(result, job)
    _write(arguments, figures, result, source)
    _tell(figures)
    return 0


def _computed(arguments: argparse.Namespace, job: Job) -> tuple[Result, Mapping[str, Any]]:
    """Return the result, and what names the file it is of, where that will be written."""
    named = bool(arguments.json or arguments.html)
    with ThreadPoolExecutor(1) as beside:
        # While the other processes work, this one has the time to read the whole file as well.
        digest = beside.submit(digest_of, arguments.readings) if named else None
        result = backtest_file(arguments.readings, job, _bar if sys.stderr.isatty() else silent)
        return result, source_of(arguments.readings, digest.result()) if digest else {}


def _job(arguments: argparse.Namespace) -> Job:
    try:
        zone = ZoneInfo(arguments.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        what = f"no zone {arguments.zone!r}"
        raise BacktestError(f"{what}: name one as Asia/Shanghai") from error
    sets = [arguments.rules, *([arguments.against] if arguments.against else [])]
    for path in filter(None, (arguments.readings, arguments.residents)):
        _check_readable(path)
    people = read_people(arguments.residents) if arguments.residents else {}
    return Job(
        tuple(load_rules(name) for name in sets),
        people,
        zone,
        arguments.jobs or cores(),
        trace=arguments.trace,
        examples=arguments.html is not None,
    )


def _check_readable(path: Path) -> None:
    """Refuse a path that is no file to be read."""
    try:
        path.open("rb").close()
    except OSError as error:
        what = f"{path} cannot be read, {error.strerror}"
        raise BacktestError(f"{what}: name a file that can be read") from error


def _write(
    arguments: argparse.Namespace, figures: Figures, result: Result, source: Mapping[str, Any]
) -> None:
    try:
        if arguments.json:
            with arguments.json.open("w", encoding="utf-8") as file:
                write_json(figures, result.traces, source, file)
        if arguments.html:
            arguments.html.write_text(_report(figures, result, source), "utf-8")
    except OSError as error:
        what = f"{error.filename} cannot be written, {error.strerror}"
        raise ServerError(what, "name a file in a folder that exists") from error


def _report(figures: Figures, result: Result, source: Mapping[str, Any]) -> str:
    return page(figures, examples_of(result.examples, figures.asked), source)


def _tell(figures: Figures) -> None:
    """Print the figures that matter most."""
    summary = figures.as_json()
    print(f"{figures.rules.profile} {figures.rules.version}, digest {figures.rules.digest}")
    print(
        f"{summary['readings']:,} 条读数 readings · {summary['residents']:,} 名居民 residents · "
        f"{summary['patient_weeks']:,.1f} 人周 patient-weeks"
    )
    print(f"{'次数 count':>9}  {'每百人周 per 100 patient-weeks'}")
    for name, words in LINES.items():
        each = summary[name]
        print(f"{each['count']:>11,}  {each['per_100_patient_weeks']:8.2f}  {words}")
    if "against" in summary:
        changed = (f"{words} {summary['against'][name]:,}" for name, words in CHANGES.items())
        print(" · ".join(changed))


def _bar(what: str, part: float) -> None:
    """Draw how far it is, on a terminal."""
    full = round(part * BAR_CHARS)
    line = f"{what:18} [{'#' * full}{'.' * (BAR_CHARS - full)}] {part:4.0%}"
    width = shutil.get_terminal_size().columns - 1
    end = "\n" if part >= 1 else ""
    print(f"\r{line[:width]}", end=end, file=sys.stderr, flush=True)
