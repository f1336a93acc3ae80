"""A scale, a thermometer, an oximeter and a strap at home: from the device to the server's table.

Nobody is called for any of it.
"""

import asyncio
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from gateway_process import GatewayProcess
from one_gateway import PATIENCE_S, OneGateway, devices
from roles import kill, start_role
from stage import NOON, Stage, address, sent

from yikao_devices.minutes import SAMPLES_MIN
from yikao_devices.story_clock import VARIABLE, Clock
from yikao_ingest.demo.stage import free_port
from yikao_ingest.embedded.broker import EmbeddedBroker
from yikao_ingest.registry import parse_registry
from yikao_ingest.registry_store import apply_registry
from yikao_ingest.settings import BROKER_URL, DATABASE_URL
from yikao_sim.air.service import Air
from yikao_sim.home import Outfit
from yikao_sim.peripherals.oximeter import OximeterBehaviour
from yikao_sim.peripherals.store import RecorderBehaviour
from yikao_sim.peripherals.strap import StrapBehaviour

GATEWAY, TENANT = "gw-vitals", "south"
CLOCK = Clock(NOON.timestamp(), time.time(), 1e-6)
"""It is noon all the time, so that all samples of the strap are of one minute."""
OUTFIT = Outfit(
    cuff=None,
    meter=None,
    scale=RecorderBehaviour(),
    thermometer=RecorderBehaviour(),
    oximeter=OximeterBehaviour(),
    strap=StrapBehaviour(every_s=0.02),
)
STORED = (
    "SELECT kind, weight_kg, temperature_c, spo2_pct, pulse_bpm, unit, place FROM reading"
    " ORDER BY kind"
)


@pytest.fixture
def broker_url(plain_schema_url: str, short_tmp: Path) -> Iterator[str]:
    """A broker, and an ingest that listens there."""
    with ExitStack() as ending:
        broker = EmbeddedBroker(short_tmp / "broker", port=free_port())
        ending.callback(broker.stop)
        url = broker.start()
        settings = {DATABASE_URL: plain_schema_url, BROKER_URL: url, VARIABLE: CLOCK.spec()}
        child: subprocess.Popen[bytes] = start_role("ingest", settings)
        ending.callback(kill, child)
        yield url


def test_what_is_measured_with_each_device_stands_in_the_table_and_calls_nobody(
    plain_schema_url: str, short_tmp: Path, broker_url: str
) -> None:
    async def play() -> None:
        stage = Stage(short_tmp, Air(lambda: NOON, OUTFIT), [])
        gateway = GatewayProcess(short_tmp)
        server = OneGateway(gateway, plain_schema_url)
        try:
            await stage.open(1)
            addresses = [address(device) for device in stage.home.devices().values()]
            settings = {"gateway": GATEWAY, "tenant": TENANT, "radio": stage.spec}
            gateway.is_told(addresses, url=broker_url, **settings)
            text = server.team(GATEWAY, TENANT, "li") + devices(addresses, GATEWAY, "li")
            apply_registry(server.dsn, parse_registry(text, "vitals.toml"))
            await gateway.start({VARIABLE: CLOCK.spec()})
            async with asyncio.timeout(PATIENCE_S):
                await measures(stage)
            await stored(server)
        finally:
            await gateway.close()
            await stage.close()

    asyncio.run(play())


async def measures(stage: Stage) -> None:
    air, home = stage.air, stage.home
    assert home.strap is not None
    await air.wear_strap(home, 64, for_min=600)
    await sent(home.strap, SAMPLES_MIN * 2)
    await air.measure_weight(home, 71.5)
    await air.measure_temperature(home, 39.4, site=1)
    await air.measure_oxygen(home, 84, 118)


async def stored(server: OneGateway) -> None:
    rows = [
        ("heart_rate", None, None, None, 64.0, "/min", "home"),
        ("oximetry", None, None, 84.0, 118.0, "%", "home"),
        ("temperature", None, 39.4, None, None, "Cel", "home"),
        ("weight", 71.5, None, None, None, "kg", "home"),
    ]
    await server.until(lambda: server.rows(STORED) == rows, "all are stored")
    for table in ("page", "episode", "command", "quarantine", "reading_conflict", "eval_queue"):
        assert server.rows(f"SELECT count(*) FROM {table}") == [(0,)], table
