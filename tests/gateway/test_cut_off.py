"""Links that are lost between a result and its context, over the simulated air: the device is read
again, and the whole record is what counts."""

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from sqlite3 import OperationalError

from gateway_parts import CUFF, HOME
from running_gateway import GLUCOSE, Running, running_gateway
from stage import NOON, Stage, address, eventually, on_air
from waiting_house import House, house

from yikao_devices.glucose_context import MEAL_KETONE, GlucoseContext
from yikao_devices.models import GENERIC_METER
from yikao_devices.story_clock import VARIABLE, Clock
from yikao_devices.wire import GlucoseReading, decode_item
from yikao_gateway.visits.choice import Target
from yikao_gateway.visits.release import CONTEXT_WAIT
from yikao_gateway.visits.visit import Visit, Visitor
from yikao_sim.air import measurements
from yikao_sim.home import Outfit
from yikao_sim.peripherals.glucometer import Glucometer

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
LOST = "disconnected_early"
STORY_MAX_S = 60.0
HURRIED = 60.0
"""Times as fast: two minutes in two seconds."""


@dataclass
class Scene:
    """A house on the air, and its meter."""

    house: House
    gateway: object
    meter: Glucometer

    async def visits(self) -> Visit:
        visitor = Visitor(
            self.gateway.radio,  # type: ignore[attr-defined]
            self.house.outbox,
            self.house.devices,
            self.house.clock,
            line=lambda: self.house.clock.line,
        )
        return await visitor.visit(Target(address(self.meter), GENERIC_METER))

    async def is_cut_off(self, records: int = 1) -> None:
        """Visit it; the link is lost between its last result of so many and the context."""
        self.meter.peripheral.faults.drop_link_after = records
        assert (await self.visits()).problem == LOST
        assert self.house.waiting > 0


@contextmanager
def scene(stage: Stage, gateway: object) -> Iterator[Scene]:
    assert stage.home.meter is not None
    with house(stage.folder) as h:
        yield Scene(h, gateway, stage.home.meter)


@on_air()
async def test_the_whole_record_wins_when_the_device_is_read_again(stage: Stage) -> None:
    await stage.air.measure_glucose(stage.home, 5.1, meal="fasting")
    await stage.air.measure_glucose(stage.home, 5.2, meal="after_meal")
    with scene(stage, await stage.gateway()) as s:
        await s.is_cut_off(2)
        # What had come whole is not kept back.
        assert s.house.told() == [(5.1, "fasting", ())]
        assert await s.visits() == Visit(1, None)
        assert s.house.looks() == s.house.waiting == 0
        assert s.house.told() == [(5.1, "fasting", ()), (5.2, "after_meal", ())]


@on_air()
async def test_a_ketone_that_was_cut_off_is_never_stored_as_glucose(stage: Stage) -> None:
    assert stage.home.meter is not None
    face = stage.home.meter.peripheral.clock.face(NOON)
    ketone = GlucoseContext(seq=0, meal=MEAL_KETONE)
    stage.home.meter.measure(measurements.glucose(face, 1.8), ketone)
    with scene(stage, await stage.gateway()) as s:
        await s.is_cut_off()
        await s.visits()
        s.house.wall += CONTEXT_WAIT
        assert s.house.looks() == 0
        assert (s.house.told(), s.house.codes()) == ([], [LOST, "ketone_record"])


@on_air()
async def test_it_is_released_after_two_minutes_when_the_device_stays_away(stage: Stage) -> None:
    await stage.air.measure_glucose(stage.home, 2.4, meal="fasting")
    with scene(stage, await stage.gateway()) as s:
        await s.is_cut_off()
        s.house.wall += CONTEXT_WAIT - SECOND
        s.house.restarts()
        assert s.house.looks() == 0
        s.house.wall += 2 * SECOND
        assert s.house.looks(address(s.meter)) == 0, "it is just being read"
        assert s.house.looks(CUFF) == 1
        assert (s.house.told(), s.house.waiting) == ([(2.4, None, ("context_missing",))], 0)


@on_air()
async def test_it_is_released_when_the_device_was_read_to_its_end_without_it(stage: Stage) -> None:
    """And dated by what was known of its clock when it came."""
    await stage.air.measure_glucose(stage.home, 5.1, meal="fasting", at=NOON - HOUR)
    with scene(stage, await stage.gateway()) as s:
        await s.is_cut_off()
        # Then somebody sets its clock wrong, and deletes its memory.
        s.meter.peripheral.clock.offset_s = -7200.0
        s.meter._memory.clear()
        s.house.wall += CONTEXT_WAIT / 2
        assert await s.visits() == Visit(0, None)
        assert s.house.looks() == 1
        (sugar,) = s.house.sugars()
        assert (sugar.meal, sugar.flags) == (None, ("context_missing",))
        assert abs(NOON - HOUR - sugar.measured_at) <= SECOND


@on_air()
async def test_a_meter_that_is_always_cut_off_there_keeps_its_result_back_for_two_minutes_only(
    stage: Stage,
) -> None:
    await stage.air.measure_glucose(stage.home, 5.1, meal="fasting")
    with scene(stage, await stage.gateway()) as s:
        for _ in range(3):
            await s.is_cut_off()
            assert s.house.looks() == 0
            s.house.wall += CONTEXT_WAIT / 3
        assert s.house.looks() == 1
        assert s.house.told() == [(5.1, None, ("context_missing",))]


@on_air()
async def test_the_whole_record_wins_also_when_both_waited_for_the_time(stage: Stage) -> None:
    await stage.air.measure_glucose(stage.home, 5.1, meal="fasting")
    with scene(stage, await stage.gateway()) as s:
        s.house.wall = datetime.fromtimestamp(0, UTC)
        s.house.restarts()
        await s.is_cut_off()
        await s.visits()
        assert s.house.looks() == 0
        s.house.wall = NOON
        assert s.house.clock.settle()
        assert s.house.looks() == 1
        assert (s.house.told(), s.house.waiting) == ([(5.1, "fasting", ())], 0)


@on_air()
async def test_who_ends_releases_everything(stage: Stage) -> None:
    await stage.air.measure_glucose(stage.home, 5.1, meal="fasting")
    with scene(stage, await stage.gateway()) as s:
        await s.is_cut_off()
        assert s.house.looks(at_end=True) == 1
        assert s.house.told() == [(5.1, None, ("context_missing",))]


@on_air()
async def test_collect_ends_with_what_nobody_completes(stage: Stage) -> None:
    meter = stage.home.meter
    assert meter is not None
    meter.peripheral.on_sent = lambda _: _cut(meter)
    await stage.air.measure_glucose(stage.home, 5.1, meal="fasting")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "yikao_gateway.cli"),
        *("collect", "--once", "--json", "--radio", stage.spec, "--seconds", "1"),
        *("--timezone", HOME.key),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=os.environ | {VARIABLE: Clock(NOON.timestamp(), time.time(), 1.0).spec()},
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    items = [decode_item(line) for line in out.splitlines()]
    (sugar,) = [each for each in items if isinstance(each, GlucoseReading)]
    assert (sugar.meal, sugar.flags) == (None, ("context_missing",))


def test_a_running_gateway_releases_by_itself_what_nobody_completes(
    broker_url: str, short_tmp: Path
) -> None:
    async def play() -> None:
        async with (
            asyncio.timeout(STORY_MAX_S),
            running_gateway(broker_url, short_tmp, Outfit()) as s,
        ):
            meter = s.home.meter
            assert meter is not None
            meter.peripheral.on_sent = lambda _: _cut(meter)
            await s.stage.air.measure_glucose(s.home, 5.1, meal="fasting")
            clock = Clock(NOON.timestamp(), time.time(), HURRIED)
            await s.gateway.start({VARIABLE: clock.spec()})
            (told,) = (await s.server.hears(GLUCOSE)).items
            assert isinstance(told, GlucoseReading)
            assert (told.meal, told.flags[-1]) == (None, "context_missing")

    asyncio.run(play())


def test_a_gateway_killed_while_it_holds_a_result_brings_the_whole_record(
    broker_url: str, short_tmp: Path
) -> None:
    """kill -9 between a result and its context, and once more while the frame waits."""

    async def play() -> None:
        async with (
            asyncio.timeout(STORY_MAX_S),
            running_gateway(broker_url, short_tmp, Outfit()) as s,
        ):
            meter = s.home.meter
            assert meter is not None
            s.server.answers = True
            meter.peripheral.on_sent = lambda _: _cut(meter)
            await s.stage.air.measure_glucose(s.home, 5.1, meal="fasting")
            for links in (1, 3):
                await s.gateway.start(s.environment)
                await eventually(partial(_holds_after, s, meter, links))
                await s.gateway.end()
                assert s.gateway.counts() == {}
            meter.peripheral.on_sent = lambda _: None
            await s.gateway.start(s.environment)
            await eventually(lambda: s.gateway.counts() == {"stored": 1} and not _frames(s))
            told = (await s.server.hears(GLUCOSE)).items[0]
            assert isinstance(told, GlucoseReading)
            assert (told.meal, told.flags) == ("fasting", ())

    asyncio.run(play())


def _cut(meter: Glucometer) -> None:
    meter.peripheral.faults.drop_link_after = 1


def _holds_after(s: Running, meter: Glucometer, links: int) -> bool:
    """Return whether a frame waits, and the meter was visited more often than that."""
    return meter.peripheral.links_taken > links and _frames(s) > 0


def _frames(s: Running) -> int:
    try:
        ((number,),) = s.gateway.rows("SELECT count(*) FROM frame")
    except OperationalError:
        # There is no outbox yet.
        return 0
    return int(number)
