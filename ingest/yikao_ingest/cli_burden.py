"""`yikao burden`, as seen from a terminal: what each doctor was called for, as a table."""

import argparse
import asyncio
import csv
import dataclasses
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from yikao_alerts.asked import AskedRow, asked_of_doctors
from yikao_alerts.clock import read_clock
from yikao_alerts.working import connect
from yikao_ingest.cli_database import database_errors, database_url
from yikao_ingest.errors import ServerError

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]

WEEKS: Final = 4
WEEKS_MAX: Final = 520


def register(subcommands: "Subcommands") -> None:
    """Add the command."""
    burden = subcommands.add_parser(
        "burden",
        help="what each doctor was called for, week by week, as CSV",
        description="Prints, for each doctor and week, the alerts that called, the pages, those at"
        " night, and the yellow ones that were left to the worklist, as CSV.",
    )
    burden.add_argument(
        "--weeks", type=int, default=WEEKS, metavar="N", help=f"back from now ({WEEKS})"
    )
    burden.add_argument("--data", type=Path, metavar="DIR", help="of a running `yikao serve`")
    burden.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the table."""
    if not 0 < arguments.weeks <= WEEKS_MAX:
        raise ServerError(f"--weeks {arguments.weeks}", f"use 1 to {WEEKS_MAX}")
    with database_errors():
        rows = asyncio.run(_asked(database_url(arguments.data), timedelta(weeks=arguments.weeks)))
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(field.name for field in dataclasses.fields(AskedRow))
    table.writerows(dataclasses.astuple(row) for row in rows)
    return 0


async def _asked(dsn: str, span: timedelta) -> list[AskedRow]:
    async with await connect(dsn) as conn:
        now = await read_clock(conn)
        return list(await asked_of_doctors(conn, now - span, now))
