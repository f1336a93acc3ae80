"""One clock for all processes of a story: a line from real seconds to story time."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yikao_devices.story_clock import SPEED_MAX, VARIABLE, Clock, ClockSpecError, parse_clock

SPEC = "2026-03-02T21:50:00+08:00@1772459400*60"
MICROSECOND = timedelta(microseconds=1)

clocks = st.builds(
    Clock,
    story_s=st.integers(0, 4 * 10**9).map(float),
    real_s=st.floats(0, 4e9),
    speed=st.floats(0.001, SPEED_MAX),
)


def test_without_a_story_it_is_real_time() -> None:
    for nothing in (None, ""):
        clock = parse_clock(nothing)
        assert clock == Clock()
        assert clock.at(1772459400.25) == datetime.fromtimestamp(1772459400.25, UTC)
        assert clock.real_seconds(timedelta(minutes=10)) == 600


def test_an_hour_passes_in_a_minute() -> None:
    clock = parse_clock(SPEC)
    start = datetime(2026, 3, 2, 13, 50, tzinfo=UTC)
    assert clock.at(1772459400) == start
    assert clock.at(1772459400 + 60) == start + timedelta(hours=1)
    assert clock.at(1772459400 - 1) == start - timedelta(minutes=1)
    assert clock.at(1772459400).tzinfo is UTC
    assert clock.real_seconds(timedelta(minutes=10)) == 10
    assert clock.real_time(start + timedelta(hours=2)) == 1772459400 + 120


@given(clocks)
def test_its_own_words_make_the_same_clock(clock: Clock) -> None:
    again = parse_clock(clock.spec())
    assert again.spec() == clock.spec()
    assert abs(again.at(clock.real_s) - clock.at(clock.real_s)) <= MICROSECOND


@given(clocks, st.floats(-1e5, 1e5))
def test_there_and_back(clock: Clock, later_s: float) -> None:
    real_s = clock.real_s + later_s
    # Both clocks tell microseconds; a slow story's are more than one real one.
    slack_s = max(1.0, 1 / clock.speed) * 2e-6
    assert clock.real_time(clock.at(real_s)) == pytest.approx(real_s, rel=1e-15, abs=slack_s)


@given(clocks, st.floats(0.01, 1e4))
def test_it_never_runs_backwards(clock: Clock, step_s: float) -> None:
    assert clock.at(clock.real_s + step_s) > clock.at(clock.real_s)


@given(clocks, st.timedeltas(timedelta(0), timedelta(days=400)), st.integers(-12, 14))
def test_the_zone_of_a_time_is_no_matter(clock: Clock, after: timedelta, hours: int) -> None:
    moment = clock.at(clock.real_s) + after
    there = moment.astimezone(timezone(timedelta(hours=hours)))
    assert clock.real_time(there) == clock.real_time(moment)


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("yesterday", "is not STORY@REAL"),
        ("2026-03-02T21:50:00+08:00", "is not STORY@REAL"),
        ("2026-03-02T21:50:00+08:00@1772459400", "is not STORY@REAL"),
        ("2026-03-02T21:50:00+08:00@x*60", "is not STORY@REAL"),
        ("2026-13-02T21:50:00+08:00@1772459400*60", "is not STORY@REAL"),
        ("2026-03-02T21:50:00@1772459400*60", "needs an offset"),
        ("2026-03-02@1772459400*60", "needs an offset"),
        (SPEC.replace("*60", "*0"), "not above 0"),
        (SPEC.replace("*60", "*-1"), "not above 0"),
        (SPEC.replace("*60", "*3601"), "not above 0"),
        (SPEC.replace("*60", "*nan"), "not above 0"),
        (SPEC.replace("*60", "*inf"), "not above 0"),
        (SPEC.replace("1772459400", "nan"), "no real second"),
        (SPEC.replace("1772459400", "inf"), "no real second"),
    ],
)
def test_what_is_no_clock_is_refused_with_the_reason(spec: str, why: str) -> None:
    with pytest.raises(ClockSpecError, match=why) as caught:
        parse_clock(spec)
    assert VARIABLE in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_a_clock_or_refused(spec: str) -> None:
    try:
        clock = parse_clock(spec)
    except ClockSpecError:
        return
    assert 0 < clock.speed <= SPEED_MAX
