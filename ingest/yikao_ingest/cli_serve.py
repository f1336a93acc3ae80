"""`yikao serve` and the single roles, as seen from a terminal."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from yikao_alerts.feed.errors import FeedError
from yikao_ingest.embedded.errors import EmbeddedError
from yikao_ingest.errors import ServerError
from yikao_ingest.logs import set_up_logs
from yikao_ingest.roles import run_role
from yikao_ingest.serving import WATCH_EVERY_S, Serving
from yikao_ingest.settings import DATABASE_URL, SHADOW_RULES, default_data_dir


def run_one_role(role: str, shadow: str | None = None) -> int:
    """Run one role until a signal; shadow: the rule set that the evaluator tries out."""
    set_up_logs()
    if shadow is not None:
        os.environ[SHADOW_RULES] = shadow
    with operators_errors():
        run_role(role)
    return 0


def serve(data: Path | None, registry: Path | None) -> int:
    """Run the whole server until Ctrl-C."""
    set_up_logs("WARNING")
    serving = Serving(data or default_data_dir(os.environ), dict(os.environ))
    began_s = time.monotonic()
    with operators_errors(), stopped_by_signals():
        try:
            serving.prepare()
            if registry is not None:
                from yikao_ingest.cli_admin import read_registry
                from yikao_ingest.registry_store import apply_registry

                apply_registry(serving.environ[DATABASE_URL], read_registry(registry))
            serving.start()
            serving.wait_ready()
            took_s = time.monotonic() - began_s
            print(
                f"yikao: ready in {took_s:.1f} s, feed at {serving.url}  医生工作台已就绪",
                flush=True,
            )
            while True:
                serving.watch()
                time.sleep(WATCH_EVERY_S)
        except KeyboardInterrupt:
            print("yikao: stopping  正在停止", file=sys.stderr)
        finally:
            serving.stop()
    return 0


@contextlib.contextmanager
def operators_errors() -> Iterator[None]:
    """Tell what the operator can mend in one sentence."""
    try:
        yield
    except EmbeddedError as error:
        raise ServerError(error.message, error.remedy) from error
    except FeedError as error:
        raise ServerError(error.what, error.remedy) from error


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Have SIGTERM end us as Ctrl-C does: everything is stopped in order."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
