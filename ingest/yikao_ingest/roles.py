"""The server's four roles, each a process: ingest, evaluate, pager, feed."""

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from yikao_alerts.clock import story_clock
from yikao_alerts.rules import load_rules
from yikao_ingest.settings import (
    BROKER_URL,
    DATABASE_URL,
    INGEST_SHARE,
    READY_FILE,
    SHADOW_RULES,
    channels,
    linking,
    required,
)

log = logging.getLogger(__name__)

SWITCH_S: Final = 0.0005
GARBAGE_AFTER: Final = 100_000
"""New objects, of those that may be in a cycle, until one is looked for."""


def ingest(environ: Mapping[str, str]) -> None:
    """Take readings from the broker into the database, until a signal."""
    from yikao_ingest.metrics import BROKER, IngestMetrics, metrics_address, told_at
    from yikao_ingest.pipeline import Pipeline
    from yikao_ingest.subscriber import Subscriber

    # Three threads hand work to each other: one that computes gives way this often, not every 5 ms.
    sys.setswitchinterval(SWITCH_S)
    # Batches are thousands of small objects without cycles: looking for any costs a third as much
    # again as the work itself.
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    metrics, shared = IngestMetrics(), environ.get(INGEST_SHARE) or None

    def subscribed() -> None:
        metrics.connected(BROKER)
        tell_ready(environ)

    subscriber = Subscriber(required(environ, BROKER_URL), subscribed, shared)
    dsn = required(environ, DATABASE_URL)
    pipeline = Pipeline(
        dsn, subscriber, load_rules(), story_clock(), stop, metrics, shared is not None
    )
    with told_at(metrics_address(environ), metrics):
        pipeline.run()


def evaluate(environ: Mapping[str, str]) -> None:
    """Decide about residents with something new, until a signal."""
    from yikao_ingest.evaluator import Evaluator
    from yikao_ingest.upkeep.loop import Upkeep
    from yikao_ingest.upkeep.retention import retention

    trial = environ.get(SHADOW_RULES)
    shadow = load_rules(trial) if trial else None
    evaluator = Evaluator(load_rules(), linking(environ), shadow=shadow)
    upkeep = Upkeep(retention(environ), evaluator.linking.public_url)
    dsn = required(environ, DATABASE_URL)

    async def serve() -> None:
        tell_ready(environ)
        stop = stopped_by_signal()
        await asyncio.gather(evaluator.run(dsn, stop), upkeep.run(dsn, stop))

    asyncio.run(serve())


def pager(environ: Mapping[str, str]) -> None:
    """Send pages that are due, until a signal."""
    from yikao_alerts.notices import Notices
    from yikao_alerts.pager import Pager

    dsn, ways = required(environ, DATABASE_URL), channels(environ)

    async def serve() -> None:
        tell_ready(environ)
        stop = stopped_by_signal()
        await asyncio.gather(Pager(ways).run(dsn, stop), Notices(ways).run(dsn, stop))

    asyncio.run(serve())


def feed(environ: Mapping[str, str]) -> None:
    """Show the doctors' feed, until a signal."""
    from yikao_alerts.feed.run import run
    from yikao_alerts.feed.settings import feed_settings

    run(feed_settings(environ))


def enrol(environ: Mapping[str, str]) -> None:
    """Give gateways their certificates, until a signal."""
    from yikao_ingest.enrolment.role import run

    run(environ, lambda: tell_ready(environ))


def tell_ready(environ: Mapping[str, str]) -> None:
    """Tell whoever started this role that it works, by a file it named."""
    if path := environ.get(READY_FILE):
        Path(path).touch()


def stopped_by_signal() -> asyncio.Event:
    """Return what is set by SIGTERM or SIGINT; within a running loop."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


ROLES: Final = {"ingest": ingest, "evaluate": evaluate, "pager": pager, "feed": feed}
"""By the name of their command."""
FURTHER: Final = {"enrol": enrol}
"""Those that a server does without: `yikao serve` starts none of them."""


def run_role(name: str) -> None:
    """Run one role with this process's environment."""
    log.info("role starts", extra={"role": name})
    (ROLES | FURTHER)[name](os.environ)
