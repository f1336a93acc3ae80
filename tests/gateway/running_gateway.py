"""For tests of the gateway as a process: devices on the air, a broker, and the server's end."""

import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from gateway_process import GatewayProcess
from server_end import TENANT, ServerEnd, server_end
from stage import NOON, Stage, address

from yikao_devices import topics, wire
from yikao_devices.story_clock import VARIABLE, Clock
from yikao_sim.air.service import Air
from yikao_sim.home import Home, Outfit

BLOOD_PRESSURE, GLUCOSE = f"{topics.READING}/blood_pressure", f"{topics.READING}/glucose"
LONG_AGO = NOON - timedelta(days=60)
Record = tuple[str, str]
"""A device, and the time that it gave."""


@dataclass
class Running:
    """One home, its gateway, and the server's end."""

    stage: Stage
    server: ServerEnd
    gateway: GatewayProcess
    environment: dict[str, str]
    _told: dict[Record, set[UUID]] = field(default_factory=dict)
    _heard: int = 0

    @property
    def home(self) -> Home:
        return self.stage.home

    async def stores(self, count: int) -> None:
        """Let its meter have so many results more, taken long ago, a minute from each other."""
        first = len(self.stage.truths)
        for number in range(first, first + count):
            at = LONG_AGO + timedelta(minutes=number)
            value = 4.0 + number % 90 / 10
            await self.stage.air.measure_glucose(self.home, value, at=at, wakes=False)

    def told(self) -> dict[Record, set[UUID]]:
        """Return the ids of each record that the server's end has heard of."""
        everything = self.server.everything
        for heard in everything[self._heard :]:
            if heard.channel in (BLOOD_PRESSURE, GLUCOSE):
                for item in heard.items:
                    assert isinstance(item, wire.BloodPressureReading | wire.GlucoseReading)
                    record = (item.device, str(item.clocks.t_dev))
                    self._told.setdefault(record, set()).add(item.reading_id)
        self._heard = len(everything)
        return self._told

    def measured(self) -> set[Record]:
        """Return all that was measured."""
        records = [(truth["device"], truth["device_time"]) for truth in self.stage.truths]
        assert len(set(records)) == len(records)
        return set(records)


@contextlib.asynccontextmanager
async def running_gateway(url: str, folder: Path, outfit: Outfit) -> AsyncIterator[Running]:
    """Give a home whose gateway has not been started, and end everything behind it."""
    clock = Clock(NOON.timestamp(), time.time(), 1.0)
    truths: list[dict[str, Any]] = []
    stage = Stage(folder, Air(lambda: clock.at(time.time()), outfit, truths.append), truths)
    async with server_end(url) as server:
        gateway = GatewayProcess(folder)
        try:
            await stage.open(1)
            devices = map(address, stage.home.devices().values())
            settings = {"gateway": server.gateway, "tenant": TENANT, "url": url}
            gateway.is_told(devices, radio=stage.spec, **settings)
            yield Running(stage, server, gateway, {VARIABLE: clock.spec()})
        finally:
            await gateway.close()
            await stage.close()
