"""Looks every second whether something that waits has waited enough: for the time, while the
gateway does not know it, and for the rest of a record that was cut off."""

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
    release: Callable[[], None],
    look_s: float = LOOK_S,
) -> None:
    """Tell that the time is not known, look for it, and release what is due, until cancelled.

    idle: whether no device is being visited, for a session stays on the line on which it began.
    release: makes items of what has waited enough; what it has no room for waits on.
    """
    alarms.set(CLOCK_UNSET, on=clock.line is not None)
    full = False
    while True:
        if idle() and clock.settle():
            alarms.set(CLOCK_UNSET, on=False)
            log.info("the time is known")
        try:
            release()
            full = False
        except StorageFull as error:
            if not full:
                log.warning("no room for what has waited", extra={"why": str(error)})
            full = True
        await asyncio.sleep(look_s)
