"""A gateway is set up where there is no network yet. For thirty days it reads a cuff and a meter,
and is unplugged now and then; then there is a network.

Everything is stored once, in the order of measuring. Two crises of these weeks are no news any
more, and call nobody; one that is measured now does.
"""

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fix_watch import SECRET
from gateway_process import GatewayProcess
from one_gateway import OneGateway, devices
from roles import kill, start_role
from stage import NOON, Stage, address

from yikao_alerts.feed.settings import LINK_SECRET_FILE
from yikao_devices.story_clock import VARIABLE, Clock
from yikao_ingest.demo.stage import free_port
from yikao_ingest.embedded.broker import EmbeddedBroker
from yikao_ingest.registry import parse_registry
from yikao_ingest.registry_store import apply_registry
from yikao_ingest.settings import BROKER_URL, DATABASE_URL, WEBHOOK_SECRET_FILE
from yikao_sim.air.service import Air

GATEWAY, TENANT = "gw-far", "north"
DAYS = 30
UNPLUGGED_EVERY = 6
PRESSURES = {7: (124, 78), 20: (131, 83)}
"""Twice a day, by the hour of the day."""
CRISES = {9: (204, 121), 26: (198, 118)}
"""By the day, at three in the morning."""
STORED = "SELECT address, device_time FROM reading JOIN device USING (device_id)"


@dataclass
class Calendar:
    """What day it is for everybody; seconds pass as they do."""

    clock: Clock

    def goes_to(self, story: datetime) -> None:
        self.clock = Clock(story.timestamp(), time.time(), 1.0)

    def now(self) -> datetime:
        return self.clock.at(time.time())


@dataclass
class Far(OneGateway):
    """The home, and the server that it cannot reach yet."""

    calendar: Calendar
    stage: Stage

    async def passes_days(self, first: int, end: int) -> None:
        """Have somebody measure morning and evening, while nobody hears the devices."""
        air, home = self.stage.air, self.stage.home
        for day in range(first, end):
            midnight = day_of(day)
            if day in CRISES:
                at = midnight + timedelta(hours=3)
                await air.measure_blood_pressure(home, *CRISES[day], 92, at=at, wakes=False)
            for hour, values in PRESSURES.items():
                at = midnight + timedelta(hours=hour, minutes=day)
                await air.measure_blood_pressure(home, *values, 70, at=at, wakes=False)
                await air.measure_glucose(home, 6.1, at=at + timedelta(minutes=5), wakes=False)

    async def has_read_everything(self) -> None:
        """Start the gateway, and let it read what the devices have stored."""
        await self.gateway.start({VARIABLE: self.calendar.clock.spec()})
        for device in self.stage.home.devices().values():
            device.wake()
        measured = len(self.stage.truths)
        await self.until(
            lambda: self.gateway.counts() == {"open": measured}, f"{measured} readings are kept"
        )


def day_of(number: int) -> datetime:
    """Return the midnight, in Shanghai, at which a day begins; the last is today's."""
    return NOON - timedelta(hours=12) - timedelta(days=DAYS - number)


@pytest.fixture
def server(plain_schema_url: str, short_tmp: Path) -> Iterator[Callable[[Clock, str], None]]:
    """Start ingest and evaluator at the time of the story, with a broker."""
    with ExitStack() as ending:

        def start(clock: Clock, url: str) -> None:
            broker = EmbeddedBroker(short_tmp / "broker", port=int(url.rpartition(":")[2]))
            ending.callback(broker.stop)
            assert broker.start() == url
            secret = short_tmp / "secret.key"
            secret.write_bytes(SECRET)
            settings = {
                DATABASE_URL: plain_schema_url,
                BROKER_URL: url,
                VARIABLE: clock.spec(),
                LINK_SECRET_FILE: str(secret),
                WEBHOOK_SECRET_FILE: str(secret),
            }
            for role in ("ingest", "evaluate"):
                child: subprocess.Popen[bytes] = start_role(role, settings)
                ending.callback(kill, child)

        yield start


def test_thirty_days_without_a_network_are_stored_once_and_in_order_and_call_nobody(
    plain_schema_url: str, short_tmp: Path, server: Callable[[Clock, str], None]
) -> None:
    async def play() -> None:
        url = f"mqtt://127.0.0.1:{free_port()}"
        calendar = Calendar(Clock(day_of(0).timestamp(), time.time(), 1.0))
        truths: list[dict[str, Any]] = []
        stage = Stage(short_tmp, Air(calendar.now, on_truth=truths.append), truths)
        gateway = GatewayProcess(short_tmp)
        far = Far(gateway, plain_schema_url, calendar, stage)
        try:
            await stage.open(1)
            devices = map(address, stage.home.devices().values())
            gateway.is_told(devices, gateway=GATEWAY, tenant=TENANT, url=url, radio=stage.spec)
            register(far)
            await month(far)
            server(calendar.clock, url)
            await network(far)
        finally:
            await gateway.close()
            await stage.close()

    asyncio.run(play())


def register(far: Far) -> None:
    addresses = map(address, far.stage.home.devices().values())
    text = far.team(GATEWAY, TENANT, "far") + devices(addresses, GATEWAY, "far")
    apply_registry(far.dsn, parse_registry(text, "far.toml"))


async def month(far: Far) -> None:
    """Read every six days, and be unplugged in between; at last it is the thirtieth day."""
    for first in range(0, DAYS, UNPLUGGED_EVERY):
        end = first + UNPLUGGED_EVERY
        await far.passes_days(first, end)
        far.calendar.goes_to(day_of(end) + timedelta(hours=1))
        await far.has_read_everything()
        if end < DAYS:
            await far.gateway.end()


async def network(far: Far) -> None:
    """Have a network: everything is told, and nobody is called, but for what is measured now."""
    measured = len(far.stage.truths)
    assert measured == DAYS * 4 + len(CRISES)
    await far.until(lambda: far.gateway.counts() == {"stored": measured}, "all is receipted")
    await far.until(lambda: far.rows("SELECT count(*) FROM eval_queue") == [(0,)], "all is judged")
    stored = far.rows(STORED)
    assert len(stored) == measured
    assert set(stored) == {(each["device"], each["device_time"]) for each in far.stage.truths}
    assert in_order(far)
    assert far.rows("SELECT count(*) FROM decision WHERE refusals::text ~ 'too_old'") != [(0,)]
    for table in ("page", "episode", "command", "quarantine", "reading_conflict"):
        assert far.rows(f"SELECT count(*) FROM {table}") == [(0,)], table
    await far.stage.air.measure_blood_pressure(far.stage.home, 212, 124, 96)
    await far.until(lambda: far.rows("SELECT count(*) FROM page") != [(0,)], "somebody is called")


def in_order(far: Far) -> bool:
    """Return whether messages of one kind came in the order in which was measured."""
    messages = dict(far.rows("SELECT reading_id, message_id FROM ingest_ledger"))
    by_kind: dict[str, list[int]] = {}
    for kind, name in far.gateway.rows(
        "SELECT kind, reading_id FROM item WHERE kind <> 'event' ORDER BY measured_at"
    ):
        by_kind.setdefault(kind, []).append(messages[UUID(bytes=name)])
    return all(numbers == sorted(numbers) for numbers in by_kind.values())
