"""Runs one air as a process: homes switched on, gateways served, readings taken, until stopped."""

import asyncio
import contextlib
import json
import logging
import random
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

from yikao_devices.story_clock import Clock
from yikao_sim.air.server import AirServer
from yikao_sim.air.service import Air, Truth
from yikao_sim.control import Control, describe
from yikao_sim.csv_play import Taken, in_order
from yikao_sim.errors import SimError
from yikao_sim.home import Home, Outfit
from yikao_sim.play import play

log = logging.getLogger(__name__)

STORED_EVERY = timedelta(hours=12)
"""Stored records lie this far apart: one in the morning, one in the evening."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What one air is made of; `people` are whose readings are taken, in the order of homes."""

    listen: str
    homes: int
    clock: Clock
    outfit: Outfit = field(default_factory=Outfit)
    people: Mapping[str, list[Taken]] = field(default_factory=dict)
    first_home: int = 1
    """The home of the first of them."""
    stored: int = 0
    control: str | None = None
    truth: Path | None = None


async def serve(settings: Settings, on_ready: Callable[[dict[str, Any]], None]) -> None:
    """Serve until SIGINT or SIGTERM; `on_ready` is told once where and what. Raises `SimError`."""
    stopped = _stop_signal()
    clock = settings.clock
    async with contextlib.AsyncExitStack() as stack:
        tell = stack.enter_context(truth_log(settings.truth))
        air = Air(lambda: clock.at(time.time()), settings.outfit, tell)
        stack.push_async_callback(air.close)
        homes = await furnish_all(air, settings)
        server = AirServer(air.link)
        await server.start(settings.listen)
        stack.push_async_callback(server.close)
        if settings.control is not None:
            control = Control(air)
            await control.start(settings.control)
            stack.push_async_callback(control.close)
        on_ready(
            {
                "ready": True,
                "listen": server.address,
                "control": settings.control,
                "homes": [describe(home) for home in homes],
            }
        )
        await _take_until(stopped, air, homes, settings)


async def furnish_all(air: Air, settings: Settings) -> list[Home]:
    """Switch on the homes of `settings` and fill their devices' memories."""
    before = [None] * (settings.first_home - 1)
    names = [*before, *settings.people, *[None] * settings.homes][: settings.homes]
    homes = [await air.add_home(name) for name in names]
    now = settings.clock.at(time.time())
    for home in homes:
        await _fill(air, home, settings, now)
    return homes


async def _fill(air: Air, home: Home, settings: Settings, now: datetime) -> None:
    """Store plausible records of the past days, and switch the radios on."""
    chance = random.Random(f"{settings.outfit.seed}/{home.id}/stored")
    for back in range(settings.stored, 0, -1):
        await _take_one(air, home, now - back * STORED_EVERY, chance)
    if settings.stored:
        for device in home.devices().values():
            device.wake()


async def _take_one(air: Air, home: Home, at: datetime, chance: random.Random) -> None:
    """Measure once with each device that stores what it measures."""
    if home.cuff is not None:
        systolic, diastolic = chance.randint(118, 158), chance.randint(68, 96)
        pulse = chance.randint(58, 92)
        await air.measure_blood_pressure(home, systolic, diastolic, pulse, at=at, wakes=False)
    if home.meter is not None:
        mmol_l = round(chance.uniform(4.4, 11.8), 1)
        await air.measure_glucose(home, mmol_l, at=at, wakes=False)
    if home.scale is not None:
        kg = round(chance.uniform(68.0, 70.0), 1)
        await air.measure_weight(home, kg, at=at, wakes=False)
    if home.thermometer is not None:
        degrees_c = round(chance.uniform(36.2, 37.2), 1)
        await air.measure_temperature(home, degrees_c, at=at, wakes=False)
    if home.oximeter is not None:
        await air.measure_oxygen(home, chance.randint(94, 99), 70, at=at, wakes=False)


async def _take_until(
    stopped: asyncio.Event, air: Air, homes: list[Home], settings: Settings
) -> None:
    by_person = {home.person: home for home in homes}
    readings = in_order(own for who, own in settings.people.items() if who in by_person)
    taking = asyncio.create_task(play(air, by_person, readings, settings.clock))
    waiting = asyncio.create_task(stopped.wait())
    try:
        await asyncio.wait({taking, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if taking.done():
            log.info("all readings taken", extra={"readings": taking.result()})
            await waiting
    finally:
        for task in (taking, waiting):
            task.cancel()
        await asyncio.gather(taking, waiting, return_exceptions=True)


@contextlib.contextmanager
def truth_log(path: Path | None) -> Iterator[Callable[[Truth], None]]:
    """Give a function that appends to the ground truth, one JSON object per line."""
    if path is None:
        yield lambda _: None
        return
    try:
        file = path.open("a", encoding="utf-8", buffering=1)
    except OSError as error:
        raise SimError(f"cannot write {path}: {error.strerror}") from error
    with file:
        yield lambda truth: _append(file, truth)


def _stop_signal() -> asyncio.Event:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    return stopped


def _append(file: TextIO, truth: Truth) -> None:
    file.write(json.dumps(truth, ensure_ascii=False) + "\n")
