"""Does the gateway know what time it is, and what does it say while it does not?"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway_parts import HOME, NOW

from yikao_devices.story_clock import Clock, parse_clock
from yikao_gateway.household.home_clock import RELEASED, HomeClock

HOUR = timedelta(hours=1)
REAL = Clock()


@dataclass
class Machine:
    """A computer's two clocks."""

    wall: datetime
    seconds: float = 1000.0

    def clock(self, newest: datetime | None = None, story: Clock = REAL) -> HomeClock:
        clock = HomeClock(HOME, lambda: self.wall.timestamp(), lambda: self.seconds, story)
        clock.not_before(newest)
        return clock

    def passes(self, span: timedelta) -> None:
        self.wall += span
        self.seconds += span.total_seconds()


def test_a_clock_that_is_not_behind_what_is_stored_is_believed() -> None:
    machine = Machine(NOW)
    clock = machine.clock(NOW - HOUR)
    assert (clock(), clock.line, clock.settle()) == (NOW, None, False)
    machine.passes(HOUR)
    assert clock() == NOW + HOUR
    # The server's word is of no use to it.
    clock.told(NOW - HOUR)
    assert clock() == NOW + HOUR


def test_without_the_time_it_counts_on_from_what_is_known_to_be_past() -> None:
    machine = Machine(datetime.fromtimestamp(0, UTC))
    assert machine.clock()() == RELEASED
    clock = machine.clock(NOW)
    assert clock.line is not None
    machine.passes(HOUR)
    assert clock() == NOW + HOUR
    # A clock that runs on from a wrong start stays wrong, however long it runs.
    machine.passes(timedelta(days=400))
    assert not clock.settle()


def test_the_networks_time_is_taken_when_nobody_is_in_the_middle_of_something() -> None:
    machine = Machine(datetime(2025, 6, 1, tzinfo=HOME))
    clock = machine.clock(NOW)
    line = clock.line
    assert line is not None
    machine.passes(HOUR)
    machine.wall = NOW + 5 * HOUR
    assert clock() == NOW + HOUR
    assert clock.late_s(line) is None
    assert clock.settle()
    assert (clock(), clock.line) == (NOW + 5 * HOUR, None)
    assert clock.late_s(line) == 4 * 3600
    assert clock.late_s("another start's") is None
    assert not clock.settle()


def test_the_servers_word_serves_where_the_network_tells_no_time() -> None:
    machine = Machine(datetime(2025, 6, 1, tzinfo=HOME))
    clock = machine.clock(NOW)
    clock.told(NOW + 3 * HOUR)
    machine.passes(HOUR)
    assert clock.settle()
    assert clock() == NOW + 4 * HOUR
    # Should the machine's clock be set after all it is believed again.
    machine.wall = NOW + 4 * HOUR + timedelta(seconds=1)
    assert clock() == NOW + 4 * HOUR + timedelta(seconds=1)


def test_the_servers_word_ends_a_belief_in_the_future() -> None:
    """What is stored was stored by a clock that was years ahead, and is right now."""
    machine = Machine(NOW)
    clock = machine.clock(NOW + timedelta(days=3000))
    assert clock.line is not None
    clock.told(NOW)
    assert clock.settle()
    assert clock() == NOW


def test_a_storys_clock_is_right_whatever_is_stored() -> None:
    story = parse_clock(f"2026-03-02T08:00:00+08:00@{NOW.timestamp()}*1")
    clock = Machine(NOW).clock(NOW + timedelta(days=1), story)
    assert (clock(), clock.line) == (NOW, None)
