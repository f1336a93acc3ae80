"""The whole gateway as its own process: simulated air on one side, a real broker on the other."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx
from gateway_parts import HOME
from server_end import TENANT, ServerEnd, server_end
from stage import NOON, Stage, address, eventually

from yikao_devices import topics, wire
from yikao_devices.story_clock import Clock
from yikao_devices.wire import BloodPressureReading, DeviceEvent, GlucoseReading, SymptomReport
from yikao_sim.air.service import Air
from yikao_sim.home import Outfit
from yikao_sim.peripherals.pairing import parse_protection

STORY_MAX_S = 60.0
LOOK_EVERY_S = 0.05


@dataclass
class House:
    """A home: devices on the air, a gateway's settings, and the server's end of its broker."""

    stage: Stage
    server: ServerEnd
    config: Path
    environment: dict[str, str]
    running: list[asyncio.subprocess.Process] = field(default_factory=list)

    async def command(self, *words: str, code: int = 0) -> str:
        """Run `yikao-gateway`, check its exit code, and return what it printed."""
        process = await self._spawn(*words)
        out, _ = await process.communicate()
        assert process.returncode == code
        return out.decode()

    async def runs(self) -> asyncio.subprocess.Process:
        """Start the gateway and wait until it is connected."""
        process = await self._spawn("run", "--config", str(self.config))
        self.running.append(process)
        await self.server.hears(topics.STATUS, lambda h: _word(h.payload) == "online")
        return process

    def serves_a_page(self) -> str:
        """Let the next gateway serve its page on a free port; return where."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.environment["YIKAO_GATEWAY_PAGE"] = f"127.0.0.1:{port}"
        return f"http://127.0.0.1:{port}"

    async def _spawn(self, *words: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "yikao_gateway.cli",
            *words,
            env=os.environ | self.environment,
            stdout=asyncio.subprocess.PIPE,
        )

    async def close(self) -> None:
        for process in self.running:
            if process.returncode is None:
                process.kill()
                await process.wait()


def _word(payload: bytes) -> str:
    return wire.decode_status(payload).s


@contextlib.asynccontextmanager
async def house(url: str, folder: Path, outfit: Outfit | None = None) -> AsyncIterator[House]:
    clock = Clock(NOON.timestamp(), time.time(), 1.0)
    stage = Stage(folder, Air(lambda: clock.at(time.time()), outfit), [])
    async with server_end(url) as server:
        config = folder / "gateway.toml"
        home = House(stage, server, config, {"YIKAO_CLOCK": clock.spec()})
        try:
            await stage.open(1)
            ours = stage.home.devices().values()
            config.write_text(
                f'id = "{server.gateway}"\ntenant = "{TENANT}"\nbroker_url = "{url}"\n'
                f'radio = "{stage.spec}"\nstate_dir = "{folder}/state"\n'
                'timezone = "Asia/Shanghai"\nreread_s = 2\neager_s = 0.2\n'
                + "".join(f'[[devices]]\naddress = "{address(each)}"\n' for each in ours)
            )
            yield home
        finally:
            await home.close()
            await stage.close()


Story = Callable[[House], Awaitable[None]]


def at_home(story: Story) -> Callable[[str, Path], None]:
    """Make a test of a story at one home."""

    def test(broker_url: str, short_tmp: Path) -> None:
        async def play() -> None:
            async with asyncio.timeout(STORY_MAX_S), house(broker_url, short_tmp) as home:
                await story(home)

        asyncio.run(play())

    test.__doc__ = story.__doc__
    return test


@at_home
async def test_a_measurement_reaches_the_server_and_an_answer_the_home(home: House) -> None:
    home.server.answers = True
    process = await home.runs()
    started = asyncio.get_running_loop().time()
    await home.stage.air.measure_blood_pressure(home.stage.home, 186, 112, 91)
    (heard,) = await home.server.hears_items(1)
    took_s = asyncio.get_running_loop().time() - started
    (item,) = heard.items
    assert isinstance(item, BloodPressureReading)
    assert (item.systolic_mmhg, item.diastolic_mmhg, item.pulse_bpm) == (186.0, 112.0, 91.0)
    assert item.measured_at.utcoffset() is not None
    assert abs(item.measured_at - NOON) < timedelta(seconds=30)
    assert not heard.message.historical
    assert took_s < 10
    command = wire.Command(
        uuid4(), "measure_again", item.device, "请再量一次", "again", NOON + timedelta(hours=1)
    )
    home.server.says(topics.COMMAND, wire.encode(command))
    assert process.stdout is not None
    prompt = json.loads(await process.stdout.readline())["prompt"]
    assert (prompt["command_id"], prompt["text"]) == (str(command.command_id), "请再量一次")
    await home.server.hears(topics.COMMAND_RESULT)
    process.terminate()
    assert await process.wait() == 0
    await home.server.hears(topics.STATUS, lambda h: _word(h.payload) == "offline")


@at_home
async def test_a_killed_gateway_leaves_a_last_will_and_loses_nothing(home: House) -> None:
    first = await home.runs()
    await home.stage.air.measure_glucose(home.stage.home, 2.8, meal="fasting")
    (unanswered,) = await home.server.hears_items(1)
    first.send_signal(signal.SIGKILL)
    await first.wait()
    will = await home.server.hears(topics.STATUS, lambda h: _word(h.payload) == "offline")
    assert wire.decode_status(will.payload).boot == 1
    await home.stage.air.measure_glucose(home.stage.home, 3.9)
    home.server.answers = True
    await home.runs()
    heard = await home.server.hears_items(2)
    items = {item.reading_id: item for each in heard for item in each.items}
    assert unanswered.ids[0] in items
    sugars = [item.glucose_mmol_l for item in items.values() if isinstance(item, GlucoseReading)]
    assert sorted(sugars, key=str) == [2.8, 3.9]
    assert {each.message.boot for each in heard} == {2}


@at_home
async def test_people_and_tools_work_beside_a_running_gateway(home: House) -> None:
    home.server.answers = True
    await home.runs()
    config = ("--config", str(home.config))
    cuff = address(home.stage.home.cuff)
    await home.command("report", *config, "--device", cuff, "chest_pain", "cold_sweat")
    (heard,) = await home.server.hears_items(1)
    (item,) = heard.items
    assert heard.channel == "reading/symptom"
    assert isinstance(item, SymptomReport)
    assert item.symptoms == ("chest_pain", "cold_sweat")
    assert item.measured_at.astimezone(HOME).date() == NOON.date()
    await home.command("call-me", *config)
    (heard,) = await home.server.hears_items(1)
    (item,) = heard.items
    assert heard.channel == topics.EVENT
    assert isinstance(item, DeviceEvent)
    assert (item.code, item.device) == ("call_me", home.server.gateway)
    assert "rejected" in await home.command("outbox", *config)
    counts = json.loads(await home.command("outbox", *config, "--json"))
    assert counts["damaged"] == 0
    await home.command("run", *config, code=1)
    checked = await home.command("check", *config)
    assert "FAIL" not in checked
    key = (await home.command("key", *config)).strip()
    assert len(key) == 43


@at_home
async def test_a_radio_that_goes_is_told_and_used_again(home: House) -> None:
    home.server.answers = True
    await home.runs()
    await home.stage.server.close()
    event = await home.server.hears(topics.EVENT)
    (item,) = event.items
    assert isinstance(item, DeviceEvent)
    assert (item.code, item.device) == ("radio_unavailable", home.server.gateway)
    await home.stage.serve()
    await home.stage.air.measure_blood_pressure(home.stage.home, 131, 80, 70)
    await home.server.hears("reading/blood_pressure")


@at_home
async def test_the_page_shows_what_is_asked_until_it_is_done(home: House) -> None:
    home.server.answers = True
    url = home.serves_a_page()
    first = await home.runs()
    cuff = address(home.stage.home.cuff)
    asked = wire.Command(
        uuid4(), "measure_again", cuff, "请再量一次血压", "again", NOON + timedelta(hours=1)
    )
    other = wire.Command(uuid4(), "show", cuff, "请坐下休息", "rest", NOON + timedelta(minutes=20))
    home.server.says(topics.COMMAND, wire.encode(asked))
    await home.server.hears(topics.COMMAND_RESULT)
    first.kill()
    await first.wait()
    second = await home.runs()
    for command in (asked, other):
        home.server.says(topics.COMMAND, wire.encode(command))
        await home.server.hears(topics.COMMAND_RESULT)
    assert second.stdout is not None
    prompt = json.loads(await second.stdout.readline())["prompt"]
    assert prompt["text"] == "请坐下休息", "what was said before the restart is not said again"
    async with httpx.AsyncClient(base_url=url) as browser:
        assert "请再量一次血压" in (await browser.get("/")).text
        await home.stage.air.measure_blood_pressure(home.stage.home, 131, 80, 70)
        await home.server.hears("reading/blood_pressure")
        while "请再量一次血压" in (await browser.get("/")).text:
            await asyncio.sleep(LOOK_EVERY_S)
        page = (await browser.get("/")).text
        assert "测量结果都已送到中心" in page and "131" not in page
        refused = await browser.post("/call", headers={"Origin": "http://evil.example"})
        assert refused.status_code == 403
        await browser.post("/call", headers={"Origin": url})
        (heard,) = await home.server.hears_items(1)
        (item,) = heard.items
        assert isinstance(item, DeviceEvent)
        assert (item.code, item.device) == ("call_me", home.server.gateway)


@at_home
async def test_a_page_that_finds_no_port_stops_no_reading(home: House) -> None:
    home.server.answers = True
    url = home.serves_a_page()
    with socket.create_server(("127.0.0.1", int(url.rpartition(":")[2]))):
        process = await home.runs()
        await home.stage.air.measure_blood_pressure(home.stage.home, 131, 80, 70)
        await home.server.hears("reading/blood_pressure")
    process.terminate()
    assert await process.wait() == 0


@at_home
async def test_a_prompt_is_spoken_and_nothing_waits_for_its_end(home: House) -> None:
    home.server.answers = True
    folder = home.config.parent
    program, heard = folder / "espeak-ng", folder / "heard"
    program.write_text(
        f'#!/bin/sh\necho "$@" > {heard}.new; cat >> {heard}.new\nmv {heard}.new {heard}\n'
        "exec sleep 600\n"
    )
    program.chmod(0o700)
    home.environment |= {
        "YIKAO_GATEWAY_SPEAK": "true",
        "PATH": f"{folder}:{os.environ['PATH']}",
    }
    process = await home.runs()
    cuff = address(home.stage.home.cuff)
    said = wire.Command(
        uuid4(), "show", cuff, "请坐下，拨打120", "rest", NOON + timedelta(minutes=20)
    )
    home.server.says(topics.COMMAND, wire.encode(said))
    await eventually(heard.exists)
    assert heard.read_text("utf-8") == "-v cmn -s 130 --stdin\n请坐下，拨打幺二零"
    await home.stage.air.measure_blood_pressure(home.stage.home, 131, 80, 70)
    await home.server.hears("reading/blood_pressure")
    process.terminate()
    assert await process.wait() == 0


def test_a_nurse_pairs_a_meter_that_shows_digits_on_the_page(
    broker_url: str, short_tmp: Path
) -> None:
    outfit = replace(Outfit(), cuff=None, protection=parse_protection("passkey:123456"))

    async def play() -> None:
        async with asyncio.timeout(STORY_MAX_S), house(broker_url, short_tmp, outfit) as home:
            await pairs_on_the_page(home)

    asyncio.run(play())


async def pairs_on_the_page(home: House) -> None:
    home.server.answers = True
    home.environment["YIKAO_GATEWAY_PAIRING"] = "mode"
    url = home.serves_a_page()
    await home.runs()
    await home.stage.air.measure_glucose(home.stage.home, 5.5)
    meter = address(home.stage.home.meter)
    async with httpx.AsyncClient(base_url=url, headers={"Origin": url}) as nurse:
        while "还没有配对" not in (await nurse.get("/")).text:
            await asyncio.sleep(LOOK_EVERY_S)
        await nurse.post("/pairing", data={"do": "open"})
        while meter not in (await nurse.get("/passkey")).text:
            await asyncio.sleep(LOOK_EVERY_S)
        entered = await nurse.post("/passkey", data={"address": meter, "digits": "123456"})
        assert entered.status_code == 303
        await home.server.hears("reading/glucose")
        while "已配对" not in (page := (await nurse.get("/")).text):
            await asyncio.sleep(LOOK_EVERY_S)
        assert "还没有配对" not in page
