"""Clock rules driven by hand: what is asked and written, by the rule of the model."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from driven import NOW, Device

from yikao_devices import gatt
from yikao_devices.clock_rules import (
    CARESENS_ASK,
    CARESENS_TELLS_S,
    OMRON_TELLS_S,
    caresens_time,
    contour_time,
    mind_clock,
    omron_told,
)
from yikao_devices.conversation import (
    AskTime,
    ClockCompared,
    ClockWillBeSet,
    Disconnected,
    Notification,
    Outcome,
    Read,
    Silence,
    Subscribe,
    Wait,
    Write,
)
from yikao_devices.cuff_talk import read_cuff
from yikao_devices.date_time import (
    CurrentTime,
    DateTime,
    current_time_of,
    date_time_of,
    encode_current_time,
    encode_date_time,
)
from yikao_devices.models import ClockRule, Conversation, Model

CURRENT_TIME = frozenset({gatt.CURRENT_TIME})
DATE_TIME = frozenset({gatt.DATE_TIME})
OURS = encode_current_time(current_time_of(NOW))
UNSET = encode_current_time(CurrentTime(DateTime(0, 0, 0, 0, 0, 0), 0, 0, 0))


def ahead(seconds: float) -> bytes:
    """A Current Time that is so far ahead of ours."""
    return encode_current_time(current_time_of(NOW + timedelta(seconds=seconds)))


def told(frame: bytes) -> Notification:
    return Notification(gatt.CURRENT_TIME, frame)


def with_clock(frame: bytes) -> Device:
    return Device(values={gatt.CURRENT_TIME: frame})


# The standard


def test_a_right_clock_is_compared_and_left_alone() -> None:
    device = with_clock(ahead(9))
    assert device.converse(mind_clock(ClockRule.SET, CURRENT_TIME)) is False
    assert device.heard == [Read(gatt.CURRENT_TIME), AskTime(), ClockCompared(9.0)]


def test_a_wrong_clock_is_compared_then_set() -> None:
    device = with_clock(ahead(28_800))
    device.converse(mind_clock(ClockRule.SET, CURRENT_TIME))
    ours = Write(gatt.CURRENT_TIME, OURS)
    assert device.heard[2:] == [ClockCompared(28_800.0), ClockWillBeSet(), AskTime(), ours]


def test_a_clock_that_was_never_set_is_set_without_a_comparison() -> None:
    device = with_clock(UNSET)
    device.converse(mind_clock(ClockRule.SET, CURRENT_TIME))
    assert (device.compared, device.written) == ([], [(gatt.CURRENT_TIME, OURS)])


def test_a_model_whose_clock_must_not_be_set_is_only_compared() -> None:
    device = with_clock(ahead(28_800))
    device.converse(mind_clock(ClockRule.COMPARE, CURRENT_TIME))
    assert (device.compared, device.written) == ([28_800.0], [])


def test_a_device_without_current_time_is_asked_for_its_date_time() -> None:
    device = Device(values={gatt.DATE_TIME: encode_date_time(date_time_of(NOW))})
    device.values[gatt.DATE_TIME] = encode_date_time(date_time_of(NOW - timedelta(minutes=1)))
    device.converse(mind_clock(ClockRule.SET, DATE_TIME))
    assert device.compared == [-60.0]
    assert device.written == [(gatt.DATE_TIME, encode_date_time(date_time_of(NOW)))]


@pytest.mark.parametrize("rule", list(ClockRule))
def test_a_clock_that_cannot_be_read_or_written_stops_nothing(rule: ClockRule) -> None:
    everything = frozenset(
        {gatt.CURRENT_TIME, gatt.DATE_TIME, gatt.CONTOUR_CLOCK, gatt.CARESENS_CLOCK}
    )
    assert Device(refuses=everything).converse(mind_clock(rule, everything)) is False
    assert Device().converse(mind_clock(rule, frozenset())) is False
    short = Device([Silence()] * 2, dict.fromkeys(everything, b"\x00"))
    short.converse(mind_clock(rule, everything))
    assert short.compared == []


def test_a_clock_that_nobody_can_reach_is_not_asked_for() -> None:
    device = Device()
    device.converse(mind_clock(ClockRule.NONE, CURRENT_TIME | DATE_TIME))
    assert device.heard == []


# Accu-Chek


def test_date_time_is_compared_and_never_written() -> None:
    device = Device(values={gatt.DATE_TIME: encode_date_time(date_time_of(NOW))})
    device.values[gatt.DATE_TIME] = encode_date_time(date_time_of(NOW + timedelta(hours=1)))
    device.converse(mind_clock(ClockRule.DATE_TIME_2A08, CURRENT_TIME | DATE_TIME))
    assert device.heard == [Read(gatt.DATE_TIME), AskTime(), ClockCompared(3600.0)]


# Omron

OMRON = ClockRule.OMRON_FIRST_NOTIFICATION
OMRON_CUFF = Model("omron", Conversation.CUFF, clock=OMRON)
PRESSURE = Notification(gatt.BLOOD_PRESSURE_MEASUREMENT, bytes(7))


def test_an_omron_is_not_written_at_once() -> None:
    device = Device([told(ahead(3600))], {gatt.CURRENT_TIME: ahead(3600)})
    assert device.converse(mind_clock(OMRON, CURRENT_TIME)) is False
    first = [type(effect) for effect in device.heard].index(Write)
    before = device.heard[:first]
    assert Subscribe(gatt.CURRENT_TIME) in before
    assert Wait(OMRON_TELLS_S) in before
    assert device.written == [(gatt.CURRENT_TIME, OURS)]


@pytest.mark.parametrize("seconds", [-600, 0, 599, 600])
def test_an_omron_within_ten_minutes_is_left_alone(seconds: float) -> None:
    device = Device([told(ahead(seconds))], {gatt.CURRENT_TIME: ahead(seconds)})
    assert device.converse(mind_clock(OMRON, CURRENT_TIME)) is False
    assert device.written == []
    assert device.compared == [seconds, seconds]


@pytest.mark.parametrize("frame", [ahead(601), ahead(-601), UNSET])
def test_an_omron_further_off_or_unset_is_set(frame: bytes) -> None:
    device = Device()
    device.converse(omron_told(frame))
    assert device.written == [(gatt.CURRENT_TIME, OURS)]


def test_an_omron_that_tells_its_time_among_the_measurements_is_set_once() -> None:
    device = Device(
        [Silence(), PRESSURE, told(ahead(3600)), PRESSURE, told(ahead(3600)), Silence()],
        {gatt.CURRENT_TIME: ahead(3600)},
    )
    present = CURRENT_TIME | {gatt.BLOOD_PRESSURE_MEASUREMENT}
    assert device.converse(read_cuff(OMRON_CUFF, present)) == Outcome({}, None, 2)
    assert device.written == [(gatt.CURRENT_TIME, OURS)]


def test_another_model_that_notifies_its_time_is_not_answered() -> None:
    device = Device([told(ahead(3600)), Silence()], {gatt.CURRENT_TIME: ahead(0)})
    present = CURRENT_TIME | {gatt.BLOOD_PRESSURE_MEASUREMENT}
    device.converse(read_cuff(Model("plain", Conversation.CUFF), present))
    assert device.written == []


def test_an_omrons_unreadable_time_is_not_answered() -> None:
    device = Device()
    device.converse(omron_told(b"\x00"))
    assert device.heard == []


# Contour


@pytest.mark.parametrize(
    ("now", "command"),
    [
        # 08:00 in Shanghai is midnight UTC, 480 minutes ahead.
        (NOW, "01 ea07 03 02 00 00 00 e001"),
        # New York in summer: 240 minutes behind, summer time included.
        (
            datetime(2026, 7, 1, 21, 5, 6, tzinfo=ZoneInfo("America/New_York")),
            "01 ea07 07 02 01 05 06 10ff",
        ),
    ],
)
def test_a_contour_is_told_utc_and_the_zones_minutes(now: datetime, command: str) -> None:
    assert contour_time(now) == bytes.fromhex(command)


def test_a_contour_is_compared_by_the_standard_and_set_by_its_own() -> None:
    device = with_clock(ahead(60))
    device.converse(mind_clock(ClockRule.CONTOUR_1026, CURRENT_TIME | {gatt.CONTOUR_CLOCK}))
    assert device.compared == [60.0]
    assert device.subscribed == [gatt.CONTOUR_CLOCK]
    assert device.written == [(gatt.CONTOUR_CLOCK, contour_time(NOW))]
    right = with_clock(ahead(1))
    right.converse(mind_clock(ClockRule.CONTOUR_1026, CURRENT_TIME | {gatt.CONTOUR_CLOCK}))
    assert right.written == []


# CareSens

CARESENS = ClockRule.CARESENS_FFF1


def says(clock: int, seconds: float) -> Notification:
    """A CareSens meter's word on its time."""
    shown = encode_date_time(date_time_of(NOW + timedelta(seconds=seconds)))
    return Notification(clock, b"\xc0\x03\x01\x00" + shown)


def test_the_command_that_sets_a_caresens() -> None:
    moment = datetime(2018, 11, 29, 22, 45, 59, tzinfo=NOW.tzinfo)
    assert caresens_time(moment) == bytes.fromhex("C0030100E2070B1D162D3B")


@pytest.mark.parametrize("clock", [0xFFF1, gatt.CARESENS_CLOCK])
def test_a_caresens_is_asked_compared_and_set_twice(clock: int) -> None:
    device = Device([says(clock, 45)])
    device.converse(mind_clock(CARESENS, frozenset({clock})))
    assert device.heard[:3] == [
        Subscribe(clock),
        Write(clock, CARESENS_ASK),
        Wait(CARESENS_TELLS_S),
    ]
    assert device.compared == [45.0]
    assert device.written[1:] == [(clock, caresens_time(NOW))] * 2


def test_a_right_caresens_is_left_alone_whatever_else_it_says() -> None:
    eager = Notification(gatt.GLUCOSE_MEASUREMENT, b"\x00")
    device = Device([eager, says(0xFFF1, -3)])
    device.converse(mind_clock(CARESENS, frozenset({0xFFF1})))
    assert (device.compared, len(device.written)) == ([-3.0], 1)


@pytest.mark.parametrize("end", [Silence(), Disconnected(), Notification(0xFFF1, b"\xc0")])
def test_a_caresens_that_does_not_tell_is_set_all_the_same(
    end: Silence | Disconnected | Notification,
) -> None:
    device = Device([end])
    device.converse(mind_clock(CARESENS, frozenset({0xFFF1})))
    assert (device.compared, len(device.written)) == ([], 3)
