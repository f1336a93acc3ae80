"""What is settled before PostgreSQL starts: who runs it, its settings, and its files on disk.

Source: PostgreSQL documentation, chapters "Server Setup and Operation", "Server Configuration".
"""

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path
from signal import SIGTERM

from yikao_ingest.embedded.child import log_tail, spawn
from yikao_ingest.embedded.errors import (
    IdentityError,
    NotADatabaseError,
    SocketPathError,
    StartError,
)
from yikao_ingest.embedded.postgres_binaries import Binaries

USER = "yikao"
"""The database's superuser and owner; only we reach the socket, so there is no password."""
PORT = 5432
"""Names the socket's file only; nothing listens on the network."""
SOCKET_PATH_MAX_BYTES = 107 if sys.platform == "linux" else 103
"""`sun_path` in unix(7), less the closing zero."""
NOBODY = 65534
"""The user that PostgreSQL believes to be when root starts it."""
UNSHARE = ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}")
UNSHARE_TIMEOUT_S = 10.0
INITDB_TIMEOUT_S = 300.0
"""Half a second on a server; a Raspberry Pi with a tired SD card takes a minute."""
BUILTIN_LOCALE_MAJOR = 17
"""The first major version with collations of its own, which no upgrade of the system changes."""

STATISTICS = "pg_stat_statements"
MEMORY_PART = 16
BUFFERS_MB = (64, 256)
"""The database keeps a sixteenth of the memory for itself, within these bounds: at 64 MB a small
computer stays usable, and 256 MB hold the indexes of a county's year of decisions."""
SETTINGS = """\
# Written by Yikao at every start. Put your own with ALTER SYSTEM: they win over these.
listen_addresses = ''
port = {port}
unix_socket_permissions = 0700
max_connections = 50
shared_buffers = {buffers_mb}MB
max_wal_size = 1GB
# A commit that was answered is on the disk: the gateway forgets a reading on our word.
synchronous_commit = on
timezone = 'UTC'
lc_messages = 'C'
log_destination = 'stderr'
logging_collector = off
log_timezone = 'UTC'
# Errors of a statement may quote a patient's values. Whoever sent the statement is told of them;
# the log keeps what concerns the server alone, without statements, details or parameters.
log_min_messages = log
log_min_error_statement = panic
log_error_verbosity = terse
shared_preload_libraries = '{libraries}'
"""


def identity_prefix(uid: int, become_nobody: tuple[str, ...] = UNSHARE) -> tuple[str, ...]:
    """Return the words before each command of PostgreSQL, so that it accepts to run for `uid`.

    Root is mapped to nobody in a user namespace: PostgreSQL refuses root, the files stay root's,
    and no user has to be made. Refuses with `IdentityError` where that, or `uid`, does not work.
    """
    prefix = become_nobody if uid == 0 else ()
    if prefix and not _runs([*prefix, "true"]):
        raise IdentityError(
            "running as root without user namespaces (a container, perhaps)",
            "start as an ordinary user or set YIKAO_DATABASE_URL",
        )
    seen = NOBODY if uid == 0 else uid
    try:
        pwd.getpwuid(seen)
    except KeyError as error:
        raise IdentityError(
            f"user id {seen} has no entry in /etc/passwd, and PostgreSQL wants one",
            "add an entry, use nss_wrapper, start as another user or set YIKAO_DATABASE_URL",
        ) from error
    return prefix


def _runs(command: list[str]) -> bool:
    try:
        tried = subprocess.run(command, capture_output=True, timeout=UNSHARE_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0


def check_socket_path(run: Path) -> None:
    """Refuse with `SocketPathError` a folder in which no Unix socket can be made."""
    socket = run / f".s.PGSQL.{PORT}"
    length = len(os.fsencode(socket))
    if length > SOCKET_PATH_MAX_BYTES:
        raise SocketPathError(
            f"{socket} has {length} bytes and a socket's path may have {SOCKET_PATH_MAX_BYTES}",
            "choose a shorter data folder",
        )


def write_settings(file: Path, binaries: Binaries) -> None:
    """Write our settings; done at every start, so that an upgrade of Yikao brings its own."""
    libraries = STATISTICS if binaries.has_library(STATISTICS) else ""
    settings = SETTINGS.format(port=PORT, libraries=libraries, buffers_mb=buffers_mb())
    file.write_text(settings, encoding="utf-8")


def buffers_mb() -> int:
    """Return how much memory the database's own cache takes, in megabytes."""
    memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    low, high = BUFFERS_MB
    return max(low, min(high, memory_mb // MEMORY_PART))


def create_cluster(data: Path, binaries: Binaries, prefix: tuple[str, ...], log: Path) -> None:
    """Make the files of an empty database in `data` unless one is there.

    They are made under another name and renamed when whole: a start that was killed half-way
    leaves nothing that could be taken for a database.
    """
    if (data / "PG_VERSION").exists():
        return
    if data.exists() and any(data.iterdir()):
        raise NotADatabaseError(
            f"{data} holds files, but no PostgreSQL database",
            "move it away, or give another data folder",
        )
    fresh = data.with_name(f"{data.name}.new")
    if fresh.exists():
        shutil.rmtree(fresh)
    _initdb([*prefix, *_initdb_command(fresh, binaries)], log)
    fresh.rename(data)
    _sync(data.parent)


def _initdb_command(fresh: Path, binaries: Binaries) -> list[str]:
    locale = (
        ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        if binaries.major >= BUILTIN_LOCALE_MAJOR
        else ["--locale=C.UTF-8"]
    )
    fixed = ["-U", USER, "-A", "trust", "-E", "UTF8", "--data-checksums", "--no-instructions"]
    return [binaries.initdb, "-D", str(fresh), *fixed, *locale]


def _initdb(command: list[str], log: Path) -> None:
    child = spawn(command, log, death_signal=SIGTERM)
    try:
        code = child.wait(INITDB_TIMEOUT_S)
    finally:
        child.stop(SIGTERM, patience_s=5.0)
    if code != 0:
        reason = f"took over {INITDB_TIMEOUT_S:.0f} s" if code is None else f"failed (code {code})"
        raise StartError(
            f"making a new database in {log.parent} {reason}",
            "check that the disk has 100 MB free and that this user may read and write there",
            log_tail(log),
        )


def _sync(folder: Path) -> None:
    """Make the rename durable: rows will be promised on it (fsync(2), on a directory)."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
