"""`yikao gateway show` and `configure`: how gateways are, and what they are told to do."""

import argparse
import getpass
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg

from yikao_alerts.clock import story_clock
from yikao_devices.wire_configuration import LOG_MAX
from yikao_ingest.cli_database import database_errors, database_url
from yikao_ingest.errors import ServerError
from yikao_ingest.store import SQL

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]

UNITS_S: Final = {"m": 60, "h": 3600}
CONFIGURE = """\
Wishes that a gateway does something differently. Each call makes a new revision of all that was
wished before, with these changes. The gateway tries it; when it has reached the broker with it, and
its page answers, it keeps it, else it goes back to the last good one by itself within minutes.
`yikao gateway show` tells what became of it.
"""


def add_show(actions: "Subcommands") -> None:
    """Add `show`."""
    show = actions.add_parser(
        "show", help="desired and reported configuration, version, when it was heard, what waits"
    )
    show.add_argument("gateways", nargs="*", metavar="GATEWAY", help="all that is known of these")
    show.add_argument("--all", action="store_true", help="a table of all")
    show.add_argument("--json", action="store_true", help="as one JSON array")
    show.add_argument("--language", choices=("zh", "en"), default="zh", help="zh (default)")
    _add_data(show)
    show.set_defaults(run=run_show)


def add_configure(actions: "Subcommands") -> None:
    """Add `configure`."""
    parser = actions.add_parser(
        "configure",
        help="tell a gateway to do something differently",
        description=CONFIGURE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("gateways", nargs="+", metavar="GATEWAY", help="its id in the registry")
    parser.add_argument(
        "--log-level", choices=("debug", "info", "warning"), help="at once, without a restart"
    )
    parser.add_argument(
        "--for", dest="log_for", type=_span, metavar="2h", help="how long; a day at most, 30m, 2h"
    )
    parser.add_argument("--language", choices=("zh", "en"), help="of its page and its voice")
    parser.add_argument(
        "--pairing",
        choices=("listed", "mode"),
        help="mode: bond with nobody unless a person opens pairing mode",
    )
    for name, kind, what in (
        ("heartbeat", float, "seconds between two signs of life, 10 to 600"),
        ("reread", float, "seconds until a device that always advertises is read, 10 to 3600"),
        ("eager", float, "shortest pause between two visits in seconds, 0.5 to 60"),
        ("backlog", int, "items of the backlog under way at once, 10 to 500"),
    ):
        parser.add_argument(f"--{name}", type=kind, metavar="N", help=what)
    parser.add_argument(
        "--unset",
        action="append",
        default=[],
        choices=sorted(_OPTIONS),
        help="leave this to the gateway again; may be repeated",
    )
    parser.add_argument("--by", default=getpass.getuser(), help="who says so (this user)")
    _add_data(parser)
    parser.set_defaults(run=run_configure)


_OPTIONS: Final = {
    "language": ("language",),
    "pairing": ("pairing",),
    "heartbeat": ("heartbeat_s",),
    "reread": ("reread_s",),
    "eager": ("eager_s",),
    "backlog": ("backlog_rows",),
    "log-level": ("log_level", "log_until"),
}
"""Names on the command line, and what they are on the wire."""


def run_show(arguments: argparse.Namespace) -> int:
    """Print how gateways are; exit code 0."""
    from yikao_ingest.gateways import show

    if not arguments.gateways and not arguments.all:
        raise ServerError("no gateway is named", "name some, or --all")
    with database_errors(), psycopg.connect(database_url(arguments.data)) as conn:
        now = _now(conn)
        rows = show.gateways(conn, arguments.gateways or None)
    if unknown := set(arguments.gateways) - {row.gateway_id for row in rows}:
        names = ", ".join(sorted(unknown))
        raise ServerError(f"no gateway is called {names}", "see `yikao gateway show --all`")
    if arguments.json:
        print(show.as_json(rows, now))
    elif arguments.all:
        print(*show.table(rows, now, arguments.language), sep="\n")
    else:
        for row in rows:
            print(*show.details(row, now, arguments.language), "", sep="\n")
    return 0


def run_configure(arguments: argparse.Namespace) -> int:
    """Store what gateways are to do; exit code 0."""
    from yikao_ingest.gateways.configure import configure

    unset = frozenset(name for option in arguments.unset for name in _OPTIONS[option])
    with database_errors(), psycopg.connect(database_url(arguments.data)) as conn:
        now = _now(conn)
        changes = _changes(arguments, now)
        if not changes and not unset:
            raise ServerError("nothing is to be changed", "see `yikao gateway configure --help`")
        for gateway in dict.fromkeys(arguments.gateways):
            wish = configure(conn, gateway, changes, unset, arguments.by, now)
            print(f"{gateway}: {wish.revision} wished  已要求")
    return 0


def _changes(arguments: argparse.Namespace, now: datetime) -> dict[str, Any]:
    """Return what is wished, by the names on the wire."""
    wished = {
        name: getattr(arguments, option)
        for option, names in _OPTIONS.items()
        if option != "log-level"
        for name in names
    }
    wished["log_level"] = arguments.log_level
    wished["log_until"] = now + arguments.log_for if arguments.log_for else None
    return {name: value for name, value in wished.items() if value is not None}


def _now(conn: psycopg.Connection) -> datetime:
    """Return the server's time."""
    row = conn.execute(SQL["read_clock"]).fetchone()
    assert row is not None, "a clock always answers"
    return story_clock().at(row[0].timestamp())


def _span(text: str) -> timedelta:
    if not (parts := re.fullmatch(r"([1-9][0-9]{0,3})([mh])", text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no span: write 30m or 2h")
    span = timedelta(seconds=int(parts[1]) * UNITS_S[parts[2]])
    if span > LOG_MAX:
        raise argparse.ArgumentTypeError("a day is the longest")
    return span


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, metavar="DIR", help="of a running `yikao serve`")
