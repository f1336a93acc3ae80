"""`yikao watch`, as seen from a terminal."""

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from yikao_alerts.clock import story_clock
from yikao_ingest.settings import WATCH_KEY_FILE, make_secret, required

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]

ABOUT = """\
Proves, each minute, that a reading becomes a page: sends one in the name of somebody who does not
exist and waits for the page. When none comes for two minutes, operations are called by a channel of
the watchdog's own. Run it on another machine than the pager where you can.

Settings: YIKAO_WATCH_KEY_FILE, YIKAO_WATCH_LISTEN, YIKAO_WATCH_CHANNEL, YIKAO_WATCH_PING_URL.
"""


def register(subcommands: "Subcommands") -> None:
    """Add the command."""
    watch = subcommands.add_parser(
        "watch",
        help="proves each minute that a reading becomes a page",
        description=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    watch.add_argument(
        "--registry",
        action="store_true",
        help="make the key where there is none, and print what the registry file needs",
    )
    watch.add_argument(
        "--zone", default="Asia/Shanghai", metavar="ZONE", help="of the centre (Asia/Shanghai)"
    )
    watch.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Watch until a signal, or print the registry's entries."""
    from yikao_ingest.watch.canary import registry_entries
    from yikao_ingest.watch.settings import canary_key, sink_of, watch_settings

    if arguments.registry:
        make_secret(Path(required(os.environ, WATCH_KEY_FILE)))
        key = canary_key(os.environ)
        sys.stdout.write(registry_entries(key, sink_of(os.environ, key), arguments.zone))
        return 0
    from yikao_ingest.cli_serve import operators_errors
    from yikao_ingest.logs import set_up_logs
    from yikao_ingest.roles import stopped_by_signal, tell_ready
    from yikao_ingest.watch.process import Watch

    set_up_logs()
    with operators_errors():
        watch = Watch(watch_settings(os.environ), story_clock())

        async def serve() -> None:
            stop = stopped_by_signal()
            tell_ready(os.environ)
            await watch.run(stop)

        asyncio.run(serve())
    return 0
