"""`yikao-sim zoo`: bad devices that people have met, and any gateway judged by how it fares."""

import argparse
import asyncio
import json
import logging
import os
import sys
import time
from typing import TYPE_CHECKING

from yikao_sim.arguments import within

if TYPE_CHECKING:
    # Not at run time: bumble is needed to meet them, not to print the help.
    from collections.abc import Sequence

    from yikao_sim.zoo.enclosure import Verdict
    from yikao_sim.zoo.persona import Persona

JOBS_MAX = 16
"""A visit mostly waits; more at once would be late for devices that wait for seconds only."""
LIMIT_S = 120.0
"""For one run of the gateway; it takes some ten seconds."""
LIMIT_MAX_S = 3600.0

DESCRIPTION = """\
Every inhabitant is a cuff or a meter that misbehaves as somebody once met a real one, and wrote it
down in public. A gateway is run against each as a program, on an air of its own, and judged by the
JSON Lines it prints: every reading that was taken exactly once, nothing that nobody took, and a
word to a person where one is needed (docs/wire, docs/glossary.md).
"""
EPILOG = """\
examples:
  yikao-sim zoo --list                          who lives there, and who met them
  yikao-sim zoo --run                           our own gateway, against all of them
  yikao-sim zoo --run err-record two-users      against these
  yikao-sim zoo --run --gateway 'my-gateway --hci {socket} --home {state} --pin={passkey}'

In a command, {radio} stands for sim:unix:PATH, as our gateway writes it, {socket} for the PATH
alone: a Unix socket on which a Bluetooth controller speaks the Host Controller Interface, H4
framing. {state} is a folder that is kept between the visits to one device, for bonds and cursors.
A word with {passkey} is left out while nobody knows the digits. The gateway reads every device it
finds, once, prints one item a line, and ends; what is no JSON is skipped and counted. Devices show
the local time of this machine.

exit codes: 0 all passed; 1 some did not
"""


def register(subcommands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = subcommands.add_parser(
        "zoo",
        help="bad devices, and a gateway that has to cope with them",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--list", action="store_true", help="say who they are")
    what.add_argument(
        "--run", dest="names", nargs="*", metavar="NAME", help="meet these, or all of them"
    )
    parser.add_argument("--gateway", metavar="CMD", help="the command to judge (our own gateway)")
    parser.add_argument(
        "--jobs",
        type=int,
        default=min(2 * _processors() + 1, JOBS_MAX),
        metavar="N",
        help="how many are met at once (%(default)s)",
    )
    parser.add_argument(
        "--limit-s",
        type=float,
        default=LIMIT_S,
        metavar="S",
        help="seconds after which a visit has failed (%(default)g)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--language", choices=("zh", "en"), default="en", help="(%(default)s)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """List or meet the inhabitants; return the exit code. Raises `SimError`."""
    from yikao_sim.zoo import keeper, report

    if arguments.list:
        _print_list(keeper.PERSONAS, as_json=arguments.json, language=arguments.language)
        return 0
    # Packets that cross a link as it goes down are no news to anybody.
    logging.getLogger("bumble").setLevel(logging.ERROR)
    began_s = time.monotonic()
    verdicts = asyncio.run(_meet(arguments))
    if not arguments.json:
        print("\n".join(report.table(verdicts, time.monotonic() - began_s, arguments.language)))
    return 0 if all(each.passed for each in verdicts) else 1


async def _meet(arguments: argparse.Namespace) -> "list[Verdict]":
    from yikao_sim.zoo import gateway, keeper, report

    def on_verdict(verdict: "Verdict") -> None:
        print(report.progress(verdict, arguments.language), file=sys.stderr, flush=True)
        if arguments.json:
            print(json.dumps(report.verdict_as_json(verdict), ensure_ascii=False), flush=True)

    return await keeper.meet_all(
        keeper.chosen(arguments.names),
        gateway.parse_command(arguments.gateway or gateway.DEFAULT),
        jobs=within("--jobs", arguments.jobs, 1, JOBS_MAX),
        limit_s=within("--limit-s", arguments.limit_s, 1, LIMIT_MAX_S),
        on_verdict=on_verdict,
    )


def _print_list(personas: "Sequence[Persona]", *, as_json: bool, language: str) -> None:
    from yikao_sim.zoo import report

    if as_json:
        lines = [json.dumps(report.as_json(each), ensure_ascii=False) for each in personas]
    else:
        lines = report.inhabitants(personas, language)
    print("\n".join(lines))


def _processors() -> int:
    return len(os.sched_getaffinity(0))
