"""Visits over the simulated air: what a device holds ends in the outbox, whatever happens."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from gateway_parts import HOME, items_of, outbox_in
from stage import NOON, Stage, address, on_air

from yikao_devices.models import GENERIC_CUFF, GENERIC_METER, Model
from yikao_devices.wire import BloodPressureReading, DeviceEvent, GlucoseReading
from yikao_gateway.store.outbox import Outbox
from yikao_gateway.visits.choice import Target
from yikao_gateway.visits.known_devices import KnownDevices
from yikao_gateway.visits.visit import Visit, Visitor
from yikao_sim.home import Outfit
from yikao_sim.peripherals.cuff import CuffBehaviour
from yikao_sim.peripherals.pairing import parse_protection

LOCAL = NOON.astimezone(HOME)


@dataclass
class World:
    """A gateway on the stage's air, with its outbox."""

    visitor: Visitor
    outbox: Outbox
    devices: KnownDevices

    async def visits(self, device: object, model: Model, passkey: int | None = None) -> Visit:
        return await self.visitor.visit(Target(address(device), model, passkey))

    def codes(self) -> list[str]:
        return [item.code for item in items_of(self.outbox) if isinstance(item, DeviceEvent)]

    def systolics(self) -> list[float]:
        readings = [i for i in items_of(self.outbox) if isinstance(i, BloodPressureReading)]
        return [reading.systolic_mmhg for reading in readings]

    def sugars(self) -> list[float | None]:
        readings = [i for i in items_of(self.outbox) if isinstance(i, GlucoseReading)]
        return [reading.glucose_mmol_l for reading in readings]


@contextmanager
def world(stage: Stage, gateway: object) -> Iterator[World]:
    ticks = count()

    def now() -> datetime:
        return LOCAL + timedelta(milliseconds=next(ticks))

    with outbox_in(stage.folder) as outbox:
        devices = KnownDevices(outbox._database)
        visitor = Visitor(gateway.radio, outbox, devices, now)  # type: ignore[attr-defined]
        yield World(visitor, outbox, devices)


@on_air()
async def test_a_cuff_is_emptied_and_remembered(stage: Stage) -> None:
    for systolic in (131, 132, 133):
        await stage.air.measure_blood_pressure(stage.home, systolic, 80, 70)
    with world(stage, await stage.gateway()) as w:
        assert await w.visits(stage.home.cuff, GENERIC_CUFF) == Visit(3, None)
        assert w.systolics() == [131.0, 132.0, 133.0]
        known = w.devices.get(address(stage.home.cuff))
        assert known is not None
        assert known.identity["model"] == "YK-BP"
        assert known.problem is None


@on_air()
async def test_a_meter_is_asked_only_for_what_is_new(stage: Stage) -> None:
    for mmol_l in (5.1, 5.2):
        await stage.air.measure_glucose(stage.home, mmol_l, meal="fasting")
    with world(stage, await stage.gateway()) as w:
        assert await w.visits(stage.home.meter, GENERIC_METER) == Visit(2, None)
        assert w.devices.get(address(stage.home.meter)).next_record == 3  # type: ignore[union-attr]
        assert await w.visits(stage.home.meter, GENERIC_METER) == Visit(0, None)
        await stage.air.measure_glucose(stage.home, 5.3)
        assert await w.visits(stage.home.meter, GENERIC_METER) == Visit(1, None)
        assert w.sugars() == [5.1, 5.2, 5.3]


@on_air()
async def test_a_link_lost_midway_costs_no_record(stage: Stage) -> None:
    for mmol_l in (5.1, 5.2, 5.3, 5.4):
        await stage.air.measure_glucose(stage.home, mmol_l)
    assert stage.home.meter is not None
    stage.home.meter.peripheral.faults.drop_link_after = 2
    with world(stage, await stage.gateway()) as w:
        first = await w.visits(stage.home.meter, GENERIC_METER)
        assert first.problem == "disconnected_early"
        assert w.devices.get(address(stage.home.meter)).next_record is None  # type: ignore[union-attr]
        assert (await w.visits(stage.home.meter, GENERIC_METER)).problem is None
        assert w.sugars() == [5.1, 5.2, 5.3, 5.4]
        assert w.codes() == ["disconnected_early"]


@on_air(Outfit(cuff=CuffBehaviour(keeps_records=True)))
async def test_a_cuff_that_sends_everything_each_time_brings_nothing_twice(stage: Stage) -> None:
    with world(stage, await stage.gateway()) as w:
        for count in (1, 2, 3):
            await stage.air.measure_blood_pressure(stage.home, 130 + count, 80, 70)
            assert (await w.visits(stage.home.cuff, GENERIC_CUFF)).new_items == 1
        assert w.systolics() == [131.0, 132.0, 133.0]


@on_air()
async def test_a_wrong_clock_is_corrected_and_set(stage: Stage) -> None:
    assert stage.home.cuff is not None
    stage.home.cuff.peripheral.clock.offset_s = -3600.0
    await stage.air.measure_blood_pressure(stage.home, 131, 80, 70)
    with world(stage, await stage.gateway()) as w:
        await w.visits(stage.home.cuff, GENERIC_CUFF)
        (item,) = items_of(w.outbox)
        assert isinstance(item, BloodPressureReading)
        assert abs(item.measured_at - NOON) <= timedelta(seconds=1)
        assert item.flags == ("clock_error",)
        assert abs(stage.home.cuff.peripheral.clock.offset_s) <= 1


@on_air(Outfit(protection=parse_protection("passkey:123456")))
async def test_a_passkey_is_asked_for_and_told_once(stage: Stage) -> None:
    await stage.air.measure_blood_pressure(stage.home, 131, 80, 70)
    with world(stage, await stage.gateway()) as w:
        for _ in range(2):
            visit = await w.visits(stage.home.cuff, GENERIC_CUFF)
            assert visit == Visit(0, "passkey_needed")
            assert w.codes() == ["passkey_needed"]
        wrong = await w.visits(stage.home.cuff, GENERIC_CUFF, passkey=111111)
        assert wrong.problem == "wrong_passkey"
        right = await w.visits(stage.home.cuff, GENERIC_CUFF, passkey=123456)
        assert right == Visit(1, None)
        assert w.codes() == ["passkey_needed", "wrong_passkey"]


@on_air(Outfit(protection=parse_protection("none")))
async def test_a_device_that_does_not_bond_is_read_as_it_is(stage: Stage) -> None:
    await stage.air.measure_blood_pressure(stage.home, 131, 80, 70)
    bond_first = Model("bond-first", GENERIC_CUFF.conversation, bond_first=True)
    with world(stage, await stage.gateway()) as w:
        assert await w.visits(stage.home.cuff, bond_first) == Visit(1, None)


@on_air()
async def test_a_device_that_forgot_us_is_told_and_not_paired_again(stage: Stage) -> None:
    await stage.air.measure_blood_pressure(stage.home, 131, 80, 70)
    with world(stage, await stage.gateway()) as w:
        assert (await w.visits(stage.home.cuff, GENERIC_CUFF)).problem is None
        assert stage.home.cuff is not None
        await stage.home.cuff.peripheral.forget_bonds()
        await stage.air.measure_blood_pressure(stage.home, 132, 80, 70)
        assert await w.visits(stage.home.cuff, GENERIC_CUFF) == Visit(0, "stale_bond")
        assert w.codes() == ["stale_bond"]


@on_air()
async def test_a_low_battery_is_told_once(stage: Stage) -> None:
    assert stage.home.meter is not None
    stage.home.meter.peripheral.battery_pct = 12
    with world(stage, await stage.gateway()) as w:
        for _ in range(2):
            await w.visits(stage.home.meter, GENERIC_METER)
            assert w.codes() == ["battery_low"]
        stage.home.meter.peripheral.battery_pct = 100
        await w.visits(stage.home.meter, GENERIC_METER)
        stage.home.meter.peripheral.battery_pct = 12
        await w.visits(stage.home.meter, GENERIC_METER)
        assert w.codes() == ["battery_low", "battery_low"]


@on_air()
async def test_a_failed_measurement_is_an_event(stage: Stage) -> None:
    await stage.air.fail_blood_pressure(stage.home)
    with world(stage, await stage.gateway()) as w:
        assert await w.visits(stage.home.cuff, GENERIC_CUFF) == Visit(1, None)
        assert (w.codes(), w.systolics()) == (["measurement_failed"], [])


@on_air()
async def test_a_device_of_another_kind_is_said_to_be_one(stage: Stage) -> None:
    with world(stage, await stage.gateway()) as w:
        visit = await w.visits(stage.home.meter, GENERIC_CUFF)
        assert visit.problem == "service_missing"
