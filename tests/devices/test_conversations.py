"""Conversations driven by hand: each effect is answered as a device would."""

from dataclasses import replace

import pytest
from driven import NOW, Device

from yikao_devices import gatt, racp
from yikao_devices.blood_pressure import BloodPressure, encode_blood_pressure
from yikao_devices.conversation import (
    Disconnected,
    Notification,
    Outcome,
    Pause,
    Silence,
    Subscribe,
    Wait,
)
from yikao_devices.cuff_talk import read_cuff
from yikao_devices.date_time import date_time_of
from yikao_devices.glucose import Glucose, encode_glucose
from yikao_devices.glucose_context import GlucoseContext, encode_glucose_context
from yikao_devices.meter_talk import COUNT_TIMEOUT_S, LATE_S, read_meter
from yikao_devices.models import (
    GENERIC_CUFF,
    GENERIC_METER,
    GENERIC_SCALE,
    GENERIC_THERMOMETER,
    Model,
    model_named,
)
from yikao_devices.talks import talk_with

CUFF = frozenset({gatt.BLOOD_PRESSURE_MEASUREMENT})
METER = frozenset(
    {
        gatt.GLUCOSE_MEASUREMENT,
        gatt.GLUCOSE_MEASUREMENT_CONTEXT,
        gatt.RECORD_ACCESS_CONTROL_POINT,
    }
)
PRESSURE = Notification(
    gatt.BLOOD_PRESSURE_MEASUREMENT,
    encode_blood_pressure(BloodPressure("mmHg", 124.0, 86.0, 97.0, date_time_of(NOW), 51.0)),
)


def record(seq: int, *, context_follows: bool = False) -> Notification:
    value = replace(Glucose(seq, date_time_of(NOW)), context_follows=context_follows)
    return Notification(gatt.GLUCOSE_MEASUREMENT, encode_glucose(value))


def context(seq: int) -> Notification:
    frame = encode_glucose_context(GlucoseContext(seq, meal=3))
    return Notification(gatt.GLUCOSE_MEASUREMENT_CONTEXT, frame)


def verdict(outcome: int, opcode: int = racp.OpCode.REPORT) -> Notification:
    frame = racp.encode_answer(racp.Response(opcode, outcome))
    return Notification(gatt.RECORD_ACCESS_CONTROL_POINT, frame)


def holds(records: int) -> Notification:
    """The meter's word on how many records match."""
    frame = racp.encode_answer(racp.Count(records))
    return Notification(gatt.RECORD_ACCESS_CONTROL_POINT, frame)


DONE = verdict(racp.Outcome.SUCCESS)
EMPTY = verdict(racp.Outcome.NO_RECORDS)
ALL = [racp.count_all(), racp.report_all()]


def since(seq: int) -> list[racp.Request]:
    return [racp.count_from(seq), racp.report_from(seq)]


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


ENHANCED = gatt.ENHANCED_BLOOD_PRESSURE_MEASUREMENT


def test_a_cuff_with_both_forms_is_subscribed_in_the_newer_one_alone() -> None:
    cuff = Device([Notification(ENHANCED, bytes(7)), PRESSURE, Silence()])
    assert cuff.converse(read_cuff(GENERIC_CUFF, CUFF | {ENHANCED})).records == 1
    assert cuff.subscribed == [ENHANCED]


def test_a_cuff_that_refuses_the_newer_form_is_read_in_the_older_one() -> None:
    cuff = Device([PRESSURE, Silence()], refuses=frozenset({ENHANCED}))
    assert cuff.converse(read_cuff(GENERIC_CUFF, CUFF | {ENHANCED})) == Outcome({}, None, 1)
    assert cuff.subscribed == [ENHANCED, gatt.BLOOD_PRESSURE_MEASUREMENT]


@pytest.mark.parametrize(
    ("model", "measurement"),
    [
        (GENERIC_SCALE, gatt.WEIGHT_MEASUREMENT),
        (GENERIC_THERMOMETER, gatt.TEMPERATURE_MEASUREMENT),
    ],
)
def test_scales_and_thermometers_are_drained_like_cuffs(model: Model, measurement: int) -> None:
    so_far = Notification(gatt.INTERMEDIATE_TEMPERATURE, b"")
    device = Device([so_far, Notification(measurement, b""), Silence()])
    assert device.converse(talk_with(model, frozenset({measurement}))) == Outcome({}, None, 1)
    assert device.subscribed == [measurement]


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


# Meters


def test_a_meter_is_asked_for_everything_the_first_time() -> None:
    meter = Device([holds(2), record(0), record(1), DONE])
    assert meter.converse(read_meter(GENERIC_METER, METER)) == Outcome({}, None, 2)
    assert meter.asked == ALL
    assert meter.subscribed == [
        gatt.GLUCOSE_MEASUREMENT_CONTEXT,
        gatt.GLUCOSE_MEASUREMENT,
        gatt.RECORD_ACCESS_CONTROL_POINT,
    ]


def test_later_only_the_new_records_are_asked_for() -> None:
    meter = Device([holds(1), record(7), DONE])
    assert meter.converse(read_meter(GENERIC_METER, METER, next_seq=7)).records == 1
    assert meter.asked == since(7)


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
    uncounted = verdict(refusal, racp.OpCode.COUNT)
    meter = Device([uncounted, verdict(refusal), holds(2), record(0), record(7), DONE])
    assert meter.converse(read_meter(GENERIC_METER, METER, next_seq=7)).problem is None
    assert meter.asked == [*since(7), *ALL]


def test_nothing_new_is_a_complete_drain() -> None:
    meter = Device([holds(0), EMPTY, record(6), DONE])
    outcome = meter.converse(read_meter(GENERIC_METER, METER, next_seq=7))
    assert outcome.problem is None
    assert meter.asked == [*since(7), racp.report_last()]


def test_a_meter_whose_numbering_began_anew_is_read_from_the_start() -> None:
    again = [holds(3), record(0), record(1), record(2), DONE]
    meter = Device([holds(0), EMPTY, record(2), DONE, *again])
    outcome = meter.converse(read_meter(GENERIC_METER, METER, next_seq=7))
    assert (outcome.records, outcome.problem) == (3, None)
    assert meter.asked[-2:] == ALL


def test_an_emptied_meter_is_no_problem() -> None:
    meter = Device([holds(0), EMPTY, verdict(racp.Outcome.NO_RECORDS)])
    assert meter.converse(read_meter(GENERIC_METER, METER, next_seq=7)).problem is None


def test_a_meter_that_renumbers_is_asked_for_all_every_time() -> None:
    model = Model("reversing", GENERIC_METER.conversation, sequence_is_cursor=False)
    meter = Device([holds(1), record(0), DONE])
    meter.converse(read_meter(model, METER, next_seq=7))
    assert meter.asked == ALL


@pytest.mark.parametrize(
    ("last", "problem"),
    [
        (Silence(), "records_timeout"),
        (Disconnected(), "disconnected_early"),
        (verdict(racp.Outcome.PROCEDURE_NOT_COMPLETED), "records_failed"),
        (verdict(racp.Outcome.SUCCESS, 99), None),
        (Notification(gatt.RECORD_ACCESS_CONTROL_POINT, b"\x06"), "records_answer_unreadable"),
    ],
)
def test_only_the_meters_own_success_is_one(
    last: Notification | Silence | Disconnected, problem: str | None
) -> None:
    meter = Device([holds(1), record(0), last])
    outcome = meter.converse(read_meter(GENERIC_METER, METER))
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
    meter = Device([holds(0), EMPTY], refuses=frozenset({refused}))
    assert meter.converse(read_meter(GENERIC_METER, METER)).problem == problem


def test_a_meter_that_never_ends_is_left() -> None:
    stream = (record(n % 0x10000) for n in range(40_001))
    meter = Device(iter([holds(1), *stream]))
    assert meter.converse(read_meter(GENERIC_METER, METER)).problem == "never_silent"


# A meter's success is not believed alone


def test_a_success_that_brings_fewer_records_than_there_are_is_none() -> None:
    meter = Device([holds(3), record(0), record(1), DONE, Silence()])
    outcome = meter.converse(read_meter(GENERIC_METER, METER))
    assert (outcome.records, outcome.problem) == (2, "records_missing")


def test_no_records_is_not_believed_of_a_meter_that_counts_some() -> None:
    meter = Device([holds(2), EMPTY])
    outcome = meter.converse(read_meter(GENERIC_METER, METER, next_seq=7))
    assert (outcome.records, outcome.problem) == (0, "records_missing")
    assert meter.asked == since(7)


def test_what_the_answer_has_overtaken_is_waited_for() -> None:
    meter = Device([holds(2), record(0), DONE, record(1, context_follows=True), context(1)])
    outcome = meter.converse(read_meter(GENERIC_METER, METER))
    assert (outcome.records, outcome.problem) == (2, None)
    assert meter.heard[-1] == Wait(LATE_S)


def test_a_context_that_never_comes_keeps_nobody_waiting() -> None:
    meter = Device([holds(1), record(0, context_follows=True), DONE, Silence()])
    assert meter.converse(read_meter(GENERIC_METER, METER)).problem is None


def test_a_record_that_comes_twice_is_one() -> None:
    meter = Device([holds(2), record(0), record(0), record(1), DONE])
    assert meter.converse(read_meter(GENERIC_METER, METER)) == Outcome({}, None, 2)
    lost = Device([holds(2), record(0), record(0), DONE, Silence()])
    assert lost.converse(read_meter(GENERIC_METER, METER)).problem == "records_missing"


def test_a_frame_that_cannot_be_read_is_a_record_that_came() -> None:
    broken = Notification(gatt.GLUCOSE_MEASUREMENT, b"\x00")
    meter = Device([holds(2), broken, record(1), DONE])
    assert meter.converse(read_meter(GENERIC_METER, METER)) == Outcome({}, None, 2)


@pytest.mark.parametrize(
    "answer", [b"\x06\x00\x04\x02", b"\x05", b"\x99\x00\x00\x00"], ids=["refused", "short", "odd"]
)
def test_a_meter_that_does_not_count_is_read_without(answer: bytes) -> None:
    uncounted = Notification(gatt.RECORD_ACCESS_CONTROL_POINT, answer)
    meter = Device([uncounted, record(0), DONE, Silence()])
    assert meter.converse(read_meter(GENERIC_METER, METER)) == Outcome({}, None, 1)


def test_a_count_that_does_not_come_is_stopped_and_its_late_answer_is_not_the_reports() -> None:
    late = [holds(1), verdict(racp.Outcome.SUCCESS, racp.OpCode.ABORT)]
    meter = Device([Silence(), *late, record(0), DONE, Silence()])
    assert meter.converse(read_meter(GENERIC_METER, METER)) == Outcome({}, None, 1)
    assert meter.asked == [racp.count_all(), racp.abort(), racp.report_all()]
    assert Wait(COUNT_TIMEOUT_S) in meter.heard


def test_a_meter_that_leaves_while_it_counts_has_left_early() -> None:
    meter = Device([Disconnected(), Disconnected()])
    assert meter.converse(read_meter(GENERIC_METER, METER)).problem == "disconnected_early"
