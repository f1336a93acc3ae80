"""The tools with scales, thermometers, oximeters and straps: scan, collect and decode show them."""

import asyncio
import json
import os
import sys
import time
from typing import Any

import pytest
from stage import NOON, Stage, address, on_air, sent

from yikao_devices.minutes import SAMPLES_MIN
from yikao_devices.story_clock import VARIABLE, Clock
from yikao_devices.wire import Item, decode_item, kind_of
from yikao_gateway.cli import main
from yikao_gateway.item_text import text_of
from yikao_sim.home import Outfit
from yikao_sim.peripherals.oximeter import OximeterBehaviour
from yikao_sim.peripherals.store import RecorderBehaviour
from yikao_sim.peripherals.strap import StrapBehaviour

ALL = Outfit(
    scale=RecorderBehaviour(),
    thermometer=RecorderBehaviour(),
    oximeter=OximeterBehaviour(),
    strap=StrapBehaviour(every_s=0.01),
)
NOON_STANDS_STILL = {VARIABLE: Clock(NOON.timestamp(), time.time(), 1e-6).spec()}


async def runs(*words: str) -> str:
    """Return what a command prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "yikao_gateway.cli", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | NOON_STANDS_STILL,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def measures(stage: Stage) -> None:
    """One measurement with each device; the strap is taken off after half a minute of samples."""
    air, home = stage.air, stage.home
    assert home.strap is not None
    await air.measure_blood_pressure(home, 131, 81, 71)
    await air.measure_glucose(home, 5.9)
    await air.measure_weight(home, 71.5)
    await air.measure_temperature(home, 38.6, site=3)
    await air.measure_oxygen(home, 91, 88)
    await air.wear_strap(home, 72, for_min=60)


async def take_off(stage: Stage) -> None:
    strap = stage.home.strap
    assert strap is not None
    await sent(strap, SAMPLES_MIN + 10)
    strap.take_off()


@on_air(ALL)
async def test_collect_reads_each_kind_once(stage: Stage) -> None:
    await measures(stage)
    taken_off = asyncio.create_task(take_off(stage))
    where = ("--radio", stage.spec, "--timezone", "Asia/Shanghai")
    lines = (await runs("collect", "--once", "--json", "--seconds", "1", *where)).splitlines()
    items = [decode_item(line.encode()) for line in lines]
    await taken_off
    assert sorted(map(kind_of, items)) == [
        *("blood_pressure", "glucose", "heart_rate", "oximetry", "temperature", "weight")
    ]
    texts = {kind_of(item): text_of(item).split("  ", 1)[1].strip() for item in items}
    assert texts == {
        "blood_pressure": "131/81 mmHg, pulse 71",
        "glucose": "5.9 mmol/L",
        "heart_rate": "heart rate 72",
        "oximetry": "SpO2 91 %, pulse 88",
        "temperature": "38.6 °C  site_ear",
        "weight": "71.5 kg",
    }


@on_air(ALL)
async def test_scan_names_the_kind_of_each_device(stage: Stage) -> None:
    await measures(stage)
    lines = (await runs("scan", "--radio", stage.spec, "--seconds", "1")).splitlines()
    models = {line.split()[0]: line.split()[2] for line in lines[1:]}
    home = stage.home
    assert {address(device): models[address(device)] for device in home.devices().values()} == {
        address(home.cuff): "generic-cuff",
        address(home.meter): "generic-meter",
        address(home.scale): "generic-scale",
        address(home.thermometer): "generic-thermometer",
        address(home.oximeter): "generic-oximeter",
        address(home.strap): "generic-strap",
    }


@pytest.mark.parametrize(
    ("characteristic", "frame", "expected"),
    [
        ("2A9D", "00b437", {"unit": "kg", "weight": 71.3}),
        ("2A9D", "00ffff", {"unit": "kg", "weight": "NaN"}),
        ("2A1C", "0482010 0ff03", {"unit": "C", "temperature": 38.6, "site": 3}),
        ("2A1E", "0082 0100ff", {"unit": "C", "temperature": 38.6}),
        ("2A5E", "005b005800", {"spo2": 91.0, "pr": 88.0}),
        ("2A5F", "005b005800", {"spo2": 91.0, "pr": 88.0}),
        ("2A37", "0648", {"hr": 72, "contact": True}),
        (
            "2B34",
            "007c0056006100",
            {"unit": "mmHg", "systolic": 124.0, "diastolic": 86.0, "map": 97.0},
        ),
    ],
)
def test_decode_shows_a_frame(
    characteristic: str,
    frame: str,
    expected: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["decode", characteristic, frame]) == 0
    assert json.loads(capsys.readouterr().out) == expected


def test_an_item_that_is_no_reading_has_its_text_too() -> None:
    at = {"measured_at": "2026-03-02T12:00:00+08:00", "clocks": {"t_hub": "2026-03-02T12:00:00Z"}}
    common = {"reading_id": "0" * 8 + "-0000-4000-8000-" + "0" * 12, "device": "C4", **at}

    def text(**fields: object) -> str:
        item: Item = decode_item(json.dumps(common | fields).encode())
        return text_of(item)

    assert text(kind="event", doubt_s=0, code="no_result") == "2026-03-02 12:00  no_result"
    assert text(kind="symptom", doubt_s=0, symptoms=["dizzy"]) == "symptom"
