"""A role of the server in a process of its own, killed as a power cut would."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from signal import SIGKILL

from fix_database import DEADLINE_S
from fix_watch import SECRET

from yikao_alerts.feed.settings import LINK_SECRET_FILE
from yikao_ingest.settings import DATABASE_URL, WEBHOOK_SECRET_FILE


def start_role(role: str, settings: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """Start `yikao ROLE` with these settings."""
    return subprocess.Popen(
        [sys.executable, "-m", "yikao_ingest", role],
        env={**os.environ, **settings},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill(child: "subprocess.Popen[bytes]") -> None:
    """End it without a word."""
    child.send_signal(SIGKILL)
    child.wait(DEADLINE_S)


@contextmanager
def role_until_killed(role: str, dsn: str, folder: Path) -> Iterator[None]:
    """Run `yikao ROLE` for the block, and kill it at its end; its secrets are in `folder`."""
    secret = folder / "secret.key"
    secret.write_bytes(SECRET)
    files = {LINK_SECRET_FILE: str(secret), WEBHOOK_SECRET_FILE: str(secret)}
    child = start_role(role, {DATABASE_URL: dsn, **files})
    try:
        yield
    finally:
        kill(child)
