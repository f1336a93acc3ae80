"""Everything goes from one database into another, whatever happens on the way."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from signal import SIGKILL

import psycopg
import pytest
from clinic import NOW, glucose, pressure, symptoms
from fix_database import (
    DEADLINE_S,
    KINDS,
    TIMESCALE,
    Clinic,
    Intake,
    clinic_in,
    database_on,
    without_workers,
)
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from upkeep_parts import compress, is_plain
from vitals import temperature, weight

from yikao_alerts.rules import RuleSet
from yikao_ingest.cli import main
from yikao_ingest.embedded.postgres import EmbeddedPostgres
from yikao_ingest.migrate import migrate, schema_current
from yikao_ingest.move.ends import COMPUTED, OWN, PROGRESS, opened
from yikao_ingest.move.errors import MoveError
from yikao_ingest.move.mover import PATIENCE_S, Moved, move
from yikao_ingest.move.units import READING
from yikao_ingest.settings import DATABASE_URL
from yikao_ingest.store import LOCK

MONTHS = 4
EVERY_DAY = timedelta(days=1)
COUNTED = (
    READING,
    *("ingest_ledger", "ingest_message", "resident", "symptom_report", "quarantine"),
)


@pytest.fixture(params=KINDS)
def source(
    request: pytest.FixtureRequest, postgres_dsn_root: str, migrated_template: str, rules: RuleSet
) -> Iterator[Clinic]:
    """A clinic with some months of readings in a database of each kind."""
    plain = request.param == "plain"
    server = postgres_dsn_root if plain else str(TIMESCALE)
    with database_on(server, migrated_template if plain else "template0") as dsn:
        if not plain:
            without_workers(dsn)
            migrate(dsn, NOW)
        with clinic_in(dsn) as clinic:
            fill(clinic, rules)
            yield clinic


def fill(clinic: Clinic, rules: RuleSet) -> None:
    """Store readings; where they can be compressed they are, all but the last."""
    intake = Intake(clinic, rules)
    first = clinic.first
    days = [NOW - EVERY_DAY * day for day in range(MONTHS * 28)]
    intake.receives(*(first.send(pressure(120 + n % 30, 80, at=at)) for n, at in enumerate(days)))
    compress(clinic)
    intake.receives(
        first.send(
            *(glucose(6.1, at=NOW), weight(at=NOW), temperature(at=NOW)),
            *(symptoms("vomiting"), pressure(400, 90, at=NOW)),
        )
    )
    intake.store.close()


@pytest.fixture
def target(server_dsn: str, migrated_template: str) -> Iterator[Clinic]:
    """A database of each kind without a row; the plain one has its schema already."""
    template = "template0" if server_dsn == TIMESCALE else migrated_template
    with database_on(server_dsn, template) as dsn:
        clinic = Clinic(dsn)
        yield clinic
        clinic.connection.close()


@pytest.fixture
def empty(server_dsn: str) -> Iterator[Clinic]:
    """A database of each kind without anything in it, of an ordinary user who owns it."""
    name = f"owner_{uuid.uuid4().hex}"
    owner = sql.Identifier(name)
    make = sql.SQL("CREATE ROLE {} LOGIN").format(owner)
    with psycopg.connect(server_dsn, autocommit=True) as server:
        server.execute(make)
        with database_on(server_dsn) as dsn:
            database = sql.Identifier(str(conninfo_to_dict(dsn)["dbname"]))
            server.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(database, owner))
            clinic = Clinic(make_conninfo(dsn, user=name))
            yield clinic
            clinic.connection.close()
        server.execute(sql.SQL("DROP ROLE {}").format(owner))


def moved(source: Clinic, target: Clinic, patience_s: float = PATIENCE_S) -> Moved:
    with opened(source.dsn) as one, opened(target.dsn) as other:
        return move(one, other, target.dsn, NOW, lambda *_: None, patience_s)


def counts(clinic: Clinic) -> dict[str, int]:
    return {table: clinic.one(f"SELECT count(*) FROM {table}") for table in COUNTED}  # type: ignore[arg-type]


def test_everything_arrives_and_the_target_goes_on_from_there(
    source: Clinic, target: Clinic, rules: RuleSet
) -> None:
    told = moved(source, target)
    assert counts(target) == counts(source)
    assert {table: told.rows[table] for table in COUNTED} == counts(source)
    assert told.readings.rows == MONTHS * 28 + 3
    every = "SELECT * FROM reading ORDER BY time, kind"
    assert target.rows(every) == source.rows(every)
    keys = (
        "SELECT conname FROM pg_constraint WHERE contype = 'f' AND connamespace = 2200 ORDER BY 1"
    )
    assert target.rows(keys) == source.rows(keys)
    assert target.one("SELECT to_regclass('move_progress') IS NULL")
    with psycopg.connect(target.dsn) as connection:
        assert schema_current(connection)
    # A repetition is known there, and what is new gets a number that no row has.
    target.first, target.second = source.first, source.second
    intake = Intake(target, rules)
    (told_home,) = intake.receives(
        target.first.send(pressure(120, 80, at=NOW), pressure(130, 85, at=NOW + EVERY_DAY)),
        now=NOW + EVERY_DAY,
    )
    intake.store.close()
    assert len(told_home.stored) == 2
    assert counts(target)[READING] == counts(source)[READING] + 1


def test_a_move_that_is_killed_goes_on_where_it_was(source: Clinic, target: Clinic) -> None:
    migrate(target.dsn, NOW)
    command = [sys.executable, "-m", "yikao_ingest", "move", "--to", target.dsn]
    with psycopg.connect(target.dsn) as barrier:
        # This table comes after the readings and has no keys: there the child stands.
        barrier.execute("LOCK TABLE season_index IN SHARE MODE")
        settings = {**os.environ, DATABASE_URL: source.dsn}
        child = subprocess.Popen(command, env=settings, stdin=subprocess.DEVNULL)
        target.until(
            lambda: target.one(
                "SELECT count(*) FROM pg_locks"
                " WHERE NOT granted AND relation = 'season_index'::regclass"
            )
        )
        child.send_signal(SIGKILL)
        child.wait(DEADLINE_S)
    noted = "SELECT count(*) FROM move_progress WHERE starts_with(unit, %s)"
    assert target.one(noted, f"{READING} 20") >= MONTHS
    assert target.one("SELECT count(*) FROM symptom_report") == 0
    born = "SELECT time, kind, xmin::text FROM reading_kept"
    before = target.rows(born)
    # Whoever started the old server in between has changed a month.
    source.rows("UPDATE reading SET pulse_bpm = 71 WHERE time = (SELECT min(time) FROM reading)")
    moved(source, target)
    assert counts(target) == counts(source)
    kept = set(before) & set(target.rows(born))
    assert len(before) - 31 <= len(kept) < len(before), "only that month is copied again"
    assert target.one("SELECT pulse_bpm FROM reading ORDER BY time LIMIT 1") == 71


def refusal(source: Clinic, target: Clinic, patience_s: float = PATIENCE_S) -> str:
    with pytest.raises(MoveError) as refused:
        moved(source, target, patience_s)
    return str(refused.value)


def test_nothing_is_moved_while_somebody_is_at_work(plain_clinic: Clinic, empty: Clinic) -> None:
    plain_clinic.rows("SELECT pg_advisory_lock(%s)", LOCK)
    assert "ingest is at work on the source: stop `yikao serve`" in refusal(plain_clinic, empty)
    assert empty.one("SELECT to_regclass('reading') IS NULL")
    plain_clinic.rows("SELECT pg_advisory_unlock(%s)", LOCK)
    empty.rows("SELECT pg_advisory_lock(%s)", LOCK)
    assert "ingest is at work on the target" in refusal(plain_clinic, empty)
    empty.rows("SELECT pg_advisory_unlock(%s)", LOCK)
    with psycopg.connect(plain_clinic.dsn) as writer:
        writer.execute("UPDATE resident SET phone = '1'")
        assert "somebody writes to the source: stop" in refusal(plain_clinic, empty, 0.01)
    moved(plain_clinic, empty)


def test_ends_that_cannot_be_moved_are_left_alone(plain_clinic: Clinic, empty: Clinic) -> None:
    assert "are the same database" in refusal(plain_clinic, plain_clinic)
    assert "has not this version's schema: run `yikao migrate`" in refusal(empty, plain_clinic)
    empty.rows("CREATE TABLE theirs ()")
    assert "holds other data: the table theirs" in refusal(plain_clinic, empty)
    assert empty.one("SELECT to_regclass('schema_migration') IS NULL")
    empty.rows("DROP TABLE theirs")
    migrate(empty.dsn, NOW)
    empty.rows("INSERT INTO team VALUES ('t', 'team', 'Asia/Shanghai')")
    assert "holds other data: rows in team" in refusal(plain_clinic, empty)
    empty.rows("DELETE FROM team")
    plain_clinic.rows("CREATE TABLE scratch ()")
    assert "only the source has the table scratch" in refusal(plain_clinic, empty)
    empty.rows("UPDATE move_progress SET source = 'another'")
    assert "half a move from another database" in refusal(plain_clinic, empty)


def test_what_is_not_copied_is_there(clinic: Clinic) -> None:
    here_alone = "rollup_touched" if is_plain(clinic) else "upkeep_packed"
    for table in (OWN | COMPUTED) - {PROGRESS, "rollup_touched", "upkeep_packed"} | {here_alone}:
        assert clinic.one("SELECT to_regclass(%s) IS NOT NULL", table), table


def test_from_the_folder_of_a_server_that_is_stopped(
    short_tmp: Path, plain_schema_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(data: Path, code: int) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["move", "--data", str(data), "--to", plain_schema_url])
        said = capsys.readouterr()
        assert ended.value.code == code, said
        return said.out + said.err

    assert "no embedded database in" in told(short_tmp / "elsewhere", 1)
    postgres = EmbeddedPostgres(short_tmp / "pg")
    postgres.start()
    try:
        assert "stop `yikao serve`" in told(short_tmp, 1)
    finally:
        postgres.stop()
    said = told(short_tmp, 0)
    assert "0  reading" in said
    assert f"now set {DATABASE_URL}" in said
    with psycopg.connect(plain_schema_url) as connection:
        assert schema_current(connection)
