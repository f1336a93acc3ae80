"""Frames on their way into the outbox: dated, joined with their context, never lost in a crash."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from gateway_parts import (
    BP,
    CONTEXT,
    CUFF,
    GLUCOSE,
    HOME,
    METER,
    NOW,
    context_frame,
    items_of,
    outbox_in,
    pressure_frame,
    sugar_frame,
)

from yikao_devices.clock_epochs import ClockSeen
from yikao_devices.models import GENERIC_CUFF, GENERIC_METER
from yikao_devices.story_clock import Clock
from yikao_devices.wire import BloodPressureReading, GlucoseReading, RefusedFrame
from yikao_gateway.household.home_clock import HomeClock
from yikao_gateway.store.outbox import Outbox
from yikao_gateway.visits.intake import Intake
from yikao_gateway.visits.known_devices import KnownDevices
from yikao_gateway.visits.release import CONTEXT_WAIT, release


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with outbox_in(tmp_path) as opened:
        yield opened


def make_items(outbox: Outbox, later: timedelta = CONTEXT_WAIT) -> int:
    """Release what was left behind, by a gateway that knows the time, so much later."""
    clock = HomeClock(HOME, (NOW + later).timestamp, lambda: 0.0, Clock())
    return release(outbox, KnownDevices(outbox._database), clock)


def cuff(outbox: Outbox) -> Intake:
    return Intake(outbox, CUFF, GENERIC_CUFF, lambda: NOW)


def meter(outbox: Outbox) -> Intake:
    return Intake(outbox, METER, GENERIC_METER, lambda: NOW)


def test_a_frame_is_stored_when_take_returns(outbox: Outbox) -> None:
    intake = cuff(outbox)
    intake.begin()
    intake.take(BP, pressure_frame(1))
    (item,) = items_of(outbox)
    assert isinstance(item, BloodPressureReading)
    assert item.frame == pressure_frame(1).hex()
    assert outbox.leftovers() == {}


def test_a_frame_that_comes_before_the_clock_was_compared_waits_for_it(outbox: Outbox) -> None:
    intake = cuff(outbox)
    intake.take(BP, pressure_frame(1))
    assert items_of(outbox) == []
    intake.clock_compared(3600.0)
    intake.begin()
    (item,) = items_of(outbox)
    assert isinstance(item, BloodPressureReading)
    assert item.clocks.device_offset_s == 3600.0
    assert item.measured_at == NOW - timedelta(days=30) + timedelta(minutes=1, hours=-1)
    assert outbox.leftovers() == {}


def test_what_a_clock_is_stands_on_the_disk_before_it_is_set(outbox: Outbox) -> None:
    noted: list[ClockSeen] = []
    intake = Intake(outbox, CUFF, GENERIC_CUFF, lambda: NOW, remember=noted.append)
    intake.clock_compared(3600.0)
    intake.clock_will_be_set()
    assert noted == [ClockSeen(NOW, 9 * 3600.0, over=True)]
    assert intake.clock == noted[0]
    unread = Intake(outbox, CUFF, GENERIC_CUFF, lambda: NOW)
    unread.clock_will_be_set()
    assert unread.clock == ClockSeen(NOW, None, over=True)


def test_a_result_is_on_the_disk_while_it_waits_for_its_context(outbox: Outbox) -> None:
    intake = meter(outbox)
    intake.begin()
    intake.take(GLUCOSE, sugar_frame(7, context_follows=True))
    assert items_of(outbox) == []
    assert [len(frames) for frames in outbox.leftovers().values()] == [1]
    intake.take(CONTEXT, context_frame(7))
    intake.finish(drained=True)
    (item,) = items_of(outbox)
    assert isinstance(item, GlucoseReading)
    assert item.meal == "fasting"
    assert outbox.leftovers() == {}


def test_a_context_that_never_comes_costs_no_result(outbox: Outbox) -> None:
    intake = meter(outbox)
    intake.begin()
    for number in (7, 8):
        intake.take(GLUCOSE, sugar_frame(number, context_follows=True))
    intake.finish(drained=True)
    assert [item.record for item in items_of(outbox)] == [7, 8]  # type: ignore[union-attr]
    assert outbox.leftovers() == {}


def test_a_result_that_was_cut_off_waits_alone(outbox: Outbox) -> None:
    """What came whole is not kept back, and the next reading of the device may bring the rest."""
    cut = meter(outbox)
    cut.begin()
    cut.take(GLUCOSE, sugar_frame(6, context_follows=True))
    cut.take(CONTEXT, context_frame(6))
    cut.take(GLUCOSE, sugar_frame(7, context_follows=True))
    cut.finish(drained=False)
    assert [item.record for item in items_of(outbox)] == [6]  # type: ignore[union-attr]
    assert [len(frames) for frames in outbox.leftovers().values()] == [1]
    again = meter(outbox)
    again.begin()
    again.take(GLUCOSE, sugar_frame(7, context_follows=True))
    again.take(CONTEXT, context_frame(7))
    again.finish(drained=True)
    assert make_items(outbox) == 0
    assert [item.meal for item in items_of(outbox)] == ["fasting"] * 2  # type: ignore[union-attr]
    assert outbox.leftovers() == {}


def test_a_record_that_was_told_early_without_its_context_is_the_whole_one(outbox: Outbox) -> None:
    """A meter that knows us tells its newest result before it is asked, and then in its turn."""
    eager = meter(outbox)
    eager.take(GLUCOSE, sugar_frame(8, context_follows=True))
    eager.begin()
    for number in (7, 8):
        eager.take(GLUCOSE, sugar_frame(number, context_follows=True))
        eager.take(CONTEXT, context_frame(number))
    eager.finish(drained=True)
    assert eager.new_items == 2
    assert [item.meal for item in items_of(outbox)] == ["fasting"] * 2  # type: ignore[union-attr]


def test_the_highest_record_counts_only_what_could_be_read(outbox: Outbox) -> None:
    intake = meter(outbox)
    intake.begin()
    for number in (3, 9, 5):
        intake.take(GLUCOSE, sugar_frame(number))
    intake.take(GLUCOSE, b"\x02\xff\xff")
    intake.finish(drained=True)
    assert (intake.highest_record, intake.new_items) == (9, 4)
    assert isinstance(items_of(outbox)[-1], RefusedFrame)


def test_only_new_items_are_counted(outbox: Outbox) -> None:
    for new in (1, 0):
        intake = cuff(outbox)
        intake.begin()
        intake.take(BP, pressure_frame(1))
        assert intake.new_items == new


def test_what_a_crash_left_behind_becomes_items(outbox: Outbox) -> None:
    held, early = meter(outbox), cuff(outbox)
    held.begin()
    held.take(GLUCOSE, sugar_frame(7, context_follows=True))
    early.take(BP, pressure_frame(1))
    # A restart is no reason not to wait for a context, and nothing else waits.
    assert make_items(outbox, timedelta(seconds=10)) == 1
    assert make_items(outbox) == 1
    assert {type(item) for item in items_of(outbox)} == {GlucoseReading, BloodPressureReading}
    assert all(item.clocks.t_hub == NOW for item in items_of(outbox))
    assert make_items(outbox) == 0


def test_what_was_released_is_no_new_item_when_the_device_sends_it_again(outbox: Outbox) -> None:
    meter(outbox).take(GLUCOSE, sugar_frame(7))
    make_items(outbox)
    again = meter(outbox)
    again.begin()
    again.take(GLUCOSE, sugar_frame(7))
    again.finish(drained=True)
    assert again.new_items == 0


KEEPER = """
import sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from gateway_parts import *
from yikao_devices.models import GENERIC_METER
from yikao_gateway.visits.intake import Intake
from yikao_gateway.visits.release import CONTEXT_WAIT, release
from yikao_devices.story_clock import Clock
from yikao_gateway.household.home_clock import HomeClock
from yikao_gateway.visits.known_devices import KnownDevices
clock = HomeClock(HOME, (NOW + CONTEXT_WAIT).timestamp, lambda: 0.0, Clock())
with outbox_in(Path(sys.argv[1])) as outbox:
    release(outbox, KnownDevices(outbox._database), clock)
    start = outbox.counts().stored + outbox.counts().open
    intake = Intake(outbox, METER, GENERIC_METER, lambda: NOW)
    intake.begin()
    for number in range(start, start + 5000):
        # Every other result waits for its context; what is printed has been stored.
        follows = number % 2 == 1
        intake.take(GLUCOSE, sugar_frame(number, context_follows=follows))
        print(number, flush=True)
        if follows:
            intake.take(CONTEXT, context_frame(number))
"""


@pytest.mark.parametrize("seed", range(6))
def test_a_killed_process_loses_nothing_it_had_stored(tmp_path: Path, seed: int) -> None:
    """kill -9 in mid-work: every frame whose storing had returned is an item after the restart."""
    random.seed(seed)
    parts = str(Path(__file__).parent)
    last = -1
    for _ in range(2):
        child = subprocess.Popen(
            [sys.executable, "-c", KEEPER, str(tmp_path), parts],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        for _ in range(random.randint(1, 60)):
            last = int(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)
        for line in child.stdout:
            last = int(line) if line.endswith("\n") else last
        child.stdout.close()
        child.wait()
    verdict = sqlite3.connect(tmp_path / "outbox.sqlite3")
    assert verdict.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    verdict.close()
    with outbox_in(tmp_path) as outbox:
        make_items(outbox)
        numbers = [item.record for item in items_of(outbox)]  # type: ignore[union-attr]
        assert set(range(last + 1)) <= set(numbers)
        assert len(numbers) == len(set(numbers))
