"""Readings from a file: what is accepted, how every fault is named, and when they are taken."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from yikao_devices.story_clock import Clock
from yikao_sim.air.service import Air, Truth
from yikao_sim.csv_play import Taken, from_now, in_order, read_csv
from yikao_sim.device_clock import CHINA
from yikao_sim.errors import CsvError
from yikao_sim.play import play

HEAD = "person,measured_at,systolic,diastolic\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "readings.csv"
    path.write_text(text, encoding="utf-8")
    return path


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(CsvError) as caught:
        read_csv(written(folder, text), CHINA)
    return caught.value.faults


def test_each_person_s_readings_are_put_in_order_of_time(tmp_path):
    text = HEAD + (
        "li,2026-03-02 20:00:00,150,95\n"
        "wang,2026-03-02 08:00:00,128,80\n"
        "li,2026-03-02 08:00:00,142,90\n"
    )
    people = read_csv(written(tmp_path, text), CHINA)
    assert list(people) == ["li", "wang"]
    assert [taken.systolic_mmhg for taken in people["li"]] == [142, 150]
    assert people["li"][0].at == datetime(2026, 3, 2, 8, tzinfo=CHINA)


def test_the_names_of_other_files_are_understood(tmp_path):
    text = (
        "\ufeffperson,measured_at_local,systolic_mmhg,diastolic_mmhg,pulse_bpm,note\n"
        "li,2026-03-02T00:30:00+00:00,142,90,71,after breakfast\n"
    )
    (taken,) = read_csv(written(tmp_path, text), CHINA)["li"]
    assert taken == Taken("li", datetime(2026, 3, 2, 8, 30, tzinfo=CHINA), 142, 90, 71)


@pytest.mark.parametrize(
    ("column", "value", "mmol_l"), [("glucose_mmol_l", "5.6", 5.6), ("glucose_mg_dl", "101", 5.606)]
)
def test_glucose_comes_in_either_unit(tmp_path, column, value, mmol_l):
    text = f"person,measured_at,{column}\nli,2026-03-02 08:00,{value}\n"
    (taken,) = read_csv(written(tmp_path, text), CHINA)["li"]
    assert taken.glucose_mmol_l == pytest.approx(mmol_l, abs=0.001)
    assert taken.systolic_mmhg is None


def test_every_fault_is_named_by_its_line(tmp_path):
    text = HEAD + (
        "li,2026-03-02 08:00,142,90\n"
        "li,yesterday,142,90\n"
        ",2026-03-02 08:00,142,90\n"
        "li,2026-03-02 08:00,142\n"
        "li,2026-03-02 08:00,1420,90\n"
        "li,2026-03-02 08:00,14O,90\n"
        "li,2026-03-02 08:00,,\n"
        "li,2026-02-30 08:00,142,90\n"
    )
    found = faults(tmp_path, text)
    assert [fault.partition(":")[0] for fault in found] == [f"line {n}" for n in range(3, 10)]
    assert "'yesterday'" in found[0]
    assert "no person" in found[1]
    assert "diastolic ''" in found[2]
    assert "'1420'" in found[3]
    assert "no value" in found[5]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "line 1: no column person and measured_at"),
        (HEAD, "no readings"),
        ("person,systolic,diastolic\n", "line 1: no column measured_at"),
        ("person,measured_at,systolic\n", "line 1: no columns systolic and diastolic, nor"),
        (
            "person,measured_at,glucose_mg_dl\nli,2026-03-02 08:00,000\n",
            "line 2: glucose_mg_dl '000'",
        ),
        ("person,measured_at,glucose_mg_dl\nli,2026-03-02 08:00,0''\n", "line 2: glucose_mg_dl"),
        ("person,measured_at,glucose_mg_dl\nli,2026-03-02 08:00,nan\n", "line 2: glucose_mg_dl"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path, text, fault):
    assert faults(tmp_path, text)[0].startswith(fault)


def test_a_hundred_faults_are_cut_short_and_counted(tmp_path):
    found = faults(tmp_path, HEAD + "li,never,1,1\n" * 100)
    assert len(found) == 51
    assert found[-1] == "and 50 more"


def test_a_missing_file_and_a_binary_one_are_faults(tmp_path):
    with pytest.raises(CsvError, match="cannot be read"):
        read_csv(tmp_path / "none.csv", CHINA)
    (tmp_path / "odd.csv").write_bytes(b"\xff\xfe\x00person")
    with pytest.raises(CsvError, match="cannot be read"):
        read_csv(tmp_path / "odd.csv", CHINA)


def test_shifted_to_now_each_person_begins_now_and_keeps_the_intervals():
    at = datetime(2020, 1, 13, 17, 46, tzinfo=CHINA)
    people = {
        "li": [Taken("li", at, 142, 90), Taken("li", at + timedelta(hours=3), 150, 95)],
        "wang": [Taken("wang", at + timedelta(days=90), 128, 80)],
    }
    now = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
    shifted = from_now(people, now)
    assert [taken.at - now for taken in shifted["li"]] == [timedelta(0), timedelta(hours=3)]
    assert shifted["wang"][0].at == now
    assert [taken.person for taken in in_order(shifted.values())] == ["li", "wang", "li"]


def test_readings_are_taken_at_their_times_on_the_story_s_clock():
    start = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
    readings = [
        Taken("li", start - timedelta(days=1), 142, 90),
        Taken("li", start + timedelta(minutes=6), 150, 95),
        Taken("li", start + timedelta(minutes=12), glucose_mmol_l=6.1),
    ]
    truths: list[Truth] = []

    async def story() -> None:
        # An hour a second: the third reading comes after a fifth of a second.
        clock = Clock(start.timestamp(), time.time(), 3600.0)
        air = Air(lambda: start, on_truth=truths.append)
        home = await air.add_home("li")
        assert await play(air, {"li": home}, readings, clock) == 3
        assert clock.at(time.time()) >= readings[-1].at
        await air.close()

    asyncio.run(asyncio.wait_for(story(), 10))
    assert [truth["measured_at"] for truth in truths] == [
        "2026-03-01T04:00:00+00:00",
        "2026-03-02T04:06:00+00:00",
        "2026-03-02T04:12:00+00:00",
    ]
    assert {truth["person"] for truth in truths} == {"li"}
