"""The records of one drain together: clocks that jumped in between, and what holds whatever they
did."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from frames import times
from hypothesis import given
from hypothesis import strategies as st

from yikao_devices.clock_epochs import CLOCK_ERROR, EARLIEST, ClockSeen
from yikao_devices.clocks import Moment, Stamp, moments_of
from yikao_devices.date_time import DateTime, date_time_of

HOME = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 4, 2, 8, 0, tzinfo=HOME)
WINTER_S, SUMMER_S = 3600.0, 7200.0


def stamp(moment: datetime) -> Stamp:
    """A record whose device showed `moment`, by its digits."""
    return Stamp(date_time_of(moment), NOW)


def ago(hours: float) -> datetime:
    return (NOW.astimezone(UTC) - timedelta(hours=hours)).astimezone(HOME)


def test_a_battery_that_was_changed_between_two_records() -> None:
    """Two records by the old clock, two by one that began in 2000; nobody came in between."""
    began = ago(10)
    anew = [datetime(2000, 1, 1, tzinfo=UTC) + timedelta(hours=h) for h in (1, 4)]
    stamps = [stamp(ago(40)), stamp(ago(20)), *map(stamp, anew)]
    offset_s = (datetime(2000, 1, 1, 10, tzinfo=HOME) - NOW.replace(tzinfo=HOME)).total_seconds()
    before = ClockSeen(ago(50), SUMMER_S + 30, drained=True)
    moments = moments_of(stamps, offset_s, before)
    half_minute = timedelta(seconds=30)
    assert [m.at.astimezone(UTC) for m in moments[:2]] == [
        ago(40).astimezone(UTC) - half_minute,
        ago(20).astimezone(UTC) - half_minute,
    ]
    assert [m.flags for m in moments] == [(), (), (CLOCK_ERROR,), (CLOCK_ERROR,)]
    assert [m.at for m in moments[2:]] == [
        (began.astimezone(UTC) + timedelta(hours=h)).astimezone(HOME) for h in (1, 4)
    ]
    assert all(m.doubt_s < 60 for m in moments)


def test_an_epoch_between_two_good_ones_is_bounded_by_its_neighbours() -> None:
    """The battery was changed, three records taken, and the clock set right again."""
    anew = [datetime(2000, 1, 1, h, tzinfo=UTC) for h in (0, 1, 3)]
    stamps = [stamp(ago(30)), *map(stamp, anew), stamp(ago(10))]
    moments = moments_of(stamps, 0.0, ClockSeen(ago(60), SUMMER_S, drained=True))
    first, *unknown, last = moments
    assert (first.at, last.at) == (ago(30), ago(10))
    assert [m.flags for m in moments] == [(), *[(CLOCK_ERROR,)] * 3, ()]
    # The latest that they can be, as far apart as their own clock says.
    assert [last.at - m.at for m in unknown] == [timedelta(hours=h, seconds=1) for h in (3, 2, 0)]
    assert all(m.at - timedelta(seconds=m.doubt_s) <= first.at for m in unknown)
    assert all(m.doubt_s < 21 * 3600 for m in unknown)


def test_what_only_the_old_clock_can_have_made_settles_what_was_before() -> None:
    """The clock was two hours fast, and was put right before the last record."""
    before = ClockSeen(ago(20), SUMMER_S + 7200, drained=True)
    first, second, last = moments_of([stamp(ago(7)), stamp(ago(4)), stamp(ago(5))], 0.0, before)
    assert (first.at, second.at, last.at) == (ago(9), ago(6), ago(5))
    assert max(first.doubt_s, second.doubt_s) < 10
    # By itself the first would be in doubt.
    assert moments_of([stamp(ago(7))], 0.0, before)[0].doubt_s == 7201


def test_what_only_the_new_clock_can_have_made_settles_what_was_after() -> None:
    """The clock was two hours fast at the last visit, and was put right before the first record."""
    before = ClockSeen(ago(6), SUMMER_S + 7200, drained=True)
    first, last = moments_of([stamp(ago(5)), stamp(ago(3))], 0.0, before)
    assert [(m.at, m.doubt_s) for m in (first, last)] == [(ago(5), 3), (ago(3), 3)]
    assert moments_of([stamp(ago(3))], 0.0, before)[0].doubt_s == 7201


def test_a_clock_that_seems_to_follow_the_zone_keeps_the_order() -> None:
    """Times around the hour that is left out in spring fit neither before nor after it."""
    utc = [datetime(2026, 3, 28, 23, 50, tzinfo=UTC), datetime(2026, 3, 29, 0, 10, tzinfo=UTC)]
    before = ClockSeen(datetime(2026, 3, 28, 12, tzinfo=UTC), WINTER_S, drained=True)
    stamps = [stamp(at + timedelta(seconds=SUMMER_S)) for at in utc]
    one, other = (m.at.astimezone(UTC) for m in moments_of(stamps, 0.0, before))
    assert one <= other


def test_records_without_a_date_keep_their_places() -> None:
    nothing = Stamp(DateTime(0, 0, 0, 0, 0, 0), NOW)
    moments = moments_of([stamp(ago(9)), nothing, nothing, stamp(ago(3))], 0.0, None)
    assert [m.at for m in moments] == sorted(m.at for m in moments)
    assert len({m.at for m in moments}) == 4
    assert all(m.doubt_s <= 6 * 3600 + 1 for m in moments[1:3])


def test_a_small_step_back_is_dated_by_the_last_visit() -> None:
    """The clock was half a minute fast until it was set; records are in the order of numbers."""
    stamps = [stamp(ago(1) + timedelta(seconds=30)), stamp(ago(1) + timedelta(seconds=10))]
    early, late = moments_of(stamps, 0.0, ClockSeen(ago(5), SUMMER_S + 30, drained=True))
    assert early.at == ago(1)
    assert late.at == ago(1) + timedelta(seconds=10)


@dataclass(frozen=True)
class Life:
    """A device's clock: what it showed at some true moments, and what visits found."""

    truth: tuple[datetime, ...]
    shown: tuple[datetime, ...]
    offset_s: float
    before: ClockSeen | None

    def moments(self, shift_s: float = 0.0) -> list[Moment]:
        """Return the dated records; all of the clock is shifted."""
        shift, before = timedelta(seconds=shift_s), self.before
        stamps = [stamp(each + shift) for each in self.shown]
        if before is not None and before.ahead_s is not None:
            before = replace(before, ahead_s=before.ahead_s + shift_s)
        return moments_of(stamps, self.offset_s + shift_s, before)


AHEAD_S = st.one_of(
    st.integers(-300_000, 300_000).map(float),
    st.integers(-(10**9), 10**9).map(float),
    st.sampled_from([0.0, WINTER_S, SUMMER_S, 43_200.0 + SUMMER_S]),
)


@st.composite
def lives(draw: st.DrawFn, epochs: st.SearchStrategy[list[float]]) -> Life:
    """Up to 12 records of the last days, and a last visit before or between them."""
    minutes = sorted(draw(st.sets(st.integers(1, 20_000), min_size=1, max_size=12)), reverse=True)
    truth = tuple(NOW.astimezone(UTC) - timedelta(minutes=each) for each in minutes)
    ahead = draw(epochs)
    switches = sorted(draw(st.integers(0, len(truth))) for _ in ahead[1:])
    index = [sum(number >= each for each in switches) for number in range(len(truth))]
    shown = tuple(
        moment + timedelta(seconds=ahead[each]) for moment, each in zip(truth, index, strict=True)
    )
    visit = truth[0] - timedelta(minutes=draw(st.integers(1, 3000)))
    before = ClockSeen(visit, ahead[0], drained=True) if draw(st.booleans()) else None
    return Life(truth, shown, ahead[-1] - SUMMER_S, before)


@given(lives(AHEAD_S.map(lambda ahead: [ahead])), st.integers(-(10**8), 10**8).map(float))
def test_shifting_a_clock_by_any_constant_changes_nothing(life: Life, shift_s: float) -> None:
    """The offset that is measured takes it out again."""
    moments, again = life.moments(), life.moments(shift_s)
    for truth, one, other in zip(life.truth, moments, again, strict=True):
        assert abs(one.at - other.at) <= timedelta(seconds=min(one.doubt_s, other.doubt_s))
        assert abs(one.at - truth) <= timedelta(seconds=one.doubt_s)


@given(lives(st.lists(AHEAD_S, min_size=2, max_size=5)))
def test_whatever_the_clock_did_the_order_holds_and_nothing_lies_in_the_future(life: Life) -> None:
    moments = life.moments()
    times = [moment.at for moment in moments]
    assert times == sorted(times)
    assert all(EARLIEST <= at <= NOW for at in times)


@given(lives(st.tuples(AHEAD_S, AHEAD_S).map(list)))
def test_a_clock_that_was_set_once_since_the_last_visit_is_dated_within_the_doubt(
    life: Life,
) -> None:
    """Two epochs, both compared: each record is right, or says by how much it may not be."""
    if life.before is None:
        return
    moments = life.moments()
    for truth, moment in zip(life.truth, moments, strict=True):
        assert abs(moment.at - truth) <= timedelta(seconds=moment.doubt_s)


@given(
    st.lists(st.none() | times, min_size=1, max_size=10),
    st.none() | st.floats(-1e12, 1e12),
    st.none()
    | st.builds(
        ClockSeen,
        st.integers(0, 7 * 366 * 86_400).map(lambda s: EARLIEST + timedelta(seconds=s)),
        st.none() | st.floats(-1e12, 1e12),
        st.booleans(),
        st.booleans(),
    ),
)
def test_any_times_at_all_give_moments_in_order(
    shown: list[DateTime | None], offset_s: float | None, before: ClockSeen | None
) -> None:
    moments = moments_of([Stamp(each, NOW) for each in shown], offset_s, before)
    assert [m.at for m in moments] == sorted(m.at for m in moments)
    assert all(EARLIEST <= m.at <= NOW and m.doubt_s >= 2 for m in moments)
