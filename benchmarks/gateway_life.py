"""A `yikao-gateway run` beside a simulated meter and a broker, and what its own /proc says."""

import asyncio
import json
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from yikao_devices import topics, wire
from yikao_sim.control_client import ask

METER_AIR = Path(__file__).with_name("meter_air.py")
TENANT, GATEWAY = "t", "gw-bench"
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
USED = slice(11, 13)
"""User and system time, fields after the name in /proc/PID/stat: proc_pid_stat(5)."""
READY_S = 30.0
READS_S = 30.0
LOOK_S = 0.02
EVER = "SELECT seq FROM sqlite_sequence WHERE name = 'item'"


@dataclass(frozen=True, slots=True)
class Air:
    """A simulated home: where its radio and its remote control are, and its meter."""

    listen: str
    control: str
    meter: str

    async def measure(self, mmol_l: float) -> None:
        await ask(self.control, {"do": "measure", "home": "h1", "glucose_mmol_l": mmol_l})


@dataclass(frozen=True, slots=True)
class Living:
    """A gateway that runs."""

    pid: int
    folder: Path

    def memory_mb(self) -> float:
        """Return its resident memory in MB (10^6 bytes)."""
        pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * PAGE_BYTES / 1e6

    def cpu_s(self) -> float:
        """Return the processor seconds it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[USED])) * TICK_S

    def stored(self) -> int:
        """Return how many items its outbox has ever taken."""
        path = self.folder / "outbox.sqlite3"
        if not path.exists():
            return 0
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            try:
                found = database.execute(EVER).fetchone()
            except sqlite3.OperationalError:  # it is only just being made
                return 0
        return found[0] if found else 0

    async def has_stored(self, count: int) -> None:
        async with asyncio.timeout(READS_S):
            while self.stored() < count:
                await asyncio.sleep(LOOK_S)


@asynccontextmanager
async def air(folder: Path, stored: int = 0) -> AsyncIterator[Air]:
    """A simulator with one meter, in a process of its own."""
    argv = [str(METER_AIR), str(folder), str(stored)]
    async with _process(argv, stdout=asyncio.subprocess.PIPE) as process:
        assert process.stdout is not None
        async with asyncio.timeout(READY_S):
            told = json.loads(await process.stdout.readline())
        (device,) = told["homes"][0]["devices"]
        yield Air(told["listen"], told["control"], device["address"])


@asynccontextmanager
async def gateway(
    folder: Path, air: Air, broker: str, settings: Mapping[str, float]
) -> AsyncIterator[Living]:
    """A gateway that reads the meter of `air`, once it has read it."""
    config, state = folder / "gateway.toml", folder / "state"
    config.write_text(
        f'id = "{GATEWAY}"\ntenant = "{TENANT}"\nbroker_url = "{broker}"\n'
        f'radio = "sim:{air.listen}"\nstate_dir = "{state}"\ntimezone = "Asia/Shanghai"\n'
        + "".join(f"{key} = {value}\n" for key, value in settings.items())
        + f'[[devices]]\naddress = "{air.meter}"\n'
    )
    argv = ["-m", "yikao_gateway.cli", "run", "--config", str(config)]
    with (folder / "gateway.log").open("wb") as log:
        async with _process(argv, stderr=log, stdout=log) as process:
            yield Living(process.pid, state)


@asynccontextmanager
async def receipts(broker: str) -> AsyncIterator[None]:
    """A client that gives a receipt for every item, as the server does."""
    client = Client(CallbackAPIVersion.VERSION2, "bench-server", protocol=MQTTv5)
    ready = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_message(_: Any, __: Any, message: MQTTMessage) -> None:
        items = wire.decode_message(message.payload).items
        ids = tuple(wire.decode_item(raw).reading_id for raw in items)
        receipt = wire.encode(wire.Receipt(datetime.now(UTC), ids))
        client.publish(topics.topic(TENANT, GATEWAY, topics.RECEIPT), receipt, qos=1)

    client.on_message = on_message
    client.on_subscribe = lambda *_: loop.call_soon_threadsafe(ready.set)
    address = urlsplit(broker)
    client.connect(address.hostname or "", address.port or 0)
    client.loop_start()
    try:
        channels = (f"{topics.READING}/+", topics.EVENT)
        client.subscribe([(topics.topic(TENANT, GATEWAY, each), 1) for each in channels])
        async with asyncio.timeout(READY_S):
            await ready.wait()
        yield
    finally:
        client.disconnect()
        await asyncio.to_thread(client.loop_stop)


@asynccontextmanager
async def _process(argv: list[str], **streams: Any) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(sys.executable, *argv, **streams)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
