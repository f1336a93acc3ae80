"""Run a route of mq-bridge in its own Python, from SIGUSR1 to SIGTERM.

`python mq_bridge_route.py ROUTE.json`; `ROUTE.ready` appears when it waits for the signal.
"""

import json
import signal
import sys
from pathlib import Path

from mq_bridge import Route, init_logging

SIGNALS = (signal.SIGUSR1, signal.SIGTERM)


def main(file: Path) -> None:
    """Make the route, wait until it is let go, and run it until it is to end."""
    # Before any thread is there: they inherit it, and the signals come to `sigwait` alone.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    init_logging("warn")
    route = Route.from_config(json.loads(file.read_text()))
    file.with_suffix(".ready").touch()
    if signal.sigwait(SIGNALS) == signal.SIGUSR1:
        route.start()
        signal.sigwait(SIGNALS)
        route.stop()
        route.join()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
