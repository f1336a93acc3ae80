"""From the broker to the committed row, the receipt and the acknowledgement: on a real broker and
a real database, with either of them, or ingest itself, killed in the middle.
"""

import os
import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from signal import SIGKILL
from uuid import uuid4

import psycopg
import pytest
from clinic import CUFF, TENANT, event, glucose, pressure
from fix_database import Clinic, clinic_in
from ingest_parts import (
    Home,
    IngestChild,
    home_at,
    ingesting,
    kill_again_and_again,
    now,
    series,
)

from yikao_alerts.rules import RuleSet
from yikao_devices import topics, wire
from yikao_ingest.embedded.broker import EmbeddedBroker
from yikao_ingest.embedded.postgres import EmbeddedPostgres
from yikao_ingest.migrate import migrate

SECOND = timedelta(seconds=1)
READINGS = 2_000
KILLS = 4


def stored(clinic: Clinic) -> int:
    return int(clinic.one("SELECT count(*) FROM reading"))


def test_a_reading_is_stored_and_receipted_on_each_kind_of_database(
    clinic: Clinic, url: str, rules: RuleSet
) -> None:
    reading = pressure(at=now())
    with ingesting(clinic.dsn, url, rules), home_at(url, clinic.first) as home:
        for _ in range(3):
            home.stored.clear()
            home.send(reading)
            home.until(lambda: home.is_done([reading]))
            assert stored(clinic) == 1


def test_what_is_refused_is_receipted_with_its_reason(
    plain_clinic: Clinic, home: Home, url: str, rules: RuleSet
) -> None:
    odd, good = pressure(400, 90, at=now()), glucose(at=now())
    with ingesting(plain_clinic.dsn, url, rules):
        home.send(odd, good)
        home.until(lambda: home.is_done([odd, good]))
        garbage = home.publish(home.signer.sign(b"\xff", "reading/glucose"))
        forged = home.publish(replace(home.signer.send(good), signature="A" * 86))
        home.until(lambda: len(home.refused) == 2)
    assert home.stored == {good.reading_id}
    assert home.rejected == {odd.reading_id: "implausible"}
    assert home.refused == {garbage.message_id: "unreadable", forged.message_id: "bad_signature"}


def test_a_gateway_that_nobody_registered_is_kept_and_visible(
    plain_clinic: Clinic, home: Home, url: str, rules: RuleSet
) -> None:
    stranger = replace(home.signer.send(pressure(at=now())), topic="v1/north/gw-7/reading/x")
    with ingesting(plain_clinic.dsn, url, rules):
        home.publish(stranger)
        rows = plain_clinic.until(
            lambda: plain_clinic.rows("SELECT gateway_id, reason, payload FROM quarantine")
        )
    assert rows == [("gw-7", "unknown_gateway", stranger.payload)]


def test_a_device_registered_a_moment_ago_is_known(
    plain_clinic: Clinic, home: Home, url: str, rules: RuleSet
) -> None:
    reading = pressure(at=now())
    plain_clinic.rows("UPDATE device SET address = 'elsewhere' WHERE address = %s", CUFF)
    with ingesting(plain_clinic.dsn, url, rules):
        plain_clinic.rows("DELETE FROM device WHERE address = 'none'")
        home.send(reading)
        home.until(lambda: home.is_done([reading]))
        plain_clinic.rows("UPDATE device SET address = %s WHERE address = 'elsewhere'", CUFF)
        plain_clinic.register()
        home.send(reading)
        home.until(lambda: reading.reading_id in home.stored)
    assert stored(plain_clinic) == 1


ADD_COMMAND = """
    INSERT INTO command (command_id, patient_id, gateway_id, device, do_what, text_zh, text_en,
                         created_at, expires_at)
    VALUES (%s, %s, 'gw-1', %s, 'measure_again', '请再测', 'again', %s, %s)
"""


def test_a_command_goes_out_once_and_its_answer_comes_back(
    plain_clinic: Clinic, home: Home, url: str, rules: RuleSet
) -> None:
    late, fresh, zhao = uuid4(), uuid4(), plain_clinic.patient("zhao")
    with ingesting(plain_clinic.dsn, url, rules):
        for number, expires_at in ((late, now() - SECOND), (fresh, now() + 60 * SECOND)):
            plain_clinic.rows(ADD_COMMAND, number, zhao, CUFF, now(), expires_at)
        home.until(lambda: bool(home.commands))
        (command,) = home.commands
        assert (command.command_id, command.device, command.text_zh) == (fresh, CUFF, "请再测")
        answer = wire.encode(wire.CommandResult(fresh, "shown", now()))
        other = replace(plain_clinic.second.sign(answer, topics.COMMAND_RESULT), message_id="other")
        home.publish(other)
        home.publish(home.signer.sign(answer, topics.COMMAND_RESULT))
        query = "SELECT outcome FROM command WHERE outcome IS NOT NULL"
        assert plain_clinic.until(lambda: plain_clinic.rows(query)) == [("shown",)]
    assert plain_clinic.one("SELECT sent_at FROM command WHERE command_id = %s", late) is None
    assert len(home.commands) == 1


STATE = "SELECT boot, online, waiting, version FROM gateway WHERE gateway_id = 'gw-1'"


def test_words_of_an_older_start_and_of_others_are_ignored(
    plain_clinic: Clinic, home: Home, url: str, rules: RuleSet
) -> None:
    signer, other = home.signer, plain_clinic.second
    believed = [
        (signer.birth(4, "0.4"), (4, True, None, "0.4")),
        (signer.status("online", 5, 17), (5, True, 17, "0.4")),
        (signer.birth(6, "0.6"), (6, True, 17, "0.6")),
        (signer.status("offline", 6), (6, False, 0, "0.6")),
    ]
    topic = topics.topic(TENANT, "gw-1", topics.STATUS)
    ignored = [
        signer.status("offline", 3),
        signer.birth(3, "0.3"),
        replace(signer.status("online", 9), signature=""),
        replace(other.status("online", 9), topic=topic),
        replace(signer.status("online", 9), topic=topic.replace(TENANT, "south")),
        signer.sign(b'{"s":"online","boot":', topics.STATUS),
        signer.sign(b"[" * 100_000, topics.STATUS),
        signer.sign(b"", topics.STATUS),
        signer.birth(9, "0\0"),
    ]
    marker = event(at=now(), device="gw-1")
    with ingesting(plain_clinic.dsn, url, rules):
        for message, expected in believed:
            home.publish(message)
            plain_clinic.until(lambda: plain_clinic.rows(STATE) == [expected])  # noqa: B023
            for old in ignored:
                home.publish(old)
        home.send(marker)
        home.until(lambda: home.is_done([marker]))
        assert plain_clinic.rows(STATE) == [believed[-1][1]]


@pytest.fixture
def own_postgres(short_tmp: Path) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of this test's own, to be killed."""
    postgres = EmbeddedPostgres(short_tmp / "pg")
    postgres.start()
    yield postgres
    postgres.stop()


def test_a_message_survives_the_database_without_being_sent_again(
    own_postgres: EmbeddedPostgres, url: str, rules: RuleSet
) -> None:
    """What was taken when the database went is in no broker any more: it must not be dropped."""
    dsn = own_postgres._dsn("yikao")
    migrate(dsn, now())
    readings = series(50)
    with clinic_in(dsn) as clinic, home_at(url, clinic.first) as home, ingesting(dsn, url, rules):
        for reading in readings[:25]:
            home.send(reading)
        home.until(lambda: bool(home.stored))
        os.kill(own_postgres.pid, SIGKILL)
        for reading in readings[25:]:
            home.send(reading)
        while not own_postgres.ensure():
            pass
        home.until(lambda: home.is_done(readings))
    with clinic_in(dsn) as clinic:
        assert stored(clinic) == len(readings)


def test_a_broker_killed_in_the_middle_costs_no_reading(
    plain_clinic: Clinic, home: Home, broker: EmbeddedBroker, url: str, rules: RuleSet
) -> None:
    readings = series(400)
    with ingesting(plain_clinic.dsn, url, rules):
        sending = threading.Thread(target=home.deliver, args=(readings,), daemon=True)
        sending.start()
        for threshold in (120, 280):
            home.until(lambda: len(home.stored) >= threshold)  # noqa: B023
            os.kill(broker.pid, SIGKILL)
            while not broker.ensure():
                pass
        sending.join()
    assert stored(plain_clinic) == len(readings)


def test_a_second_ingest_stands_by_and_takes_over(
    plain_clinic: Clinic, home: Home, url: str, short_tmp: Path
) -> None:
    before, after = series(2)
    one = IngestChild(plain_clinic.dsn, url, short_tmp / "one")
    home.deliver([before])
    other = IngestChild(plain_clinic.dsn, url, short_tmp / "other")
    plain_clinic.until(lambda: other.says("standing by"))
    assert not other.ready.exists()
    one.kill()
    # Once, and without sending it again: the session's messages go to whoever takes it over.
    home.send(after)
    home.until(lambda: home.is_done([after]))
    assert other.ready.exists()
    assert other.stop() == 0
    assert not other.says('"level": "warning"') or not other.says("crashed")
    assert stored(plain_clinic) == 2


def test_ingest_killed_again_and_again_loses_nothing_and_stores_nothing_twice(
    plain_clinic: Clinic, home: Home, url: str, short_tmp: Path
) -> None:
    # Seeded by pytest-randomly, which prints its seed.
    thresholds = sorted(random.sample(range(READINGS), KILLS))
    readings = series(READINGS)
    children = iter(range(KILLS + 1))

    def start() -> IngestChild:
        return IngestChild(plain_clinic.dsn, url, short_tmp / f"ingest-{next(children)}")

    sending = threading.Thread(target=home.deliver, args=(readings,), daemon=True)
    sending.start()
    last = kill_again_and_again(start, home, thresholds)
    sending.join()
    plain_clinic.until(last.ready.exists)
    assert last.stop() == 0
    assert home.stored == {reading.reading_id for reading in readings}
    stored_ids = plain_clinic.one("SELECT count(DISTINCT reading_id) FROM ingest_ledger")
    lost, twice = READINGS - stored(plain_clinic), stored(plain_clinic) - stored_ids
    assert (lost, twice) == (0, 0)
    for table in ("reading_conflict", "quarantine"):
        assert plain_clinic.one(f"SELECT count(*) FROM {table}") == 0


def test_what_was_judged_by_an_older_registry_is_judged_again(
    plain_clinic: Clinic, home: Home, url: str, rules: RuleSet
) -> None:
    """The next batch is judged while one is stored; meanwhile the cuff may go to somebody else."""
    first, second = pressure(121, 80, at=now()), pressure(122, 80, at=now() - SECOND)
    qian = f'[[bindings]]\ndevice = "{CUFF}"\nresident = "qian"\n'
    with ingesting(plain_clinic.dsn, url, rules):
        with psycopg.connect(plain_clinic.dsn) as other:
            other.execute("LOCK TABLE ingest_message IN SHARE MODE")
            home.send(first)
            waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            plain_clinic.until(lambda: plain_clinic.one(waits))
            home.send(second)
            plain_clinic.register(bindings=qian)
        home.until(lambda: home.is_done([second]))
    owner = "SELECT code FROM reading JOIN resident USING (patient_id) WHERE systolic_mmhg = 122"
    assert plain_clinic.one(owner) == "qian"
