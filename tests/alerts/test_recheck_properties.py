"""Re-checks whatever comes, in whatever order: what was due once stays due, once."""

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from fix_hypothesis import examples
from hypothesis import given
from hypothesis import strategies as st
from reading_parts import RULES, bp, look, says, sugar, t

from yikao_alerts.course import Course
from yikao_alerts.history import Measurement, Symptoms, history_of, key_of
from yikao_alerts.recheck import rechecks
from yikao_alerts.resident import Resident

START = t("22:00")
CRISIS, LOW = bp(205, 100, START), sugar(2.8, START)
Item = Measurement | Symptoms

later_s = st.integers(1, 100 * 60)
delay_s = st.sampled_from([0, 5, 5, 5, 120, 900, 2400])
systolics = st.sampled_from([130, 155, 165, 175, 179, 185, 199, 205, 220])
sugars = st.sampled_from([2.5, 3.5, 3.8, 3.9, 4.0, 5.0, 5.6, 7.0])
codes = st.sampled_from(["none", "cold_sweat", "near_syncope", "vomiting"])


@st.composite
def pressures(draw: st.DrawFn) -> Measurement:
    at = START + timedelta(seconds=draw(later_s))
    received = at + timedelta(seconds=draw(delay_s))
    return bp(draw(systolics), 90, at, received=received)


@st.composite
def glucoses(draw: st.DrawFn) -> Measurement:
    at = START + timedelta(seconds=draw(later_s))
    return sugar(draw(sugars), at, received=at + timedelta(seconds=draw(delay_s)))


@st.composite
def reports(draw: st.DrawFn) -> Symptoms:
    at = START + timedelta(seconds=draw(later_s))
    return says(draw(codes), at, received=at + timedelta(seconds=draw(delay_s)))


items = st.lists(pressures() | glucoses() | reports(), max_size=12, unique_by=lambda item: item.key)
looks = st.lists(st.integers(0, 150 * 60), min_size=2, max_size=6)
FOUND = look(START + timedelta(seconds=10), CRISIS, LOW).findings
"""Only these begin a course here, so that what is tested is the course alone."""


def courses(now: datetime, arrived: list[Item]) -> tuple[Course, ...]:
    """Return the courses at `now`, of what had arrived by then."""
    known = [CRISIS, LOW, *(item for item in arrived if item.received_at <= now)]
    past = history_of(
        [item for item in known if isinstance(item, Measurement)],
        [item for item in known if isinstance(item, Symptoms)],
    )
    return rechecks(FOUND, past, Resident(), RULES, now)


def due(found: tuple[Course, ...]) -> list[tuple[str, str, datetime]]:
    return [(f.rule_id, f.confirmed, f.at) for course in found for f in course.escalations]


@examples(150)
@given(items, looks)
def test_what_was_due_once_stays_due_and_is_due_once(
    arrived: list[Item], seconds: list[int]
) -> None:
    before: list[tuple[str, str, datetime]] = []
    for second in sorted(seconds):
        now_due = due(courses(START + timedelta(seconds=10 + second), arrived))
        assert set(before) <= set(now_due), "nothing that arrives takes it back"
        kinds = [(rule_id, kind) for rule_id, kind, _ in now_due]
        assert len(set(kinds)) == len(kinds)
        before = now_due


@examples(100)
@given(items, st.integers(0, 150 * 60), st.randoms(use_true_random=False))
def test_the_order_in_which_readings_are_given_does_not_matter(
    arrived: list[Item], second: int, random: Random
) -> None:
    now = START + timedelta(seconds=10 + second)
    shuffled = list(arrived)
    random.shuffle(shuffled)
    assert courses(now, shuffled) == courses(now, arrived)


@examples(100)
@given(items, st.integers(0, 150 * 60), st.integers(-40_000, 40_000))
def test_shifting_all_times_shifts_the_answer(
    arrived: list[Item], second: int, shift_s: int
) -> None:
    shift, now = timedelta(seconds=shift_s), START + timedelta(seconds=10 + second)
    known = [CRISIS, LOW, *(item for item in arrived if item.received_at <= now)]
    here = look(now, *known).courses
    there = look(now + shift, *(_shifted(item, shift) for item in known)).courses
    assert [(c.rule_id, c.started_at + shift) for c in here] == [
        (c.rule_id, c.started_at) for c in there
    ]
    for one, other in zip(here, there, strict=True):
        assert [(r.grade, r.mean, r.due_at + shift) for r in one.rounds] == [
            (r.grade, r.mean, r.due_at) for r in other.rounds
        ]
        assert [(f.confirmed, f.at + shift) for f in one.escalations] == [
            (f.confirmed, f.at) for f in other.escalations
        ]


def _shifted(item: Item, shift: timedelta) -> Item:
    at, received = item.at + shift, item.received_at + shift
    if isinstance(item, Symptoms):
        return replace(item, key=f"symptom/{at}/{min(item.codes)}", at=at, received_at=received)
    return replace(item, key=key_of(item.kind, item.device, at), at=at, received_at=received)


@examples(100)
@given(items)
def test_followed_by_its_timers_alone_nothing_is_passed_over(arrived: list[Item]) -> None:
    """Looking at each arrival and each timer finds all that looking every minute finds."""
    end = START + timedelta(hours=3)
    times = sorted({START + timedelta(seconds=10), *(item.received_at for item in arrived)})
    seen: set[tuple[str, str, datetime]] = set()
    while times:
        now = times.pop(0)
        found = courses(now, arrived)
        seen |= set(due(found))
        again = [c.look_again_at for c in found if c.look_again_at is not None]
        assert all(at > now for at in again)
        times = sorted({*times, *(at for at in again if at <= end)})
    assert seen == set(due(courses(end, arrived)))


def test_a_round_whose_reading_arrives_late_is_not_told_in_place_of_another() -> None:
    minute = timedelta(minutes=1)
    late = bp(205, 90, START + 15 * minute, received=START + 55 * minute)
    prompt = bp(205, 90, START + 35 * minute, received=START + 35 * minute)
    for minutes in (50, 56, 120):
        found = due(courses(START + minutes * minute, [late, prompt]))
        assert [at for _, kind, at in found if kind == "recheck_extreme"] == [prompt.at]


@examples(100)
@given(items, st.integers(0, 180 * 60))
def test_a_course_that_is_over_waits_for_nothing_and_one_that_runs_waits(
    arrived: list[Item], second: int
) -> None:
    for course in courses(START + timedelta(seconds=10 + second), arrived):
        assert (course.over_at is None) is (course.look_again_at is not None)
        if course.resolved is not None:
            assert course.over_at is not None
            assert course.over_at <= course.resolved.at
