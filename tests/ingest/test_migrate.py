"""The schema: each file once and for good, whoever else starts at the same time."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest
from clinic import NOW
from fix_database import TIMESCALE

from yikao_ingest.migrate import (
    Migration,
    MigrationError,
    Mode,
    migrate,
    migrations,
    schema_current,
)

TOGETHER = 4
ROWS_AFTER = {
    "0001_registry.sql": """
        INSERT INTO team VALUES ('t', 'team', 'Asia/Shanghai');
        INSERT INTO doctor VALUES ('d', 't', 'doctor', 'zh');
        INSERT INTO resident (code, name, team_id, doctor_id) VALUES ('r', 'resident', 't', 'd');
        INSERT INTO gateway (gateway_id, tenant, public_key) VALUES ('g', 'north', 'key');
        INSERT INTO device (address, gateway_id) VALUES ('A', 'g');
        INSERT INTO device_binding (device_id, patient_id, valid) VALUES (1, 1, '[,]');
    """,
    "0002_reading.sql": """
        INSERT INTO patient_latest VALUES (1, 'glucose', '2026-01-01Z', '2026-01-01Z');
        INSERT INTO quarantine (received_at, topic, reason, detail, payload)
        VALUES ('2026-01-01Z', 'v1', 'unreadable', '', '');
    """,
    "0002_reading.plain.sql": """
        CREATE TABLE reading_2026_01 PARTITION OF reading
        FOR VALUES FROM ('2026-01-01Z') TO ('2026-02-01Z');
    """,
    # A crisis that has been answered and a call for today, each with its page.
    "0003_alert.sql": """
        INSERT INTO contact VALUES ('d', 0, 'webhook', 'http://d');
        INSERT INTO episode (patient_id, family, state, rule_id, severity, level, confirmed,
            measured_at, opened_at, level_since, last_evidence_at)
        SELECT 1, rule, state, rule, severity, 1, 'confirmed', at, at, at, at
        FROM (VALUES ('BP-03', 'answered', 'page_now'), ('BP-07', 'open', 'today'))
                 AS e (rule, state, severity),
             (VALUES ('2026-01-01Z'::timestamptz)) AS times (at);
        INSERT INTO page (page_id, episode_id, round, step, loop, doctor_id, contact_position,
            channel, address, language, body, link, created_at, due_at, state)
        SELECT gen_random_uuid(), episode_id, 0, 0, 0, 'd', 0, 'webhook', 'http://d', 'zh', '',
            'http://feed/p/x', opened_at, opened_at, 'due'
        FROM episode;
    """,
    "0011_imported.sql": """
        INSERT INTO reading (patient_id, time, device_id, kind, glucose_mmol_l, unit, flags,
                             doubt_s, hub_time, received_at)
        VALUES (1, '2026-01-01Z', 1, 'glucose', 6.1, 'mmol/L', '{}', 0, '2026-01-01Z',
                '2026-01-01Z');
    """,
}
READING = """
    INSERT INTO reading (patient_id, time, device_id, kind, unit, flags, doubt_s, hub_time,
                         received_at)
    VALUES (1, '2026-01-02Z', 1, 'glucose', 'mmol/L', '{}', 0, '2026-01-02Z', '2026-01-02Z')
"""


def mode_of(server_dsn: str) -> Mode:
    return Mode.TIMESCALE if server_dsn == TIMESCALE else Mode.PLAIN


def names(mode: Mode) -> list[str]:
    return [m.name for m in migrations() if m.mode in (None, mode)]


def test_the_second_time_nothing_is_left_to_do(empty_url: str, server_dsn: str) -> None:
    assert migrate(empty_url, NOW) == names(mode_of(server_dsn))
    assert migrate(empty_url, NOW) == []
    with psycopg.connect(empty_url) as connection:
        assert schema_current(connection)


def test_an_empty_database_is_not_current(empty_url: str) -> None:
    with psycopg.connect(empty_url) as connection:
        assert not schema_current(connection)


def test_a_database_behind_is_not_current(empty_url: str) -> None:
    migrate(empty_url, NOW, migrations()[:1])
    with psycopg.connect(empty_url) as connection:
        assert not schema_current(connection)


def test_a_file_that_changed_after_it_was_applied_is_refused(database_url: str) -> None:
    migrate(database_url, NOW)
    first, *others = migrations()
    changed = replace(first, text=first.text + "-- an afterthought")
    with pytest.raises(MigrationError, match=r"0001_registry\.sql was changed .* new one"):
        migrate(database_url, NOW, [changed, *others])


def test_a_newer_database_is_refused(database_url: str) -> None:
    newer = Migration(9999, "9999_future.sql", None, "CREATE TABLE future ()")
    migrate(database_url, NOW, [*migrations(), newer])
    with pytest.raises(MigrationError, match=r"9999_future\.sql.* install the version"):
        migrate(database_url, NOW)


def test_a_file_the_database_refuses_leaves_nothing_behind(database_url: str) -> None:
    broken = Migration(9999, "9999_broken.sql", None, "CREATE TABLE half (); SELECT 1 / 0")
    with pytest.raises(MigrationError, match=r"9999_broken\.sql was not applied"):
        migrate(database_url, NOW, [*migrations(), broken])
    with psycopg.connect(database_url) as connection:
        assert schema_current(connection)
        assert connection.execute("SELECT to_regclass('half')").fetchone() == (None,)


def test_file_by_file_on_a_database_with_rows_in_it(empty_url: str, server_dsn: str) -> None:
    every, mode = migrations(), mode_of(server_dsn)
    for count, migration in enumerate(every, start=1):
        applied = migrate(empty_url, NOW, every[:count])
        assert applied == ([migration.name] if migration.mode in (None, mode) else [])
        if applied and migration.name in ROWS_AFTER:
            with psycopg.connect(empty_url) as connection:
                connection.execute(ROWS_AFTER[migration.name].encode())
    with psycopg.connect(empty_url) as connection:
        connection.execute(READING)
        tables = ("resident", "device_binding", "device_holder", "patient_latest", "quarantine")
        for table in (*tables, "quarantine_open"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM reading").fetchone() == (2,)
        latest = "SELECT glucose_mmol_l, unit, values_at = time FROM patient_latest"
        assert connection.execute(latest).fetchall() == [(6.1, "mmol/L", True)]
        pages = "SELECT rule_id, red, count(short) FROM page JOIN episode USING (episode_id)"
        assert connection.execute(f"{pages} GROUP BY 1, 2 ORDER BY 1".encode()).fetchall() == [
            ("BP-03", True, 1),
            ("BP-07", False, 1),
        ]
        assert connection.execute("SELECT count(DISTINCT short) FROM page").fetchone() == (2,)


def test_two_that_start_at_the_same_time_apply_each_file_once(empty_url: str) -> None:
    with ThreadPoolExecutor(TOGETHER) as threads:
        applied = list(threads.map(lambda _: migrate(empty_url, NOW), range(TOGETHER)))
    assert sorted(map(bool, applied)) == [False] * (TOGETHER - 1) + [True]


def test_the_kind_of_storage_is_remembered(empty_url: str, server_dsn: str) -> None:
    mode = mode_of(server_dsn)
    migrate(empty_url, NOW, [])
    with psycopg.connect(empty_url, autocommit=True) as connection:
        query = "SELECT value FROM schema_meta WHERE key = 'mode'"
        assert connection.execute(query).fetchone() == (str(mode),)
        # What was chosen stays, whatever the server could do today.
        connection.execute("UPDATE schema_meta SET value = 'plain' WHERE key = 'mode'")
    assert migrate(empty_url, NOW) == names(Mode.PLAIN)
