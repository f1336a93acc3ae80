"""Sees to the outbox while the gateway runs: makes room, tells people, stops reading when it must.

A device keeps its records, so at the bound nothing is read any more, loudly, and reading begins by
itself when there is room. What the server has goes first, in small steps; what it has not is never
deleted.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from yikao_gateway.errors import StorageFull
from yikao_gateway.household.alarms import Alarms
from yikao_gateway.store.room import Level, level_of, makes_room
from yikao_gateway.store.stock import Stock

log = logging.getLogger(__name__)

LOOK_S: Final = 2.0
"""How often it is looked how full the outbox is; devices bring less than 10 MB in that time."""
STEP_S: Final = 0.02
"""The pause between two steps of making room, in which readings are stored."""
RETENTION: Final = timedelta(days=90)
"""How long items are kept that the server has: so long a device's repetition is known as one."""
LOSSES_MAX: Final = 100
"""Damaged items that are told at one look."""


class Keeper:
    """Keeps one outbox; `run` it, and give `guard` what reads devices. now: aware."""

    def __init__(self, stock: Stock, alarms: Alarms, now: Callable[[], datetime]) -> None:
        self._stock = stock
        self._alarms = alarms
        self._now = now
        self._level = Level.AMPLE
        self._making_room = False
        self._refused = False
        self._open = asyncio.Event()
        self._shut = asyncio.Event()
        self._open.set()

    async def run(self) -> None:
        """Keep the outbox until cancelled. Raises `StorageError` when it cannot be used at all."""
        while True:
            await asyncio.sleep(self.look())

    async def guard(self, read: Callable[[], Awaitable[None]]) -> None:
        """Read devices while there is room for what they say, until cancelled.

        read: is cancelled when there is none, and called anew when there is. Raises what it
        raises, but for `StorageFull`.
        """
        while True:
            await self._open.wait()
            reading = asyncio.ensure_future(read())
            shut = asyncio.ensure_future(self._shut.wait())
            try:
                await asyncio.wait({reading, shut}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (reading, shut):
                    task.cancel()
                # What was being read is stored as far as it came.
                await asyncio.wait({reading, shut})
            try:
                with contextlib.suppress(asyncio.CancelledError):
                    reading.result()
            except StorageFull as error:
                self._refuse(error)

    def look(self) -> float:
        """Do what is to be done now; return in how many seconds to look again."""
        try:
            if self._refused:
                self._stock.probe()
                self._refused = False
            self._alarms.catch_up()
            self._tell_losses()
            return self._make_room()
        except StorageFull as error:
            self._refuse(error)
            return LOOK_S

    def _make_room(self) -> float:
        room = self._stock.room()
        self._making_room = makes_room(room, self._making_room)
        now = self._now()
        before = now if self._making_room else now - RETENTION
        if self._stock.purge(before, rejected=self._making_room):
            return STEP_S
        self._set(level_of(room, self._level))
        return LOOK_S

    def _tell_losses(self) -> None:
        if losses := self._stock.losses(LOSSES_MAX):
            self._alarms.lost(losses)
            self._stock.told(losses)

    def _refuse(self, error: StorageFull) -> None:
        if not self._refused:
            log.error("outbox takes nothing more", extra={"why": str(error)})
        self._refused = True
        # Even so what the server has may go: that writes over pages which are there already.
        with contextlib.suppress(StorageFull):
            self._stock.purge(self._now(), rejected=True)
        self._set(Level.FULL)

    def _set(self, level: Level) -> None:
        self._level = level
        full = level is Level.FULL
        self._alarms.set("outbox_nearly_full", on=level is not Level.AMPLE)
        self._alarms.set("outbox_full", on=full)
        if full == self._shut.is_set():
            return
        if full:
            log.error("no room: devices are not read")
            self._open.clear()
            self._shut.set()
        else:
            log.info("there is room again")
            self._shut.clear()
            self._open.set()
