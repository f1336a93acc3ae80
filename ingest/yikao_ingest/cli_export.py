"""`yikao export`: readings as open data, as seen from a terminal."""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import psycopg

from yikao_alerts.clock import story_clock
from yikao_ingest.cli_bar import Bar
from yikao_ingest.cli_database import database_errors, database_url
from yikao_ingest.cli_replay import moment
from yikao_ingest.errors import ServerError
from yikao_ingest.export.columns import columns, described, row_of
from yikao_ingest.export.reader import Found, Wanted, find, readings
from yikao_ingest.export.writers import WRITERS

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]

ABOUT = """\
Writes readings so that any program can read them: those of devices, and those that were imported or
typed, told apart by the column `source`. Each column has one unit; times are there in UTC and on
the resident's own clock. Who it is stands as the id of the registry; names and telephones only with
--with-names. docs/open-data.md explains every column.
逐条流式导出；默认不含姓名和电话。
"""
EXAMPLES = """\
examples:
  a resident's year, for a spreadsheet
    yikao export --resident zhao --since 2026-01-01 --format csv --out zhao.csv

  a team's readings into a pipe
    yikao export --team north --format ndjson --out - | gzip > north.ndjson.gz
"""
STDOUT: Final = Path("-")


def register(subcommands: "Subcommands") -> None:
    """Add the command."""
    command = subcommands.add_parser(
        "export",
        help="write readings as CSV, NDJSON or Parquet",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--format", choices=tuple(WRITERS), required=True)
    whose = command.add_mutually_exclusive_group(required=True)
    whose.add_argument("--resident", metavar="R", help="of this resident")
    whose.add_argument("--team", metavar="T", help="of all residents of this team")
    command.add_argument("--since", metavar="TIME", help="measured from then on (all)")
    command.add_argument("--until", metavar="TIME", help="and before then")
    command.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="where to; - for standard output"
    )
    command.add_argument(
        "--with-names", action="store_true", help="with columns of names and telephones"
    )
    command.add_argument("--data", type=Path, metavar="DIR", help="of a running `yikao serve`")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Export, and say on standard error how many readings that were."""
    wanted = Wanted(
        arguments.resident, arguments.team, moment(arguments.since), moment(arguments.until)
    )
    try:
        with database_errors(), psycopg.connect(database_url(arguments.data)) as conn:
            found = find(conn, wanted)
            with _opened(arguments.out) as out:
                written = _write(conn, found, wanted, arguments, out)
    except BrokenPipeError:
        # Whoever read has enough; Python's own last flush must not fail over it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if arguments.out != STDOUT and arguments.format != "parquet":
        _describe(arguments)
    print(f"{written:,} readings written  已导出 {written:,} 条读数", file=sys.stderr)
    return 0


def _write(
    conn: psycopg.Connection,
    found: Found,
    wanted: Wanted,
    arguments: argparse.Namespace,
    out: BinaryIO,
) -> int:
    """Write every reading; return how many."""
    with_names = arguments.with_names
    writer = WRITERS[arguments.format](out, columns(with_names=with_names))
    bar, written = Bar(), 0
    try:
        for resident in found.residents:
            for read in readings(conn, resident, wanted):
                writer.row(row_of(resident, read, with_names=with_names))
                written += 1
                bar.show(resident.code, written, found.amount)
        writer.end()
    finally:
        bar.end()
    return written


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Have the stream to write to; a file has its name only once it is whole."""
    if path == STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    except OSError as error:
        what = f"{path} cannot be written, {error.strerror}"
        raise ServerError(
            what, "name a file in a folder that exists, on a disk with room"
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _describe(arguments: argparse.Namespace) -> None:
    """Say beside the file what its columns mean."""
    now = story_clock().at(time.time())
    told = described(columns(with_names=arguments.with_names), now)
    beside = arguments.out.with_name(f"{arguments.out.name}.columns.json")
    beside.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")
