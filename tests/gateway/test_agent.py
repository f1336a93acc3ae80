"""The agent on the simulated air: who is visited, in which order, and what stops it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from gateway_parts import HOME, fill, outbox_in
from stage import NOON, Stage, address, on_air

from yikao_gateway.agent import Agent, Choice, Listed
from yikao_gateway.attention import Pace, Watchful
from yikao_gateway.errors import StorageError
from yikao_gateway.known_devices import KnownDevices
from yikao_gateway.outbox import Outbox
from yikao_gateway.radio.errors import RadioUnavailable
from yikao_gateway.radio.open import open_radio
from yikao_gateway.visit import Target, Visit, Visitor

ANY = Choice({}, only_listed=False)
PACE = Pace(reread_s=60.0, gone_s=1.0, eager_s=0.05)


@dataclass
class Watch:
    """What an agent did."""

    agent: Agent
    outbox: Outbox
    visits: list[tuple[str, Visit]] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self.news.clear()
            await self.news.wait()

    def visited(self) -> list[str]:
        return [device for device, _ in self.visits]


def make_watch(stage: Stage, outbox: Outbox, choice: Choice, pace: Pace) -> Watch:
    def on_visit(target: Target, visit: Visit) -> None:
        watch.visits.append((target.address, visit))
        watch.news.set()

    visitor = Visitor(
        open_radio(stage.spec, stage.folder / "gateway"),
        outbox,
        KnownDevices(outbox._database),
        lambda: NOON.astimezone(HOME),
    )
    agent = Agent(
        visitor, choice, lambda: Watchful(pace), on_visit, lambda trouble: None, time.monotonic
    )
    watch = Watch(agent, outbox)
    return watch


@contextlib.asynccontextmanager
async def watching(stage: Stage, choice: Choice = ANY, pace: Pace = PACE) -> AsyncIterator[Watch]:
    """An agent that listens until the block ends."""
    with outbox_in(stage.folder) as outbox:
        watch = make_watch(stage, outbox, choice, pace)
        listening = asyncio.create_task(watch.agent.listen())
        try:
            yield watch
        finally:
            listening.cancel()
            await asyncio.wait({listening})


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
