"""`yikao move`: from the embedded database into production, as seen from a terminal."""

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from yikao_alerts.clock import story_clock
from yikao_ingest.cli_bar import Bar
from yikao_ingest.errors import ServerError
from yikao_ingest.move.ends import opened, source_dsn
from yikao_ingest.move.mover import Moved, move
from yikao_ingest.settings import DATABASE_URL

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]

ABOUT = """\
Copies everything from one database into an empty other one: from the embedded PostgreSQL of
`yikao serve` to a server of your own, with TimescaleDB or without. Readings go month by month, and
each piece is compared at both ends before it counts. Killed at any moment, run it again: it goes on
where it was. The source is only read.

Nothing may write meanwhile: stop `yikao serve` first. Gateways keep what they measure until the new
server has it.
迁移前先停止服务，网关会保留读数；中断后重新运行即可续传；源库只读不改。
"""
EXAMPLES = """\
examples:
  from the server on this machine to production
    yikao move --data ~/yikao --to postgresql://yikao@db.example.org/yikao

  between two servers of your own, each with TimescaleDB or without
    YIKAO_DATABASE_URL=postgresql://old/yikao yikao move --to postgresql://new/yikao
"""
AGAIN = "look at both, and run this again: it goes on where it was"


def register(subcommands: "Subcommands") -> None:
    """Add the command."""
    command = subcommands.add_parser(
        "move",
        help="copy everything into another database, from the embedded one into production",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--to", required=True, metavar="URL", help="an empty database")
    command.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help=f"of `yikao serve`, which is stopped (the database of {DATABASE_URL}, if that is set)",
    )
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Move, and print what both databases hold then."""
    began_s, now, bar = time.monotonic(), story_clock().at(time.time()), Bar()
    with (
        _errors(),
        source_dsn(arguments.data, now) as dsn,
        opened(dsn) as source,
        opened(arguments.to) as target,
    ):
        try:
            moved = move(source, target, arguments.to, now, bar.show)
        finally:
            bar.end()
    _tell(moved, time.monotonic() - began_s)
    return 0


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        # Its first line names the server or the object; values stand in those after it.
        reason = str(error).partition("\n")[0]
        raise ServerError(f"a database does not answer as it should, {reason}", AGAIN) from error


def _tell(moved: Moved, took_s: float) -> None:
    for table, rows in moved.rows.items():
        print(f"{rows:>12,}  {table}")
    readings = moved.readings
    print(f"readings, same at both ends  两端读数一致: {readings.rows:,}, sum {readings.hashes}")
    print(f"moved in {took_s:.1f} s  迁移完成")
    print(
        f"now set {DATABASE_URL} to the new database for every role, and keep the old one, stopped,"
        " until the first backup  请把新地址设给各进程，旧库保持停止并保留到首次备份之后"
    )
