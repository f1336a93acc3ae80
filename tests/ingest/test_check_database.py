"""`yikao check` through the database: schema, jobs, and every process that should be at work."""

import asyncio
import threading
import time
from argparse import Namespace
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from fix_database import DEADLINE_S, LOOK_AGAIN_S, NO_TIMESCALE, TIMESCALE, Clinic
from fix_feed import serving
from fix_watch import SECRET
from ingest_parts import ingesting
from roles import role_until_killed

from yikao_alerts.feed.settings import LINK_SECRET_FILE, FeedSettings
from yikao_alerts.rules import RuleSet
from yikao_alerts.working import connect
from yikao_ingest import check_database, cli_check
from yikao_ingest.check import OK, UNKNOWN, Found, Place, told
from yikao_ingest.settings import BROKER_URL, DATABASE_URL, WEBHOOK_SECRET_FILE
from yikao_ingest.upkeep.loop import Upkeep

HOUR = timedelta(hours=1)
FAILS = """
CREATE PROCEDURE fails(job integer, config jsonb) LANGUAGE plpgsql AS $$
BEGIN RAISE 'on purpose'; END $$;
"""
LOOKED_AFTER = """
INSERT INTO upkeep_task (name, began_at) VALUES ('months', clock_timestamp())
ON CONFLICT (name) DO UPDATE SET began_at = EXCLUDED.began_at
"""
FAILED = """
SELECT count(*) FROM timescaledb_information.job_stats
WHERE job_id = %s AND last_run_status = 'Failed'
"""
PAGE = """
INSERT INTO page (page_id, round, step, loop, doctor_id, contact_position, channel, address,
    language, body, link, created_at, due_at, state)
VALUES (gen_random_uuid(), 0, 0, 0, 'wang', 0, 'webhook', 'http://127.0.0.1:9', 'zh', 'x', 'x',
    %s, %s, 'due')
"""

Look = Callable[[], dict[str, Found]]


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition; without a connection that listens, which would be taken for a role."""
    until_s, look_again = time.monotonic() + DEADLINE_S, threading.Event()
    while not condition():
        assert time.monotonic() < until_s, f"not within {DEADLINE_S} s"
        look_again.wait(LOOK_AGAIN_S)


@pytest.fixture
def look(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Look:
    """Look at the clinic's database now."""
    clinic: Clinic = request.getfixturevalue("clinic")
    return looking(clinic.dsn, tmp_path, monkeypatch)


def looking(dsn: str, data: Path, monkeypatch: pytest.MonkeyPatch) -> Look:
    monkeypatch.setenv(DATABASE_URL, dsn)
    place = Place({}, data, time.time)
    return lambda: {found.part: found for found in check_database.check(place)}


def says(found: Found, code: str, *words: str) -> None:
    """Assert what was found, and that both languages tell it with these words."""
    assert found.code == code, told(found, "en")
    for language in ("zh", "en"):
        line = told(found, language)
        assert "{" not in line and all(word in line for word in words), line


def test_a_clinic_where_nobody_works(clinic: Clinic, look: Look) -> None:
    found = look()
    assert {part: one.code for part, one in found.items() if one.code != OK} == {
        "upkeep": "nobody",
        "ingest": "none",
        "evaluator": "none",
        "pager": "none",
        "feed": "none",
    }
    says(found["database"], OK, "PostgreSQL")
    says(found["registry"], OK, "2")
    says(found["schema"], OK, ".sql")
    says(found["pager"], "none", "yikao@pager")


def test_clocks_that_differ(
    plain_clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATABASE_URL, plain_clinic.dsn)
    for ahead_s, code in ((0.0, OK), (60.0, "apart"), (-60.0, "apart")):
        place = Place({}, tmp_path, lambda ahead_s=ahead_s: time.time() + ahead_s)  # type: ignore[misc]
        (found,) = (one for one in check_database.check(place) if one.part == "clock")
        says(found, code, *([] if code == OK else [f"{-ahead_s:+.0f}.0"]))


def test_a_schema_that_is_not_this_versions(clinic: Clinic, look: Look) -> None:
    ((name, checksum),) = clinic.rows(
        "SELECT name, checksum FROM schema_migration ORDER BY name DESC LIMIT 1"
    )
    clinic.rows("UPDATE schema_migration SET checksum = 'other' WHERE name = %s", name)
    says(look()["schema"], "changed", name)
    clinic.rows("DELETE FROM schema_migration WHERE name = %s", name)
    says(look()["schema"], "older", name, "yikao migrate")
    clinic.rows("INSERT INTO schema_migration VALUES (%s, %s, now())", name, checksum)
    clinic.rows("INSERT INTO schema_migration VALUES ('9999_later.sql', 'x', now())")
    says(look()["schema"], "newer", "9999_later.sql")


def test_a_database_without_our_schema(
    empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = looking(empty_url, tmp_path, monkeypatch)()
    says(found["database"], OK)
    says(found["schema"], "none", "yikao migrate")
    says(found["registry"], UNKNOWN)
    assert found["ingest"].code == "none"


def test_a_registry_with_nobody(
    plain_schema_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = looking(plain_schema_url, tmp_path, monkeypatch)()
    says(found["registry"], "empty", "yikao registry apply")


def test_upkeep_that_fails(clinic: Clinic, look: Look) -> None:
    says(look()["upkeep"], "nobody", "yikao evaluate")
    clinic.rows(LOOKED_AFTER)
    says(look()["upkeep"], OK)
    clinic.rows("UPDATE upkeep_task SET failing_since = began_at, detail = 'DiskFull 53100'")
    says(look()["upkeep"], "failing", "months: DiskFull 53100")


@pytest.mark.timescale
@pytest.mark.skipif(TIMESCALE is None, reason=NO_TIMESCALE)
@pytest.mark.parametrize("server_dsn", ["timescale"], indirect=True)
def test_a_background_job_that_fails_is_named(clinic: Clinic, look: Look) -> None:
    says(look()["storage"], OK, "TimescaleDB")
    clinic.rows("SELECT _timescaledb_functions.start_background_workers()")
    clinic.rows(FAILS)
    number = clinic.one("SELECT add_job('fails', '1h', initial_start => now())")
    until(lambda: clinic.one(FAILED, number) == 1)
    asyncio.run(upkeep_once(clinic.dsn))
    says(look()["upkeep"], "failing", f"job {number} fails: failed", "job_errors")
    clinic.rows("DROP EXTENSION timescaledb CASCADE")
    says(look()["storage"], "gone", "TimescaleDB")


async def upkeep_once(dsn: str) -> None:
    async with await connect(dsn) as conn:
        await Upkeep().cycle(conn)


def test_work_that_waits_too_long(
    plain_clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody listens, and does nothing: what hangs is told apart from what is not there."""
    look = looking(plain_clinic.dsn, tmp_path, monkeypatch)
    with ExitStack() as stack:
        for channel in ("yikao_eval", "yikao_page"):
            ears = stack.enter_context(psycopg.connect(plain_clinic.dsn, autocommit=True))
            ears.execute(f"LISTEN {channel}")  # type: ignore[arg-type]
        found = look()
        says(found["evaluator"], OK)
        says(found["pager"], OK)
        now = plain_clinic.one("SELECT now()")
        patient = plain_clinic.one("SELECT min(patient_id) FROM resident")
        plain_clinic.rows(
            "INSERT INTO eval_queue (patient_id, queued_at) VALUES (%s, %s)", patient, now - HOUR
        )
        plain_clinic.rows(PAGE, now - HOUR, now - HOUR)
        found = look()
        says(found["evaluator"], "behind", "1 h")
        says(found["pager"], "behind", "1 h")
        plain_clinic.rows("UPDATE page SET state = 'held'")
        says(look()["pager"], "held", "yikao pages held")


@pytest.fixture
def settings(
    plain_clinic: Clinic, broker_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """An environment in which everything is set up."""
    key = tmp_path / "key"
    key.write_bytes(SECRET)
    key.chmod(0o600)
    found = {
        DATABASE_URL: plain_clinic.dsn,
        BROKER_URL: broker_url,
        LINK_SECRET_FILE: str(key),
        WEBHOOK_SECRET_FILE: str(key),
    }
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


def test_each_role_is_seen_at_work_and_missed(
    plain_clinic: Clinic,
    settings: dict[str, str],
    rules: RuleSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    dsn = plain_clinic.dsn
    look = looking(dsn, tmp_path, monkeypatch)
    roles = {
        "evaluator": role_until_killed("evaluate", dsn, tmp_path),
        "pager": role_until_killed("pager", dsn, tmp_path),
        "ingest": ingesting(dsn, settings[BROKER_URL], rules),
        "feed": serving(FeedSettings(dsn, SECRET, port=0)),
    }
    running = {part: ExitStack() for part in roles}
    with ExitStack() as everything:
        for part, role in roles.items():
            everything.enter_context(running[part]).enter_context(role)
        until(lambda: all(look()[part].code == OK for part in roles))
        assert cli_check.run(Namespace(data=tmp_path, language="zh")) == 0
        told_zh = capsys.readouterr().out
        assert "!!" not in told_zh and "??" not in told_zh and "设置：" in told_zh
        plain_clinic.rows(
            "UPDATE gateway SET online = true, seen_at = now() - interval '20 minutes'"
        )
        says(look()["ingest"], "deaf", "20 min")
        for part, stack in running.items():
            stack.close()
            until(lambda part=part: look()[part].code == "none")  # type: ignore[misc]
        assert cli_check.run(Namespace(data=tmp_path, language="en")) == 1
        assert capsys.readouterr().out.count("!!  ") == len(roles)
