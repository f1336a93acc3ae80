"""What waits on the disk, and when it is released: whatever comes in whatever order, each record is
stored once, and whole if it came whole in time."""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from fix_hypothesis import examples
from gateway_parts import CONTEXT, GLUCOSE, METER, NOW, context_frame, sugar_frame
from hypothesis import example, given
from hypothesis import strategies as st
from waiting_house import House, house

from yikao_devices.models import GENERIC_METER
from yikao_gateway.store.frames import KeptFrame
from yikao_gateway.visits.intake import Intake
from yikao_gateway.visits.known_devices import KnownDevice
from yikao_gateway.visits.release import CONTEXT_WAIT, may_become_whole

SECOND = timedelta(seconds=1)

RESULT, WHOLE = sugar_frame(7, context_follows=True), sugar_frame(7)
ages = st.timedeltas(-timedelta(hours=2), timedelta(hours=2))


def kept(characteristic: int, data: bytes) -> KeptFrame:
    return KeptFrame(METER, GENERIC_METER.name, characteristic, data, NOW, 0.0)


@given(ages, st.none() | ages)
def test_only_a_result_that_announces_a_context_waits_and_only_for_so_long(
    age: timedelta, drained_after: timedelta | None
) -> None:
    now = NOW + age
    drained_at = None if drained_after is None else NOW + drained_after
    others = [kept(GLUCOSE, WHOLE), kept(CONTEXT, context_frame(7)), kept(GLUCOSE, RESULT[:5])]
    assert not any(may_become_whole(each, now, drained_at) for each in others)
    last = kept(GLUCOSE, RESULT)
    assert not may_become_whole(last, None, drained_at)
    was_drained_since = drained_at is not None and drained_at > NOW
    assert may_become_whole(last, now, drained_at) == (
        -CONTEXT_WAIT < age < CONTEXT_WAIT and not was_drained_since
    )


@dataclass
class Expected:
    """What has to become of each record. held: cut off in a session that is still on the disk;
    drained: how many of these the last visit could have made whole."""

    fate: dict[int, str] = field(default_factory=dict)
    held: list[tuple[int, datetime]] = field(default_factory=list)
    drained: int = 0

    def comes_whole(self, records: Iterable[int]) -> None:
        self.fate = dict.fromkeys(records, "whole") | self.fate

    def looks(self, now: datetime, *, at_end: bool = False) -> None:
        due, waiting = [], []
        for number, (record, since) in enumerate(self.held):
            waits = not at_end and number >= self.drained and now - since < CONTEXT_WAIT
            (waiting if waits else due).append((record, since))
        self.held, self.drained = waiting, 0
        self.fate = dict.fromkeys((record for record, _ in due), "cut off") | self.fate


records = st.integers(1, 4)
steps = st.one_of(
    st.tuples(st.just("cut off at"), records),
    st.tuples(st.just("killed at"), records),
    st.tuples(st.just("drained"), records),
    st.tuples(st.just("seconds"), st.integers(1, 150)),
    st.tuples(st.just("look"), st.just(0)),
)


AGED = [("cut off at", 1), ("seconds", 100), ("killed at", 2), ("seconds", 50), ("look", 0)]
"""The whole record is on the disk as well, in a session that still waits itself."""


@examples(60)
@given(st.lists(steps, max_size=14))
@example(AGED)
def test_each_record_is_stored_once_and_whole_if_it_came_whole_in_time(
    story: list[tuple[str, int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder, house(Path(folder)) as h:
        expected = Expected()
        for what, number in story:
            _happens(h, expected, what, number)
        expected.looks(h.wall, at_end=True)
        h.looks(at_end=True)
        found = h.sugars()
        assert len(found) == len(expected.fate)
        assert {each.record: "whole" if each.meal else "cut off" for each in found} == expected.fate
        assert h.waiting == 0


def _happens(h: House, expected: Expected, what: str, number: int) -> None:
    match what:
        case "seconds":
            h.wall += number * SECOND
        case "look":
            expected.looks(h.wall)
            h.looks()
        case "drained":
            _reads(h, whole=number)
            expected.comes_whole(range(1, number + 1))
            expected.drained = len(expected.held)
        case "cut off at":
            _reads(h, whole=number - 1, cut=number)
            expected.comes_whole(range(1, number))
            expected.held.append((number, h.wall))
            expected.drained = 0
        case "killed at":
            _reads(h, whole=number - 1, cut=number, dies=True)
            expected.comes_whole(range(1, number))
            expected.held.append((number, h.wall))
            h.restarts()


def _reads(h: House, *, whole: int, cut: int | None = None, dies: bool = False) -> None:
    """Take a meter's first records with their contexts, and one without."""
    intake = Intake(h.outbox, METER, GENERIC_METER, h.clock)
    intake.begin()
    for number in range(1, whole + 1):
        intake.take(GLUCOSE, sugar_frame(number, context_follows=True))
        intake.take(CONTEXT, context_frame(number))
    if cut is not None:
        intake.take(GLUCOSE, sugar_frame(cut, context_follows=True))
    if not dies:
        intake.finish(drained=cut is None)
        problem = None if cut is None else "disconnected_early"
        known = KnownDevice(METER, GENERIC_METER.name, {}, None, problem, False)
        h.devices.note(known, h.clock())
