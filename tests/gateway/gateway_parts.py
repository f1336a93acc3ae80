"""Values and small helpers that the tests of the gateway share."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

from yikao_devices import gatt
from yikao_devices.blood_pressure import BloodPressure, encode_blood_pressure
from yikao_devices.date_time import date_time_of
from yikao_devices.glucose import Glucose, encode_glucose
from yikao_devices.glucose_context import GlucoseContext, encode_glucose_context
from yikao_devices.wire import Item, decode_item
from yikao_gateway.errors import StorageError
from yikao_gateway.store.database import FILE_BYTES_MAX, Database
from yikao_gateway.store.outbox import Outbox
from yikao_gateway.visits.visit import event_of

HOME = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=HOME)
CUFF = "C4:1D:00:00:00:01"
METER = "C4:1D:00:00:00:02"

PRESSURE = BloodPressure("mmHg", 124.0, 86.0, 97.0, date_time_of(NOW), 51.0, None, 0)
SUGAR = Glucose(1, date_time_of(NOW), 0, 0.0059, "mol/L", 1, 1, 0)


def pressure_frame(number: int) -> bytes:
    """A cuff's frame; each number has a time and values of its own."""
    taken = date_time_of(NOW - timedelta(days=30) + timedelta(minutes=number))
    value = replace(PRESSURE, time=taken, systolic=100.0 + number % 80)
    return encode_blood_pressure(value)


def sugar_frame(number: int, *, context_follows: bool = False) -> bytes:
    taken = date_time_of(NOW - timedelta(days=30) + timedelta(minutes=number))
    value = replace(SUGAR, seq=number, time=taken, context_follows=context_follows)
    return encode_glucose(value)


def context_frame(number: int) -> bytes:
    return encode_glucose_context(GlucoseContext(number, meal=3))


def event(number: int) -> Item:
    """An item; each number has an id of its own."""
    return event_of(CUFF, "measurement_failed", NOW + timedelta(seconds=number))


def items_of(outbox: Outbox) -> list[Item]:
    """Every open item, decoded as the server would."""
    return [decode_item(row.payload) for row in outbox.waiting(100_000)]


def ids_of(outbox: Outbox) -> list[UUID]:
    return [row.reading_id for row in outbox.waiting(100_000)]


@contextmanager
def outbox_in(folder: Path, *, bytes_max: int = FILE_BYTES_MAX) -> Iterator[Outbox]:
    database = Database(folder / "outbox.sqlite3", bytes_max=bytes_max)
    try:
        yield Outbox(database)
    finally:
        database.close()


def fill(outbox: Outbox) -> int:
    """Store events until the disk is full; return how many it took."""
    with suppress(StorageError):
        for number in count():
            outbox.add(event(number), NOW)
    return number


BP = gatt.BLOOD_PRESSURE_MEASUREMENT
GLUCOSE = gatt.GLUCOSE_MEASUREMENT
CONTEXT = gatt.GLUCOSE_MEASUREMENT_CONTEXT
