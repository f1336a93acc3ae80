"""When was it measured: one record by itself, by a clock that was compared or was not."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from frames import times
from hypothesis import given
from hypothesis import strategies as st

from yikao_devices.clock_epochs import (
    CLOCK_ERROR,
    DOUBT_CORRECTED_S,
    DOUBT_GUESSED_S,
    DOUBT_UNCHECKED_S,
    EARLIEST,
    FUTURE_MAX,
    ClockSeen,
    remembered,
)
from yikao_devices.clocks import Moment, moment_of, offset_s
from yikao_devices.date_time import DateTime, EpochTime, current_time_of, date_time_of

HOME = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=HOME)
HOME_AHEAD_S = 8 * 3600.0
DAY_S = 86_400.0


def at(minutes: float) -> DateTime:
    return date_time_of(NOW + timedelta(minutes=minutes))


def seen(ago: timedelta, ahead_s: float | None, *, over: bool = False) -> ClockSeen:
    """The last visit: so long ago the clock was so far ahead of the home's."""
    ahead = None if ahead_s is None else ahead_s + HOME_AHEAD_S
    return ClockSeen(NOW - ago, ahead, over=over, drained=not over)


def shown(text: str) -> DateTime:
    return date_time_of(datetime.fromisoformat(text))


def berlin(text: str) -> datetime:
    """A moment, given in UTC, on a wall in Berlin."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).astimezone(BERLIN)


def test_a_good_clock_is_believed() -> None:
    moment = moment_of(at(-30), NOW, 1.0)
    assert moment.at == NOW - timedelta(minutes=30, seconds=1)
    assert (moment.doubt_s, moment.flags) == (DOUBT_CORRECTED_S, ())


def test_a_wrong_clock_is_corrected_and_flagged() -> None:
    moment = moment_of(at(-30 + 480), NOW, 8 * 3600.0)
    assert moment.at == NOW - timedelta(minutes=30)
    assert moment.flags == (CLOCK_ERROR,)


def test_an_old_record_is_doubted_by_the_drift_that_nobody_measured() -> None:
    month = -30 * 24 * 60
    assert moment_of(at(month), NOW, 0.0).doubt_s == 1 + 260
    between = seen(timedelta(days=31), 20.0)
    assert moment_of(at(month), NOW, 0.0, between).doubt_s == 1 + 20


def test_a_clock_that_cannot_be_read_is_doubted() -> None:
    moment = moment_of(at(-30), NOW, None)
    assert (moment.at, moment.doubt_s) == (NOW - timedelta(minutes=30), DOUBT_UNCHECKED_S)


def test_a_clock_that_could_not_be_read_this_time_is_as_it_was() -> None:
    moment = moment_of(at(-30), NOW, None, seen(timedelta(hours=2), 120.0))
    assert moment.at == NOW - timedelta(minutes=32)
    assert moment.doubt_s == DOUBT_CORRECTED_S


UNUSABLE = [
    (at(FUTURE_MAX / timedelta(minutes=1) + 1), 0.0),  # the future
    (DateTime(2019, 12, 31, 23, 59, 59), 0.0),  # before there was this product
    (DateTime(0, 0, 0, 0, 0, 0), 0.0),  # never set
    (DateTime(2026, 2, 30, 8, 0, 0), 0.0),  # no date
    (DateTime(1970, 1, 1, 0, 5, 0), 0.0),
    (DateTime(2000, 1, 1, 0, 5, 0), 0.0),  # a battery change, and set since
    (DateTime(1, 1, 1, 0, 0, 0), 60.0),  # corrected beyond the calendar
    (DateTime(9999, 12, 31, 23, 59, 59), -60.0),
]


@pytest.mark.parametrize(("device", "offset"), UNUSABLE)
def test_an_unusable_time_lies_between_the_last_visit_and_the_arrival(
    device: DateTime, offset: float
) -> None:
    first = moment_of(device, NOW, offset)
    assert (first.at, first.flags) == (NOW, (CLOCK_ERROR,))
    assert first.doubt_s >= (NOW - EARLIEST).total_seconds()
    later = moment_of(device, NOW, offset, seen(timedelta(hours=5), offset))
    assert later == Moment(NOW, 5 * 3600 + 1.0, (CLOCK_ERROR,))


@pytest.mark.parametrize(
    "clock", ["1970-01-01T00:40:00", "2000-01-01T00:40:00", "2021-06-01T12:00:00"]
)
def test_a_clock_that_began_anew_dates_what_it_has_measured_since(clock: str) -> None:
    """Also where it was right at the last visit, and whatever year it begins in."""
    device = datetime.fromisoformat(clock)
    offset = offset_s(date_time_of(device), NOW)
    before = seen(timedelta(days=2), 0.0)
    record = date_time_of(device - timedelta(minutes=30))
    for memory in (None, before):
        moment = moment_of(record, NOW, offset, memory)
        assert moment.at == NOW - timedelta(minutes=30)
        assert (moment.doubt_s, moment.flags) == (DOUBT_CORRECTED_S, (CLOCK_ERROR,))


def test_what_an_earlier_epoch_has_stored_is_dated_by_the_last_visit() -> None:
    """The battery was changed: the clock says 2000 now, the record was made before."""
    offset = offset_s(DateTime(2000, 1, 1, 0, 40, 0), NOW)
    moment = moment_of(at(-24 * 60), NOW, offset, seen(timedelta(days=2), -7.0))
    assert moment.at == NOW - timedelta(days=1) + timedelta(seconds=7)
    assert (moment.doubt_s, moment.flags) == (1 + 9.0, ())


def test_an_earlier_epoch_that_nobody_saw_is_read_as_the_time_at_home() -> None:
    offset = offset_s(DateTime(2000, 1, 1, 0, 40, 0), NOW)
    moment = moment_of(at(-24 * 60), NOW, offset)
    assert moment == Moment(NOW - timedelta(days=1), DOUBT_GUESSED_S, (CLOCK_ERROR,))


def test_a_clock_that_we_set_ends_its_epoch() -> None:
    """The link was lost in mid-drain: what is left was dated by the clock as it was."""
    behind, ahead = seen(timedelta(minutes=5), -3600.0, over=True), 7200.0
    assert moment_of(at(-60 - 30), NOW, 0.0, behind).at == NOW - timedelta(minutes=30)
    fresh = moment_of(at(-3), NOW, 0.0, behind)
    assert (fresh.at, fresh.doubt_s) == (NOW - timedelta(minutes=3), DOUBT_CORRECTED_S)
    early = seen(timedelta(minutes=5), ahead, over=True)
    assert moment_of(at(120 - 600), NOW, 0.0, early).at == NOW - timedelta(minutes=600)


def test_a_repeat_after_its_clock_was_set_is_not_doubted() -> None:
    """The cuff was an hour ahead, was emptied and set; ten minutes later it measures again."""
    drained = ClockSeen(NOW - timedelta(minutes=10), HOME_AHEAD_S + 3600, over=True, drained=True)
    moment = moment_of(at(-1), NOW, 0.0, drained)
    assert moment == Moment(NOW - timedelta(minutes=1), DOUBT_CORRECTED_S, ())


def test_where_two_epochs_fit_a_record_the_doubt_is_what_lies_between() -> None:
    """Somebody put the clock forward by two hours, nobody knows when."""
    moment = moment_of(at(-180), NOW, 0.0, seen(timedelta(days=1), -7200.0))
    assert moment == Moment(NOW - timedelta(hours=3), 7201.0, (CLOCK_ERROR,))


@pytest.mark.parametrize("hours", [-12, -8, -1, 1, 12])
def test_a_zone_or_a_half_of_the_day_that_was_set_wrongly_is_corrected(hours: int) -> None:
    """The clock was so from the beginning."""
    for memory in (None, seen(timedelta(days=1), hours * 3600.0)):
        moment = moment_of(at(hours * 60 - 30), NOW, hours * 3600.0, memory)
        assert moment == Moment(NOW - timedelta(minutes=30), DOUBT_CORRECTED_S, (CLOCK_ERROR,))


# The clocks of Berlin go forward on 2026-03-29 and back on 2026-10-25, both at 01:00 UTC.


@pytest.mark.parametrize(
    ("record", "now", "last", "winter_s"),
    [
        ("2026-03-28T21:00:00", "2026-03-29T06:00:00", "2026-03-28T06:00:00", 0.0),
        ("2026-10-24T20:00:00", "2026-10-25T06:00:00", "2026-10-24T06:00:00", 3600.0),
    ],
    ids=["spring", "autumn"],
)
def test_a_clock_without_summer_time_is_not_dated_an_hour_wrong(
    record: str, now: str, last: str, winter_s: float
) -> None:
    """Our zone has changed since the last visit; the device's clock has not."""
    taken, here, visit = berlin(record), berlin(now), berlin(last)
    ahead_s = 3600.0 + winter_s
    device = date_time_of(taken.astimezone(UTC) + timedelta(seconds=ahead_s))
    clock = date_time_of(here.astimezone(UTC) + timedelta(seconds=ahead_s))
    offset = offset_s(clock, here)
    known = moment_of(device, here, offset, ClockSeen(visit, ahead_s, drained=True))
    assert (known.at, known.doubt_s) == (taken, DOUBT_CORRECTED_S)
    # At the first visit nobody knows whether it follows the zone.
    first = moment_of(device, here, offset)
    assert first.at == taken
    assert 3600 <= first.doubt_s <= 3610


@pytest.mark.parametrize(
    ("record", "now", "last"),
    [
        ("2026-03-28T21:00:00", "2026-03-29T06:00:00", "2026-03-28T06:00:00"),
        ("2026-10-24T20:00:00", "2026-10-25T06:00:00", "2026-10-24T06:00:00"),
        ("2026-03-29T02:00:00", "2026-03-29T06:00:00", "2026-03-28T06:00:00"),
        ("2026-10-25T03:00:00", "2026-10-25T06:00:00", "2026-10-24T06:00:00"),
    ],
)
def test_a_clock_that_follows_the_zone_is_read_as_the_zone_was(
    record: str, now: str, last: str
) -> None:
    """It may have been set by hand later than the zone was: the hour remains in doubt."""
    taken, here, visit = berlin(record), berlin(now), berlin(last)
    then = visit.utcoffset()
    assert then is not None
    before = ClockSeen(visit, then.total_seconds(), drained=True)
    moment = moment_of(date_time_of(taken), here, 0.0, before)
    assert moment.at == taken
    assert moment.flags == ()
    assert moment.doubt_s in (DOUBT_CORRECTED_S, 3601.0)


def test_an_hour_that_comes_twice_or_never_is_doubted_where_the_clock_cannot_be_read() -> None:
    now = berlin("2026-10-26T06:00:00")
    twice = moment_of(shown("2026-10-25T02:30:00"), now, None)
    assert twice.doubt_s == DOUBT_UNCHECKED_S + 3600
    never = moment_of(shown("2026-03-29T02:30:00"), berlin("2026-03-30T06:00:00"), None)
    assert never.doubt_s == DOUBT_UNCHECKED_S + 3600


def test_an_hour_that_comes_twice_is_no_difference_of_clocks() -> None:
    again = berlin("2026-10-25T01:30:00")
    assert again.fold == 1
    assert offset_s(date_time_of(again), again) == 0.0
    moment = moment_of(date_time_of(again - timedelta(minutes=5)), again, 0.0)
    assert moment.at.astimezone(UTC) == again.astimezone(UTC) - timedelta(minutes=5)


def test_a_device_without_a_clock_is_no_error() -> None:
    assert moment_of(None, NOW, None).flags == ()
    since = moment_of(None, NOW, None, seen(timedelta(minutes=20), None))
    assert since == Moment(NOW, 20 * 60 + 1.0, ())


def test_a_record_is_never_dated_after_its_arrival() -> None:
    assert moment_of(at(1), NOW, 0.0).at == NOW


@given(
    times | st.builds(EpochTime, st.integers(0, 2**32 - 1), st.sampled_from([1900, 2000])),
    st.none() | st.floats(-1e12, 1e12),
    st.none() | st.builds(ClockSeen, st.just(NOW), st.none() | st.floats(-1e12, 1e12)),
)
def test_every_time_gives_a_moment(
    device: DateTime | EpochTime, offset: float | None, before: ClockSeen | None
) -> None:
    moment = moment_of(device, NOW, offset, before)
    assert moment.at.tzinfo is HOME
    assert EARLIEST <= moment.at <= NOW
    assert moment.doubt_s >= DOUBT_CORRECTED_S


def test_the_offset_is_device_minus_home() -> None:
    assert offset_s(at(5), NOW) == 300.0
    assert offset_s(DateTime(0, 0, 0, 0, 0, 0), NOW) is None


def test_the_clock_that_is_written_reads_as_the_wall_clock() -> None:
    written = current_time_of(NOW + timedelta(milliseconds=500))
    assert written.date_time == DateTime(2026, 3, 2, 8, 0, 0)
    assert (written.weekday, written.fraction) == (1, 128)


def test_what_a_visit_leaves_to_the_next() -> None:
    old, now = ClockSeen(NOW - timedelta(days=1), 5.0, drained=True), ClockSeen(NOW, 7.0)
    was_set, unread = ClockSeen(NOW, 7.0, over=True), ClockSeen(NOW, None)
    assert remembered(old, now, complete=True) == ClockSeen(NOW, 7.0, drained=True)
    assert remembered(old, now, complete=False) == old
    assert remembered(None, now, complete=False) is None
    assert remembered(old, was_set, complete=False) == was_set
    assert remembered(old, unread, complete=True) == old
    assert remembered(None, unread, complete=True) == ClockSeen(NOW, None, drained=True)
    assert remembered(old, None, complete=True) == old
