"""Reads every device in the air once: the whole gateway without a server."""

import asyncio
from collections.abc import Callable
from typing import Final

from yikao_gateway.store.outbox import Outbox, Row
from yikao_gateway.store.printed import Printed
from yikao_gateway.visits.agent import Agent

TICK_S: Final = 0.2
"""How often it is asked whether anything still happens."""
COLLECT_MAX_S: Final = 3600.0
"""The end in any case: an air in which ever new devices appear is left after an hour."""
PRINT_MAX: Final = 500
"""Rows taken from the outbox at once."""


class Printer:
    """Hands each item of the outbox that was not printed yet to `show`, in order."""

    def __init__(self, outbox: Outbox, printed: Printed, show: Callable[[Row], None]) -> None:
        self._outbox = outbox
        self._printed = printed
        self._show = show
        self._after = printed.last()
        self.shown = 0

    def flush(self) -> None:
        """Show what has come since."""
        while rows := self._outbox.waiting(PRINT_MAX, self._after):
            for row in rows:
                self._show(row)
            self._after = rows[-1].seq
            self._printed.note(self._after)
            self.shown += len(rows)


async def collect_until_quiet(
    agent: Agent, quiet_s: float, monotonic: Callable[[], float], each_tick: Callable[[], None]
) -> None:
    """Let the agent visit until no new device was heard for `quiet_s` seconds.

    each_tick: called again and again meanwhile. Raises `RadioUnavailable`, `StorageError`, and
    what `each_tick` raises.
    """
    listening = asyncio.create_task(agent.listen())
    watching = asyncio.create_task(_until_quiet(agent, quiet_s, monotonic, each_tick))
    try:
        await asyncio.wait(
            {listening, watching}, timeout=COLLECT_MAX_S, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        for task in (listening, watching):
            task.cancel()
        await asyncio.wait({listening, watching})
    for task in (listening, watching):
        if not task.cancelled():
            task.result()


async def _until_quiet(
    agent: Agent, quiet_s: float, monotonic: Callable[[], float], each_tick: Callable[[], None]
) -> None:
    devices, last_s = 0, monotonic()
    while monotonic() - last_s < quiet_s:
        each_tick()
        await asyncio.sleep(TICK_S)
        if len(agent.tracked) > devices or not agent.idle:
            devices, last_s = len(agent.tracked), monotonic()
