"""Lets the people of a file take their readings, each at its time on the story's clock."""

import asyncio
import time
from collections.abc import Iterable, Mapping

from yikao_devices.story_clock import Clock
from yikao_sim.air.service import Air
from yikao_sim.csv_play import Taken
from yikao_sim.home import Home


async def play(air: Air, homes: Mapping[str, Home], readings: Iterable[Taken], clock: Clock) -> int:
    """Take `readings`, ordered by time, and return how many; what is past is taken at once.

    homes: by person.
    """
    taken = 0
    for reading in readings:
        wait_s = clock.real_time(reading.at) - time.time()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        await _take(air, homes[reading.person], reading)
        taken += 1
    return taken


async def _take(air: Air, home: Home, reading: Taken) -> None:
    if reading.glucose_mmol_l is not None:
        await air.measure_glucose(home, reading.glucose_mmol_l, at=reading.at)
        return
    assert reading.systolic_mmhg is not None and reading.diastolic_mmhg is not None
    await air.measure_blood_pressure(
        home, reading.systolic_mmhg, reading.diastolic_mmhg, reading.pulse_bpm, at=reading.at
    )
