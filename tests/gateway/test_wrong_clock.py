"""A gateway's process on a machine whose clock is wrong, beside a server whose clock is right.

What the readings are dated is what ADR 23 and the gateway's README promise.
"""

import asyncio
import contextlib
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway_process import GatewayProcess
from server_end import TENANT, ServerEnd, server_end
from stage import Stage, address, eventually

from yikao_devices import topics
from yikao_devices.wire import BloodPressureReading, DeviceEvent
from yikao_gateway.visits.timekeeper import CLOCK_UNSET
from yikao_sim.air.service import Air

STORY_MAX_S = 60.0
MACHINE_CLOCK = Path(__file__).with_name("machine_clock.py")
PRESSURE = f"{topics.READING}/blood_pressure"
HOURS_S = 5 * 3600.0
NEAR_S = 15.0
"""A story takes so long, and a cuff's clock counts whole seconds."""


def real_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Machine:
    """A home whose devices and server know the time, and a gateway whose machine may not."""

    stage: Stage
    server: ServerEnd
    gateway: GatewayProcess
    troubles: list[str] = field(default_factory=list)

    async def starts(self, ahead_s: float) -> None:
        wrong = (sys.executable, str(MACHINE_CLOCK), str(ahead_s))
        await self.gateway.start({}, wrong)

    async def measures(self, systolic: int) -> None:
        await self.stage.air.measure_blood_pressure(self.stage.home, systolic, 80, 70)

    async def keeps(self, frames: int) -> None:
        """Wait until so many frames wait on the gateway's disk."""
        await eventually(lambda: self._frames() == frames)

    def _frames(self) -> int:
        try:
            ((count,),) = self.gateway.rows("SELECT count(*) FROM frame")
        except sqlite3.OperationalError:  # it is only just being made
            return 0
        return int(count)

    async def tells(self) -> None:
        """Wait for the gateway's word that it does not know the time."""
        await self.server.hears(
            topics.EVENT,
            lambda heard: any(
                isinstance(item, DeviceEvent) and item.code == CLOCK_UNSET for item in heard.items
            ),
        )

    async def hears(self, systolic: int) -> BloodPressureReading:
        heard = await self.server.hears(PRESSURE)
        (item,) = heard.items
        assert isinstance(item, BloodPressureReading)
        assert item.systolic_mmhg == systolic
        return item


@contextlib.asynccontextmanager
async def machine(url: str, folder: Path) -> AsyncIterator[Machine]:
    stage = Stage(folder, Air(real_now), [])
    async with server_end(url) as server:
        server.now = real_now
        gateway = GatewayProcess(folder)
        try:
            await stage.open(1)
            devices = map(address, stage.home.devices().values())
            settings = {"gateway": server.gateway, "tenant": TENANT, "url": url}
            gateway.is_told(devices, radio=stage.spec, **settings)
            yield Machine(stage, server, gateway)
        finally:
            await gateway.close()
            await stage.close()


Story = Callable[[Machine], Awaitable[None]]


def on_a_machine(story: Story) -> Callable[[str, Path], None]:
    def test(broker_url: str, short_tmp: Path) -> None:
        async def play() -> None:
            async with asyncio.timeout(STORY_MAX_S), machine(broker_url, short_tmp) as one:
                await story(one)

        asyncio.run(play())

    test.__doc__ = story.__doc__
    return test


def off_s(item: BloodPressureReading, truth: datetime) -> float:
    return abs((item.measured_at - truth).total_seconds())


@on_a_machine
async def test_what_is_read_in_1970_is_dated_when_the_server_has_said_what_time_it_is(
    m: Machine,
) -> None:
    await m.starts(-time.time())
    await m.tells()
    taken = real_now()
    await m.measures(131)
    await m.keeps(1)
    m.server.answers = True
    item = await m.hears(131)
    assert off_s(item, taken) < NEAR_S
    assert abs(item.clocks.t_hub - taken) < timedelta(seconds=NEAR_S)
    assert (item.doubt_s < NEAR_S, item.flags) == (True, ())
    await m.measures(132)
    assert off_s(await m.hears(132), real_now()) < NEAR_S


@on_a_machine
async def test_what_an_earlier_start_has_read_without_the_time_is_dated_by_the_device(
    m: Machine,
) -> None:
    """Nobody knows any more how late that start's line was."""
    await m.starts(-time.time())
    taken = real_now()
    await m.measures(131)
    await m.keeps(1)
    await m.gateway.end()
    m.server.answers = True
    await m.starts(-time.time())
    item = await m.hears(131)
    assert off_s(item, taken) < NEAR_S
    assert CLOCK_UNSET in item.flags


@on_a_machine
async def test_a_clock_that_has_gone_back_behind_what_is_stored_is_not_believed(
    m: Machine,
) -> None:
    m.server.answers = True
    await m.starts(0.0)
    await m.measures(131)
    assert off_s(await m.hears(131), real_now()) < NEAR_S
    await m.gateway.end()
    await m.starts(-HOURS_S)
    await m.measures(132)
    await m.tells()
    item = await m.hears(132)
    assert off_s(item, real_now()) < NEAR_S
    assert item.flags == ()


@on_a_machine
async def test_a_clock_hours_ahead_is_believed_and_its_readings_say_so(m: Machine) -> None:
    """It is later than all that is known to be past; that the device's differs is flagged."""
    m.server.answers = True
    await m.starts(HOURS_S)
    taken = real_now()
    await m.measures(131)
    item = await m.hears(131)
    assert off_s(item, taken + timedelta(seconds=HOURS_S)) < NEAR_S
    assert item.flags == ("clock_error",)
