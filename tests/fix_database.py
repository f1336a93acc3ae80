"""For tests on a database with our schema: plain PostgreSQL, and TimescaleDB where one is given.

YIKAO_TEST_TIMESCALE_DSN names a TimescaleDB server on which databases may be made and dropped.
"""

import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, LiteralString

import psycopg
import pytest
from clinic import NOW, Signer, registry_text
from psycopg import sql
from psycopg.conninfo import make_conninfo

from yikao_alerts.rules import RuleSet, load_rules
from yikao_alerts.store import CHANGED, EVALUATE, PAGES
from yikao_devices import wire
from yikao_ingest.accept import Incoming, Judged, judge
from yikao_ingest.migrate import migrate
from yikao_ingest.pipeline import settle
from yikao_ingest.receipts import receipt
from yikao_ingest.registry import parse_registry
from yikao_ingest.registry_store import apply_registry
from yikao_ingest.store import Store

TIMESCALE = os.environ.get("YIKAO_TEST_TIMESCALE_DSN")
DEADLINE_S = 60.0
"""Whoever waits so long, also on a busy machine, waits for something that never comes."""
LOOK_AGAIN_S = 0.05
REFUSED = 667
"""A record that the database refuses in these tests: of all that passes judging it takes all."""
REFUSING = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE data_exception; END $$;
CREATE TRIGGER refusing BEFORE INSERT ON reading_kept FOR EACH ROW
WHEN (NEW.record = 667) EXECUTE FUNCTION refuse();
"""
NO_TIMESCALE = "TimescaleDB is NOT tested here: set YIKAO_TEST_TIMESCALE_DSN to a server"


@contextmanager
def database_on(server_dsn: str, template: str = "template0") -> Iterator[str]:
    """Make a database on a server for the block; gives its connection string."""
    name = f"t_{uuid.uuid4().hex}"
    made, source = sql.Identifier(name), sql.Identifier(template)
    # Copied as files: half the time of the default.
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(made, source)
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(create)
    try:
        yield make_conninfo(server_dsn, dbname=name)
    finally:
        with psycopg.connect(server_dsn, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(made))


KINDS = [
    "plain",
    pytest.param(
        "timescale",
        marks=[
            pytest.mark.timescale,
            pytest.mark.skipif(TIMESCALE is None, reason=NO_TIMESCALE),
        ],
    ),
]
"""Of servers: parameters for what is tested on both."""


def without_workers(dsn: str) -> None:
    """Keep the background workers of TimescaleDB from a database that has no table yet.

    A refresh during which a worker compresses the same sums fails (SerializationFailure), and they
    come when they like. Tests do their work by hand.
    """
    migrate(dsn, datetime.now(UTC), [])
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SELECT _timescaledb_functions.stop_background_workers()")


@pytest.fixture(params=KINDS)
def server_dsn(request: pytest.FixtureRequest) -> str:
    """The connection string of a server of each kind, as its superuser."""
    if request.param == "timescale":
        assert TIMESCALE is not None
        return TIMESCALE
    dsn: str = request.getfixturevalue("postgres_dsn_root")
    return dsn


@pytest.fixture
def empty_url(server_dsn: str) -> Iterator[str]:
    """An empty database on a server of each kind."""
    with database_on(server_dsn) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def migrated_template(postgres_dsn_root: str) -> Iterator[str]:
    """A plain database with our schema, to be copied: quicker than to migrate each."""
    with database_on(postgres_dsn_root) as dsn:
        migrate(dsn, datetime.now(UTC))
        yield str(psycopg.conninfo.conninfo_to_dict(dsn)["dbname"])


@pytest.fixture
def plain_schema_url(postgres_dsn_root: str, migrated_template: str) -> Iterator[str]:
    """A plain database with our schema."""
    with database_on(postgres_dsn_root, migrated_template) as dsn:
        yield dsn


@pytest.fixture
def schema_url(request: pytest.FixtureRequest, server_dsn: str) -> str:
    """A database with our schema on a server of each kind."""
    if server_dsn != TIMESCALE:
        plain: str = request.getfixturevalue("plain_schema_url")
        return plain
    dsn: str = request.getfixturevalue("empty_url")
    without_workers(dsn)
    migrate(dsn, datetime.now(UTC))
    return dsn


class Clinic:
    """The clinic of `clinic.py` in a database."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.first, self.second = Signer("gw-1"), Signer("gw-2")
        self.connection = psycopg.connect(dsn, autocommit=True)

    def register(self, **changes: Any) -> None:
        """Apply the registry file, with changes (`clinic.registry_text`)."""
        text = registry_text((self.first, self.second), **changes)
        apply_registry(self.dsn, parse_registry(text, "clinic.toml"))

    def rows(self, statement: LiteralString, *values: object) -> list[Any]:
        """Run a statement and return its rows."""
        cursor = self.connection.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []

    def one(self, statement: LiteralString, *values: object) -> Any:
        """Return the only value of the only row."""
        ((value,),) = self.rows(statement, *values)
        return value

    def until(self, condition: Callable[[], Any], deadline_s: float = DEADLINE_S) -> Any:
        """Return what `condition` returns as soon as it is something.

        It is asked at each notice of a change, and now and then besides.
        """
        until_s = time.monotonic() + deadline_s
        with psycopg.connect(self.dsn, autocommit=True) as ears:
            for channel in (CHANGED, EVALUATE, PAGES):
                ears.execute(f"LISTEN {channel}")
            while True:
                if found := condition():
                    return found
                assert time.monotonic() < until_s, f"not within {deadline_s} s"
                for _ in ears.notifies(timeout=LOOK_AGAIN_S, stop_after=1):
                    pass

    def patient(self, code: str) -> int:
        """Return the number of a resident."""
        return int(self.one("SELECT patient_id FROM resident WHERE code = %s", code))


class Intake:
    """Judges and stores, as the pipeline does between the broker and the receipt."""

    def __init__(self, clinic: Clinic, rules: RuleSet) -> None:
        self.clinic = clinic
        self.rules = rules
        self.store = Store(clinic.dsn)

    def judge(self, *messages: Incoming, now: datetime = NOW) -> list[Judged]:
        """Return the verdicts on messages that arrive at `now`."""
        registry = self.store.directory()
        return [judge(message, registry, self.rules, now) for message in messages]

    def receives(self, *messages: Incoming, now: datetime = NOW) -> list[wire.Receipt]:
        """Store a batch and return its receipts."""
        stored = settle(self.store, self.judge(*messages, now=now), now)
        told = [receipt(judged, now) for judged in stored]
        return [one for one in told if one is not None]

    def refuse(self) -> None:
        """Have the database refuse readings whose record is `REFUSED`."""
        self.clinic.rows(REFUSING)

    def readings(self) -> list[tuple[datetime, float | None]]:
        """Return when and how high each stored reading is."""
        return self.clinic.rows(
            "SELECT time, coalesce(systolic_mmhg, glucose_mmol_l) FROM reading ORDER BY time, 2"
        )

    def outcomes(self) -> dict[str, int]:
        """Return how many ids ended in which way."""
        return dict(self.clinic.rows("SELECT outcome, count(*) FROM ingest_ledger GROUP BY 1"))


@contextmanager
def clinic_in(dsn: str) -> Iterator[Clinic]:
    """Have the clinic in a database with our schema, for the block."""
    clinic = Clinic(dsn)
    try:
        clinic.register()
        yield clinic
    finally:
        clinic.connection.close()


@pytest.fixture
def clinic(schema_url: str) -> Iterator[Clinic]:
    """The clinic in a database of each kind."""
    with clinic_in(schema_url) as clinic:
        yield clinic


@pytest.fixture
def ingest(clinic: Clinic, rules: RuleSet) -> Iterator[Intake]:
    """An intake into the clinic in a database of each kind."""
    ingest = Intake(clinic, rules)
    yield ingest
    ingest.store.close()


@pytest.fixture
def plain_clinic(plain_schema_url: str) -> Iterator[Clinic]:
    """The clinic in a plain database."""
    with clinic_in(plain_schema_url) as clinic:
        yield clinic


@pytest.fixture(scope="session")
def rules() -> RuleSet:
    """The rules that come with the product."""
    return load_rules()
