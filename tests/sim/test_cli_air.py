"""The command `yikao-sim air` as a process of its own: what it says, serves and leaves behind."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from stage import CUFF, STORY_MAX_S, Gateway

from yikao_gateway.radio.open import open_radio
from yikao_sim.cli import main

COMMAND = (sys.executable, "-m", "yikao_sim.cli", "air")


async def ready(*arguments: str) -> tuple[asyncio.subprocess.Process, dict[str, Any]]:
    """Start an air and return its process and the line that says ready."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "--json", *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    return process, json.loads(await process.stdout.readline())


async def ended(process: asyncio.subprocess.Process, number: signal.Signals) -> int:
    process.send_signal(number)
    assert process.stdout is not None
    await process.stdout.read()
    return await process.wait()


def test_a_home_with_stored_records_is_drained_and_the_truth_is_kept(short_tmp: Path):
    async def story() -> None:
        air, socket = f"unix:{short_tmp}/air", f"unix:{short_tmp}/control"
        truth = short_tmp / "truth.jsonl"
        process, told = await ready(
            *("--listen", air, "--control", socket, "--truth", str(truth)),
            *("--homes", "2", "--stored", "4", "--seed", "7"),
        )
        assert (told["listen"], told["control"]) == (air, socket)
        cuff = told["homes"][1]["devices"][0]
        gateway = Gateway(open_radio(f"sim:{air}", short_tmp / "state"))
        await gateway.start()
        link = await gateway.connect(cuff["address"])
        await link.subscribe(CUFF)
        await link.disconnected.wait()
        await gateway.radio.stop()
        assert len(gateway.values(CUFF)) == cuff["stored"] == 4
        assert await ended(process, signal.SIGTERM) == 0
        assert not (short_tmp / "air").exists()
        assert not (short_tmp / "control").exists()
        kept = [json.loads(line) for line in truth.read_text().splitlines()]
        assert len(kept) == 16
        mine = [each["systolic_mmhg"] for each in kept if each["device"] == cuff["address"]]
        assert mine == [value[1] for value in gateway.values(CUFF)]

    asyncio.run(asyncio.wait_for(story(), STORY_MAX_S))


def test_the_same_seed_gives_the_same_devices_and_ctrl_c_ends_it_well(short_tmp: Path):
    async def addresses(seed: str) -> list[str]:
        process, told = await ready("--listen", f"unix:{short_tmp}/air", "--seed", seed)
        assert await ended(process, signal.SIGINT) == 0
        return [device["address"] for device in told["homes"][0]["devices"]]

    async def story() -> None:
        first, second, other = [await addresses(seed) for seed in ("3", "3", "4")]
        assert first == second != other

    asyncio.run(asyncio.wait_for(story(), STORY_MAX_S))


def test_people_of_a_file_live_in_homes_in_order_and_begin_now(short_tmp: Path):
    file, truth = short_tmp / "readings.csv", short_tmp / "truth.jsonl"
    file.write_text(
        "person,measured_at,systolic,diastolic\n"
        "li,2020-01-13 08:00,142,90\nwang,2020-06-01 21:00,128,80\nli,2020-01-14 08:00,150,95\n"
    )

    async def story() -> None:
        process, told = await ready(
            *("--listen", f"unix:{short_tmp}/air", "--csv", str(file), "--start", "now"),
            *("--truth", str(truth), "--devices", "cuff"),
        )
        assert [home["person"] for home in told["homes"]] == ["li", "wang"]
        assert [len(home["devices"]) for home in told["homes"]] == [1, 1]
        while not truth.exists() or truth.read_text().count("\n") < 2:
            await asyncio.sleep(0.02)
        assert await ended(process, signal.SIGTERM) == 0
        kept = [json.loads(line) for line in truth.read_text().splitlines()]
        assert [(each["person"], each["systolic_mmhg"]) for each in kept] == [
            ("li", 142),
            ("wang", 128),
        ]

    asyncio.run(asyncio.wait_for(story(), STORY_MAX_S))


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("--homes", "-1"), "--homes -1 is not between 1 and 2000"),
        (("--homes", "0"), "--homes 0 is not between 1 and 2000"),
        (("--homes", "99999"), "--homes 99999 is not between 1 and 2000"),
        (("--pairing", "passkey:12"), "six digits"),
        (("--pairing", "passkey:000000"), "000001"),
        (("--advertise-ms", "1"), "--advertise-ms"),
        (("--zone", "Asia/Nowhere"), "Asia/Nowhere"),
        (("--csv", "/nowhere.csv"), "cannot be read"),
        (("--listen", "nowhere"), "unix:PATH or tcp:HOST:PORT"),
        (("--truth", "/nowhere/truth"), "cannot write"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(arguments, hint, capsys):
    assert main(["air", *arguments]) == 1
    told = capsys.readouterr().err
    assert hint in told
    assert told.count("\n") <= 2


def test_an_argument_that_is_no_number_shows_the_usage(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["air", "--homes", "many"])
    assert ended.value.code == 2
    assert "usage: yikao-sim air" in capsys.readouterr().err


def test_the_help_teaches_with_examples_and_needs_no_bumble():
    blocked = "import sys; sys.modules['bumble'] = None; from yikao_sim.cli import main; "
    done = subprocess.run(
        [sys.executable, "-c", blocked + "main(['air', '--help'])"],
        capture_output=True,
        text=True,
        timeout=STORY_MAX_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "examples:" in done.stdout
    assert "measure nothing by themselves" in done.stdout
    asked = subprocess.run(
        [sys.executable, "-c", blocked + "sys.exit(main(['air']))"],
        capture_output=True,
        text=True,
        timeout=STORY_MAX_S,
        check=False,
    )
    assert asked.returncode == 1
    assert "pip install 'yikao[sim]'" in asked.stderr
