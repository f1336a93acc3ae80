"""Sessions among 500 neighbours who advertise, and with devices that are only half there."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from agent_scene import Watch, watching
from bumble import hci, ll
from bumble.core import AdvertisingData
from stage import Stage, address, eventually, on_air

from yikao_devices import gatt
from yikao_devices.models import GENERIC_METER
from yikao_gateway.radio import bleak_radio, bumble_adapter, bumble_scanner
from yikao_gateway.visits import agent
from yikao_gateway.visits.choice import Choice, Listed
from yikao_sim.home import Outfit

NEIGHBOURS = 500
EVERY_S = 1.0
"""How often each advertises: telephones, watches and beacons do so about once a second."""
STEP_S = 0.02
CUFF_SERVICE = bytes((3, AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS)) + (
    gatt.BLOOD_PRESSURE_SERVICE.to_bytes(2, "little")
)
BEACON = bytes((2, AdvertisingData.FLAGS, 6)) + bytes((5, 0xFF, 0x4C, 0, 2, 21))


def passers_by(kind: int) -> Any:
    """Return PDUs of ever new addresses: telephones change theirs every quarter of an hour."""
    for number in itertools.count():
        raw = number.to_bytes(5, "little") + bytes((0xC0 | kind,))
        yield ll.AdvInd(
            advertiser_address=hci.Address(raw, hci.Address.RANDOM_DEVICE_ADDRESS),
            data=CUFF_SERVICE if number % 20 == 0 else BEACON,
        )


async def walk_by(stage: Stage, count: int) -> None:
    """Have `count` passers-by heard once each, as fast as a gateway takes them."""
    for number, pdu in enumerate(itertools.islice(passers_by(1), count)):
        _say(stage, pdu)
        if number % 50 == 0:
            await asyncio.sleep(0)
            await eventually(lambda: not any(_is_congested(stage)))


def _say(stage: Stage, pdu: ll.AdvInd) -> None:
    for caller in stage.server._callers.values():
        if caller._controller is not None:
            caller._controller.on_advertising_pdu(pdu)


def _is_congested(stage: Stage) -> list[bool]:
    callers = stage.server._callers.values()
    return [each._controller.is_congested() for each in callers if each._controller is not None]


@contextlib.asynccontextmanager
async def neighbours(stage: Stage) -> AsyncIterator[None]:
    """500 devices that advertise once a second each, while the block runs."""
    crowd = list(itertools.islice(passers_by(0), NEIGHBOURS))

    async def talk() -> None:
        at_once = round(NEIGHBOURS * STEP_S / EVERY_S)
        turn = itertools.cycle(crowd)
        while True:
            for pdu in itertools.islice(turn, at_once):
                _say(stage, pdu)
            await asyncio.sleep(STEP_S)

    talking = asyncio.create_task(talk())
    try:
        yield
    finally:
        talking.cancel()
        await asyncio.wait({talking})


def ours(stage: Stage) -> Choice:
    devices = stage.home.devices().values()
    return Choice({address(each): Listed() for each in devices}, only_listed=True)


@on_air()
async def test_measurements_are_read_among_500_neighbours(stage: Stage) -> None:
    async with watching(stage, ours(stage)) as watch, neighbours(stage):
        for count in (1, 2, 3):
            await stage.air.measure_blood_pressure(stage.home, 130 + count, 80, 70)
            await watch.until(lambda count=count: watch.outbox.counts().open == count)  # type: ignore[misc]
        assert {visit.problem for _, visit in watch.visits} == {None}
        assert set(watch.visited()) <= set(ours(stage).listed)


@pytest.mark.parametrize("only_listed", [True, False])
def test_what_is_remembered_of_passers_by_is_bounded(only_listed: bool, short_tmp: Path) -> None:
    @on_air()
    async def story(stage: Stage) -> None:
        choice = Choice(ours(stage).listed, only_listed)
        async with watching(stage, choice) as watch:
            await watch.until(lambda: address(stage.home.meter) in watch.visited())
            await walk_by(stage, 3 * agent.TRACKED_MAX)
            radio: Any = watch.visitors[0].radio
            ear = watch.agent._ears[0]
            assert len(watch.agent.tracked) <= agent.TRACKED_MAX
            assert address(stage.home.meter) in watch.agent.tracked
            assert not watch.agent._unknown
            assert len(ear._strengths) <= agent.TRACKED_MAX
            assert len(radio._devices) <= bleak_radio.DEVICES_MAX
            adapter = radio._stack.adapter
            assert len(adapter._heard) <= bumble_adapter.HEARD_MAX
            assert len(adapter.device.advertisement_accumulators) <= bumble_adapter.HEARD_MAX
            seen = radio._scanner._backend.seen_devices
            assert len(seen) <= bumble_scanner.SEEN_MAX

    story(short_tmp)


async def _until_read(watch: Watch, device: object) -> None:
    await watch.until(lambda: (address(device), None) in _ends(watch))


def _ends(watch: Watch) -> list[tuple[str, str | None]]:
    return [(device, visit.problem) for device, visit in watch.visits]


@on_air()
async def test_a_link_that_is_up_on_our_side_only_ends_with_the_model_s_window(
    stage: Stage,
) -> None:
    """The device's radio answers, the device behind it does not; others are read all the same."""
    assert stage.home.meter is not None
    await stage.home.meter.peripheral.settled()
    stage.home.meter.peripheral._controller.hci_sink = None
    await stage.air.measure_blood_pressure(stage.home, 131, 80, 70)
    hasty = Listed(replace(GENERIC_METER, window_s=0.5))
    async with watching(stage, Choice({address(stage.home.meter): hasty}, False)) as watch:
        await _until_read(watch, stage.home.cuff)
        await watch.until(lambda: (address(stage.home.meter), "window_missed") in _ends(watch))


@on_air(Outfit(meter=None))
async def test_a_ghost_that_advertises_and_is_not_there_holds_nobody_up(stage: Stage) -> None:
    nobody = hci.Address("C0:00:00:00:00:99", hci.Address.RANDOM_DEVICE_ADDRESS)
    ghost = ll.AdvInd(advertiser_address=nobody, data=CUFF_SERVICE)
    async with watching(stage) as watch:

        async def haunt() -> None:
            while True:
                _say(stage, ghost)
                await asyncio.sleep(STEP_S)

        haunting = asyncio.create_task(haunt())
        try:
            await watch.until(lambda: ("C0:00:00:00:00:99", "window_missed") in _ends(watch))
            await stage.air.measure_blood_pressure(stage.home, 131, 80, 70)
            await _until_read(watch, stage.home.cuff)
        finally:
            haunting.cancel()
            await asyncio.wait({haunting})
