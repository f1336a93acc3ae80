"""`yikao registry`, as seen from a terminal: who is who, and whose readings change hands by it."""

import argparse
import asyncio
import getpass
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from yikao_alerts.working import connect
from yikao_ingest.cli_admin import read_registry
from yikao_ingest.cli_bar import Bar
from yikao_ingest.cli_database import database_errors, database_url
from yikao_ingest.reassign_pass import Tally, looked_ahead, reassign
from yikao_ingest.reassign_read import Work, codes
from yikao_ingest.registry_store import apply_registry, preview

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]

ABOUT = """\
Who is who stands in one file: residents, teams, doctors, gateways, devices, and whose each device
was when (docs/registry.example.toml). It is checked as a whole, and a file with a fault changes
nothing.

A reading belongs to whoever had the device when it was measured. Where the file says otherwise than
the one before it, what was measured changes hands: days are closed anew and rules look again for
both residents, alerts that were made of it say so, and nobody is called for what is long over. What
the file gives to nobody stays with whom it is. Killed at any moment, the server goes on with it.
"""
EXAMPLES = """\
examples:
  how many readings would change hands?
    yikao registry apply clinic.toml --dry-run

  store it
    yikao registry apply clinic.toml --by "nurse Chen"
"""
NOTHING = "no reading changes hands  没有读数需要改归他人"


def register(subcommands: "Subcommands") -> None:
    """Add the command."""
    registry = subcommands.add_parser(
        "registry",
        help="residents, teams, doctors, devices, bindings",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = registry.add_subparsers(dest="action", required=True, metavar="ACTION")
    for action, what in (
        ("apply", "check a registry file and store it; move the readings that it gives to another"),
        ("check", "check it"),
    ):
        one = actions.add_parser(action, help=what)
        one.add_argument("file", type=Path, metavar="FILE")
        if action == "apply":
            one.add_argument("--dry-run", action="store_true", help="say only what would move")
            one.add_argument("--by", default=getpass.getuser(), help="who says so (this user)")
        one.add_argument("--data", type=Path, metavar="DIR", help="of a running `yikao serve`")
    registry.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check a registry file, and store it unless nothing is to change; exit code 0."""
    registry = read_registry(arguments.file)
    if arguments.action == "check":
        print(f"{arguments.file}: no fault  未发现错误")
        return 0
    with database_errors():
        dsn, bar = database_url(arguments.data), Bar()
        try:
            if arguments.dry_run:
                works, names = preview(dsn, registry)
                tally = asyncio.run(_looked_ahead(dsn, works, bar))
            else:
                counts = apply_registry(dsn, registry, arguments.by)
                print(", ".join(f"{count} {table}" for table, count in counts.items()), flush=True)
                tally, names = asyncio.run(_moved(dsn, bar))
        finally:
            bar.end()
    _tell(
        tally, names, "would change hands  将改归" if arguments.dry_run else "re-assigned  已改归"
    )
    return 0


async def _looked_ahead(dsn: str, works: Sequence[Work], bar: Bar) -> Tally:
    async with await connect(dsn) as conn:
        return await looked_ahead(conn, works, partial(bar.show, "devices 设备"))


async def _moved(dsn: str, bar: Bar) -> tuple[Tally, Mapping[int, str]]:
    """Move what is to be moved; return that, and what the registry calls whom it concerns."""
    async with await connect(dsn) as conn:
        tally = await reassign(conn, partial(bar.show, "readings 读数"))
        named = {who for pair in (*tally.moved, *tally.reports) for who in pair}
        return tally, await codes(conn, sorted(named))


def _tell(tally: Tally, names: Mapping[int, str], verb: str) -> None:
    """Print what changes hands."""
    lines = [
        f"{names[one]} → {names[other]}: {count} {what}, {verb}"
        for what, pairs in (("readings 条读数", tally.moved), ("reports 条症状报告", tally.reports))
        for (one, other), count in sorted(pairs.items())
        if count
    ]
    print("\n".join(lines) or NOTHING)
    for count, said in (
        (tally.conflicts, "beside another of the same moment  条与同一时刻的另一条并存"),
        (tally.unclaimed, "of nobody by this file: they stay  条在文件中无人认领，保持不动"),
        (tally.amended, "alerts say so from now on  个告警已注明"),
    ):
        if count:
            print(f"{count} {said}")
