"""The servers between publisher and table, on this machine alone, and what is read off them.

A PostgreSQL that remembers when each transaction was committed, and a mosquitto that keeps what
waits in memory: mosquitto 2.0 rewrites its whole store after some changes, which is no part of what
anybody beside us does. All of them end with the block.
"""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import LiteralString
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from yikao_ingest.embedded.broker import EmbeddedBroker
from yikao_ingest.embedded.broker_engines import Engine, Listener, mosquitto
from yikao_ingest.embedded.postgres import EmbeddedPostgres
from yikao_ingest.migrate import migrate

POLL_S = 0.01
ARRIVES_S = 180.0
"""Who has not stored everything so long after the last message is not fast, but broken."""
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PARENT, USED = 1, slice(11, 15)
"""Fields after the name in /proc/PID/stat: proc_pid_stat(5)."""

MOSQUITTO = """\
listener {port} {host}
{user}allow_anonymous true
persistence false
max_queued_messages 0
max_inflight_messages 500
set_tcp_nodelay true
log_dest stderr
log_type error
log_type warning
"""
EMPTIED = (
    *("reading_kept", "ingest_ledger", "ingest_message", "reading_conflict", "quarantine"),
    *("patient_latest", "eval_queue", "rollup_touched"),
)
COMMITS: LiteralString = """
WITH at_once AS (
    SELECT pg_xact_commit_timestamp(xmin) AS at, count(*) AS rows
    FROM {} WHERE time >= %(since)s GROUP BY xmin
)
SELECT coalesce(sum(rows), 0)::integer, min(at), max(at), (array_agg(rows ORDER BY at))[1]::integer
FROM at_once
"""


@dataclass(frozen=True, slots=True)
class Servers:
    """What runs, and a folder for whoever takes from it."""

    dsn: str
    broker: str
    postgres_pid: int
    folder: Path

    @property
    def port(self) -> int:
        """Return where the broker listens."""
        port = urlsplit(self.broker).port
        assert port is not None, "an embedded broker's address has a port"
        return port


@dataclass(frozen=True, slots=True)
class Commits:
    """When a run's rows were committed, in Unix seconds."""

    rows: int
    first_at: float
    last_at: float
    first_rows: int
    """Rows of the first transaction: they took their time before `first_at`."""

    @property
    def rows_per_s(self) -> float:
        """Return the pace between the first and the last commit; infinite for a single one."""
        apart_s = self.last_at - self.first_at
        return (self.rows - self.first_rows) / apart_s if apart_s else float("inf")


@contextmanager
def servers(folder: Path) -> Iterator[Servers]:
    """Have both servers for the block, and our schema in the database."""
    with ExitStack() as ending:
        postgres = EmbeddedPostgres(folder / "pg")
        ending.callback(postgres.stop)
        dsn = postgres.start()
        with psycopg.connect(dsn, autocommit=True) as conn:
            conn.execute("ALTER SYSTEM SET track_commit_timestamp = on")
        postgres.stop()
        dsn = postgres.start()
        migrate(dsn, datetime.now(UTC))
        yield Servers(dsn, ending.enter_context(broker(folder)), postgres.pid, folder)


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    """Have a mosquitto for the block, and its address."""
    running = EmbeddedBroker(folder / "broker", engine=_engine())
    try:
        yield running.start()
    finally:
        running.stop()


def _engine() -> Engine:
    found = mosquitto()
    assert found is not None, "these figures are taken with mosquitto: apt install mosquitto"
    return Engine(found.name, found.file_name, found.command, _configuration)


def _configuration(listener: Listener) -> str:
    user = "user root\n" if os.geteuid() == 0 else ""
    return MOSQUITTO.format(port=listener.port, host=listener.host, user=user)


def empty(dsn: str, *tables: str) -> None:
    """Empty these tables, and write out what is in memory: each run begins alike."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        names = sql.SQL(", ").join(map(sql.Identifier, tables))
        conn.execute(sql.SQL("TRUNCATE {}").format(names))
        conn.execute("CHECKPOINT")


def arrival(dsn: str, table: str, reading: tuple[int, datetime], wait_s: float) -> float | None:
    """Return when a reading, by its resident and time, could be seen in `table`, in Unix seconds.

    None: it was not there after `wait_s`.
    """
    query = sql.SQL("SELECT 1 FROM {} WHERE patient_id = %s AND time = %s")
    until = time.monotonic() + wait_s
    with psycopg.connect(dsn, autocommit=True) as conn:
        while not conn.execute(query.format(sql.Identifier(table)), reading).fetchone():
            if time.monotonic() > until:
                return None
            time.sleep(POLL_S)
    return time.time()


def committed(dsn: str, table: str, since: datetime, rows: int) -> Commits:
    """Return when the readings measured `since` were committed, when there are so many.

    Fewer in the end, or more, is a failure and no figure.
    """
    query = sql.SQL(COMMITS).format(sql.Identifier(table))
    until = time.monotonic() + ARRIVES_S
    with psycopg.connect(dsn, autocommit=True) as conn:
        while True:
            found, first, last, first_rows = conn.execute(query, {"since": since}).fetchone() or ()
            if found >= rows:
                break
            assert time.monotonic() < until, f"{table}: {rows - found} of {rows} are lost"
            time.sleep(10 * POLL_S)
    assert found == rows, f"{table}: {found} rows for {rows} readings"
    return Commits(found, first.timestamp(), last.timestamp(), first_rows)


def cpu_s(pid: int) -> float:
    """Return the processor seconds of a process and of all below it, ended ones included."""
    used: dict[int, float] = {}
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile, and its parent has its time
            continue
        process = int(entry.parent.name)
        used[process] = sum(map(int, fields[USED])) * TICK_S
        children.setdefault(int(fields[PARENT]), []).append(process)
    waiting, total_s = [pid], 0.0
    while waiting:
        process = waiting.pop()
        total_s += used.get(process, 0.0)
        waiting += children.get(process, [])
    return total_s
