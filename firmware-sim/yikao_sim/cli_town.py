"""`yikao-sim town`: readings of a population that does not exist, as a file for a back-test."""

import argparse
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Final, TextIO

from yikao_sim.errors import SimError

DESCRIPTION = """\
Writes the home readings of people who do not exist: their pressures morning and evening as far as
they remember to measure, with season, artefacts, borrowed cuffs, typed numbers and weeks away; and
what happens to them, such as a drug that is stopped. The same seed gives the same file.

The readings are for `yikao backtest`; the truth is for whoever checks what was found.
"""

EXAMPLES = """\
examples:
  a hundred people for half a year; in ten of them the pressure rises by 10 mmHg on day 112
    yikao-sim town --residents 100 --days 224 --seed 7 --scenario step10 --affected 0.1 \\
        --csv readings.csv --truth truth.csv --residents-file residents.csv
    yikao backtest readings.csv

  a tenth of the people also measure fasting glucose, all of them from 1 July on
    yikao-sim town --residents 1000 --days 365 --diabetes 0.1 --start july --csv readings.csv

scenarios (on --event-day):
  none      nothing happens
  stepN     the pressure changes by N mmHg over some days, as when a drug is stopped or started:
            step5 step10 step15 step20 and step-5 step-10 step-15 step-20
  cuffN     the same at once, as when the cuff is changed: cuff5 ... cuff-20
  ramp10    +10 mmHg over 28 days
  crisis    one evening 45 to 70 mmHg above the usual
  glucoseN  fasting glucose rises by N %: glucose20 glucose30 glucose50

The readings have the columns of `yikao backtest`; typed ones have the source `manual`. The truth
has a line per resident and day: the usual level (mean of morning and evening, with season and
event), and what faultless measuring would show that morning and that evening.
"""

FIRST_YEAR: Final = 2025
RESIDENTS_MAX: Final = 1_000_000
DAYS_MAX: Final = 3660
TOLD_EVERY_S: Final = 0.2
BAR: Final = 30


def register(subcommands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = subcommands.add_parser(
        "town",
        help="readings of a population, as a file",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    add = parser.add_argument
    add("--residents", type=_whole(1, RESIDENTS_MAX), required=True, metavar="N", help="people")
    add("--days", type=_whole(1, DAYS_MAX), required=True, metavar="D", help="of each person")
    add("--seed", type=_whole(0, 2**63), default=1, metavar="S", help="(%(default)s)")
    add("--csv", required=True, metavar="OUT", help="write the readings here; - is standard output")
    add("--truth", metavar="OUT", help="write the true levels here")
    add("--residents-file", metavar="OUT", help="write the residents here")
    add("--scenario", default="none", metavar="NAME", help="what happens (%(default)s)")
    add("--event-day", type=_whole(0, DAYS_MAX), metavar="DAY", help="of each run (112)")
    add("--affected", type=_share, default=1.0, metavar="P", help="share it happens to (1.0)")
    add(
        "--start",
        choices=("uniform", "july", "january"),
        default="uniform",
        help="day of the year on which people start: each their own, or all the same (%(default)s)",
    )
    add("--year", type=_whole(1971, 2100), default=FIRST_YEAR, help="they start in (%(default)s)")
    add("--lost", type=_share, default=0.0, metavar="P", help="share of readings never sent (0)")
    add("--diabetes", type=_share, default=0.0, metavar="P", help="share who own a meter (0)")
    add("--insulin", type=_share, default=0.0, metavar="P", help="share of those on insulin (0)")
    add("--quiet", action="store_true", help="no progress on standard error")


def run(arguments: argparse.Namespace) -> int:
    """Write the files; return 0. Raises `SimError`."""
    # Imported here, so that --help answers without numpy.
    try:
        from yikao_sim.town import write
        from yikao_sim.town.events import EVENT_DAY, scenario_named
        from yikao_sim.town.people import Town
        from yikao_sim.town.readings import block_of
    except ModuleNotFoundError as error:
        raise SimError("towns need numpy: `pip install 'yikao[sim]'`") from error
    event_day = EVENT_DAY if arguments.event_day is None else arguments.event_day
    town = Town(
        arguments.residents,
        arguments.days,
        arguments.seed,
        scenario_named(arguments.scenario, event_day),
        arguments.start,
        arguments.affected,
        arguments.lost,
        arguments.diabetes,
        arguments.insulin,
    )
    days = write.calendar(date(arguments.year, 1, 1), town.days)
    tell = _silent if arguments.quiet else _teller(town.people)
    with ExitStack() as files:
        readings = _open(files, arguments.csv, write.READINGS_HEAD)
        truth = _open(files, arguments.truth, write.TRUTH_HEAD)
        residents = _open(files, arguments.residents_file, write.RESIDENTS_HEAD)
        rows = 0
        for number in range(town.blocks):
            block = block_of(town, number)
            rows += _put(readings, write.reading_lines(block, days))
            if truth is not None:
                _put(truth, write.truth_lines(block, days))
            _put(residents, write.resident_lines(block))
            tell(block.first_person + town.size(number), rows)
    return 0


def _put(file: TextIO | None, lines: list[str]) -> int:
    if file is None:
        return 0
    try:
        file.write("".join(lines))
    except OSError as error:
        raise SimError(f"cannot write {file.name}: {error.strerror}") from error
    return len(lines)


def _open(files: ExitStack, name: str | None, head: str) -> TextIO | None:
    if name is None:
        return None
    file = sys.stdout
    if name != "-":
        try:
            opened = Path(name).open("w", encoding="utf-8", newline="")  # noqa: SIM115  # on the stack
            file = files.enter_context(opened)
        except OSError as error:
            raise SimError(f"cannot write {name}: {error.strerror}") from error
    file.write(head)
    return file


def _teller(people: int) -> Callable[[int, int], None]:
    """Return what shows how far it is; on one line of a terminal, at the end only in a log."""
    began = time.monotonic()
    live = sys.stderr.isatty()
    last = [began - TOLD_EVERY_S]

    def tell(done: int, rows: int) -> None:
        now = time.monotonic()
        finished = done == people
        if not finished and (not live or now - last[0] < TOLD_EVERY_S):
            return
        last[0] = now
        bar = "#" * (BAR * done // people)
        left = (now - began) * (people - done) / done
        line = f"[{bar:<{BAR}}] {done:,} of {people:,} people, {rows:,} readings, {left:.0f} s left"
        start, end = ("\r", "\n" if finished else "") if live else ("", "\n")
        print(f"{start}{line}", end=end, file=sys.stderr, flush=True)

    return tell


def _silent(_done: int, _rows: int) -> None:
    """Tell nothing."""


def _whole(low: int, high: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"give a whole number from {low} to {high}")
        return int(text)

    return whole


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0.0 <= share <= 1.0:
        raise argparse.ArgumentTypeError("give a share from 0 to 1, as 0.1")
    return share
