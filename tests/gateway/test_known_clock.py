"""What is remembered of a device's clock, also in a file that an older gateway has written."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from gateway_parts import CUFF, METER, NOW, event, items_of

from yikao_devices.clock_epochs import ClockSeen
from yikao_gateway.store.database import STEPS, VERSION, Database
from yikao_gateway.store.outbox import Outbox
from yikao_gateway.store.stock import Stock
from yikao_gateway.visits.known_devices import KnownDevice, KnownDevices

KNOWN = KnownDevice(METER, "generic-meter", {"model": "血糖仪"}, 8, "stale_bond", True)
SEEN = ClockSeen(datetime(2026, 3, 2, tzinfo=UTC), 28_812.5, over=True)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "outbox.sqlite3")
    yield opened
    opened.close()


def test_a_devices_clock_is_remembered(database: Database) -> None:
    devices = KnownDevices(database)
    devices.note(KNOWN, NOW)
    assert devices.get(METER) == KNOWN
    for clock in (SEEN, replace(SEEN, ahead_s=None, over=False, drained=True)):
        devices.note(replace(KNOWN, clock=clock), NOW)
        assert devices.get(METER) == replace(KNOWN, clock=clock)


def test_a_clock_that_is_about_to_be_set_is_remembered_of_a_device_never_seen(
    database: Database,
) -> None:
    devices = KnownDevices(database)
    devices.note_clock(CUFF, "generic-cuff", SEEN)
    assert devices.get(CUFF) == KnownDevice(CUFF, "generic-cuff", {}, None, None, False, SEEN)
    assert [at for _, at in devices.seen()] == [SEEN.at]
    devices.note(KNOWN, NOW)
    devices.note_clock(METER, "another", SEEN)
    assert devices.get(METER) == replace(KNOWN, clock=SEEN)


def test_the_newest_thing_that_is_known(database: Database) -> None:
    devices, outbox = KnownDevices(database), Outbox(database)
    assert devices.newest() is None
    devices.note(KNOWN, NOW)
    assert devices.newest() == NOW
    outbox.add(event(1), NOW + timedelta(hours=1))
    assert devices.newest() == NOW + timedelta(hours=1)


@pytest.mark.parametrize("version", range(1, VERSION))
def test_a_file_of_an_older_gateway_is_brought_up_to_date(tmp_path: Path, version: int) -> None:
    """With what is in it, of each version there has been."""
    path = tmp_path / "outbox.sqlite3"
    old = sqlite3.connect(path)
    for step in STEPS[:version]:
        old.executescript(files("yikao_gateway").joinpath(step).read_text("utf-8"))
    old.execute(
        "INSERT INTO device (address, model, identity, next_record, problem, battery_low,"
        " last_seen) VALUES (?, 'generic-meter', '{\"model\":\"血糖仪\"}', 8, 'stale_bond', 1, ?)",
        (METER, NOW.timestamp()),
    )
    old.execute(f"PRAGMA user_version = {version}")
    old.commit()
    old.close()
    for _ in range(2):
        database = Database(path)
        devices = KnownDevices(database)
        assert devices.get(METER) == KNOWN
        assert items_of(Outbox(database)) == []
        database.close()
    database = Database(path)
    KnownDevices(database).note(replace(KNOWN, clock=SEEN), NOW)
    assert KnownDevices(database).get(METER) == replace(KNOWN, clock=SEEN)
    assert database.read("PRAGMA user_version") == [(VERSION,)]
    database.close()


def test_a_device_that_is_read_anew_was_not_read_to_its_end(database: Database) -> None:
    """Else what is older than the last visit, and lost, would be dated as younger."""
    devices = KnownDevices(database)
    devices.note(replace(KNOWN, clock=replace(SEEN, drained=True)), NOW)
    Stock(database).told([])
    assert devices.get(METER) == replace(KNOWN, next_record=None, clock=SEEN)
