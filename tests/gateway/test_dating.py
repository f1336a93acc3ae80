"""From frames to dated items: in whatever order they came, through a crash, and while the gateway
itself does not know the time."""

import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway_parts import BP, CUFF, GLUCOSE, HOME, METER, NOW, PRESSURE, SUGAR, items_of, outbox_in
from hypothesis import given, settings
from hypothesis import strategies as st

from yikao_devices.assembler import Assembler
from yikao_devices.blood_pressure import encode_blood_pressure
from yikao_devices.clock_epochs import CLOCK_ERROR, ClockSeen
from yikao_devices.clocks import GATEWAY_CLOCK_UNSET
from yikao_devices.date_time import DateTime, date_time_of
from yikao_devices.glucose import encode_glucose
from yikao_devices.models import GENERIC_CUFF, GENERIC_METER, Model
from yikao_devices.story_clock import Clock
from yikao_devices.wire import BloodPressureReading, GlucoseReading, Item
from yikao_gateway.household.home_clock import HomeClock
from yikao_gateway.store.frames import KeptFrame
from yikao_gateway.store.outbox import Outbox
from yikao_gateway.visits.dating import feed
from yikao_gateway.visits.intake import Intake
from yikao_gateway.visits.known_devices import KnownDevice, KnownDevices
from yikao_gateway.visits.release import release

AHEAD_S = 8 * 3600.0


def sugar(number: int, shown: datetime | DateTime) -> bytes:
    time = shown if isinstance(shown, DateTime) else date_time_of(shown)
    return encode_glucose(replace(SUGAR, seq=number, time=time, context_follows=False))


def pressure(shown: datetime, systolic: float = 124.0) -> bytes:
    return encode_blood_pressure(replace(PRESSURE, time=date_time_of(shown), systolic=systolic))


@dataclass
class Machine:
    """A computer whose clock may be wrong, and what it runs: a gateway with a database."""

    outbox: Outbox
    devices: KnownDevices
    wall: datetime = NOW
    seconds: float = 0.0

    def starts(self) -> HomeClock:
        """Return the clock of a gateway that starts now, and knows what it has stored."""
        clock = HomeClock(HOME, lambda: self.wall.timestamp(), lambda: self.seconds, Clock())
        clock.not_before(self.devices.newest())
        return clock

    def passes(self, span: timedelta) -> None:
        self.wall += span
        self.seconds += span.total_seconds()

    def reads(
        self,
        frames: Sequence[bytes],
        clock: Callable[[], datetime],
        model: Model = GENERIC_METER,
        *,
        offset_s: float | None = 0.0,
        before: ClockSeen | None = None,
        line: str | None = None,
        dies: bool = False,
    ) -> Intake:
        """Take what a device sends in one session."""
        meter = model is GENERIC_METER
        intake = Intake(
            self.outbox, METER if meter else CUFF, model, clock, before=before, line=line
        )
        if offset_s is not None:
            intake.clock_compared(offset_s)
        intake.begin()
        for frame in frames:
            intake.take(GLUCOSE if meter else BP, frame)
        if not dies:
            intake.finish(drained=True)
        return intake

    def readings(self) -> list[BloodPressureReading | GlucoseReading]:
        found = items_of(self.outbox)
        assert all(isinstance(item, BloodPressureReading | GlucoseReading) for item in found)
        return found  # type: ignore[return-value]


@contextmanager
def machine() -> Iterator[Machine]:
    with tempfile.TemporaryDirectory() as folder, outbox_in(Path(folder)) as outbox:
        yield Machine(outbox, KnownDevices(outbox._database))


def by_id(items: Sequence[Item]) -> dict[object, Item]:
    return {item.reading_id: item for item in items}


seconds_ago = st.integers(60, 10**6)
drains = st.lists(
    st.tuples(seconds_ago, st.sampled_from([0, 3600, -(10**9), -(10**8)])), min_size=1, max_size=8
)


def frames_of(drain: list[tuple[int, int]]) -> list[bytes]:
    """The records of a meter whose clock was set to and fro, in the order of their numbers."""
    utc = NOW.astimezone(UTC)
    ages = sorted((age for age, _ in drain), reverse=True)
    return [
        sugar(number, (utc + timedelta(seconds=AHEAD_S + jump - age)))
        for number, (age, (_, jump)) in enumerate(zip(ages, drain, strict=True), 1)
    ]


befores = st.none() | st.builds(
    ClockSeen,
    seconds_ago.map(lambda age: NOW - timedelta(seconds=age)),
    st.sampled_from([AHEAD_S, AHEAD_S + 3600, AHEAD_S - 10**9]),
    st.booleans(),
    st.booleans(),
)


OFFSETS_S = st.sampled_from([0.0, 3600.0, -1e9, None])


@given(drains, befores, OFFSETS_S, st.randoms())
def test_the_order_of_sending_changes_nothing(
    drain: list[tuple[int, int]],
    before: ClockSeen | None,
    offset_s: float | None,
    chance: random.Random,
) -> None:
    frames = [
        KeptFrame(METER, GENERIC_METER.name, GLUCOSE, data, NOW, offset_s)
        for data in frames_of(drain)
    ]
    items = by_id(feed(Assembler(GENERIC_METER), frames, before))
    assert len(items) == len(frames)
    chance.shuffle(frames)
    assert by_id(feed(Assembler(GENERIC_METER), frames, before)) == items


@settings(max_examples=12)
@given(drains, befores, OFFSETS_S)
def test_a_crash_before_the_end_changes_nothing(
    drain: list[tuple[int, int]], before: ClockSeen | None, offset_s: float | None
) -> None:
    frames = frames_of(drain)
    with machine() as one, machine() as other:
        one.reads(frames, one.starts(), offset_s=offset_s, before=before)
        known = KnownDevice(METER, GENERIC_METER.name, {}, None, None, False, before)
        other.devices.note(known, NOW)
        other.reads(frames, other.starts(), offset_s=offset_s, before=before, dies=True)
        assert other.readings() == []
        assert release(other.outbox, other.devices, other.starts()) == len(frames)
        assert other.readings() == one.readings()


def test_numbers_that_begin_anew_after_the_last_keep_their_order() -> None:
    """The clock was set back by an hour between the records, and compared before and after."""
    before = ClockSeen(NOW - timedelta(hours=9), AHEAD_S + 3600, drained=True)
    with machine() as m:
        early = [sugar(n, NOW - timedelta(minutes=80 - i)) for i, n in enumerate((65534, 65535))]
        late = [sugar(n, NOW - timedelta(minutes=81 - i)) for i, n in enumerate((0, 1))]
        m.reads([*late, *early], m.starts(), before=before)
        at = {each.record: each.measured_at for each in m.readings()}
        assert NOW - at[65534] == timedelta(minutes=140)
        assert NOW - at[0] == timedelta(minutes=81)


# One record is one reading.


def test_a_cuff_without_numbers_that_sends_everything_each_time() -> None:
    """Also when its clock is set in between: a record's own time stays what it was."""
    frames = [pressure(NOW - timedelta(hours=h)) for h in (5, 3, 1)]
    with machine() as m:
        clock = m.starts()
        assert m.reads(frames, clock, GENERIC_CUFF).new_items == 3
        times = [each.measured_at for each in m.readings()]
        m.passes(timedelta(hours=1))
        before = ClockSeen(NOW, AHEAD_S, over=True, drained=True)
        again = m.reads(frames, clock, GENERIC_CUFF, offset_s=-900.0, before=before)
        assert again.new_items == 0
        assert [each.measured_at for each in m.readings()] == times


def test_two_records_of_one_second_stay_two_and_a_replay_stays_one() -> None:
    at = NOW - timedelta(minutes=9)
    with machine() as m:
        m.reads([pressure(at, 131.0), pressure(at, 132.0)] * 2, m.starts(), GENERIC_CUFF)
        assert [each.systolic_mmhg for each in m.readings()] == [131.0, 132.0]  # type: ignore[union-attr]


# A gateway that does not know the time.

IMAGE = datetime(2025, 6, 1, tzinfo=HOME)
"""When the image on its card was built."""


def test_readings_wait_for_the_networks_time_and_get_theirs() -> None:
    """It starts in 1970, reads a meter, and hours later the network tells the time."""
    with machine() as m:
        m.wall = datetime.fromtimestamp(0, UTC)
        clock = m.starts()
        assert clock.line is not None
        behind = (clock() - NOW).total_seconds()
        shown = NOW - timedelta(minutes=30)
        m.reads([sugar(1, shown)], clock, offset_s=-behind, line=clock.line)
        assert m.readings() == []
        assert release(m.outbox, m.devices, clock) == 0
        m.passes(timedelta(hours=5))
        assert not clock.settle()
        m.wall = NOW + timedelta(hours=5)
        assert clock.settle()
        assert clock() == NOW + timedelta(hours=5)
        assert release(m.outbox, m.devices, clock) == 1
        (item,) = m.readings()
        assert (item.measured_at, item.clocks.t_hub) == (shown, NOW)
        assert (item.doubt_s, item.flags, item.clocks.device_offset_s) == (2.0, (), 0.0)


def test_the_id_of_a_reading_is_nobodys_clock() -> None:
    frame = sugar(1, NOW - timedelta(minutes=30))
    with machine() as right, machine() as wrong:
        right.reads([frame], right.starts())
        wrong.wall = IMAGE
        clock = wrong.starts()
        wrong.reads([frame], clock, line=clock.line)
        clock.told(NOW)
        assert clock.settle()
        release(wrong.outbox, wrong.devices, clock)
        assert wrong.readings()[0].reading_id == right.readings()[0].reading_id


def test_what_a_start_without_the_time_left_to_the_next_is_flagged() -> None:
    """The power failed before the network came: how late that line was nobody will ever know."""
    taken = NOW - timedelta(minutes=30)
    known = ClockSeen(NOW - timedelta(days=1), AHEAD_S, drained=True)
    with machine() as m:
        device = KnownDevice(CUFF, GENERIC_CUFF.name, {}, None, None, False, known)
        m.devices.note(device, NOW - timedelta(days=1))
        m.wall = IMAGE
        clock = m.starts()
        m.reads([pressure(taken)], clock, GENERIC_CUFF, line=clock.line)
        m.reads([sugar(1, DateTime(0, 0, 0, 0, 0, 0))], clock, line=clock.line)
        m.wall = NOW
        assert release(m.outbox, m.devices, m.starts()) == 2
        cuff, meter = m.readings()
        # The cuff's clock was compared a day ago; the meter has none, and was never seen.
        assert (cuff.measured_at, cuff.flags) == (taken, (GATEWAY_CLOCK_UNSET,))
        assert cuff.doubt_s < 60
        assert (meter.measured_at, meter.flags) == (NOW, (CLOCK_ERROR, GATEWAY_CLOCK_UNSET))
        assert meter.doubt_s > 86_400


def test_who_does_not_wait_is_told_that_the_time_was_not_known() -> None:
    with machine() as m:
        m.wall = IMAGE
        clock = m.starts()
        m.reads([pressure(NOW - timedelta(minutes=30))], clock, GENERIC_CUFF, line=clock.line)
        assert release(m.outbox, m.devices, clock, undated=True) == 1
        assert GATEWAY_CLOCK_UNSET in m.readings()[0].flags
