"""`yikao check`: finds each broken part, and says what to do."""

import argparse
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from yikao_ingest.settings import DATABASE_URL, default_data_dir, meanings

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]

ABOUT = """\
Looks at every part and says in one line what is so: ok, or !! with what is to be done, or ?? where
another part stands before it. It looks; it changes nothing and sends no page. Exit code 1 when
anything is not well.

逐项检查，每项一行：ok 正常；!! 有故障，并说明怎么办；?? 要先修好前面的部分。
只看不改，也不会呼叫任何人。
"""
EXAMPLES = """\
examples:
  of what `yikao serve` runs
    yikao check --data /var/lib/yikao

  in English, of the database and broker that the environment names
    YIKAO_DATABASE_URL=postgresql://… YIKAO_BROKER_URL=mqtt://… yikao check --language en
"""
UNSET = {"zh": "（未设置）", "en": "(not set)"}


def register(subcommands: "Subcommands") -> None:
    """Add the command."""
    check = subcommands.add_parser(
        "check",
        help="find what is broken, and say what to do",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="where the embedded database, broker and secrets are (~/.local/share/yikao)",
    )
    check.add_argument("--language", choices=("zh", "en"), default="zh", help="zh (default)")
    check.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print a line for each part; return 1 when any is not well."""
    from yikao_ingest import check_broker, check_database, check_machine
    from yikao_ingest.check import OK, Place, told

    data = arguments.data or default_data_dir(os.environ)
    place = Place(os.environ, data, time.time)
    well = True
    for found in (
        *check_machine.check(place),
        *check_database.check(place),
        check_broker.broker(place),
    ):
        print(told(found, arguments.language))
        well = well and found.code == OK
    _tell_settings(os.environ, arguments.language)
    return 0 if well else 1


def _tell_settings(environ: Mapping[str, str], language: str) -> None:
    print({"zh": "\n设置：", "en": "\nsettings:"}[language])
    for variable, meaning in meanings(language).items():
        value = shown(environ, variable) or UNSET[language]
        print(f"  {variable} = {value}   {meaning}")


def shown(environ: Mapping[str, str], variable: str) -> str:
    """Return a setting without what is secret in it; nothing for one that is not set."""
    value = environ.get(variable, "")
    if variable == DATABASE_URL and value:
        return _without_password(value)
    if "@" in value:
        scheme, _, rest = value.partition("://")
        return f"{scheme}://…@{rest.rpartition('@')[2]}"
    return value


def _without_password(dsn: str) -> str:
    """Return a connection's address in any form that libpq takes, its password left out.

    Of what is none nothing is shown: the password may stand anywhere in it.
    """
    try:
        parts = conninfo_to_dict(dsn)
    except ProgrammingError:
        return "…"
    return make_conninfo(**{key: str(v) for key, v in parts.items() if "password" not in key})
