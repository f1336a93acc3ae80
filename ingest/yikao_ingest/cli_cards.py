"""`yikao cards`: new cards for a station, to print, and the registry's lines that know them."""

import argparse
import os
import secrets
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from yikao_alerts.clock import story_clock
from yikao_devices.cards import CHANCE_MAX, digest_of, new_number
from yikao_ingest.cards.sheet import NewCard, registry_lines, sheet
from yikao_ingest.errors import ServerError

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]

MOST: Final = 1000
"""Cards at once: 100 sheets."""
PRIVATE: Final = 0o600
ABOUT = """\
At a station many use one cuff (docs/station.md). Each resident has a card; its number is pure
chance and stands nowhere but on the card: the registry keeps what can be computed from it, and
nobody can compute it back. So a lost card cannot be printed again: end it with `until = ...` in the
registry, and make a new one.
"""
EXAMPLES = """\
examples:
  cards for three residents: print cards.html, delete it, apply the registry
    yikao cards new r-0001 r-0002 r-0003 --print cards.html >> clinic.toml
    yikao registry apply clinic.toml
"""


def register(subcommands: "Subcommands") -> None:
    """Add the command."""
    cards = subcommands.add_parser(
        "cards",
        help="cards for a station: make and print them",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = cards.add_subparsers(dest="action", required=True, metavar="ACTION")
    new = actions.add_parser("new", help="make cards; what the registry needs is printed")
    new.add_argument("residents", nargs="+", metavar="RESIDENT", help="as the registry calls them")
    new.add_argument(
        "--print",
        type=Path,
        required=True,
        metavar="FILE",
        dest="file",
        help="where the page to print is written; a file that is there stays as it is",
    )
    cards.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make cards; exit code 0."""
    since = story_clock().at(time.time()).astimezone().replace(microsecond=0)
    print(new_cards(arguments.residents, arguments.file, since), end="")
    return 0


def new_cards(residents: Sequence[str], file: Path, since: datetime) -> str:
    """Write a page of new cards, readable by its owner only; return the lines for the registry.

    Refuses with `ServerError` a file that is there already, and more than `MOST` cards.
    """
    if len(residents) > MOST:
        raise ServerError(f"{len(residents)} cards at once", f"make at most {MOST}")
    made = [NewCard(new_number(secrets.randbelow(CHANCE_MAX)), each) for each in residents]
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as page:
            page.write(sheet(made))
    except OSError as error:
        remedy = "name a file that is not there yet"
        raise ServerError(f"{file} cannot be written, {error.strerror}", remedy) from error
    return registry_lines([(digest_of(c.number), c.resident) for c in made], since.isoformat())
