"""Conversations with what streams, driven by hand: how long they last, and what they ask for."""

import pytest
from driven import Device

from yikao_devices import gatt, racp
from yikao_devices.conversation import (
    Disconnected,
    MayStay,
    Notification,
    Outcome,
    Silence,
    Subscribe,
    Wait,
)
from yikao_devices.models import GENERIC_OXIMETER, GENERIC_STRAP, Conversation, Model
from yikao_devices.stream_talk import STAY_MAX_S
from yikao_devices.talks import talk_with

SPOT, STREAM, POINT = (
    gatt.PLX_SPOT_CHECK_MEASUREMENT,
    gatt.PLX_CONTINUOUS_MEASUREMENT,
    gatt.RECORD_ACCESS_CONTROL_POINT,
)
STRAP = frozenset({gatt.HEART_RATE_MEASUREMENT})
BEAT = Notification(gatt.HEART_RATE_MEASUREMENT, b"\x06\x48")
RECORD = Notification(SPOT, b"\x00\x60\x00\x48\x00")
SAMPLE = Notification(STREAM, b"\x00\x60\x00\x48\x00")
HOLDS_TWO = Notification(POINT, racp.encode_answer(racp.Count(2)))


def verdict(outcome: int) -> Notification:
    return Notification(POINT, racp.encode_answer(racp.Response(racp.OpCode.REPORT, outcome)))


DONE, UNKNOWN = verdict(racp.Outcome.SUCCESS), verdict(racp.Outcome.OPCODE_NOT_SUPPORTED)


@pytest.mark.parametrize("end", [Silence(), Disconnected()])
def test_a_strap_is_listened_to_until_it_is_taken_off(end: Silence | Disconnected) -> None:
    strap = Device([BEAT, BEAT, end])
    assert strap.converse(talk_with(GENERIC_STRAP, STRAP)) == Outcome({}, None, 2)
    assert strap.heard[:3] == [
        Subscribe(gatt.HEART_RATE_MEASUREMENT),
        MayStay(STAY_MAX_S),
        Wait(GENERIC_STRAP.quiet_s),
    ]


def test_a_strap_is_left_when_our_time_with_it_is_over() -> None:
    strap = Device([BEAT] * 50, stays=7)
    assert strap.converse(talk_with(GENERIC_STRAP, STRAP)) == Outcome({}, None, 7)


@pytest.mark.parametrize("conversation", [Conversation.STRAP, Conversation.OXIMETER])
def test_what_refuses_to_be_subscribed_has_a_problem(conversation: Conversation) -> None:
    refusing = Device(refuses=frozenset({gatt.HEART_RATE_MEASUREMENT, SPOT, STREAM}))
    talk = talk_with(Model("plain", conversation), frozenset({SPOT, STREAM}) | STRAP)
    assert refusing.converse(talk).problem == "subscribe_refused"


def test_an_oximeter_gives_its_records_by_itself() -> None:
    oximeter = Device([RECORD, RECORD, Silence()])
    assert oximeter.converse(talk_with(GENERIC_OXIMETER, frozenset({SPOT}))).records == 2
    assert oximeter.subscribed == [SPOT]
    assert not any(isinstance(each, MayStay) for each in oximeter.heard)


def test_an_oximeter_that_can_be_asked_is_asked_for_all_and_checked() -> None:
    present = frozenset({SPOT, POINT})
    oximeter = Device([HOLDS_TWO, RECORD, RECORD, DONE, Silence()])
    assert oximeter.converse(talk_with(GENERIC_OXIMETER, present)) == Outcome({}, None, 2)
    assert oximeter.asked == [racp.count_all(), racp.report_all()]
    lacking = Device([HOLDS_TWO, RECORD, DONE, Silence(), Silence()])
    outcome = lacking.converse(talk_with(GENERIC_OXIMETER, present))
    assert (outcome.records, outcome.problem) == (1, "records_missing")


def test_an_oximeter_that_does_not_know_the_question_is_read_without() -> None:
    oximeter = Device([Silence(), UNKNOWN, RECORD, Silence()])
    outcome = oximeter.converse(talk_with(GENERIC_OXIMETER, frozenset({SPOT, POINT})))
    assert outcome == Outcome({}, None, 1)


def test_an_oximeter_with_both_gives_records_first_and_is_then_listened_to() -> None:
    oximeter = Device([HOLDS_TWO, RECORD, RECORD, DONE, SAMPLE, SAMPLE, SAMPLE], stays=3)
    outcome = oximeter.converse(talk_with(GENERIC_OXIMETER, frozenset({SPOT, STREAM, POINT})))
    assert outcome == Outcome({}, None, 5)
    assert oximeter.subscribed == [SPOT, STREAM, POINT]
