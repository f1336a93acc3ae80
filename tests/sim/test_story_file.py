"""A story file is checked before anything happens; all its faults are told at once."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from fix_sim_child import SimChild
from hypothesis import given
from hypothesis import strategies as st

from yikao_devices.toml_lines import FaultyFileError
from yikao_sim.cli_story import shipped_stories
from yikao_sim.story import Story, parse_story

HEAD = 'title_zh = "夜"\ntitle_en = "night"\n'
EVENT = '[[event]]\nafter_min = 1\nhome = "h1"\ndo = "measure"\nsystolic = 180\ndiastolic = 104\n'
SAY = '[[event]]\nafter_min = 0.5\nhome = "h2"\ndo = "say"\nsay_zh = "头痛"\nsay_en = "headache"\n'
REPLY = '[[reply]]\nhome = "h1"\nafter_s = 90\nglucose_mmol_l = 4.6\nmeal = "fasting"\n'

FAULTY = """\
title_zh = "夜"
titel_en = "night"
[[event]]
after_min = -1
home = "h1"
do = "measure"
systolic = 180.5
diastolic = true
[[event]]
after_min = 2
do = "dance"
[[event]]
after_min = 3
home = "h1"
do = "measure"
systolic = 180
glucose_mmol_l = 5
[[event]]
after_min = 4
home = ""
do = "say"
pulse = 60
say_zh = "头痛"
[[reply]]
home = "h1"
systolic = 180
diastolic = 100
meal = "tea"
irregular_pulse = 1
"""
TOLD = """\
line 2: unknown key titel_en. Write one of title_zh, title_en, event, reply
line 4: after_min = -1. Write a number from 0 to 20160
line 7: systolic = 180.5. Write a whole number from 20 to 300
line 8: diastolic = True. Write a whole number from 20 to 300
line 9: [[event]] has no home. Write home = …
line 11: do = 'dance'. Write one of measure, say
line 12: measures neither one thing nor the other. Write systolic and diastolic, or one of glucose_mmol_l, weight_kg, temperature_c, spo2_pct, heart_rate_bpm
line 20: home = ''. Write a text, "…", of at most 500 characters
line 21: nothing to say. Write say_zh and say_en
line 22: pulse in an event that only says. Leave it out
line 23: said in one language only. Write say_zh and say_en
line 24: [[reply]] has no after_s. Write after_s = …
line 28: meal = 'tea'. Write one of before_meal, after_meal, fasting, casual, bedtime
line 29: irregular_pulse = 1. Write true or false
the story has no title_en. Write title_en = …
"""  # noqa: E501 - as it is told


def test_a_story_is_read_in_the_order_of_time() -> None:
    story = parse_story(HEAD + EVENT + SAY + REPLY, "night.toml")
    assert [step.after for step in story.events] == [timedelta(minutes=0.5), timedelta(minutes=1)]
    assert story.events[0].measured == {} and story.events[0].say_en == "headache"
    assert story.events[1].measured == {"systolic": 180, "diastolic": 104}
    (reply,) = story.replies
    assert reply.after == timedelta(seconds=90)
    assert reply.measured == {"glucose_mmol_l": 4.6, "meal": "fasting"}
    assert story.homes() == {"h1", "h2"}


def test_every_fault_is_told_with_its_line_and_what_to_write(
    yikao_sim: Callable[..., SimChild], tmp_path: Path
) -> None:
    path = tmp_path / "night.toml"
    path.write_text(FAULTY, "utf-8")
    child = yikao_sim("story", path, "--control", "unix:/nowhere")
    assert child.ends() == 2
    told = child.errors().replace(f"{path}: ", "").splitlines()
    assert sorted(told) == sorted(TOLD.splitlines())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title_zh =夜\n", "line 1: not valid TOML"),
        (HEAD, "the story has no event"),
        (HEAD + "event = 3\n", "line 3: event is no list of tables"),
        (HEAD + EVENT + "[reply]\nhome = 3\n", "line 9: reply is no list of tables"),
        (HEAD + EVENT.replace("= 1\n", "= nan\n"), "line 4: after_min = nan"),
        (HEAD + SAY * 1001, "1001 times [[event]]. Leave at most 1000"),
    ],
)
def test_what_is_no_story_is_refused(text: str, said: str) -> None:
    with pytest.raises(FaultyFileError) as refused:
        parse_story(text, "night.toml")
    assert said in str(refused.value)


VALUES = st.sampled_from(
    ("1", "-1", "1.5", "nan", "true", '""', '"h1"', '"say"', "[]", "{}", "[[1]]", "2020-01-01")
)
KEYS = st.sampled_from(
    ("after_min", "after_s", "home", "do", "systolic", "meal", "say_zh", "user", "cuff_loose", "x")
)


@given(st.lists(st.tuples(st.sampled_from(("event", "reply")), st.dictionaries(KEYS, VALUES))))
def test_any_tables_are_a_story_or_refused(tables: list[tuple[str, dict[str, str]]]) -> None:
    text = HEAD + "".join(
        f"[[{name}]]\n" + "".join(f"{key} = {value}\n" for key, value in table.items())
        for name, table in tables
    )
    try:
        assert isinstance(parse_story(text, "any.toml"), Story)
    except FaultyFileError as error:
        assert error.faults


@pytest.mark.parametrize("name", ["night_call", "low_glucose"])
def test_the_stories_that_come_with_the_program_are_stories(name: str) -> None:
    story = parse_story(shipped_stories()[name].read_text("utf-8"), name)
    assert story.homes() == {"h1"}


def test_the_night_call_ends_well() -> None:
    """Two rounds of two measurements below 160/100, 20 minutes apart, after the last high one."""
    story = parse_story(shipped_stories()["night_call"].read_text("utf-8"), "night_call")
    taken = [step for step in story.events if step.measured]
    (repeat,) = story.replies
    assert taken[0].measured["systolic"] == 180 and repeat.measured["systolic"] == 190
    first, again, second, last = (step.after for step in taken[1:])
    assert first - (taken[0].after + repeat.after) >= timedelta(minutes=15)
    assert second - first == timedelta(minutes=20)
    assert again - first == last - second == timedelta(seconds=90)
    for step in taken[1:]:
        assert int(step.measured["systolic"]) < 160 and int(step.measured["diastolic"]) < 100
