"""Conversations driven by hand: no radio, no clock, each effect answered as a device would."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from yikao_devices import gatt, racp
from yikao_devices.conversation import (
    Answer,
    AskTime,
    ClockCompared,
    Disconnected,
    Effect,
    Notification,
    Outcome,
    Pause,
    Read,
    Refused,
    Silence,
    Subscribe,
    Talk,
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
from yikao_devices.glucose import Glucose, encode_glucose
from yikao_devices.meter_talk import read_meter
from yikao_devices.models import GENERIC_CUFF, GENERIC_METER, ClockRule, Model, model_named

HOME = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=HOME)
CUFF = frozenset({gatt.BLOOD_PRESSURE_MEASUREMENT})
METER = frozenset(
    {
        gatt.GLUCOSE_MEASUREMENT,
        gatt.GLUCOSE_MEASUREMENT_CONTEXT,
        gatt.RECORD_ACCESS_CONTROL_POINT,
    }
)
PRESSURE = Notification(gatt.BLOOD_PRESSURE_MEASUREMENT, b"\x00" * 7)


def record(seq: int) -> Notification:
    frame = encode_glucose(Glucose(seq, date_time_of(NOW)))
    return Notification(gatt.GLUCOSE_MEASUREMENT, frame)


def verdict(outcome: int, opcode: int = racp.OpCode.REPORT) -> Notification:
    frame = racp.encode_answer(racp.Response(opcode, outcome))
    return Notification(gatt.RECORD_ACCESS_CONTROL_POINT, frame)


DONE = verdict(racp.Outcome.SUCCESS)
EMPTY = verdict(racp.Outcome.NO_RECORDS)


@dataclass
class Device:
    """Answers reads from `values`, refuses what is in `refuses`, and plays `says` to each wait."""

    says: Iterable[Notification | Silence | Disconnected] = ()
    values: dict[int, bytes] = field(default_factory=dict)
    refuses: frozenset[int] = frozenset()
    heard: list[Effect] = field(default_factory=list)

    def answer(self, effect: Effect) -> Answer:
        self.heard.append(effect)
        match effect:
            case Wait():
                return next(self._script)
            case AskTime():
                return NOW
            case Read(characteristic) | Write(characteristic, _) | Subscribe(characteristic):
                if characteristic in self.refuses:
                    return Refused(0x80)
                return self.values[characteristic] if isinstance(effect, Read) else None
            case Pause() | ClockCompared():
                return None

    def converse(self, talk: Talk) -> Outcome:
        self._script = iter(self.says)
        answer: Answer = None
        try:
            while True:
                answer = self.answer(talk.send(answer))
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome

    @property
    def asked(self) -> list[racp.Request]:
        """The record requests that were written."""
        return [
            racp.decode_request(effect.data)
            for effect in self.heard
            if isinstance(effect, Write)
            and effect.characteristic == gatt.RECORD_ACCESS_CONTROL_POINT
        ]


# Cuffs


@pytest.mark.parametrize("end", [Silence(), Disconnected()])
def test_a_cuff_is_drained_until_it_falls_silent_or_leaves(end: Silence | Disconnected) -> None:
    cuff = Device([PRESSURE, PRESSURE, end])
    assert cuff.converse(read_cuff(GENERIC_CUFF, CUFF)) == Outcome({}, None, 2)
    wait = Wait(GENERIC_CUFF.quiet_s)
    assert cuff.heard == [Subscribe(gatt.BLOOD_PRESSURE_MEASUREMENT), wait, wait, wait]


def test_a_cuff_that_refuses_to_be_subscribed_has_a_problem() -> None:
    cuff = Device(refuses=frozenset({gatt.BLOOD_PRESSURE_MEASUREMENT}))
    assert cuff.converse(read_cuff(GENERIC_CUFF, CUFF)).problem == "subscribe_refused"


def test_a_cuff_that_never_falls_silent_is_left() -> None:
    cuff = Device([PRESSURE] * 1001)
    assert cuff.converse(read_cuff(GENERIC_CUFF, CUFF)).problem == "never_silent"


def test_a_beurer_is_given_time_before_it_is_subscribed() -> None:
    model = model_named("beurer-bm85")
    assert model is not None
    cuff = Device([Silence()])
    cuff.converse(read_cuff(model, CUFF))
    assert cuff.heard[0] == Pause(model.settle_s)


def test_a_device_says_who_it_is_once() -> None:
    present = CUFF | {gatt.MODEL_NUMBER, gatt.SERIAL_NUMBER, gatt.BATTERY_LEVEL}
    values = {
        gatt.MODEL_NUMBER: b"BM85\x00",
        gatt.SERIAL_NUMBER: b"42",
        gatt.BATTERY_LEVEL: b"\x32",
    }
    first = Device([Silence()], values).converse(read_cuff(GENERIC_CUFF, present))
    assert first == Outcome({"model": "BM85", "serial": "42"}, 50, 0)
    later = Device([Silence()], values).converse(read_cuff(GENERIC_CUFF, present, known=True))
    assert later == Outcome({}, 50, 0)


def test_an_impossible_battery_level_is_none() -> None:
    device = Device([Silence()], {gatt.BATTERY_LEVEL: b"\xff"})
    talk = read_cuff(GENERIC_CUFF, CUFF | {gatt.BATTERY_LEVEL})
    assert device.converse(talk).battery_pct is None


# The device's clock


def clock_device(ahead: timedelta) -> Device:
    clock = encode_current_time(current_time_of(NOW + ahead))
    return Device([Silence()], {gatt.CURRENT_TIME: clock})


def test_a_right_clock_is_compared_and_left_alone() -> None:
    cuff = clock_device(timedelta(seconds=9))
    cuff.converse(read_cuff(GENERIC_CUFF, CUFF | {gatt.CURRENT_TIME}))
    assert cuff.heard[:3] == [Read(gatt.CURRENT_TIME), AskTime(), ClockCompared(9.0)]
    assert isinstance(cuff.heard[3], Subscribe)


def test_a_wrong_clock_is_compared_then_set() -> None:
    cuff = clock_device(timedelta(hours=8))
    cuff.converse(read_cuff(GENERIC_CUFF, CUFF | {gatt.CURRENT_TIME}))
    ours = encode_current_time(current_time_of(NOW))
    assert cuff.heard[2:4] == [ClockCompared(28800.0), Write(gatt.CURRENT_TIME, ours)]


def test_a_clock_that_was_never_set_is_set_without_a_comparison() -> None:
    unset = encode_current_time(CurrentTime(DateTime(0, 0, 0, 0, 0, 0), 0, 0, 0))
    cuff = Device([Silence()], {gatt.CURRENT_TIME: unset})
    cuff.converse(read_cuff(GENERIC_CUFF, CUFF | {gatt.CURRENT_TIME}))
    assert isinstance(cuff.heard[2], Write)


def test_a_model_whose_clock_must_not_be_set_is_only_compared() -> None:
    model = Model("careful", GENERIC_CUFF.conversation, clock=ClockRule.COMPARE)
    cuff = clock_device(timedelta(hours=8))
    cuff.converse(read_cuff(model, CUFF | {gatt.CURRENT_TIME}))
    assert not any(isinstance(effect, Write) for effect in cuff.heard)


def test_a_meter_without_current_time_is_asked_for_its_date_time() -> None:
    late = encode_date_time(date_time_of(NOW - timedelta(minutes=1)))
    meter = Device([DONE], {gatt.DATE_TIME: late})
    meter.converse(read_meter(GENERIC_METER, METER | {gatt.DATE_TIME}))
    ours = Write(gatt.DATE_TIME, encode_date_time(date_time_of(NOW)))
    assert meter.heard[:4] == [Read(gatt.DATE_TIME), AskTime(), ClockCompared(-60.0), ours]


def test_a_clock_that_cannot_be_read_or_written_stops_nothing() -> None:
    cuff = Device([PRESSURE, Silence()], refuses=frozenset({gatt.CURRENT_TIME}))
    talk = read_cuff(GENERIC_CUFF, CUFF | {gatt.CURRENT_TIME})
    assert cuff.converse(talk).records == 1
    short = Device([PRESSURE, Silence()], {gatt.CURRENT_TIME: b"\x00"})
    assert short.converse(read_cuff(GENERIC_CUFF, CUFF | {gatt.CURRENT_TIME})).records == 1


# Meters


def test_a_meter_is_asked_for_everything_the_first_time() -> None:
    meter = Device([record(0), record(1), DONE])
    assert meter.converse(read_meter(GENERIC_METER, METER)) == Outcome({}, None, 2)
    assert meter.asked == [racp.report_all()]
    assert [effect.characteristic for effect in meter.heard if isinstance(effect, Subscribe)] == [
        gatt.GLUCOSE_MEASUREMENT_CONTEXT,
        gatt.GLUCOSE_MEASUREMENT,
        gatt.RECORD_ACCESS_CONTROL_POINT,
    ]


def test_later_only_the_new_records_are_asked_for() -> None:
    meter = Device([record(7), DONE])
    assert meter.converse(read_meter(GENERIC_METER, METER, next_seq=7)).records == 1
    assert meter.asked == [racp.report_from(7)]


@pytest.mark.parametrize(
    "refusal",
    [
        racp.Outcome.OPERATOR_NOT_SUPPORTED,
        racp.Outcome.INVALID_OPERATOR,
        racp.Outcome.INVALID_OPERAND,
        racp.Outcome.OPERAND_NOT_SUPPORTED,
        racp.Outcome.OPCODE_NOT_SUPPORTED,
    ],
)
def test_a_meter_that_does_not_know_the_question_is_asked_for_all(refusal: int) -> None:
    meter = Device([verdict(refusal), record(0), record(7), DONE])
    assert meter.converse(read_meter(GENERIC_METER, METER, next_seq=7)).problem is None
    assert meter.asked == [racp.report_from(7), racp.report_all()]


def test_nothing_new_is_a_complete_drain() -> None:
    meter = Device([EMPTY, record(6), DONE])
    outcome = meter.converse(read_meter(GENERIC_METER, METER, next_seq=7))
    assert outcome.problem is None
    assert meter.asked == [racp.report_from(7), racp.report_last()]


def test_a_meter_whose_numbering_began_anew_is_read_from_the_start() -> None:
    meter = Device([EMPTY, record(2), DONE, record(0), record(1), record(2), DONE])
    outcome = meter.converse(read_meter(GENERIC_METER, METER, next_seq=7))
    assert (outcome.records, outcome.problem) == (3, None)
    assert meter.asked[-1] == racp.report_all()


def test_an_emptied_meter_is_no_problem() -> None:
    meter = Device([EMPTY, verdict(racp.Outcome.NO_RECORDS)])
    assert meter.converse(read_meter(GENERIC_METER, METER, next_seq=7)).problem is None


def test_a_meter_that_renumbers_is_asked_for_all_every_time() -> None:
    model = Model("reversing", GENERIC_METER.conversation, sequence_is_cursor=False)
    meter = Device([record(0), DONE])
    meter.converse(read_meter(model, METER, next_seq=7))
    assert meter.asked == [racp.report_all()]


@pytest.mark.parametrize(
    ("last", "problem"),
    [
        (Silence(), "records_timeout"),
        (Disconnected(), "disconnected_early"),
        (verdict(racp.Outcome.PROCEDURE_NOT_COMPLETED), "records_failed"),
        (verdict(racp.Outcome.SUCCESS, 99), None),
        (Notification(gatt.RECORD_ACCESS_CONTROL_POINT, b"\x06"), "records_answer_unreadable"),
        (
            Notification(gatt.RECORD_ACCESS_CONTROL_POINT, b"\x05\x00\x01\x00"),
            "records_answer_unreadable",
        ),
    ],
)
def test_only_the_meters_own_success_is_one(
    last: Notification | Silence | Disconnected, problem: str | None
) -> None:
    outcome = Device([record(0), last]).converse(read_meter(GENERIC_METER, METER))
    assert (outcome.records, outcome.problem) == (1, problem)


@pytest.mark.parametrize(
    ("refused", "problem"),
    [
        (gatt.GLUCOSE_MEASUREMENT, "subscribe_refused"),
        (gatt.RECORD_ACCESS_CONTROL_POINT, "subscribe_refused"),
        (gatt.GLUCOSE_MEASUREMENT_CONTEXT, None),
    ],
)
def test_what_a_meter_may_refuse(refused: int, problem: str | None) -> None:
    meter = Device([DONE], refuses=frozenset({refused}))
    assert meter.converse(read_meter(GENERIC_METER, METER)).problem == problem


def test_a_meter_that_never_ends_is_left() -> None:
    meter = Device(record(n % 0x10000) for n in range(20_001))
    assert meter.converse(read_meter(GENERIC_METER, METER)).problem == "never_silent"
