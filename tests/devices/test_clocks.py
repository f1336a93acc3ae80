"""When was it measured: three clocks, and how far each is believed."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from frames import times
from hypothesis import given
from hypothesis import strategies as st

from yikao_devices.clocks import (
    CLOCK_ERROR,
    DOUBT_CORRECTED_S,
    DOUBT_UNCHECKED_S,
    DOUBT_UNKNOWN_S,
    FUTURE_MAX,
    moment_of,
    offset_s,
)
from yikao_devices.date_time import DateTime, current_time_of, date_time_of

HOME = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=HOME)


def at(minutes: float) -> DateTime:
    return date_time_of(NOW + timedelta(minutes=minutes))


def test_a_good_clock_is_believed() -> None:
    moment = moment_of(at(-30), NOW, 1.0)
    assert moment.at == NOW - timedelta(minutes=30, seconds=1)
    assert (moment.doubt_s, moment.flags) == (DOUBT_CORRECTED_S, ())


def test_a_wrong_clock_is_corrected_and_flagged() -> None:
    moment = moment_of(at(-30 + 480), NOW, 8 * 3600.0)
    assert moment.at == NOW - timedelta(minutes=30)
    assert moment.flags == (CLOCK_ERROR,)


def test_a_clock_that_cannot_be_read_is_doubted() -> None:
    moment = moment_of(at(-30), NOW, None)
    assert (moment.at, moment.doubt_s) == (NOW - timedelta(minutes=30), DOUBT_UNCHECKED_S)


@pytest.mark.parametrize(
    ("device", "offset"),
    [
        (at(FUTURE_MAX / timedelta(minutes=1) + 1), 0.0),  # the future
        (DateTime(2019, 12, 31, 23, 59, 59), 0.0),  # before there was this product
        (DateTime(0, 0, 0, 0, 0, 0), 0.0),  # never set
        (DateTime(2026, 2, 30, 8, 0, 0), 0.0),  # no date
        (DateTime(1, 1, 1, 0, 0, 0), 60.0),  # corrected beyond the calendar
        (DateTime(9999, 12, 31, 23, 59, 59), -60.0),
    ],
)
def test_an_unusable_time_becomes_the_arrival_with_a_flag(device: DateTime, offset: float) -> None:
    moment = moment_of(device, NOW, offset)
    assert (moment.at, moment.doubt_s, moment.flags) == (NOW, DOUBT_UNKNOWN_S, (CLOCK_ERROR,))


def test_a_device_without_a_clock_is_no_error() -> None:
    assert moment_of(None, NOW, None).flags == ()


def test_a_record_is_never_dated_after_its_arrival() -> None:
    assert moment_of(at(1), NOW, 0.0).at == NOW


@given(times, st.none() | st.floats(-1e12, 1e12))
def test_every_time_gives_a_moment(device: DateTime, offset: float | None) -> None:
    moment = moment_of(device, NOW, offset)
    assert moment.at.tzinfo is HOME
    assert moment.at <= NOW + FUTURE_MAX


def test_the_offset_is_device_minus_home() -> None:
    assert offset_s(at(5), NOW) == 300.0
    assert offset_s(DateTime(0, 0, 0, 0, 0, 0), NOW) is None


def test_the_clock_that_is_written_reads_as_the_wall_clock() -> None:
    written = current_time_of(NOW + timedelta(milliseconds=500))
    assert written.date_time == DateTime(2026, 3, 2, 8, 0, 0)
    assert (written.weekday, written.fraction) == (1, 128)
