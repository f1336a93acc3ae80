"""The agent on the simulated air: who is visited, in which order, and what stops it."""

import asyncio
import contextlib

import pytest
from agent_scene import ANY, PACE, make_watch, watching
from gateway_parts import fill, outbox_in
from stage import Stage, address, on_air

from yikao_devices.models import GENERIC_CUFF, GENERIC_METER
from yikao_gateway.errors import StorageError
from yikao_gateway.radio.errors import RadioUnavailable
from yikao_gateway.visits.choice import Choice, Listed, Target


@on_air(homes=2)
async def test_a_neighbours_devices_are_never_read(stage: Stage) -> None:
    ours = stage.air.homes["h2"]
    for home in stage.air.homes.values():
        await stage.air.measure_glucose(home, 5.5)
        await stage.air.measure_blood_pressure(home, 131, 80, 70)
    listed = {address(ours.cuff): Listed(), address(ours.meter): Listed()}
    async with watching(stage, Choice(listed, only_listed=True)) as watch:
        await watch.until(lambda: len(set(watch.visited())) == 2)
        assert set(watch.agent.tracked) == set(listed) == set(watch.visited())


@on_air(homes=3)
async def test_everything_in_the_air_is_read(stage: Stage) -> None:
    for home in stage.air.homes.values():
        await stage.air.measure_glucose(home, 5.5)
        await stage.air.measure_blood_pressure(home, 131, 80, 70)
    async with watching(stage) as watch:
        await watch.until(lambda: watch.outbox.counts().open == 6)


@on_air()
async def test_each_new_measurement_is_read_although_the_meter_is_not_hammered(
    stage: Stage,
) -> None:
    async with watching(stage) as watch:
        for count in (1, 2, 3):
            await stage.air.measure_blood_pressure(stage.home, 130 + count, 80, 70)
            await watch.until(lambda count=count: watch.outbox.counts().open == count)  # type: ignore[misc]
        assert watch.visited().count(address(stage.home.meter)) == 1


@on_air()
async def test_a_cuff_goes_before_meters_for_it_soon_sleeps(stage: Stage) -> None:
    with outbox_in(stage.folder) as outbox:
        (ear,) = make_watch(stage, outbox, ANY, PACE).agent._ears
        for number, model in enumerate((GENERIC_METER, GENERIC_METER, GENERIC_CUFF)):
            ear.enqueue(Target(f"C0:00:00:00:00:0{number}", model))
        order = [(await ear.next()).address[-1] for _ in range(3)]
        assert order == ["2", "0", "1"]


@on_air()
async def test_a_lost_radio_ends_listening(stage: Stage) -> None:
    with outbox_in(stage.folder) as outbox:
        watch = make_watch(stage, outbox, ANY, PACE)
        listening = asyncio.create_task(watch.agent.listen())
        await watch.until(lambda: bool(watch.visits))
        await stage.server.close()
        with contextlib.suppress(RadioUnavailable):
            await listening
        with pytest.raises(RadioUnavailable):
            await watch.agent.listen()


@on_air()
async def test_a_full_disk_stops_the_reading(stage: Stage) -> None:
    """A device may forget what it has sent; with nowhere to put it, it must not be asked."""
    await stage.air.measure_blood_pressure(stage.home, 131, 80, 70)
    with outbox_in(stage.folder, bytes_max=128 * 1024) as outbox:
        fill(outbox)
        watch = make_watch(stage, outbox, ANY, PACE)
        with pytest.raises(StorageError, match="free space"):
            await watch.agent.listen()
