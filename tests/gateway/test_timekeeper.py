"""A gateway that starts without the time: it says so, is told, and dates what waited."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from gateway_parts import GLUCOSE, HOME, METER, NOW, SUGAR, items_of, outbox_in
from stage import eventually

from yikao_devices import topics
from yikao_devices.date_time import date_time_of
from yikao_devices.glucose import encode_glucose
from yikao_devices.models import GENERIC_METER
from yikao_devices.story_clock import Clock
from yikao_devices.wire import DeviceEvent, GlucoseReading, Receipt, encode
from yikao_gateway.household.alarms import Alarms
from yikao_gateway.household.home_clock import HomeClock
from yikao_gateway.household.prompts import Prompts
from yikao_gateway.keys import load_key
from yikao_gateway.store.outbox import Outbox
from yikao_gateway.uplink.delivery import Delivery, Post
from yikao_gateway.uplink.publisher import Broker, Opened, Presence, Publisher, Received
from yikao_gateway.visits.intake import Intake, recover
from yikao_gateway.visits.known_devices import KnownDevices
from yikao_gateway.visits.timekeeper import CLOCK_UNSET, keep_time

TAKEN = NOW - timedelta(minutes=30)
STORY_MAX_S = 30.0


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with outbox_in(tmp_path) as opened:
        yield opened


def test_what_waited_is_dated_when_the_server_has_told_the_time(outbox: Outbox) -> None:
    """Nobody's network tells it; the receipt for the trouble itself says what time it is."""
    clock = HomeClock(HOME, lambda: 0.0, lambda: 0.0, Clock())
    clock.not_before(None)
    intake = Intake(outbox, METER, GENERIC_METER, clock, line=clock.line)
    intake.clock_compared((NOW - clock()).total_seconds())
    intake.begin()
    intake.take(GLUCOSE, encode_glucose(replace(SUGAR, time=date_time_of(TAKEN))))
    intake.finish()
    asyncio.run(_is_told(clock, outbox))
    trouble, reading = items_of(outbox)
    assert isinstance(trouble, DeviceEvent)
    assert (trouble.code, trouble.device) == (CLOCK_UNSET, "gw-1")
    assert isinstance(reading, GlucoseReading)
    assert (reading.measured_at, reading.doubt_s, reading.flags) == (TAKEN, 2.0, ())


async def _is_told(clock: HomeClock, outbox: Outbox) -> None:
    """Keep the time through a visit that is under way when the server tells it."""
    devices, alarms = KnownDevices(outbox._database), Alarms("gw-1", outbox, clock)
    visiting, asked, dated = True, 0, asyncio.Event()

    def idle() -> bool:
        nonlocal asked
        asked += 1
        return not visiting

    def date() -> None:
        recover(outbox, devices, clock)
        dated.set()

    keeping = asyncio.create_task(keep_time(clock, alarms, idle, date, look_s=0.005))
    async with asyncio.timeout(STORY_MAX_S):
        await eventually(lambda: asked > 0)
        assert alarms.codes == {CLOCK_UNSET}
        clock.told(NOW)
        before = asked
        await eventually(lambda: asked > before + 1)
        # A visit stays on the line on which it began.
        assert clock.line is not None
        visiting = False
        await dated.wait()
    assert (clock(), clock.line, alarms.codes) == (NOW, None, frozenset())
    keeping.cancel()
    await asyncio.wait({keeping})


async def _settles(post: Post, receipt: Receipt) -> None:
    """Give a receipt to a connection that was never opened: it needs none for that."""
    publisher = Publisher(Broker("127.0.0.1", 1), Presence("gw-1", []), lambda happening: None)
    delivery = Delivery(post, publisher, Opened(10, 100_000), 0.0)
    delivery.handle(Received(post.topic(topics.RECEIPT), encode(receipt)))


def test_a_receipt_tells_the_servers_time(outbox: Outbox, tmp_path: Path) -> None:
    told: list[datetime] = []
    post = Post(
        tenant="centre",
        gateway="gw-1",
        boot=1,
        version="0",
        radio="bluez",
        heartbeat_s=60.0,
        key=load_key(tmp_path),
        outbox=outbox,
        devices=KnownDevices(outbox._database),
        prompts=Prompts("zh", lambda: NOW, lambda prompt: None, outbox._database),
        now=lambda: NOW,
        chance=lambda: 0.0,
        alarms=Alarms("gw-1", outbox, lambda: NOW),
        told=told.append,
    )
    later = NOW + timedelta(hours=1)
    asyncio.run(_settles(post, Receipt(later)))
    assert told == [later]
