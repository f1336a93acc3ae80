"""What is tried on real BlueZ, each with devices of its own.

The simulated radio of the tests behaves as we believe BlueZ does; here is shown that it does.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from guest import Gateway
from stage import (
    CUFF_RECORDS,
    JUST_WORKS,
    METER_RECORDS,
    NO_PAIRING,
    RECORD_S,
    Mismatch,
    Owner,
    Stage,
    agree,
    events,
    readings,
)

from yikao_sim.peripherals.pairing import Protection, Way

PASSKEY: Final = 357951
DROP_AFTER: Final = 41
"""Records after which the link is lost."""
SLOW_RECORD_S: Final = 0.2
LOOP_WATCH_S: Final = 15.0
LOOP_LINKS_MAX: Final = 7
"""The gateway needs five to be sure; bluetoothd may add one or two before it is told to stop."""
STALE_BOND: Final = "stale_bond"


async def plain_cuff(stage: Stage) -> None:
    """A cuff without pairing: every indication stored"""
    await _read_once(stage, await stage.cuff(NO_PAIRING), CUFF_RECORDS)


async def plain_meter(stage: Stage) -> None:
    """A meter without pairing: all records by RACP, with their meals"""
    await _read_once(stage, await stage.meter(NO_PAIRING), METER_RECORDS)


async def just_works(stage: Stage) -> None:
    """A cuff that pairs by "just works", confirmed by our own agent"""
    cuff = await stage.cuff(JUST_WORKS)
    await _read_once(stage, cuff, CUFF_RECORDS)
    _paired(cuff, times=1)


async def passkey(stage: Stage) -> None:
    """A meter that shows six digits, entered by our own agent"""
    meter = await stage.meter(Protection(Way.PASSKEY, PASSKEY))
    await _read_once(stage, meter, METER_RECORDS, f"--passkey {meter.address}={PASSKEY}")
    _paired(meter, times=1)


async def bonded_again(stage: Stage) -> None:
    """A bonded cuff is read a second time without pairing"""
    cuff = await stage.cuff(JUST_WORKS)
    await cuff.has_measured(CUFF_RECORDS)
    async with stage.gateway(cuff) as gateway:
        await _has(gateway, CUFF_RECORDS)
        await cuff.has_measured(1)
        await _has(gateway, CUFF_RECORDS + 1)
        agree(cuff, gateway.items)
    _paired(cuff, times=1)
    if cuff.watch.links < 2:
        raise Mismatch("there was no second session")


async def bond_survives(stage: Stage) -> None:
    """The bond outlives gateway and bluetoothd, both killed"""
    cuff = await stage.cuff(JUST_WORKS)
    await cuff.has_measured(CUFF_RECORDS)
    async with stage.gateway(cuff, end="KILL") as before:
        await _has(before, CUFF_RECORDS)
    await stage.guest.ask("restart_bluetoothd")
    await cuff.has_measured(1)
    async with stage.gateway(cuff) as after:
        await _has(after, 1)
    agree(cuff, [*before.items, *after.items])
    _paired(cuff, times=1)


async def link_lost(stage: Stage) -> None:
    """The link is lost in mid-drain; the meter is read again, each record stored once"""
    meter = await stage.meter(JUST_WORKS)
    meter.peripheral.faults.drop_link_after = DROP_AFTER
    await _read_once(stage, meter, METER_RECORDS)
    if meter.watch.links < 2:
        raise Mismatch("the link was not lost")


async def gateway_killed(stage: Stage) -> None:
    """The gateway is killed in mid-drain; the next one reads the meter, still connected"""
    meter = await stage.meter(JUST_WORKS)
    await meter.has_measured(METER_RECORDS)
    meter.peripheral.faults.pace_s = SLOW_RECORD_S
    half = asyncio.Event()
    meter.peripheral.on_sent = lambda sent: half.set() if sent == METER_RECORDS // 2 else None
    async with stage.gateway(meter, end="KILL") as before:
        await half.wait()
    meter.peripheral.faults.pace_s = RECORD_S
    async with stage.gateway(meter) as after:
        await _has(after, METER_RECORDS)
    agree(meter, [*before.items, *after.items])


async def stale_bond(stage: Stage) -> None:
    """The cuff has lost its bond: a person is told once, nothing is paired, no loop"""
    cuff = await stage.cuff(JUST_WORKS)
    await _read_once(stage, cuff, CUFF_RECORDS)
    await cuff.peripheral.forget_bonds()
    links, pairings = cuff.watch.links, cuff.watch.pairings
    await cuff.has_measured(1)
    async with stage.gateway(cuff) as gateway:
        await gateway.shows(lambda items: STALE_BOND in events(items))
        await asyncio.sleep(LOOP_WATCH_S)
        told = events(gateway.items)
    if told.count(STALE_BOND) != 1:
        raise Mismatch(f"told {told}, expected {STALE_BOND} once")
    if cuff.watch.pairings != pairings:
        raise Mismatch("paired anew without a person")
    if cuff.watch.links - links > LOOP_LINKS_MAX:
        raise Mismatch(f"{cuff.watch.links - links} connections in {LOOP_WATCH_S:g} s")


Scenario = Callable[[Stage], Awaitable[None]]
SCENARIOS: Final[tuple[Scenario, ...]] = (
    plain_cuff,
    plain_meter,
    just_works,
    passkey,
    bonded_again,
    bond_survives,
    link_lost,
    gateway_killed,
    stale_bond,
)


async def _read_once(stage: Stage, owner: Owner, records: int, *options: str) -> None:
    """Let `owner` measure and one gateway read it all."""
    await owner.has_measured(records)
    async with stage.gateway(owner, *options) as gateway:
        await _has(gateway, records)
        agree(owner, gateway.items)


async def _has(gateway: Gateway, records: int) -> None:
    await gateway.shows(lambda items: readings(items).total() >= records)


def _paired(owner: Owner, times: int) -> None:
    if owner.watch.pairings != times:
        raise Mismatch(f"paired {owner.watch.pairings} times, expected {times}")
