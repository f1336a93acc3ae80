"""The command line: what scripts rely on."""

import asyncio
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from gateway_parts import NOW, event, outbox_in
from stage import Stage, address, on_air

from yikao_devices.wire import (
    BloodPressureReading,
    DeviceEvent,
    GlucoseReading,
    Item,
    RefusedFrame,
    decode_item,
)
from yikao_gateway.cli import main
from yikao_sim.home import Outfit
from yikao_sim.peripherals.pairing import parse_protection

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "gatt_vectors.json").read_text("utf-8")
)


@pytest.mark.parametrize("entry", VECTORS, ids=lambda e: f"{e['char']}-{e['hex']}")
def test_decode_agrees_with_every_recorded_payload(
    entry: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["decode", entry["char"], entry["hex"]]
    if not entry["standard_decoder_ok"]:
        words += ["--model", "beurer-bm85"]
    assert main(words) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == entry["expect"]


@pytest.mark.parametrize(
    ("characteristic", "frame", "expected"),
    [
        ("2A52", "06000101", {"opcode": 1, "outcome": 1}),
        ("2A52", "05000300", {"records": 3}),
        ("2a08", "ea 07 08 0b 12 1f 00", {"time": "2026-08-11T18:31:00"}),
        (
            "0x2A2B",
            "ea07080b121f00028001",
            {"time": "2026-08-11T18:31:00", "weekday": 2, "fraction": 128, "reason": 1},
        ),
        ("2A19", "5f", {"battery_pct": 95}),
        ("2A24", "424d383500", {"model": "BM85"}),
        (
            "2A36",
            "007800ff07ff07",
            {"unit": "mmHg", "pressure": 120.0},
        ),
        (
            "2B35",
            "427c00a718002e",
            {"unit": "mmHg", "pressure": 124.0, "time": "2024-06-15T09:17:27"},
        ),
        (
            "2AA7",
            "07807800050001060078000a00",
            {
                "records": [
                    {"glucose_mg_dl": 120.0, "offset_min": 5, "status": 1, "protected": False},
                    {"glucose_mg_dl": 120.0, "offset_min": 10, "protected": False},
                ]
            },
        ),
        (
            "2AA8",
            "00800059ffff",
            {"bits": 0x8000, "type": 9, "location": 5, "features": ["trend"]},
        ),
        ("2A49", "0500", {"bits": 5, "features": ["body_movement", "irregular_pulse"]}),
        ("2A51", "0104", {"bits": 1025, "features": ["battery_low", "multiple_bonds"]}),
    ],
)
def test_decode_knows_the_other_characteristics(
    characteristic: str,
    frame: str,
    expected: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["decode", characteristic, frame]) == 0
    assert json.loads(capsys.readouterr().out) == expected


@pytest.mark.parametrize("frame", ["", "16", "167c0056006100e807"])
def test_a_refused_frame_is_told_in_json(frame: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", "2A35", frame]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["frame"] == frame
    assert told["error"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["decode", "2A99", "00"], "2A37, 2A49"),
        (["decode", "pressure", "00"], "2A35"),
        (["decode", "2A35", "0g"], "hexadecimal"),
        (["decode", "2A35", "000"], "hexadecimal"),
        (["decode", "2A35", "00", "--model", "bm85"], "beurer-bm85"),
        (["collect", "--radio", "wifi"], "sim:unix:PATH"),
        (["collect", "--passkey", "12a"], "six digits"),
        (["collect", "--timezone", "Shanghai"], "Asia/Shanghai"),
        (["scan", "--seconds", "0"], "above 0"),
        (["report", "--config", "x", "--device", "C4", "toothache"], "severe_headache"),
        (["run", "--config", "/does/not/exist"], "Name a readable TOML file"),
        (["fly"], "decode"),
        ([], "COMMAND"),
    ],
)
def test_wrong_usage_is_2_and_a_sentence(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(words)
    except SystemExit as error:
        code = int(error.code or 0)
    assert code == 2
    output = capsys.readouterr()
    assert says in output.err
    assert output.out == ""


@pytest.mark.parametrize(
    "command", ["run", "scan", "collect", "outbox", "report", "call-me", "check", "key", "decode"]
)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert "usage:" in capsys.readouterr().out


def test_decode_waits_for_neither_radio_nor_network() -> None:
    program = (
        "import sys; from yikao_gateway.cli import main; main(['decode', '2A35', '00']);"
        "print([name for name in ('bleak', 'bumble', 'paho', 'cryptography', 'asyncio')"
        " if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.stdout.splitlines()[-1] == "[]"


def test_a_missing_radio_is_1_and_a_sentence(
    short_tmp: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["collect", "--once", "--json", "--radio", f"sim:unix:{short_tmp}/none"]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert "yikao-gateway:" in output.err


async def collects(stage: Stage, *more: str) -> tuple[list[Item], str]:
    """Run `collect --once --json` as a process; return its items and what it told people."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "yikao_gateway.cli",
        *("collect", "--once", "--json", "--radio", stage.spec, "--seconds", "1", *more),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"YIKAO_CLOCK": "2026-03-02T04:00:00+00:00@0*0.000001"},
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return [decode_item(line) for line in out.splitlines()], err.decode()


@on_air(homes=2)
async def test_collect_reads_every_device_once_and_ends(stage: Stage) -> None:
    for home in stage.air.homes.values():
        await stage.air.measure_glucose(home, 5.9, meal="fasting")
        await stage.air.measure_glucose(home, 34.0)
        await stage.air.measure_blood_pressure(home, 131, 81, 71)
        await stage.air.fail_blood_pressure(home)
    items, told = await collects(stage, "--timezone", "Asia/Shanghai")
    assert "4 devices, 8 items" in told
    assert len({item.reading_id for item in items}) == 8
    kinds = [type(item) for item in items]
    assert kinds.count(GlucoseReading) == 4
    assert kinds.count(BloodPressureReading) == kinds.count(DeviceEvent) == 2
    assert {item.clocks.t_hub.utcoffset() for item in items} == {timedelta(hours=8)}


@on_air(Outfit(protection=parse_protection("passkey:123456")))
async def test_collect_pairs_with_the_passkey_it_is_given(stage: Stage) -> None:
    await stage.air.measure_blood_pressure(stage.home, 131, 81, 71)
    cuff, meter = address(stage.home.cuff), address(stage.home.meter)
    items, _ = await collects(stage, "--passkey", f"{cuff}=123456", "--passkey", "111111")
    assert [item.device for item in items if isinstance(item, BloodPressureReading)] == [cuff]
    events = [(item.device, item.code) for item in items if isinstance(item, DeviceEvent)]
    assert events == [(meter, "wrong_passkey")]


@on_air()
async def test_collect_with_a_state_prints_only_what_is_new(stage: Stage) -> None:
    state = ("--state", str(stage.folder / "state"))
    await stage.air.measure_glucose(stage.home, 5.1)
    first, _ = await collects(stage, *state)
    await stage.air.measure_glucose(stage.home, 5.2)
    second, _ = await collects(stage, *state)
    assert [item.record for item in first + second] == [1, 2]  # type: ignore[union-attr]


@on_air()
async def test_what_a_killed_collect_had_stored_and_not_printed_is_printed(stage: Stage) -> None:
    state = stage.folder / "state"
    await stage.air.measure_glucose(stage.home, 5.1)
    first, _ = await collects(stage, "--state", str(state))
    with outbox_in(state) as outbox:
        # As it is when it was killed between the commit and the line.
        for number in range(2):
            outbox.add(event(number), NOW)
    second, told = await collects(stage, "--state", str(state))
    assert [item.reading_id for item in second] == [event(n).reading_id for n in range(2)]
    assert "2 items" in told
    third, _ = await collects(stage, "--state", str(state))
    assert (len(first), third) == (1, [])


@on_air()
async def test_collect_mends_a_damaged_state_and_prints_what_was_saved(stage: Stage) -> None:
    state = stage.folder / "state"
    await stage.air.measure_glucose(stage.home, 5.1)
    await collects(stage, "--state", str(state))
    with outbox_in(state) as outbox:
        outbox.add(event(1), NOW)
    with (state / "outbox.sqlite3").open("r+b") as file:
        file.seek(18)
        file.write(b"\x03")
    items, told = await collects(stage, "--state", str(state))
    assert "damaged" in told
    assert event(1).reading_id in [item.reading_id for item in items]


@on_air()
async def test_a_frame_that_nobody_understands_is_collected_too(stage: Stage) -> None:
    assert stage.home.cuff is not None
    stage.home.cuff.load_frame(b"\x16\x7c\x00")
    stage.home.cuff.wake()
    items, _ = await collects(stage)
    (refused,) = [item for item in items if isinstance(item, RefusedFrame)]
    assert (refused.characteristic, refused.frame) == ("2A35", "167c00")
