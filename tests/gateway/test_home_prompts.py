"""What is said at home: in time, once, until it is done, and across restarts."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from gateway_parts import CUFF, METER, NOW, event, outbox_in
from msgspec import structs
from page_parts import Times

from yikao_devices import wire
from yikao_gateway.household.prompts import (
    LATER_MAX,
    OVER_SHOWN,
    REMEMBERED_MAX,
    STANDING_MAX,
    Prompts,
)
from yikao_gateway.store.database import Database


def command(minutes: float = 15, **changes: Any) -> wire.Command:
    values: dict[str, Any] = {
        "command_id": uuid4(),
        "do": "measure_again",
        "device": CUFF,
        "text_zh": "请再量一次",
        "text_en": "Measure again",
        "expires_at": NOW + timedelta(minutes=minutes),
    }
    return wire.Command(**(values | changes))


class Wall:
    """Prompts on a wall: what was shown, and the hand on the clock."""

    def __init__(self, database: Database) -> None:
        self.times = Times()
        self.shown: list[dict[str, Any]] = []
        self.database = database
        self.prompts = self.started()

    def started(self) -> Prompts:
        self.prompts = Prompts("zh", lambda: self.times.now, self.shown.append, self.database)
        return self.prompts

    def hears(self, command: wire.Command) -> str:
        result = self.prompts.receive(wire.encode(command))
        assert result is not None
        assert (result.command_id, result.t) == (command.command_id, self.times.now)
        return result.outcome

    @property
    def texts(self) -> list[tuple[str, bool]]:
        return [(each.text("en"), each.over) for each in self.prompts.standing()]


@pytest.fixture
def wall(tmp_path: Path) -> Any:
    with outbox_in(tmp_path) as outbox:
        yield Wall(outbox._database)


def reading(device: str = CUFF, minutes_ago: float = 0.5) -> wire.Item:
    return wire.BloodPressureReading(
        reading_id=uuid4(),
        device=device,
        measured_at=NOW - timedelta(minutes=minutes_ago),
        doubt_s=0.0,
        clocks=wire.Clocks(t_hub=NOW),
        systolic_mmhg=131.0,
        diastolic_mmhg=80.0,
        unit="mmHg",
    )


def test_a_command_is_shown_once_also_when_it_comes_again_after_a_restart(wall: Wall) -> None:
    asked = command()
    assert wall.hears(asked) == "shown"
    assert wall.hears(asked) == "shown"
    wall.started()
    assert wall.hears(asked) == "shown"
    (shown,) = wall.shown
    assert shown["prompt"]["command_id"] == str(asked.command_id)
    assert shown["prompt"]["text"] == "请再量一次"
    assert wall.texts == [("Measure again", False)]


def test_what_comes_too_late_is_answered_and_never_shown(wall: Wall) -> None:
    assert wall.hears(command(minutes=0)) == "expired"
    assert (wall.shown, wall.texts) == ([], [])


def test_a_request_whose_time_is_over_is_told_for_a_while(wall: Wall) -> None:
    wall.hears(command(minutes=15))
    wall.times.passes(15 * 60 - 1)
    assert wall.texts == [("Measure again", False)]
    wall.times.passes(1)
    assert wall.texts == [("Measure again", True)]
    wall.times.passes(OVER_SHOWN.total_seconds())
    assert wall.texts == []


def test_a_word_that_asks_for_nothing_just_goes(wall: Wall) -> None:
    wall.hears(command(minutes=5, do="show", text_en="Rest"))
    assert wall.texts == [("Rest", False)]
    wall.times.passes(5 * 60)
    assert wall.texts == []


def test_the_newest_stands_first_and_they_are_few(wall: Wall) -> None:
    for number in range(STANDING_MAX + 3):
        wall.hears(command(text_en=str(number)))
    assert [text for text, _ in wall.texts] == [str(n) for n in range(10, 2, -1)]


@pytest.mark.parametrize(
    ("items", "answered"),
    [
        ([reading()], True),
        ([reading(minutes_ago=60 * 24), reading(minutes_ago=2)], True),
        ([reading(minutes_ago=11)], False),
        ([reading(device=METER)], False),
        ([event(1)], False),
        ([], False),
    ],
)
def test_only_a_fresh_reading_of_that_device_is_the_answer(
    wall: Wall, items: list[wire.Item], answered: bool
) -> None:
    wall.hears(command())
    assert wall.prompts.awaits(CUFF) and not wall.prompts.awaits(METER)
    wall.prompts.read(CUFF, items)
    assert wall.prompts.awaits(CUFF) is not answered
    assert wall.started().awaits(CUFF) is not answered


def test_what_was_said_is_remembered_within_a_bound(wall: Wall) -> None:
    first, *others = [command() for _ in range(REMEMBERED_MAX + 1)]
    for each in (first, *others):
        wall.hears(each)
    wall.started()
    assert wall.hears(others[0]) == "shown"
    assert len(wall.shown) == REMEMBERED_MAX + 1
    wall.hears(first)
    assert len(wall.shown) == REMEMBERED_MAX + 2


def test_a_damaged_memory_is_told_and_begun_anew(
    wall: Wall, caplog: pytest.LogCaptureFixture
) -> None:
    wall.hears(command())
    with wall.database.write() as cursor:
        cursor.execute("UPDATE meta SET value = '{\"said\": [1]}' WHERE key = 'prompts'")
    with caplog.at_level(logging.WARNING):
        wall.started()
    assert wall.texts == []
    assert "unreadable" in caplog.text
    assert wall.hears(command()) == "shown"


def test_a_disk_that_takes_nothing_does_not_silence_a_prompt(
    wall: Wall, caplog: pytest.LogCaptureFixture
) -> None:
    with wall.database.write() as cursor:
        cursor.execute("PRAGMA query_only = ON")
    with caplog.at_level(logging.WARNING):
        assert wall.hears(command()) == "shown"
    assert "not remembered" in caplog.text
    assert wall.texts == [("Measure again", False)]


def test_what_is_no_command_is_not_answered(wall: Wall) -> None:
    assert wall.prompts.receive(b"{") is None
    assert wall.prompts.receive(b"\xff") is None
    assert wall.prompts.receive(b'{"x":' + b"[" * 100_000) is None


def test_a_prompt_without_an_end_can_be_shown(wall: Wall) -> None:
    wall.hears(command(expires_at=datetime.max.replace(tzinfo=UTC)))
    assert wall.texts == [("Measure again", False)]


# What is dated


def later(minutes: float = 20, worth: float = 15, **changes: Any) -> wire.Command:
    """A command to be shown in so many minutes, worth so many more."""
    show_at = NOW + timedelta(minutes=minutes)
    return command(minutes + worth, show_at=show_at, **changes)


def test_what_is_dated_is_kept_and_said_in_its_time_also_after_a_restart(wall: Wall) -> None:
    asked = later()
    assert wall.hears(asked) == "kept"
    assert wall.hears(asked) == "kept"
    wall.started()
    wall.times.passes(20 * 60 - 1)
    wall.prompts.say_due()
    assert (wall.shown, wall.texts) == ([], [])
    wall.times.passes(1)
    wall.prompts.say_due()
    wall.prompts.say_due()
    (shown,) = wall.shown
    assert shown["prompt"]["command_id"] == str(asked.command_id)
    assert wall.texts == [("Measure again", False)]
    wall.started()
    (answer,) = wall.prompts.take_answers()
    assert (answer.command_id, answer.outcome) == (asked.command_id, "shown")
    assert wall.prompts.take_answers() == ()
    assert wall.hears(asked) == "shown"
    assert len(wall.shown) == 1


@pytest.mark.parametrize(
    ("minutes_off", "outcome"), [(20, "shown"), (34, "shown"), (35, "expired"), (600, "expired")]
)
def test_a_gateway_that_was_off_says_it_late_or_not_at_all(
    wall: Wall, minutes_off: float, outcome: str
) -> None:
    wall.hears(later(20, worth=15))
    wall.times.passes(minutes_off * 60)
    wall.started().say_due()
    wall.prompts.say_due()
    (answer,) = wall.prompts.take_answers()
    assert answer.outcome == outcome
    assert len(wall.shown) == (outcome == "shown")


def test_one_that_comes_after_its_time_is_said_at_once(wall: Wall) -> None:
    wall.times.passes(21 * 60)
    assert wall.hears(later(20)) == "shown"
    assert len(wall.shown) == 1


def test_what_is_withdrawn_is_never_said(wall: Wall) -> None:
    asked = later()
    wall.hears(asked)
    wall.times.passes(60)
    assert wall.hears(structs.replace(asked, expires_at=wall.times.now)) == "expired"
    wall.times.passes(20 * 60)
    wall.started().say_due()
    assert wall.shown == []


@pytest.mark.parametrize(("minutes_before", "answered"), [(2.5, True), (3.5, False)])
def test_a_reading_just_before_it_is_asked_for_has_answered(
    wall: Wall, minutes_before: float, answered: bool
) -> None:
    wall.hears(later(20))
    wall.times.passes((20 - minutes_before) * 60)
    item = structs.replace(reading(), measured_at=wall.times.now)
    assert wall.prompts.awaits(CUFF) is answered
    wall.prompts.read(CUFF, [item])
    wall.times.passes(minutes_before * 60)
    wall.prompts.say_due()
    assert (wall.shown == []) is answered


def test_what_waits_for_its_time_has_a_bound(wall: Wall) -> None:
    for number in range(LATER_MAX + 3):
        assert wall.hears(later(20, text_en=str(number))) == "kept"
    wall.times.passes(20 * 60)
    wall.prompts.say_due()
    assert len(wall.shown) == LATER_MAX
