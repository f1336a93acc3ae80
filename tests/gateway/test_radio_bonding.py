"""Bonds on the simulated air: made by a person's leave, proved, and never made again in a loop."""

import asyncio
import time
from dataclasses import replace

from agent_scene import PACE, Watch, watching
from stage import Stage, address, eventually, on_air

from yikao_gateway.visits.choice import Bonding, Choice, Listed
from yikao_gateway.visits.visit import Bond
from yikao_sim.home import Outfit
from yikao_sim.peripherals.cuff import Cuff
from yikao_sim.peripherals.pairing import parse_protection

NOBODY = "C0:00:00:00:00:99"
STRANGERS = Choice({NOBODY: Listed()}, only_listed=True, bonding=Bonding.LISTED)
"""None of the devices in the air is listed."""
TRYING = Choice({}, only_listed=False, bonding=Bonding.LISTED)
METER_ONLY = replace(Outfit(), cuff=None)
CUFF_ONLY = replace(Outfit(), meter=None)
OFTEN = replace(PACE, reread_s=0.1)
SHOWS_DIGITS = replace(METER_ONLY, protection=parse_protection("passkey:123456"))


def open_mode(watch: Watch) -> None:
    watch.pairing.open(time.monotonic())


def is_open(watch: Watch) -> bool:
    return watch.pairing.is_open(time.monotonic())


async def bonds(watch: Watch) -> frozenset[str]:
    return await watch.visitors[0].radio.bonded()


def links(device: object) -> list[object]:
    """Return a list that grows with every connection to the device."""
    made: list[object] = []
    device.peripheral.device.on("connection", made.append)  # type: ignore[attr-defined]
    return made


@on_air(METER_ONLY)
async def test_a_stranger_is_never_bonded_silently_and_that_is_told_once(stage: Stage) -> None:
    meter = address(stage.home.meter)
    async with watching(stage, TRYING, OFTEN) as watch:
        await watch.until(lambda: len(watch.visits) >= 3)
        assert {visit.problem for _, visit in watch.visits} == {"pairing_needed"}
        assert watch.codes() == ["pairing_needed"]
        assert meter not in await bonds(watch)


@on_air(METER_ONLY)
async def test_with_a_list_a_stranger_is_not_even_connected_to(stage: Stage) -> None:
    made = links(stage.home.meter)
    async with watching(stage, STRANGERS, OFTEN) as watch:
        gateway = await stage.gateway("ear")
        for _ in range(5):
            await gateway.hears(address(stage.home.meter))
        assert not made
        assert not watch.visits


@on_air(METER_ONLY)
async def test_in_pairing_mode_it_is_bonded_proved_and_read_from_then_on(stage: Stage) -> None:
    meter = address(stage.home.meter)
    await stage.air.measure_glucose(stage.home, 5.5)
    async with watching(stage, STRANGERS, OFTEN) as watch:
        open_mode(watch)
        await watch.until(lambda: bool(watch.visits))
        assert watch.visits[0][1].bond is Bond.PROVED
        assert watch.codes() == ["bond_proved"]
        assert watch.pairing.paired == meter
        assert not is_open(watch)
        assert await bonds(watch) == {meter}
        await stage.air.measure_glucose(stage.home, 6.1)
        await watch.until(lambda: watch.outbox.counts().open == 3)


@on_air(METER_ONLY, homes=3)
async def test_one_opening_bonds_one_device(stage: Stage) -> None:
    async with watching(stage, STRANGERS, OFTEN) as watch:
        open_mode(watch)
        await watch.until(lambda: not is_open(watch))
        assert len(await bonds(watch)) == 1
        open_mode(watch)
        await watch.until(lambda: not is_open(watch))
        assert len(await bonds(watch)) == 2


@on_air(METER_ONLY)
async def test_with_mode_even_a_listed_device_waits_for_a_person(stage: Stage) -> None:
    meter = address(stage.home.meter)
    listed = Choice({meter: Listed()}, only_listed=True, bonding=Bonding.MODE)
    async with watching(stage, listed, OFTEN) as watch:
        await watch.until(lambda: bool(watch.visits))
        assert watch.codes() == ["pairing_needed"]
        open_mode(watch)
        await watch.until(lambda: watch.pairing.paired == meter)
        assert watch.codes() == ["pairing_needed", "bond_proved"]


@on_air(SHOWS_DIGITS)
async def test_a_person_reads_the_digits_off_the_device_and_types_them_in(stage: Stage) -> None:
    meter = address(stage.home.meter)
    async with watching(stage, STRANGERS, OFTEN) as watch:
        open_mode(watch)
        await eventually(lambda: meter in watch.pairing.asking)
        assert watch.pairing.answer(meter, 123456)
        await watch.until(lambda: watch.pairing.paired == meter)
        assert watch.codes() == ["bond_proved"]


@on_air(SHOWS_DIGITS)
async def test_wrong_digits_are_told_and_asked_for_again(stage: Stage) -> None:
    meter = address(stage.home.meter)
    async with watching(stage, STRANGERS, OFTEN) as watch:
        open_mode(watch)
        for digits in (111111, 123456):
            await eventually(lambda: meter in watch.pairing.asking)
            assert watch.pairing.answer(meter, digits)
        await watch.until(lambda: watch.pairing.paired == meter)
        assert watch.codes() == ["wrong_passkey", "bond_proved"]


@on_air(CUFF_ONLY)
async def test_a_cuff_that_goes_to_sleep_after_pairing_proves_its_bond_next_time(
    stage: Stage,
) -> None:
    cuff = stage.home.cuff
    assert isinstance(cuff, Cuff)
    await stage.air.measure_blood_pressure(stage.home, 131, 80, 70)
    cuff.peripheral.on_link_down = cuff.peripheral.stop_advertising
    async with watching(stage, STRANGERS, OFTEN) as watch:
        open_mode(watch)
        await watch.until(lambda: bool(watch.visits))
        assert watch.codes() == ["bond_unproved"]
        assert watch.pairing.paired == address(cuff)
        await stage.air.measure_blood_pressure(stage.home, 132, 80, 70)
        await watch.until(lambda: len(watch.visits) == 2)
        assert watch.codes() == ["bond_unproved", "bond_proved"]


@on_air(METER_ONLY)
async def test_a_bond_that_the_device_forgets_at_once_is_unproved(stage: Stage) -> None:
    meter = stage.home.meter
    assert meter is not None
    forgetting: list[asyncio.Task[None]] = []
    meter.peripheral.on_link_down = lambda: forgetting.append(
        asyncio.create_task(meter.peripheral.forget_bonds())
    )
    async with watching(stage, STRANGERS, OFTEN) as watch:
        open_mode(watch)
        await watch.until(lambda: bool(watch.visits))
        assert watch.visits[0][1].bond is Bond.UNPROVED
        assert watch.codes() == ["bond_unproved"]
        await watch.until(lambda: len(watch.visits) == 2)
        assert watch.codes() == ["bond_unproved", "stale_bond"]


@on_air(METER_ONLY)
async def test_a_stale_bond_is_told_once_and_left_alone_until_a_person_acts(stage: Stage) -> None:
    meter = stage.home.meter
    assert meter is not None
    listed = replace(STRANGERS, listed={address(meter): Listed()})
    async with watching(stage, listed, OFTEN) as watch:
        await watch.until(lambda: any(visit.problem is None for _, visit in watch.visits))
        await meter.peripheral.forget_bonds()
        await stage.air.measure_glucose(stage.home, 5.5)
        await watch.until(lambda: watch.codes() == ["stale_bond"])
        made, visits = links(meter), len(watch.visits)
        gateway = await stage.gateway("ear")
        for _ in range(20):
            await gateway.hears(address(meter))
        assert (len(made), len(watch.visits)) == (0, visits)
        open_mode(watch)
        await watch.until(lambda: watch.pairing.paired == address(meter))
        assert watch.codes() == ["stale_bond", "bond_proved"]
        assert watch.visits[-1][1].new_items == 1
