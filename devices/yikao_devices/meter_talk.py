"""Emptying a glucose meter: ask its record access control point for what we do not have yet.

The first time all records are asked for, later only those from the next sequence number on. A
meter whose numbering began anew would have nothing above our mark for ever, so "no records" is
answered by asking for its last record, and for all when that one lies below the mark.

Source: Glucose Profile 1.0.1, section 4; Glucose Service 1.0.1, section 3.4.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

from yikao_devices import gatt, racp
from yikao_devices.conversation import (
    Answer,
    Disconnected,
    Effect,
    Notification,
    Outcome,
    Refused,
    Silence,
    Subscribe,
    Talk,
    Wait,
    Write,
)
from yikao_devices.errors import FrameError
from yikao_devices.greeting import greet
from yikao_devices.models import Model

ANSWER_TIMEOUT_S: Final = 30.0
"""Longest pause within a procedure.
Source: Glucose Profile 1.0.1, section 5.3."""
RECORDS_MAX: Final = 20_000
"""A sequence number has 16 bits; a meter that reports more in one procedure is broken."""

_NOT_UNDERSTOOD: Final = frozenset(
    {
        racp.Outcome.OPCODE_NOT_SUPPORTED,
        racp.Outcome.INVALID_OPERATOR,
        racp.Outcome.OPERATOR_NOT_SUPPORTED,
        racp.Outcome.INVALID_OPERAND,
        racp.Outcome.OPERAND_NOT_SUPPORTED,
    }
)


@dataclass(slots=True)
class _Drained:
    """What a procedure brought: how many records, the last number seen, how it ended."""

    records: int = 0
    last_seq: int | None = None
    outcome: int | None = None
    problem: str | None = None


def read_meter(
    model: Model, present: frozenset[int], known: bool = False, next_seq: int | None = None
) -> Talk:
    """Drain a meter; the outcome counts its records.

    next_seq: the first sequence number that is not stored yet; None asks for everything.
    """
    greeting = yield from greet(model, present, known)
    if gatt.GLUCOSE_MEASUREMENT_CONTEXT in present:
        yield Subscribe(gatt.GLUCOSE_MEASUREMENT_CONTEXT)
    for characteristic in (gatt.GLUCOSE_MEASUREMENT, gatt.RECORD_ACCESS_CONTROL_POINT):
        answer = yield Subscribe(characteristic)
        if isinstance(answer, Refused):
            return Outcome(greeting.identity, greeting.battery_pct, 0, "subscribe_refused")
    drained = yield from _drain(model, next_seq)
    return Outcome(greeting.identity, greeting.battery_pct, drained.records, drained.problem)


def _drain(model: Model, next_seq: int | None) -> Generator[Effect, Answer, _Drained]:
    if next_seq is None or not model.sequence_is_cursor:
        return (yield from _procedure(racp.report_all()))
    drained = yield from _procedure(racp.report_from(next_seq))
    if drained.outcome in _NOT_UNDERSTOOD:
        return (yield from _procedure(racp.report_all()))
    if drained.outcome == racp.Outcome.NO_RECORDS:
        last = yield from _procedure(racp.report_last())
        if last.last_seq is not None and last.last_seq + 1 < next_seq:
            return (yield from _procedure(racp.report_all()))
    return drained


def _procedure(request: racp.Request) -> Generator[Effect, Answer, _Drained]:
    """Run one procedure to its answer; only the meter's own "success" is a success."""
    drained = _Drained()
    refused = yield Write(gatt.RECORD_ACCESS_CONTROL_POINT, racp.encode_request(request))
    if isinstance(refused, Refused):
        drained.problem = "records_refused"
        return drained
    while drained.records < RECORDS_MAX:
        match (yield Wait(ANSWER_TIMEOUT_S)):
            case Notification(gatt.GLUCOSE_MEASUREMENT, frame):
                drained.records += 1
                drained.last_seq = _seq(frame, drained.last_seq)
            case Notification(gatt.RECORD_ACCESS_CONTROL_POINT, frame):
                drained.outcome, drained.problem = _verdict(frame)
                return drained
            case Silence():
                drained.problem = "records_timeout"
                return drained
            case Disconnected():
                drained.problem = "disconnected_early"
                return drained
    drained.problem = "never_silent"
    return drained


def _verdict(frame: bytes) -> tuple[int | None, str | None]:
    try:
        answer = racp.decode_answer(frame)
    except FrameError:
        return None, "records_answer_unreadable"
    if not isinstance(answer, racp.Response):
        return None, "records_answer_unreadable"
    fine = answer.outcome in (racp.Outcome.SUCCESS, racp.Outcome.NO_RECORDS)
    return answer.outcome, None if fine else "records_failed"


def _seq(frame: bytes, before: int | None) -> int | None:
    return int.from_bytes(frame[1:3], "little") if len(frame) >= 3 else before
