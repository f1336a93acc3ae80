"""What `yikao check` asks the database: itself, its schema, and who works on it.

Which process is at work is seen by what it holds there: the active ingest an advisory lock, the
others a connection that listens. So it does not matter on which machine each of them runs.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import Connection

from yikao_alerts.clock import story_clock
from yikao_alerts.feed.store import SEEN_WITHIN
from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_alerts.store import CHANGED, EVALUATE, PAGES
from yikao_devices.story_clock import VARIABLE, Clock
from yikao_devices.version import VERSION
from yikao_ingest.check import OK, UNKNOWN, Found, Place, span
from yikao_ingest.cli_database import database_url
from yikao_ingest.errors import ServerError
from yikao_ingest.migrate import Mode, migrations
from yikao_ingest.settings import default_data_dir
from yikao_ingest.store import LOCK
from yikao_ingest.upkeep import book

SQL: Final = load_sql_blocks("yikao_ingest", "sql/check.sql")
CLOCK_SQL: Final = load_sql_blocks("yikao_ingest")
CONNECT_TIMEOUT_S: Final = 3
STATEMENT_TIMEOUT_MS: Final = 5000
MAJOR_MIN: Final = 15
OFFSET_MAX_S: Final = 2.0
"""Between this machine's clock and the database's: more is no delay of the network."""
NAMED_MAX: Final = 5
"""Gateways that are named in a sentence; `yikao gateway show --all` has them all."""
WAITS_MAX: Final = timedelta(minutes=1)
"""The evaluator and the pager take what is due within a second."""


class Asked:
    """The database as it is at one moment: `now` is the server's time."""

    def __init__(self, conn: Connection, place: Place) -> None:
        self._conn = conn
        self.place = place
        before_s = place.now()
        (read,) = self._conn.execute(CLOCK_SQL["read_clock"]).fetchone() or (None,)
        assert isinstance(read, datetime), "a clock always answers"
        # The answer was given at some moment between the question and now.
        self.offset_s = read.timestamp() - (before_s + place.now()) / 2
        self.now = story_clock().at(read.timestamp())

    def rows(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""
        return self._conn.execute(SQL[statement], values).fetchall()

    def row(self, statement: str, **values: object) -> tuple[Any, ...]:
        """Run a statement and return its only row, empty where there is none."""
        return next(iter(self.rows(statement, **values)), ())

    def upkeep(self) -> list[book.Entry]:
        """Return what the upkeep wrote down."""
        return book.read(self._conn)

    def seconds_since(self, moment: datetime | None) -> float:
        """Return how long ago something was; 0 for what never was."""
        return (self.now - moment).total_seconds() if moment else 0.0

    def listeners(self, channel: str) -> int:
        """Return how many connections listen to a channel."""
        return int(self.row("listeners", listen=f"LISTEN {channel}")[0])


def check(place: Place) -> Iterator[Found]:
    """Look at the database and at all that is seen through it; where it is away, say only that."""
    try:
        with _connected(place.data) as conn:
            asked = Asked(conn, place)
            yield database(asked)
            yield from (_looked(part, look, asked) for part, look in PARTS.items())
    except ServerError:
        folder = place.data or default_data_dir(place.environ)
        yield Found("database", "none", {"folder": folder})
        yield from (Found(part, UNKNOWN) for part in PARTS)
    except psycopg.OperationalError as error:
        yield Found("database", "away", {"reason": str(error).partition("\n")[0]})
        yield from (Found(part, UNKNOWN) for part in PARTS)


@contextmanager
def _connected(data: Path) -> Iterator[Connection]:
    url = database_url(data)
    with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S) as conn:
        conn.execute(f"SET statement_timeout = {STATEMENT_TIMEOUT_MS:d}")
        yield conn


def _looked(part: str, look: Callable[[Asked], Found], asked: Asked) -> Found:
    """Look at a part; a table that is not there says nothing about it."""
    try:
        return look(asked)
    except psycopg.Error:
        return Found(part, UNKNOWN)


def database(asked: Asked) -> Found:
    """Is it new enough? It answers."""
    major, size = asked.row("server")
    facts = {"major": major, "least": MAJOR_MIN, "mib": size / 2**20}
    return Found("database", OK if major >= MAJOR_MIN else "old", facts)


def clock(asked: Asked) -> Found:
    """Is it the same time here and there, and is it the time?"""
    facts = {"offset": asked.offset_s, "most": OFFSET_MAX_S, "variable": VARIABLE}
    if story_clock() != Clock():
        return Found("clock", "story", facts)
    return Found("clock", OK if abs(asked.offset_s) <= OFFSET_MAX_S else "apart", facts)


def schema(asked: Asked) -> Found:
    """Is it this version's?"""
    if not asked.row("has_schema")[0]:
        return Found("schema", "none")
    ((mode,), applied) = asked.row("mode"), dict(asked.rows("applied"))
    ours = {m.name: m.checksum for m in migrations() if m.mode in (None, mode)}
    for code, names in (
        ("newer", applied.keys() - ours.keys()),
        ("older", ours.keys() - applied.keys()),
        ("changed", {name for name in applied if applied[name] != ours.get(name)}),
    ):
        if names:
            return Found("schema", code, {"names": ", ".join(sorted(names))})
    return Found("schema", facts={"name": max(applied)})


def storage(asked: Asked) -> Found:
    """Is there what the readings are stored with?"""
    (mode,) = asked.row("mode")
    if mode != Mode.TIMESCALE:
        return Found("storage", facts={"kind": "PostgreSQL"})
    version = asked.row("timescale")
    if not version:
        return Found("storage", "gone")
    return Found("storage", facts={"kind": f"TimescaleDB {version[0]}"})


def upkeep(asked: Asked) -> Found:
    """Is the database's own work done: roll-ups, months, background jobs?"""
    faults = book.faults(asked.upkeep(), asked.now)
    if any(fault.name == book.NOBODY for fault in faults):
        return Found("upkeep", "nobody")
    said = [f"{fault.name}: {fault.detail}" for fault in faults]
    return Found("upkeep", "failing" if said else OK, {"faults": ", ".join(said)})


def registry(asked: Asked) -> Found:
    """Is anybody registered?"""
    residents, gateways, devices = asked.row("registry")
    facts = {"residents": residents, "gateways": gateways, "devices": devices}
    return Found("registry", OK if residents and gateways else "empty", facts)


def gateways(asked: Asked) -> Found:
    """Does each do what it was told to, and which are of another version?"""
    back, others = asked.row("gateways", version=VERSION)
    facts = {
        "back": " ".join(back[:NAMED_MAX]),
        "count": len(back),
        "others": others,
        "version": VERSION,
    }
    return Found("gateways", "back" if back else OK, facts)


def ingest(asked: Asked) -> Found:
    """Does one take messages, and does it hear anything?"""
    holder = asked.row("holds_lock", key=LOCK)
    if not holder:
        return Found("ingest", "none")
    newest, spoke = asked.row("heard")
    silent_s = asked.seconds_since(spoke)
    facts = {
        "pid": holder[0],
        "newest": span(asked.seconds_since(newest)) if newest else "–",
        "silent": span(silent_s),
    }
    return Found("ingest", "deaf" if silent_s > SEEN_WITHIN.total_seconds() else OK, facts)


def evaluator(asked: Asked) -> Found:
    """Does one decide, and in time?"""
    waiting, oldest_at = asked.row("eval_queue")
    oldest_s = asked.seconds_since(oldest_at)
    facts = {"waiting": waiting, "oldest": span(oldest_s)}
    if not asked.listeners(EVALUATE):
        return Found("evaluator", "none", facts)
    return Found("evaluator", _in_time(oldest_s), facts)


def pager(asked: Asked) -> Found:
    """Does one send pages, in time, and does any wait for a person?"""
    due_at, held = asked.row("pages")
    oldest_s = max(0.0, asked.seconds_since(due_at))
    facts = {"oldest": span(oldest_s), "held": held}
    if not asked.listeners(PAGES):
        return Found("pager", "none", facts)
    return Found("pager", "held" if held else _in_time(oldest_s), facts)


def _in_time(oldest_s: float) -> str:
    return "behind" if oldest_s > WAITS_MAX.total_seconds() else OK


def feed(asked: Asked) -> Found:
    """Does one show anything to doctors?"""
    return Found("feed", OK if asked.listeners(CHANGED) else "none")


PARTS: Final[dict[str, Callable[[Asked], Found]]] = {
    "clock": clock,
    "schema": schema,
    "storage": storage,
    "upkeep": upkeep,
    "registry": registry,
    "gateways": gateways,
    "ingest": ingest,
    "evaluator": evaluator,
    "pager": pager,
    "feed": feed,
}
"""All that is seen through the database, in the order in which it is told."""
