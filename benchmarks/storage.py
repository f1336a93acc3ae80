"""Readings from signed messages to committed rows, beside a bare COPY of the same rows."""

import statistics
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Raw
from psycopg import sql
from table import RUNS, Figure, rate

from yikao_alerts.rules import load_rules
from yikao_devices import topics, wire
from yikao_devices.readings import NAMESPACE
from yikao_ingest.accept import Incoming, judge
from yikao_ingest.embedded.postgres import EmbeddedPostgres
from yikao_ingest.migrate import migrate
from yikao_ingest.registry import parse_registry
from yikao_ingest.registry_store import apply_registry
from yikao_ingest.signature import encode_base64url
from yikao_ingest.store import SQL, Store

READINGS = 20_000
PER_MESSAGE = 100
BATCH = 20
"""Messages in one transaction, as many as the pipeline takes when a backlog drains."""
NAMES = SQL["copy_readings"].partition("(")[2].partition(")")[0].split(",")
COLUMNS = sql.SQL(", ").join(sql.Identifier(name.strip()) for name in NAMES)
"""Of what is copied into the table."""
MAKE_BARE = sql.SQL(
    "CREATE TEMP TABLE bare ON COMMIT DELETE ROWS AS SELECT {} FROM reading_kept WITH NO DATA"
).format(COLUMNS)
FROM_BARE = sql.SQL(
    "INSERT INTO reading_kept ({}) SELECT * FROM bare ON CONFLICT DO NOTHING"
).format(COLUMNS)
RESIDENTS = 200
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
START = NOW - timedelta(days=20)
ROWS = sql.SQL("SELECT {} FROM reading_kept").format(COLUMNS)
TIME = 1
"""Which column is the time."""

TEAM = """
[[teams]]
id = "t"
name = "t"
zone = "Asia/Shanghai"
duty_doctor = "d"
[[doctors]]
id = "d"
name = "d"
team = "t"
contacts = [{{ channel = "console", address = "desk" }}]
[[gateways]]
id = "g"
tenant = "bench"
public_key = "{key}"
"""
RESIDENT = """
[[residents]]
id = "r{n}"
name = "r{n}"
team = "t"
doctor = "d"
[[devices]]
address = "D{n}"
gateway = "g"
[[bindings]]
device = "D{n}"
resident = "r{n}"
"""


def figures() -> Iterator[Figure]:
    """Yield ingest's figures on a fresh embedded PostgreSQL."""
    key = Ed25519PrivateKey.generate()
    with tempfile.TemporaryDirectory(prefix="yk-") as folder:
        postgres = EmbeddedPostgres(Path(folder) / "pg")
        dsn = postgres.start()
        try:
            migrate(dsn, NOW)
            text = TEAM.format(key=encode_base64url(key.public_key().public_bytes_raw()))
            text += "".join(RESIDENT.format(n=n) for n in range(RESIDENTS))
            apply_registry(dsn, parse_registry(text, "bench"))
            yield from _flush(dsn, key)
        finally:
            postgres.stop()


def _flush(dsn: str, key: Ed25519PrivateKey) -> Iterator[Figure]:
    store, rules = Store(dsn), load_rules()
    directory = store.directory()
    ours, bare = [], []
    # In turn, so that both see the same growing table and the same drifting machine.
    for run in range(0, 2 * RUNS, 2):
        messages = _messages(key, run)

        def drain(messages: list[Incoming] = messages) -> None:
            for at in range(0, len(messages), BATCH):
                batch = messages[at : at + BATCH]
                store.save([judge(message, directory, rules, NOW) for message in batch], NOW)

        ours.append(rate(READINGS, drain, runs=1))
        # The same once more, at the second of its own that each run has.
        stored = stored_rows(dsn, timedelta(seconds=1))
        rows = [row for row in stored if row[TIME].second == run + 1]

        def copy(rows: list[tuple[Any, ...]] = rows) -> None:
            bare_copy(dsn, rows)

        bare.append(rate(READINGS, copy, runs=1))
    store.close()
    yield Figure(
        "ingest: signed messages of 100 to committed rows",
        statistics.median(ours),
        "readings/s",
        "bare COPY + ON CONFLICT, no checks",
        statistics.median(bare),
    )


def stored_rows(dsn: str, later: timedelta = timedelta(0)) -> list[tuple[Any, ...]]:
    """Return all stored readings, as a script would have them that stores them so much later."""
    with psycopg.connect(dsn) as conn:
        rows = conn.execute(ROWS).fetchall()
    return [(*row[:TIME], row[TIME] + later, *row[TIME + 1 :]) for row in rows]


def bare_copy(dsn: str, rows: list[tuple[Any, ...]]) -> None:
    """Store rows as a script would that checks nothing: the limit of this database and driver."""
    step = BATCH * PER_MESSAGE
    with psycopg.connect(dsn) as conn:
        conn.execute(MAKE_BARE)
        for at in range(0, len(rows), step):
            with conn.cursor().copy("COPY bare FROM STDIN") as copy:
                for row in rows[at : at + step]:
                    copy.write_row(row)
            conn.execute(FROM_BARE)
            conn.commit()


def _messages(key: Ed25519PrivateKey, run: int) -> list[Incoming]:
    """Return signed messages with readings that no other run has."""
    found = []
    start = START + timedelta(seconds=run)
    for first in range(0, READINGS, PER_MESSAGE):
        items = tuple(
            Raw(wire.encode_item(_reading(run, n, start)))
            for n in range(first, first + PER_MESSAGE)
        )
        payload = wire.encode(wire.Message("g", 1, NOW, items, historical=True))
        signature = encode_base64url(key.sign(payload))
        topic = topics.topic("bench", "g", topics.item_channel("blood_pressure"))
        found.append(Incoming(topic, payload, "k", signature, str(first)))
    return found


def _reading(run: int, number: int, start: datetime) -> wire.BloodPressureReading:
    at = start + timedelta(minutes=number // RESIDENTS)
    identity: UUID = uuid5(NAMESPACE, f"{run}/{number}")
    return wire.BloodPressureReading(
        reading_id=identity,
        device=f"D{number % RESIDENTS}",
        measured_at=at,
        doubt_s=2.0,
        clocks=wire.Clocks(at),
        systolic_mmhg=120.0 + number % 30,
        diastolic_mmhg=80.0,
        unit="mmHg",
    )
