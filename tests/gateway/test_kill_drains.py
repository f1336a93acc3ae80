"""The gateway is killed with -9 again and again while it drains a meter and a cuff: of more
than 2,000 records none is lost, and none has two ids.

The cuff keeps what it has sent, and sends all of it at each visit. One that deletes what was
confirmed can lose the record under way, for Linux confirms it before the gateway hears of it.
Twenty kills; `make torture` kills two hundred times.
"""

import asyncio
import random
import signal
import sys
import time
from pathlib import Path

import pytest
from running_gateway import Running, running_gateway
from stage import eventually

from yikao_devices import topics, wire
from yikao_sim.home import Outfit
from yikao_sim.peripherals.cuff import CuffBehaviour
from yikao_sim.peripherals.glucometer import MeterBehaviour
from yikao_sim.peripherals.peripheral import Peripheral

RECORDS = 2_000
GLUCOSE = "SELECT count(*) FROM item WHERE kind = 'glucose'"
OUTFIT = Outfit(cuff=CuffBehaviour(keeps_records=True), meter=MeterBehaviour(memory=RECORDS))


SHORT, TORTURE = 20, 200
PATIENCE_S = 20.0
"""For each life, on a busy machine."""


@pytest.fixture
def kills(torture: bool) -> int:
    return TORTURE if torture else SHORT


def test_whenever_it_is_killed_no_record_is_lost_and_none_comes_under_two_ids(
    broker_url: str, short_tmp: Path, kills: int, seed: int
) -> None:
    async def play() -> int:
        async with (
            asyncio.timeout(kills * PATIENCE_S),
            running_gateway(broker_url, short_tmp, OUTFIT) as scene,
        ):
            chance = random.Random(seed)
            scene.server.answers = True
            for _ in range(kills):
                if _is_drained(scene):
                    await scene.stores(RECORDS)
                await _measures(scene, chance)
                await _lives_until_killed(scene, chance)
            await _drains(scene)
            _accounts(scene)
            return len(scene.stage.truths)

    began_s = time.monotonic()
    records, took_s = asyncio.run(play()), time.monotonic() - began_s
    sys.stdout.write(f"{kills} kills, {records} records: 0 lost, 0 twice; {took_s:.0f} s\n")


def _is_drained(scene: Running) -> bool:
    """Return whether all results of the meter were read: it would give nothing the next time."""
    measured = sum(truth["kind"] == "glucose" for truth in scene.stage.truths)
    return not measured or scene.gateway.rows(GLUCOSE) == [(measured,)]


async def _measures(scene: Running, chance: random.Random) -> None:
    """Take a blood pressure, each at a second of its own; the cuff is then on the air."""
    await scene.stage.air.measure_blood_pressure(
        scene.home, chance.randrange(100, 160), chance.randrange(60, 95)
    )


async def _lives_until_killed(scene: Running, chance: random.Random) -> None:
    """Start it and kill it: mostly in the middle of the meter's drain."""
    process = await scene.gateway.start(scene.environment)
    died = asyncio.ensure_future(process.wait())
    moment = asyncio.ensure_future(chance.choice(MOMENTS)(scene, chance))
    done, _ = await asyncio.wait({died, moment}, return_when=asyncio.FIRST_COMPLETED)
    assert died not in done, "it ended by itself:\n" + "".join(scene.gateway.said[-20:])
    await scene.gateway.end()
    await died


async def _a_record_of_the_meter(scene: Running, chance: random.Random) -> None:
    assert scene.home.meter is not None
    # Not its last ones: with the last the drain would be over.
    await _sent(scene.home.meter.peripheral, chance.randint(1, RECORDS - 50))


async def _a_record_of_the_cuff(scene: Running, chance: random.Random) -> None:
    assert scene.home.cuff is not None
    await _sent(scene.home.cuff.peripheral, chance.randint(1, scene.home.cuff.stored))


async def _in_the_cuffs_visit(scene: Running, chance: random.Random) -> None:
    cuff = scene.home.cuff
    assert cuff is not None
    await eventually(lambda: cuff.peripheral.link is not None)
    await asyncio.sleep(chance.uniform(0.0, 0.3))


async def _when_it_has_connected(scene: Running, chance: random.Random) -> None:
    boot = scene.gateway.starts
    await scene.server.hears(topics.BIRTH, lambda h: wire.decode_birth(h.payload).boot == boot)
    await asyncio.sleep(chance.uniform(0.0, 0.3))


MOMENTS = (
    *[_a_record_of_the_meter] * 14,
    _a_record_of_the_cuff,
    _in_the_cuffs_visit,
    _when_it_has_connected,
)
"""The cuff may be heard when the meter is drained: rarer, for then that is over."""


async def _sent(device: Peripheral, records: int) -> None:
    """Return when the device has sent so many records on one link."""
    reached = asyncio.Event()

    def on_sent(count: int) -> None:
        if count >= records:
            reached.set()

    device.on_sent = on_sent
    try:
        await reached.wait()
    finally:
        device.on_sent = lambda _: None


async def _drains(scene: Running) -> None:
    """Let it live until the server has everything, and end it in peace."""
    await scene.gateway.start(scene.environment)
    measured = len(scene.stage.truths)

    def all_stored() -> bool:
        counts = scene.gateway.counts()
        return counts.get("open", 0) == 0 and counts.get("stored", 0) == measured

    await eventually(all_stored)
    assert await scene.gateway.end(signal.SIGTERM) == 0


def _accounts(scene: Running) -> None:
    """Compare what was measured with what the server's end heard, and with the outbox."""
    true, told = scene.measured(), scene.told()
    assert set(told) == true, "none lost and none invented"
    assert all(len(ids) == 1 for ids in told.values()), "each under one id"
    assert scene.gateway.counts() == {"stored": len(true)}
    assert scene.gateway.rows("SELECT count(*) FROM frame") == [(0,)]
    assert scene.gateway.rows("SELECT count(*) FROM item WHERE state = 'damaged'") == [(0,)]
