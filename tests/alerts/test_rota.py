"""Who is on call: turns, hours, holidays, words and leave, with and without summer time."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from fix_hypothesis import examples
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.rota import (
    HandOver,
    Hours,
    Kind,
    Layer,
    Leave,
    Override,
    Rota,
    Rotation,
    on_call,
    shifts,
    stands_in,
)
from yikao_alerts.rota.when import DAY_WORDS, EVERY_DAY, WORKDAY

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
ZONES = (SHANGHAI, BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe"))
MONDAY = date(2027, 1, 4)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


WEEKLY = Rotation(("wang", "li", "chen"), MONDAY, 7, time(8))
DUTY = Rota("duty", SHANGHAI, (Layer(WEEKLY),))
OFFICE = Layer(
    Rotation(("zhou", "sun"), MONDAY, 1, time(8)), Hours(frozenset({WORKDAY}), time(8), time(18))
)
TEAM = Rota("team", SHANGHAI, (OFFICE, Layer(DUTY)))


def with_words(*words: Override | HandOver, leaves: tuple[Leave, ...] = ()) -> Rota:
    return Rota("duty", SHANGHAI, (Layer(WEEKLY),), words, leaves)


def span(begin: str, end: str) -> tuple[datetime, datetime]:
    return at(begin), at(end)


WEEK = span("2027-01-04T08:00", "2027-01-11T08:00")
IN_WEEK = at("2027-01-06T12:00")


def test_a_week_each_from_hand_over_to_hand_over() -> None:
    assert on_call(DUTY, at("2027-01-04T07:59")) == ("chen",)
    assert on_call(DUTY, at("2027-01-04T08:00")) == ("wang",)
    assert on_call(DUTY, at("2027-01-11T08:00")) == ("li",)
    assert on_call(DUTY, at("2027-01-25T08:00")) == ("wang",)


def test_the_team_in_office_hours_the_duty_rota_at_night_and_on_days_off() -> None:
    holiday = Rota("team", SHANGHAI, TEAM.layers, holidays={date(2027, 1, 6): "offday"})
    assert on_call(TEAM, at("2027-01-04T09:00")) == ("zhou",)
    assert on_call(TEAM, at("2027-01-05T09:00")) == ("sun",)
    assert on_call(TEAM, at("2027-01-05T18:00")) == ("wang",)
    assert on_call(TEAM, at("2027-01-09T09:00")) == ("wang",)
    assert on_call(holiday, at("2027-01-06T09:00")) == ("wang",)


def test_a_sunday_worked_for_a_bridge_day_is_a_working_day() -> None:
    worked = Rota("team", SHANGHAI, TEAM.layers, holidays={date(2027, 1, 10): "workday"})
    assert on_call(worked, at("2027-01-10T09:00")) == ("zhou",)


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    nights = Layer(WEEKLY, Hours(frozenset({"fri"}), time(20), time(8)))
    rota = Rota("nights", SHANGHAI, (nights,))
    assert on_call(rota, at("2027-01-08T19:59")) == ()
    assert on_call(rota, at("2027-01-08T20:00")) == ("wang",)
    assert on_call(rota, at("2027-01-09T07:59")) == ("wang",)
    assert on_call(rota, at("2027-01-09T08:00")) == ()


def test_a_temporary_schedule_stands_above_and_ends() -> None:
    festival = Layer(Rotation(("sun",), MONDAY), first=date(2027, 2, 6), last=date(2027, 2, 12))
    rota = Rota("duty", SHANGHAI, (festival, Layer(WEEKLY)))
    assert on_call(rota, at("2027-02-06T07:59")) == ("li",)
    assert on_call(rota, at("2027-02-06T08:00")) == ("sun",)
    assert on_call(rota, at("2027-02-13T07:59")) == ("sun",)
    assert on_call(rota, at("2027-02-13T08:00")) == ("chen",)


@pytest.mark.parametrize(
    ("words", "doctors"),
    [
        ([Override(Kind.REPLACE, ("sun",), *WEEK)], ("sun",)),
        ([Override(Kind.ADD, ("sun", "wang"), *WEEK)], ("wang", "sun")),
        ([Override(Kind.REMOVE, ("wang",), *WEEK)], ("li",)),
        (
            [Override(Kind.REMOVE, ("wang",), *WEEK), Override(Kind.ADD, ("wang",), *WEEK)],
            ("wang",),
        ),
        ([HandOver("wang", "sun", *WEEK)], ("sun",)),
        ([HandOver("li", "sun", *WEEK)], ("wang",)),
        # Handed back: the later word prevails.
        ([HandOver("wang", "li", *WEEK), HandOver("li", "wang", *WEEK)], ("wang",)),
        ([HandOver("li", "wang", *WEEK), HandOver("wang", "li", *WEEK)], ("li",)),
        ([Override(Kind.REPLACE, ("sun",), *WEEK), HandOver("sun", "zhou", *WEEK)], ("zhou",)),
    ],
)
def test_words_change_a_span(words: list[Override | HandOver], doctors: tuple[str, ...]) -> None:
    assert on_call(with_words(*words), IN_WEEK) == doctors
    assert on_call(with_words(*words), WEEK[1]) == ("li",)


@pytest.mark.parametrize(
    ("leaves", "doctors"),
    [
        ([Leave("wang", *WEEK)], ("li",)),
        ([Leave("wang", *WEEK, "sun")], ("sun",)),
        ([Leave("wang", *WEEK, "sun"), Leave("sun", *WEEK)], ("li",)),
        ([Leave("wang", *WEEK), Leave("li", *WEEK)], ("chen",)),
        # Two who stand in for each other: the next in order.
        ([Leave("wang", *WEEK, "li"), Leave("li", *WEEK, "wang")], ("chen",)),
        ([Leave(who, *WEEK) for who in ("wang", "li", "chen")], ()),
    ],
)
def test_nobody_who_is_away_is_on_call(leaves: list[Leave], doctors: tuple[str, ...]) -> None:
    assert on_call(with_words(leaves=tuple(leaves)), IN_WEEK) == doctors


def test_away_and_handed_over_goes_to_who_took_it() -> None:
    rota = with_words(HandOver("wang", "sun", *WEEK), leaves=(Leave("wang", *WEEK),))
    assert on_call(rota, IN_WEEK) == ("sun",)


def test_who_stands_in_for_a_resident_s_own_doctor() -> None:
    leaves = (Leave("wang", *WEEK, "li"), Leave("chen", *WEEK))
    assert stands_in("wang", IN_WEEK, leaves) == "li"
    assert stands_in("wang", WEEK[1], leaves) == "wang"
    assert stands_in("chen", IN_WEEK, leaves) is None


@pytest.mark.parametrize(("day", "hours"), [(date(2027, 3, 27), 23), (date(2027, 10, 30), 25)])
def test_the_shift_over_a_change_of_the_clock_is_as_long_as_its_day(day: date, hours: int) -> None:
    rota = Rota("duty", BERLIN, (Layer(Rotation(("wang", "li"), MONDAY)),))
    noon = datetime.combine(day, time(12), BERLIN).astimezone(UTC)
    (shift,) = [
        s for s in shifts(rota, noon - 36 * HOUR, noon + 36 * HOUR) if s.begin <= noon < s.end
    ]
    assert shift.end - shift.begin == hours * HOUR


def test_a_hand_over_in_the_hour_that_is_not_there_or_there_twice() -> None:
    night = Rota(
        "duty", BERLIN, (Layer(Rotation(("wang", "li"), date(2027, 3, 28), 1, time(2, 30))),)
    )
    assert on_call(night, datetime(2027, 3, 28, 1, 29, tzinfo=UTC)) == ("li",)
    assert on_call(night, datetime(2027, 3, 28, 1, 30, tzinfo=UTC)) == ("wang",)
    first_pass = datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    assert on_call(night, first_pass - MINUTE) != on_call(night, first_pass)
    assert on_call(night, first_pass) == on_call(night, first_pass + HOUR)


zones = st.sampled_from(ZONES)
doctors = st.sampled_from(("wang", "li", "chen", "zhou", "sun"))
clock_times = st.builds(time, st.integers(0, 23), st.sampled_from((0, 30)))
days = st.dates(date(2026, 12, 1), date(2027, 12, 31))
rotations = st.builds(
    Rotation,
    st.lists(doctors, min_size=1, max_size=4, unique=True).map(tuple),
    days,
    st.sampled_from((1, 2, 7, 10)),
    clock_times,
)
hours = st.builds(
    Hours, st.frozensets(st.sampled_from(DAY_WORDS), min_size=1), clock_times, clock_times
)
moments = st.integers(0, 334 * 24 * 60).map(lambda n: datetime(2027, 1, 1, tzinfo=UTC) + n * MINUTE)
spans = st.tuples(moments, st.integers(1, 20 * 24 * 60)).map(lambda s: (s[0], s[0] + s[1] * MINUTE))
words = st.one_of(
    st.tuples(
        st.sampled_from(Kind), st.lists(doctors, min_size=1, max_size=2, unique=True), spans
    ).map(lambda w: Override(w[0], tuple(w[1]), *w[2])),
    st.tuples(doctors, doctors, spans).map(lambda w: HandOver(w[0], w[1], *w[2])),
)
leaves = st.tuples(doctors, spans, st.none() | doctors).map(lambda v: Leave(v[0], *v[1], v[2]))
layers = st.builds(Layer, rotations, st.none() | hours, st.none() | days, st.none() | days)
holidays = st.dictionaries(days, st.sampled_from(("offday", "workday")), max_size=5)


@st.composite
def rotas(draw: st.DrawFn) -> Rota:
    """A rota with words and leave, half of them with another inside."""
    zone, free = draw(zones), draw(holidays)
    away = tuple(draw(st.lists(leaves, max_size=3)))
    said = st.lists(words, max_size=4).map(tuple)
    inner = Rota("inner", zone, (Layer(draw(rotations)),), draw(said), away, free)
    parts = [*draw(st.lists(layers, max_size=3)), *draw(st.sampled_from(([], [Layer(inner)])))]
    return Rota("outer", zone, tuple(parts), draw(said), away, free)


@given(rotations, zones, moments)
@examples(200)
def test_every_minute_belongs_to_exactly_one_turn(
    rotation: Rotation, zone: ZoneInfo, moment: datetime
) -> None:
    turn = rotation.turn_at(moment, zone)
    holding = [
        t
        for t in range(turn - 3, turn + 4)
        if rotation.begins(t, zone) <= moment < rotation.begins(t + 1, zone)
    ]
    assert holding == [turn]


@given(rotas(), moments)
@examples(60)
def test_spans_agree_with_asking_every_so_often(rota: Rota, begin: datetime) -> None:
    end = begin + 60 * HOUR
    found = shifts(rota, begin, end)
    assert found[0].begin == begin
    assert found[-1].end == end
    for one, following in pairwise(found):
        assert one.end == following.begin
        assert one.doctors != following.doctors
    spans_of = iter(found)
    shift = next(spans_of)
    for minutes in range(0, 60 * 60, 15):
        moment = begin + minutes * MINUTE
        while shift.end <= moment:
            shift = next(spans_of)
        assert on_call(rota, moment) == shift.doctors


@given(rotas(), moments)
@examples(200)
def test_whoever_is_away_is_not_on_call_and_nobody_twice(rota: Rota, moment: datetime) -> None:
    found = on_call(rota, moment)
    away = {leave.doctor for leave in rota.leaves if leave.begin <= moment < leave.end}
    assert not away & set(found)
    assert len(set(found)) == len(found)


@given(zones, days, clock_times)
@examples(200)
def test_a_week_has_seven_days_of_the_wall_clock(
    zone: ZoneInfo, start: date, hand_over: time
) -> None:
    rotation = Rotation(("wang", "li"), start, 7, hand_over)
    begin, end = rotation.begins(0, zone), rotation.begins(1, zone)
    shift = begin.astimezone(zone).utcoffset() - end.astimezone(zone).utcoffset()  # type: ignore[operator]
    exact = begin.astimezone(zone).time() == hand_over == end.astimezone(zone).time()
    assert not exact or end - begin == timedelta(days=7) + shift


def test_every_day_is_each_day_of_the_week() -> None:
    assert len(EVERY_DAY) == 7
