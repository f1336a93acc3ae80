"""Waits until the gateway knows the time, and has then dated what arrived before."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from yikao_gateway.errors import StorageFull
from yikao_gateway.household.alarms import Alarms
from yikao_gateway.household.home_clock import HomeClock

log = logging.getLogger(__name__)

CLOCK_UNSET: Final = "gateway_clock_unset"
"""The trouble; its event is an item, whose receipt brings the server's time."""
LOOK_S: Final = 1.0


async def keep_time(
    clock: HomeClock,
    alarms: Alarms,
    idle: Callable[[], bool],
    date: Callable[[], None],
    look_s: float = LOOK_S,
) -> None:
    """Tell that the time is not known, and look for it until cancelled.

    idle: whether no device is being visited, for a session stays on the line on which it began.
    date: makes items of what waited for the time; what it has no room for waits on.
    """
    alarms.set(CLOCK_UNSET, on=clock.line is not None)
    while True:
        if idle() and clock.settle():
            alarms.set(CLOCK_UNSET, on=False)
            log.info("the time is known")
            try:
                date()
            except StorageFull as error:
                log.warning("no room for what waited for the time", extra={"why": str(error)})
        await asyncio.sleep(look_s)
