"""`yikao import`: readings out of another app's file, as seen from a terminal."""

import argparse
import getpass
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg

from yikao_alerts.clock import story_clock
from yikao_alerts.history import IMPORTED, MANUAL
from yikao_alerts.rules import load_rules
from yikao_devices.toml_lines import Fault, FaultyFileError
from yikao_ingest.cli_database import database_errors, database_url
from yikao_ingest.errors import ServerError
from yikao_ingest.imported.entry import Entry
from yikao_ingest.imported.mapping import SHIPPED, Layout, parse_layout, shipped
from yikao_ingest.imported.reading import About, read_entries
from yikao_ingest.imported.store import Origin, Resident, find_resident, store
from yikao_ingest.imported.table import FILE_BYTES_MAX, read_table

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]

ABOUT = """\
Takes the readings of one resident out of a CSV file: from OMRON connect, from iHealth (九安), from
`yikao export`, or from any table, by a mapping that names its columns and units.

They are kept apart from what our gateways bring: no rule looks at them and no mean counts them.
Exports show them with their source. The same reading enters once, however often its file comes. A
file with a faulty line changes nothing; every fault is told with its line.
只导入一位居民的数据；与网关读数分开保存，不触发任何规则；重复导入不会产生重复记录。
"""
EXAMPLES = """\
examples:
  a resident's OMRON connect history
    yikao import omron.csv --as omron --resident zhao

  a paper diary that was typed into a table
    yikao import diary.csv --as csv --mapping diary.toml --source manual --resident zhao

docs/import-mapping.example.toml explains every key of a mapping.
"""
FAULTS_SHOWN: Final = 50
"""Faults that are printed; the rest is counted."""
A_GUESS = "columns of {} were never seen in a public file: look at what was stored  列名未经核实"


def register(subcommands: "Subcommands") -> None:
    """Add the command."""
    command = subcommands.add_parser(
        "import",
        help="take readings out of a file of OMRON connect, iHealth or any table",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("file", type=Path, metavar="FILE", help="a CSV file")
    command.add_argument(
        "--as", dest="kind", choices=tuple(SHIPPED), required=True, help="who wrote it"
    )
    command.add_argument("--resident", required=True, metavar="R", help="whose it is")
    command.add_argument(
        "--mapping", type=Path, metavar="FILE.toml", help="how its columns are called"
    )
    command.add_argument(
        "--source", choices=(IMPORTED, MANUAL), help="manual: typed by a person (imported)"
    )
    command.add_argument(
        "--skip-faulty", action="store_true", help="store the other lines all the same"
    )
    command.add_argument("--by", metavar="WHO", help="who imports (this user)")
    command.add_argument("--data", type=Path, metavar="DIR", help="of a running `yikao serve`")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Import, and say how many readings were new."""
    data = _read(arguments.file)
    layouts = _layouts(arguments.kind, arguments.mapping)
    now = story_clock().at(time.time())
    origin = Origin(arguments.file.name, data, arguments.by or getpass.getuser(), now)
    with (
        database_errors(),
        psycopg.connect(database_url(arguments.data), autocommit=True) as conn,
    ):
        resident = find_resident(conn, arguments.resident)
        entries, faults = _understood(arguments, data, layouts, resident, origin)
        if faults and not arguments.skip_faulty:
            raise FaultyFileError(str(arguments.file), _few(faults))
        new = store(conn, resident, entries, origin)
    for fault in _few(faults):
        print(f"{arguments.file}: {fault}", file=sys.stderr)
    known, skipped = len(entries) - new, len(faults)
    print(f"{new} new, {known} already there, {skipped} faulty lines left out")
    print(f"新增 {new} 条，已存在 {known} 条，跳过有误的行 {skipped} 条")
    return 0


def _understood(
    arguments: argparse.Namespace,
    data: bytes,
    layouts: Sequence[Layout],
    resident: Resident,
    origin: Origin,
) -> tuple[list[Entry], list[Fault]]:
    table = read_table(data, layouts, str(arguments.file))
    if not table.layout.seen and arguments.mapping is None:
        print(f"yikao: {A_GUESS.format(table.layout.name)}", file=sys.stderr)
    about = About(resident.code, resident.zone, load_rules(), origin.at, arguments.source)
    return read_entries(table, about)


def _layouts(kind: str, mapping: Path | None) -> list[Layout]:
    if mapping is None:
        return shipped(kind)
    try:
        return [parse_layout(_read(mapping).decode(), str(mapping))]
    except UnicodeDecodeError as error:
        raise ServerError(f"{mapping} is no UTF-8", "save it in that encoding") from error


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise ServerError(f"{file} cannot be read, {error.strerror}", "name the file") from error


def _few(faults: Sequence[Fault]) -> list[Fault]:
    """Return the first faults, and how many there are besides."""
    few = list(faults[:FAULTS_SHOWN])
    if more := len(faults) - len(few):
        few.append(Fault(faults[FAULTS_SHOWN].line, f"and {more} more from here on", "Mend them"))
    return few
