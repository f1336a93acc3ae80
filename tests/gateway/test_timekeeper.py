"""A gateway that starts without the time: it says so, is told, and dates what waited."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from gateway_parts import GLUCOSE, HOME, METER, NOW, SUGAR, items_of, outbox_in
from stage import eventually

from yikao_devices.date_time import date_time_of
from yikao_devices.glucose import encode_glucose
from yikao_devices.models import GENERIC_METER
from yikao_devices.story_clock import Clock
from yikao_devices.wire import DeviceEvent, GlucoseReading
from yikao_gateway.household.alarms import Alarms
from yikao_gateway.household.home_clock import HomeClock
from yikao_gateway.store.outbox import Outbox
from yikao_gateway.visits.intake import Intake
from yikao_gateway.visits.known_devices import KnownDevices
from yikao_gateway.visits.release import release
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
    intake.finish(drained=True)
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

    def release_what_is_due() -> None:
        if release(outbox, devices, clock):
            dated.set()

    keeping = asyncio.create_task(keep_time(clock, alarms, idle, release_what_is_due, look_s=0.005))
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
