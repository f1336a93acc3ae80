"""`yikao`: the server. Exit code 0 done, 1 ours to mend, 2 yours: usage or a faulty file."""

import argparse
import sys
from pathlib import Path

from yikao_devices.story_clock import ClockSpecError
from yikao_devices.toml_lines import FaultyFileError
from yikao_ingest import (
    cli_burden,
    cli_cards,
    cli_check,
    cli_export,
    cli_gateway,
    cli_import,
    cli_move,
    cli_oncall,
    cli_pages,
    cli_quarantine,
    cli_registry,
    cli_watch,
)
from yikao_ingest.errors import ServerError

EXAMPLES = """\
examples:
  try everything, with homes, cuffs and doctors that do not exist
    yikao demo

  run the server on this machine, database and broker included
    yikao registry apply clinic.toml --data ~/yikao     (once the server runs)
    yikao serve --data ~/yikao

  run one role, for production
    YIKAO_DATABASE_URL=postgresql://… YIKAO_BROKER_URL=mqtt://… yikao ingest

Settings come from the environment; `yikao check` lists them and says what is wrong.
"""
BACKTEST = """\
Runs detection over readings that are already there, without a database and without calling
anybody: how many pages, tasks for today and worklist entries they would have made, and why.

READINGS needs the columns resident, measured_at and kind; the others depend on the kind, and
docs/backtest.md has them all. A faulty file is refused with its lines, nothing of it is believed.
"""
BACKTEST_EXAMPLES = """\
examples:
  last year's readings by the shipped rules, as a report to look at
    yikao backtest readings.csv --residents residents.csv --html report.html

  what a changed rule set would have done otherwise
    yikao backtest readings.csv --rules my-rules/ --against cn --html report.html

  readings to try it with, of people who do not exist
    yikao-sim town --residents 100 --days 90 --csv readings.csv --residents-file residents.csv
"""
REPLAY = """\
Computes decisions again from their records and compares them byte for byte; follows each
resident's chain of hashes. Exit code 1 with the first differences when anything differs.
"""
REPLAY_EXAMPLES = """\
examples:
  is everything that was decided since October what it was, and are the readings still there?
    yikao replay --since 2026-10-01 --verify

  what another rule set would have found on the same records
    yikao replay --since 2026-10-01 --rules my-rules/
"""


def main(argv: list[str] | None = None) -> None:
    """Run a command and exit."""
    arguments = _parser().parse_args(argv)
    try:
        code = _run(arguments)
    except FaultyFileError as error:
        for fault in error.faults:
            print(f"{error.path}: {fault}", file=sys.stderr)
        code = 2
    except (ServerError, ClockSpecError) as error:
        print(f"yikao: {error}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="yikao",
        description="Home telemonitoring: from a cuff's reading to a doctor who answers.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_demo(commands.add_parser("demo", help="the whole product with simulated homes"))
    serve = commands.add_parser("serve", help="the whole server on this machine")
    _add_data(serve)
    serve.add_argument("--registry", type=Path, metavar="FILE", help="apply this registry first")
    for role, what in (
        ("ingest", "readings from the broker into the database"),
        ("pager", "sends pages until somebody answers"),
        ("enrol", "certificates for gateways"),
    ):
        commands.add_parser(role, help=f"one role alone: {what}")
    evaluate = commands.add_parser(
        "evaluate", help="one role alone: rules over new readings, episodes, due pages; and upkeep"
    )
    evaluate.add_argument(
        "--shadow", metavar="RULES", help="try out this rule set beside the live one, in silence"
    )
    feed = commands.add_parser("feed", help="one role alone: the doctors' pages")
    feed.add_argument(
        "--add-user",
        metavar="DOCTOR",
        help="ask for a password and print the doctor's line for YIKAO_FEED_USERS_FILE",
    )
    trial = commands.add_parser(
        "backtest",
        help="what rules would have found in a file of readings",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=BACKTEST,
        epilog=BACKTEST_EXAMPLES,
    )
    _add_backtest(trial)
    migrate = commands.add_parser("migrate", help="bring the database to this version's schema")
    _add_data(migrate)
    cli_check.register(commands)
    cli_watch.register(commands)
    cli_burden.register(commands)
    cli_oncall.register(commands)
    cli_move.register(commands)
    cli_export.register(commands)
    cli_import.register(commands)
    cli_pages.register(commands)
    cli_quarantine.register(commands)
    cli_registry.register(commands)
    cli_cards.register(commands)
    cli_gateway.register(commands)
    replay = commands.add_parser(
        "replay",
        help="compute old decisions again, and compare",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=REPLAY,
        epilog=REPLAY_EXAMPLES,
    )
    _add_replay(replay)
    _add_data(replay)
    explain = commands.add_parser(
        "explain",
        help="tell what was decided in an episode, and why",
        description="Tells one episode to a doctor: what was measured, which rule with its source,"
        " what was confirmed or refused and why, who was called when, and what ends it.",
    )
    explain.add_argument("episode", type=int, metavar="EPISODE", help="its number")
    explain.add_argument("--language", choices=("zh", "en"), default="zh", help="zh (default)")
    _add_data(explain)
    return parser


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="where the embedded database, broker and secrets are (~/.local/share/yikao)",
    )


def _add_backtest(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("readings", type=Path, metavar="READINGS", help="a .csv or .jsonl file")
    parser.add_argument("--rules", default="cn", metavar="RULES", help="rule set on trial (cn)")
    parser.add_argument("--against", metavar="RULES", help="and what it changes beside this one")
    parser.add_argument("--residents", type=Path, metavar="FILE", help="who they are, a CSV file")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every finding as JSON")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a report to look at")
    parser.add_argument(
        "--trace", action="store_true", help="with --json: level, shift and label of each day"
    )
    parser.add_argument(
        "--zone", default="Asia/Shanghai", metavar="ZONE", help="of the homes (Asia/Shanghai)"
    )
    parser.add_argument("--jobs", type=int, metavar="N", help="processes (one for each core)")


def _add_replay(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", metavar="T", help="decided from this time on (all)")
    parser.add_argument("--until", metavar="T", help="and before this time")
    parser.add_argument("--patient", metavar="CODE", help="of this resident only")
    parser.add_argument(
        "--verify", action="store_true", help="also compare with the readings as they are stored"
    )
    parser.add_argument(
        "--rules", metavar="NEW", help="show what this rule set would have found otherwise"
    )
    parser.add_argument(
        "--shadow-report",
        action="store_true",
        help="show what the rule set on trial (`yikao evaluate --shadow`) has found otherwise",
    )


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, metavar="S", help="end after so many seconds")
    parser.add_argument(
        "--speed", type=float, default=60.0, metavar="X", help="story time per real time (60)"
    )
    parser.add_argument("--homes", type=int, default=3, metavar="N", help="homes (3)")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the report as JSON")
    parser.add_argument("--port", type=int, metavar="PORT", help="port of the feed (a free one)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep everything here")


def _run(arguments: argparse.Namespace) -> int:
    """Run what goes on until a signal; all else is done once."""
    if "run" in arguments:
        return int(arguments.run(arguments))
    match arguments.command:
        case "feed" if arguments.add_user:
            from yikao_ingest.cli_admin import add_user

            return add_user(arguments.add_user)
        case "ingest" | "evaluate" | "pager" | "feed" | "enrol" as role:
            from yikao_ingest.cli_serve import run_one_role

            return run_one_role(role, getattr(arguments, "shadow", None))
        case "serve":
            from yikao_ingest.cli_serve import serve

            return serve(arguments.data, arguments.registry)
        case "demo":
            from yikao_ingest.demo.cli_demo import demo

            return demo(arguments)
        case _:
            return _run_once(arguments)


def _run_once(arguments: argparse.Namespace) -> int:
    match arguments.command:
        case "backtest":
            from yikao_ingest.cli_backtest import backtest

            return backtest(arguments)
        case "migrate":
            from yikao_ingest.cli_admin import migrate

            return migrate(arguments.data)
        case "replay":
            from yikao_ingest.cli_replay import run_replay

            return run_replay(arguments)
        case _:
            from yikao_ingest.cli_replay import run_explain

            return run_explain(arguments)
