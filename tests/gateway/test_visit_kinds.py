"""Scales, thermometers, oximeters, straps and newer cuffs over the simulated air: what they measure
is an item in the outbox, as the server would read it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from gateway_parts import HOME, METER, NOW, items_of, outbox_in
from stage import NOON, Gateway, Stage, address, on_air, sent

from yikao_devices import gatt
from yikao_devices.heart_rate import Contact, HeartRate, encode_heart_rate
from yikao_devices.minutes import SAMPLES_MIN
from yikao_devices.models import GENERIC_STRAP, recognise
from yikao_devices.pulse_oximeter import Continuous
from yikao_devices.story_clock import Clock
from yikao_devices.stream_talk import STAY_MAX_S
from yikao_devices.weight import Weight
from yikao_devices.wire import (
    BloodPressureReading,
    DeviceEvent,
    HeartRateReading,
    Item,
    OximetryReading,
    TemperatureReading,
    WeightReading,
)
from yikao_gateway.household.home_clock import HomeClock
from yikao_gateway.store.outbox import Outbox
from yikao_gateway.visits.choice import Target
from yikao_gateway.visits.intake import Intake
from yikao_gateway.visits.known_devices import KnownDevices
from yikao_gateway.visits.release import release
from yikao_gateway.visits.visit import Visit, Visitor
from yikao_sim.home import Device, Outfit
from yikao_sim.peripherals.cuff import CuffBehaviour
from yikao_sim.peripherals.oximeter import OximeterBehaviour
from yikao_sim.peripherals.store import RecorderBehaviour
from yikao_sim.peripherals.strap import StrapBehaviour

LOCAL = NOON.astimezone(HOME)
TICK = timedelta(milliseconds=1)
QUICK_S = 0.002
SCALE = Outfit(cuff=None, meter=None, scale=RecorderBehaviour())
KEEPING_SCALE = Outfit(cuff=None, meter=None, scale=RecorderBehaviour(keeps_records=True))
THERMOMETER = Outfit(cuff=None, meter=None, thermometer=RecorderBehaviour())
OXIMETER = Outfit(cuff=None, meter=None, oximeter=OximeterBehaviour())
ASKED_OXIMETER = Outfit(cuff=None, meter=None, oximeter=OximeterBehaviour(on_request=True))
WORN_OXIMETER = Outfit(
    cuff=None, meter=None, oximeter=OximeterBehaviour(streams=True, every_s=QUICK_S)
)
STRAP = Outfit(cuff=None, meter=None, strap=StrapBehaviour(every_s=QUICK_S))
NEW_CUFF = Outfit(meter=None, cuff=CuffBehaviour(enhanced=True))


@dataclass
class Room:
    """A gateway beside a device, which it chooses by what is advertised."""

    visitor: Visitor
    outbox: Outbox
    gateway: Gateway

    async def visits(self, device: Device) -> Visit:
        heard = await self.gateway.hears(address(device))
        model = recognise(None, heard.services)
        assert model is not None
        return await self.visitor.visit(Target(address(device), model))

    @property
    def items(self) -> list[Item]:
        return items_of(self.outbox)


@contextmanager
def room(
    stage: Stage, gateway: Gateway, tick: timedelta = TICK, hurry_s: float = 0.0
) -> Iterator[Room]:
    """tick, hurry_s: how far clock and stopwatch go on between two looks at them."""
    ticks = count()

    def now() -> datetime:
        return LOCAL + next(ticks) * tick

    with outbox_in(stage.folder) as outbox:
        devices = KnownDevices(outbox._database)
        stopwatch = count(step=hurry_s)
        visitor = Visitor(gateway.radio, outbox, devices, now, monotonic=lambda: next(stopwatch))
        yield Room(visitor, outbox, gateway)


def near(item: Item, at: datetime) -> bool:
    assert not hasattr(item, "reason")
    return abs(item.measured_at - at) <= timedelta(seconds=1)  # type: ignore[union-attr]


@on_air(SCALE)
async def test_a_scale_gives_what_it_has_weighed_with_its_time_and_user(stage: Stage) -> None:
    earlier = NOON - timedelta(hours=3)
    await stage.air.measure_weight(stage.home, 71.5, at=earlier, user=1, wakes=False)
    with room(stage, await stage.gateway()) as r:
        await stage.air.measure_weight(stage.home, 71.305, user=2)
        assert await r.visits(stage.home.scale) == Visit(2, None)  # type: ignore[arg-type]
        first, second = r.items
        assert isinstance(first, WeightReading) and isinstance(second, WeightReading)
        assert (first.weight_kg, first.unit, first.user, first.model) == (
            71.5,
            "kg",
            1,
            "generic-scale",
        )
        assert (second.weight_kg, second.weight_lb, second.user) == (71.305, None, 2)
        assert near(first, earlier) and near(second, NOON)


@on_air(KEEPING_SCALE)
async def test_a_scale_that_sends_everything_each_time_brings_nothing_twice(stage: Stage) -> None:
    with room(stage, await stage.gateway()) as r:
        for kg in (70.0, 70.5, 71.0):
            await stage.air.measure_weight(stage.home, kg)
            assert (await r.visits(stage.home.scale)).new_items == 1  # type: ignore[arg-type]
        assert [i.weight_kg for i in r.items if isinstance(i, WeightReading)] == [70.0, 70.5, 71.0]


@on_air(SCALE)
async def test_a_scale_that_could_not_weigh_is_an_event_and_no_number(stage: Stage) -> None:
    await stage.air.measure_weight(stage.home, None)
    with room(stage, await stage.gateway()) as r:
        await r.visits(stage.home.scale)  # type: ignore[arg-type]
        (item,) = r.items
        assert isinstance(item, DeviceEvent) and item.code == "measurement_failed"


@on_air(SCALE)
async def test_a_scale_in_pounds_without_a_clock_of_its_own(stage: Stage) -> None:
    assert stage.home.scale is not None
    stage.home.scale.measure(Weight("lb", 157.2))
    with room(stage, await stage.gateway()) as r:
        await r.visits(stage.home.scale)
        (item,) = r.items
        assert isinstance(item, WeightReading)
        assert (item.unit, item.weight_lb, item.weight_kg) == ("lb", 157.2, 71.305)
        assert near(item, NOON) and item.doubt_s == 120.0


@on_air(THERMOMETER)
async def test_a_thermometer_tells_where_it_was_and_is_not_watched_while_it_rises(
    stage: Stage,
) -> None:
    thermometer = stage.home.thermometer
    assert thermometer is not None
    watched: list[bool] = []
    thermometer.peripheral.on_sent = lambda _: watched.append(thermometer.is_watched)
    await stage.air.measure_temperature(stage.home, 38.6, site=3)
    with room(stage, await stage.gateway()) as r:
        assert await r.visits(thermometer) == Visit(1, None)
        (item,) = r.items
        assert isinstance(item, TemperatureReading)
        assert (item.temperature_c, item.unit, item.flags) == (38.6, "Cel", ("site_ear",))
        assert watched == [False]


@on_air(THERMOMETER)
async def test_a_failed_temperature_is_an_event(stage: Stage) -> None:
    await stage.air.measure_temperature(stage.home, None)
    with room(stage, await stage.gateway()) as r:
        await r.visits(stage.home.thermometer)  # type: ignore[arg-type]
        (item,) = r.items
        assert isinstance(item, DeviceEvent) and item.code == "measurement_failed"


@pytest.mark.parametrize("outfit", [OXIMETER, ASKED_OXIMETER], ids=["by itself", "on request"])
def test_an_oximeter_gives_its_spot_checks(outfit: Outfit, short_tmp: object) -> None:
    @on_air(outfit)
    async def story(stage: Stage) -> None:
        earlier = NOON - timedelta(hours=2)
        await stage.air.measure_oxygen(stage.home, 91, 88, at=earlier, wakes=False)
        with room(stage, await stage.gateway()) as r:
            await stage.air.measure_oxygen(stage.home, 96, 72)
            assert await r.visits(stage.home.oximeter) == Visit(2, None)  # type: ignore[arg-type]
            first, second = r.items
            assert isinstance(first, OximetryReading) and isinstance(second, OximetryReading)
            assert (first.spo2_pct, first.pulse_bpm) == (91.0, 88.0)
            assert (second.spo2_pct, second.pulse_bpm) == (96.0, 72.0)
            assert near(first, earlier) and near(second, NOON)

    story(short_tmp)


@on_air(OXIMETER)
async def test_an_oximeter_that_found_no_pulse_is_an_event(stage: Stage) -> None:
    await stage.air.measure_oxygen(stage.home, None)
    with room(stage, await stage.gateway()) as r:
        await r.visits(stage.home.oximeter)  # type: ignore[arg-type]
        (item,) = r.items
        assert isinstance(item, DeviceEvent) and item.code == "measurement_failed"


@on_air(WORN_OXIMETER)
async def test_an_oximeter_that_is_worn_comes_to_one_reading_a_minute(stage: Stage) -> None:
    oximeter = stage.home.oximeter
    assert oximeter is not None
    with room(stage, await stage.gateway()) as r:
        oximeter.put_on(Continuous(94.0, 71.0, dstatus=1 << 5))
        visiting = asyncio.create_task(r.visits(oximeter))
        await sent(oximeter, SAMPLES_MIN + 5)
        oximeter.take_off()
        assert await visiting == Visit(1, None)
        (item,) = r.items
        assert isinstance(item, OximetryReading)
        assert (item.spo2_pct, item.pulse_bpm, item.flags) == (94.0, 71.0, ("low_perfusion",))


@on_air(STRAP)
async def test_a_strap_comes_to_one_reading_a_minute_of_what_touches_the_skin(
    stage: Stage,
) -> None:
    strap = stage.home.strap
    assert strap is not None
    off = encode_heart_rate(HeartRate(190, Contact.NO))

    def samples(n: int) -> bytes:
        return off if n % 3 == 0 else encode_heart_rate(HeartRate(70 + n % 3, Contact.YES))

    # Each look at the clock is half a second: a hundred samples are most of a minute.
    with room(stage, await stage.gateway(), timedelta(seconds=0.5)) as r:
        strap.put_on_frames(samples)
        visiting = asyncio.create_task(r.visits(strap))
        await sent(strap, 200)
        strap.take_off()
        visit = await visiting
        readings = [item for item in r.items if isinstance(item, HeartRateReading)]
        assert visit.problem is None and visit.new_items == len(readings) == len(r.items) >= 2
        for item in readings:
            assert item.pulse_bpm in (71.0, 72.0)
            assert item.flags == ("no_contact",)
            assert (item.measured_at.second, item.doubt_s) == (0, 60.0)
        assert len({item.measured_at for item in readings}) == len(readings)


@on_air(STRAP)
async def test_a_strap_on_a_table_comes_to_nothing(stage: Stage) -> None:
    strap = stage.home.strap
    assert strap is not None
    with room(stage, await stage.gateway()) as r:
        strap.put_on(HeartRate(0, Contact.NOT_REPORTED))
        visiting = asyncio.create_task(r.visits(strap))
        await sent(strap, SAMPLES_MIN * 2)
        strap.take_off()
        assert await visiting == Visit(0, None)
        assert r.items == []


@on_air(STRAP)
async def test_a_visit_to_a_stream_ends_by_itself_and_the_strap_is_still_there(
    stage: Stage,
) -> None:
    strap = stage.home.strap
    assert strap is not None
    with room(stage, await stage.gateway(), hurry_s=STAY_MAX_S / SAMPLES_MIN / 2) as r:
        strap.put_on(HeartRate(72, Contact.YES))
        for _ in range(2):
            # Of the second visit's minute there is a reading already.
            assert (await r.visits(strap)).problem is None
        (item,) = r.items
        assert isinstance(item, HeartRateReading) and item.pulse_bpm == 72.0


def test_a_stream_that_waited_for_the_time_comes_to_its_minute_when_it_is_told(
    tmp_path: Path,
) -> None:
    clock = HomeClock(HOME, lambda: 0.0, lambda: 0.0, Clock())
    clock.not_before(None)
    with outbox_in(tmp_path) as outbox:
        devices = KnownDevices(outbox._database)
        intake = Intake(outbox, METER, GENERIC_STRAP, clock, line=clock.line)
        intake.begin()
        for _ in range(SAMPLES_MIN):
            intake.take(gatt.HEART_RATE_MEASUREMENT, encode_heart_rate(HeartRate(72)))
        intake.finish(drained=True)
        assert release(outbox, devices, clock) == 0 == len(items_of(outbox))
        clock.told(NOW)
        assert clock.settle()
        assert release(outbox, devices, clock) == 1
        (item,) = items_of(outbox)
        assert isinstance(item, HeartRateReading)
        assert (item.measured_at, item.pulse_bpm, item.flags) == (NOW, 72.0, ())


@on_air(NEW_CUFF)
async def test_a_newer_cuff_is_read_in_the_newer_form_and_each_record_once(stage: Stage) -> None:
    earlier = NOON - timedelta(hours=1)
    await stage.air.measure_blood_pressure(stage.home, 148, 92, 77, at=earlier, user=1, wakes=False)
    await stage.air.fail_blood_pressure(stage.home)
    with room(stage, await stage.gateway()) as r:
        assert await r.visits(stage.home.cuff) == Visit(2, None)  # type: ignore[arg-type]
        reading, event = r.items
        assert isinstance(reading, BloodPressureReading) and isinstance(event, DeviceEvent)
        assert (reading.systolic_mmhg, reading.diastolic_mmhg, reading.pulse_bpm) == (148, 92, 77)
        assert (reading.user, event.code) == (1, "measurement_failed")
        assert near(reading, earlier)
