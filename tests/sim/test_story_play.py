"""A story is played on a real air: what its people measure is what truly happened there."""

import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fix_sim_child import SimChild

from yikao_devices.story_clock import Clock

Start = Callable[..., SimChild]

SPEED = 1200.0
"""Forty minutes in two seconds."""
LATE_S = 600.0
"""Half a real second: how late a busy machine may be."""
STORY_S = 1_772_459_400.0


@pytest.fixture
def clock() -> str:
    """The clock of all processes of one story."""
    return Clock(STORY_S, time.time(), SPEED).spec()


@pytest.fixture
def air(yikao_sim: Start, short_tmp: Path, clock: str) -> Path:
    """A real air with one home; gives its folder, with `control` and `truth` in it."""
    places = ("--listen", f"unix:{short_tmp}/air", "--control", f"unix:{short_tmp}/control")
    child = yikao_sim("air", "--json", "--truth", short_tmp / "truth", *places, clock=clock)
    child.until(ready=True)
    return short_tmp


def truth(air: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (air / "truth").read_text("utf-8").splitlines()]


def prompt(number: int, do: str = "measure_again", home: str = "h1") -> str:
    """Return the line that says what a gateway displays."""
    command = {
        "command_id": str(UUID(int=number)),
        "do": do,
        "device": "C0:00:00:00:00:01",
        "text_zh": "请再量一次",
        "text_en": "measure again",
        "expires_at": "2026-03-02T22:00:00+08:00",
    }
    return json.dumps({"home": home, "prompt": command})


def after(told: dict[str, Any], since: dict[str, Any]) -> timedelta:
    return datetime.fromisoformat(told["story"]) - datetime.fromisoformat(since["story"])


def test_the_night_call_with_the_gateways_display(yikao_sim: Start, air: Path, clock: str) -> None:
    where = ("--control", f"unix:{air}/control")
    child = yikao_sim("story", "night_call", *where, "--stdin-prompts", "--json", clock=clock)
    begins = child.until(event="begins")
    assert begins["zh"] == "夜里的求助"
    assert child.until(event="said")["home"] == "h1"
    first = child.until(event="measured")
    assert first["measured"] == {"systolic": 180, "diastolic": 104, "pulse": 88}
    child.type(prompt(1, do="show"))
    child.type(prompt(2))
    child.type(prompt(2))
    child.type(prompt(3))
    assert child.until(event="shown")["command_id"] == str(UUID(int=1))
    asked = child.until(event="asked")
    assert (asked["command_id"], asked["en"]) == (str(UUID(int=2)), "measure again")
    assert child.until(event="shown")["command_id"] == str(UUID(int=2))
    assert child.until(event="unanswered")["command_id"] == str(UUID(int=3))
    repeat = child.until(event="measured")
    assert repeat["measured"]["systolic"] == 190
    assert timedelta(seconds=90) <= after(repeat, asked) < timedelta(seconds=90 + LATE_S)
    child.until(event="ends")
    assert child.ends() == 0
    taken = [(each["systolic_mmhg"], each["diastolic_mmhg"]) for each in truth(air)]
    assert taken == [(180, 104), (190, 108), (156, 96), (152, 94), (148, 90), (146, 90)]
    times = [datetime.fromisoformat(each["measured_at"]).timestamp() for each in truth(air)]
    begun = datetime.fromisoformat(begins["story"]).timestamp()
    for at, minute in zip((times[0], *times[2:]), (1, 21, 22.5, 41, 42.5), strict=True):
        assert 60 * minute <= at - begun < 60 * minute + LATE_S


def test_low_glucose_without_a_display_ends_with_its_last_event(
    yikao_sim: Start, air: Path, clock: str
) -> None:
    where = ("--control", f"unix:{air}/control")
    child = yikao_sim("story", "low_glucose", *where, clock=clock)
    lines = [child.line() for _ in range(6)]
    assert "《早饭前的低血糖》 Low glucose before breakfast" in lines[0]
    assert lines[1].endswith("▸ 2.7 mmol/L") and "王阿姨" in lines[1] and "Mrs Wang" in lines[1]
    assert lines[-1].endswith("故事结束 the story ends")
    assert child.ends() == 0
    assert [each["glucose_mmol_l"] for each in truth(air)] == [2.7, 4.6, 5.2]


def test_a_story_ends_with_its_input(yikao_sim: Start, air: Path) -> None:
    where = ("--control", f"unix:{air}/control")
    child = yikao_sim("story", "night_call", *where, "--stdin-prompts", "--json")
    child.until(event="said")
    child.close_input()
    assert child.until(event="ends")["replies"] == 1
    assert child.ends() == 0


def test_a_story_ends_when_it_is_told(yikao_sim: Start, air: Path) -> None:
    child = yikao_sim("story", "night_call", "--control", f"unix:{air}/control", "--json")
    child.until(event="said")
    assert child.stop() == 0


def test_what_cannot_be_read_as_a_prompt_is_told(yikao_sim: Start, air: Path) -> None:
    where = ("--control", f"unix:{air}/control")
    child = yikao_sim("story", "night_call", *where, "--stdin-prompts", "--json")
    for line in ("nonsense", '{"home": "h1"}', "", prompt(1, do="dance"), "x" * 100_000):
        child.type(line)
        assert child.until(event="unreadable")["en"]
    child.type(prompt(1))
    child.until(event="asked")


def test_a_story_needs_its_homes_and_its_air(yikao_sim: Start, air: Path, tmp_path: Path) -> None:
    path = tmp_path / "story.toml"
    text = '[[event]]\nafter_min = 0\nhome = "h9"\ndo = "say"\nsay_zh = "x"\nsay_en = "x"\n'
    path.write_text('title_zh = "x"\ntitle_en = "x"\n' + text, "utf-8")
    elsewhere = yikao_sim("story", path, "--control", f"unix:{air}/control")
    assert elsewhere.ends() == 1
    assert "no home h9" in elsewhere.errors()
    nowhere = yikao_sim("story", "night_call", "--control", f"unix:{air}/nothing")
    assert nowhere.ends() == 1
    assert "no air at" in nowhere.errors()


def test_a_story_that_is_not_there_names_those_that_are(yikao_sim: Start) -> None:
    child = yikao_sim("story", "no_such_story", "--control", "unix:/nowhere")
    assert child.ends() == 1
    assert "low_glucose, night_call" in child.errors()
