"""Simulated scales, thermometers, oximeters, straps: what they send, and how they are played."""

import asyncio
import json
import sys
from typing import Any

import pytest
from stage import Stage, address, eventually, on_air

from yikao_devices import gatt, racp
from yikao_devices.heart_rate import Contact, decode_heart_rate
from yikao_devices.pulse_oximeter import decode_spot_check
from yikao_devices.sfloat import Special
from yikao_devices.temperature import Temperature, decode_temperature
from yikao_devices.toml_lines import FaultyFileError
from yikao_devices.weight import decode_weight
from yikao_sim.cli import main
from yikao_sim.cli_story import measured_text
from yikao_sim.control import answer_to
from yikao_sim.home import Device, Outfit
from yikao_sim.peripherals.oximeter import OximeterBehaviour
from yikao_sim.peripherals.store import RecorderBehaviour
from yikao_sim.peripherals.strap import StrapBehaviour
from yikao_sim.story import parse_story

QUICK_S = 0.005
ALL = Outfit(
    scale=RecorderBehaviour(),
    thermometer=RecorderBehaviour(),
    oximeter=OximeterBehaviour(),
    strap=StrapBehaviour(every_s=QUICK_S),
)
ARCHIVE = Outfit(cuff=None, meter=None, oximeter=OximeterBehaviour(on_request=True))


async def ask(stage: Stage, **request: Any) -> dict[str, Any]:
    return await answer_to(json.dumps(request).encode(), stage.air)


async def drained(stage: Stage, device: Device | None, characteristic: int) -> list[bytes]:
    """Return what a device sends in one session that it ends itself."""
    gateway = await stage.gateway()
    link = await gateway.connect(address(device))
    await link.subscribe(characteristic)
    await link.disconnected.wait()
    await gateway.radio.stop()
    return gateway.values(characteristic)


@on_air(ALL)
async def test_people_are_told_what_to_measure_and_what_fails(stage: Stage) -> None:
    asked = (
        {"weight_kg": 71.304, "user": 2},
        {"temperature_c": 38.64, "site": 3},
        {"spo2_pct": 91, "pulse": 88},
        {"heart_rate_bpm": 72, "worn_min": 1},
    )
    for each in asked:
        assert await ask(stage, do="measure", home="h1", **each) == {"ok": True}
    for device in ("scale", "thermometer", "oximeter"):
        assert await ask(stage, do="fail", home="h1", device=device) == {"ok": True}
    assert [truth["kind"] for truth in stage.truths] == [
        *("weight", "temperature", "oximetry", "heart_rate"),
        *("weight_failed", "temperature_failed", "oximetry_failed"),
    ]
    weights = await drained(stage, stage.home.scale, gatt.WEIGHT_MEASUREMENT)
    first, failed = map(decode_weight, weights)
    assert (first.weight, first.unit, first.user, failed.weight) == (71.305, "kg", 2, Special.NAN)
    degrees = await drained(stage, stage.home.thermometer, gatt.TEMPERATURE_MEASUREMENT)
    warm, cold = map(decode_temperature, degrees)
    assert (warm.temperature, warm.site, cold.temperature) == (38.6, 3, Special.NAN)
    clips = await drained(stage, stage.home.oximeter, gatt.PLX_SPOT_CHECK_MEASUREMENT)
    clip, none = map(decode_spot_check, clips)
    assert (clip.spo2, clip.pr, none.spo2) == (91.0, 88.0, Special.NAN)


@on_air(ALL)
async def test_a_strap_tells_every_second_while_it_is_worn_and_is_gone_afterwards(
    stage: Stage,
) -> None:
    strap = stage.home.strap
    assert strap is not None
    await stage.air.wear_strap(stage.home, 72, for_min=5)
    beats = map(decode_heart_rate, await drained(stage, strap, gatt.HEART_RATE_MEASUREMENT))
    told = {(beat.hr, beat.contact) for beat in beats}
    assert told == {(hr, Contact.YES) for hr in (71, 72, 73)}
    await eventually(lambda: not strap.peripheral.device.is_advertising)


@on_air(ALL)
async def test_a_strap_that_loses_its_link_can_be_reached_again(stage: Stage) -> None:
    strap = stage.home.strap
    assert strap is not None
    await stage.air.wear_strap(stage.home, 72, for_min=60)
    gateway = await stage.gateway()
    for lost in (1, 2):
        link = await gateway.connect(address(strap))
        await link.subscribe(gatt.HEART_RATE_MEASUREMENT)
        await gateway.receives(gatt.HEART_RATE_MEASUREMENT, lost * 3)
        strap.peripheral.lose_link()
        await link.disconnected.wait()


@on_air(ALL)
async def test_a_thermometer_tells_who_asks_for_it_what_it_shows_so_far(stage: Stage) -> None:
    thermometer = stage.home.thermometer
    assert thermometer is not None
    await stage.air.measure_temperature(stage.home, 38.6)
    gateway = await stage.gateway()
    link = await gateway.connect(address(thermometer))
    assert not thermometer.is_watched
    await link.subscribe(gatt.INTERMEDIATE_TEMPERATURE)
    thermometer.rises(Temperature("C", 37.4))
    (frame,) = await gateway.receives(gatt.INTERMEDIATE_TEMPERATURE, 1)
    assert decode_temperature(frame).temperature == 37.4
    assert gateway.values(gatt.TEMPERATURE_MEASUREMENT) == []


@on_air(ARCHIVE)
async def test_an_oximeter_hands_out_and_deletes_its_records_on_request(stage: Stage) -> None:
    oximeter = stage.home.oximeter
    assert oximeter is not None
    for spo2_pct in (95, 96, 97):
        await stage.air.measure_oxygen(stage.home, spo2_pct, 70)
    gateway = await stage.gateway()
    link = await gateway.connect(address(oximeter))
    spot, point = gatt.PLX_SPOT_CHECK_MEASUREMENT, gatt.RECORD_ACCESS_CONTROL_POINT
    await link.subscribe(spot)
    await link.subscribe(point)
    answers: list[object] = []
    for number, request in enumerate(
        (racp.count_all(), racp.report_all(), racp.Request(racp.OpCode.DELETE, racp.Operator.ALL))
    ):
        await link.write(point, racp.encode_request(request))
        answers.append(racp.decode_answer((await gateway.receives(point, number + 1))[-1]))
    assert answers == [
        racp.Count(3),
        racp.Response(racp.OpCode.REPORT, racp.Outcome.SUCCESS),
        racp.Response(racp.OpCode.DELETE, racp.Outcome.SUCCESS),
    ]
    assert [decode_spot_check(frame).spo2 for frame in gateway.values(spot)] == [95, 96, 97]
    assert oximeter.stored == 0


@pytest.mark.parametrize(
    ("request_", "hint"),
    [
        ({"weight_kg": 71, "temperature_c": 37}, "measure one thing"),
        ({"weight_kg": 700}, "weight 700 is beyond"),
        ({"temperature_c": 3}, "temperature 3 is beyond"),
        ({"spo2_pct": 101}, "oxygen saturation 101"),
        ({"heart_rate_bpm": 5}, "heart rate 5"),
        ({"heart_rate_bpm": 72, "worn_min": 0}, "worn_min"),
    ],
)
def test_a_mistake_is_answered(request_: dict[str, float], hint: str, short_tmp: object) -> None:
    @on_air(ALL)
    async def story(stage: Stage) -> None:
        answer = await ask(stage, do="measure", home="h1", **request_)
        assert answer["ok"] is False and hint in answer["error"]
        assert not stage.truths

    story(short_tmp)


@on_air()
async def test_a_home_without_a_scale_says_so(stage: Stage) -> None:
    answer = await ask(stage, do="measure", home="h1", weight_kg=70)
    assert answer == {"ok": False, "error": "home h1 has no scale"}
    other = await ask(stage, do="fail", home="h1", device="strap")
    assert other["ok"] is False and "no failed records" in other["error"]


STORY = """\
title_zh = "早晨"
title_en = "A morning"
[[event]]
after_min = 1
home = "h1"
do = "measure"
weight_kg = 71.5
[[event]]
after_min = 2
home = "h1"
do = "measure"
heart_rate_bpm = 64
worn_min = 5
[[event]]
after_min = 3
home = "h1"
do = "measure"
spo2_pct = 91
pulse = 88
"""


def test_a_story_may_tell_of_each_kind() -> None:
    story = parse_story(STORY, "morning.toml")
    told = [measured_text(dict(step.measured)) for step in story.events]
    assert told == ["▸ 71.5 kg", "▸ 64 bpm", "▸ 91 % SpO2"]
    both = STORY.replace("pulse = 88", "temperature_c = 37.0")
    with pytest.raises(FaultyFileError, match=r"or one of .*spo2_pct"):
        parse_story(both, "morning.toml")


def test_the_command_names_the_devices_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["air", "--devices", "cuff,toaster"]) == 1
    assert "toaster: there are both, all, cuff" in capsys.readouterr().err


def test_a_home_of_all_kinds_measures_from_its_first_day(short_tmp: object) -> None:
    async def play() -> dict[str, Any]:
        arguments = ("--devices", "all", "--stored", "2", "--json", "--listen")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "yikao_sim.cli", "air", *arguments, f"unix:{short_tmp}/air"),
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        told = json.loads(await process.stdout.readline())
        process.terminate()
        await process.communicate()
        return dict(told)

    told = asyncio.run(asyncio.wait_for(play(), 30))
    devices = {each["device"]: each["stored"] for each in told["homes"][0]["devices"]}
    assert devices == {
        "cuff": 2,
        "meter": 2,
        "scale": 2,
        "thermometer": 2,
        "oximeter": 2,
        "strap": 0,
    }
