"""Emptying a glucose meter: ask its record access control point for what we do not have yet.

The first time all records are asked for, later only those from the next sequence number on. A
meter whose numbering began anew would have nothing above our mark for ever, so "no records" is
answered by asking for its last record, and for all when that one lies below the mark.

A meter's "success" is not believed alone: it is asked for the number of records first, and what
came is counted. What comes late is waited for, what comes twice counts once.

Source: Glucose Profile 1.0.1, section 4; Glucose Service 1.0.1, section 3.4.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
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
from yikao_devices.glucose import decode_glucose
from yikao_devices.greeting import greet
from yikao_devices.model import Model

ANSWER_TIMEOUT_S: Final = 30.0
"""Longest pause within a procedure.
Source: Glucose Profile 1.0.1, section 5.3."""
COUNT_TIMEOUT_S: Final = 3.0
"""The number is only for the check; a meter that does not tell it soon is read without."""
LATE_S: Final = 1.0
"""How long records and contexts are waited for that the meter's answer has overtaken."""
NOTIFICATIONS_MAX: Final = 40_000
"""20 000 records, each with its context; a meter that sends more in one procedure is broken."""

NOT_UNDERSTOOD: Final = frozenset(
    {
        racp.Outcome.OPCODE_NOT_SUPPORTED,
        racp.Outcome.INVALID_OPERATOR,
        racp.Outcome.OPERATOR_NOT_SUPPORTED,
        racp.Outcome.INVALID_OPERAND,
        racp.Outcome.OPERAND_NOT_SUPPORTED,
    }
)

Part = Generator[Effect, Answer, None]


@dataclass(slots=True)
class Drained:
    """What a procedure brought, and how it ended; `expected` None: the meter did not say."""

    expected: int | None = None
    heard: int = 0
    """Notifications; a meter that repeats some has fewer records."""
    seqs: set[int] = field(default_factory=set)
    last_seq: int | None = None
    context_due: bool = False
    outcome: int | None = None
    problem: str | None = None

    @property
    def records(self) -> int:
        """How many different ones."""
        return len(self.seqs)

    @property
    def incomplete(self) -> bool:
        """Whether more must be on the way, or may be."""
        return self.context_due or self.expected is None or self.records < self.expected

    def take(self, letter: Notification) -> None:
        """Note a record or a context."""
        self.heard += 1
        if letter.characteristic == gatt.GLUCOSE_MEASUREMENT_CONTEXT:
            self.context_due = False
        elif letter.characteristic == gatt.PLX_SPOT_CHECK_MEASUREMENT:
            # Unnumbered, and confirmed one by one: none comes twice.
            self.seqs.add(self.heard)
        elif letter.characteristic == gatt.GLUCOSE_MEASUREMENT:
            try:
                record = decode_glucose(letter.frame)
            except FrameError:
                # It is stored, as a refused frame, and counts under a number of its own.
                self.seqs.add(-self.heard)
                return
            self.seqs.add(record.seq)
            self.last_seq = record.seq
            self.context_due = record.context_follows


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
    drained = yield from _drain(next_seq if model.sequence_is_cursor else None)
    return Outcome(greeting.identity, greeting.battery_pct, drained.records, drained.problem)


def drain_all() -> Generator[Effect, Answer, Drained]:
    """Ask for every record there is; what the measurements are must be subscribed already."""
    return (yield from _counted(racp.count_all(), racp.report_all()))


def _drain(next_seq: int | None) -> Generator[Effect, Answer, Drained]:
    if next_seq is None:
        return (yield from drain_all())
    drained = yield from _counted(racp.count_from(next_seq), racp.report_from(next_seq))
    if drained.outcome in NOT_UNDERSTOOD:
        return (yield from drain_all())
    if drained.outcome == racp.Outcome.NO_RECORDS and drained.problem is None:
        last = yield from _report(racp.report_last(), 1)
        if last.last_seq is not None and last.last_seq + 1 < next_seq:
            return (yield from drain_all())
    return drained


def _counted(count: racp.Request, report: racp.Request) -> Generator[Effect, Answer, Drained]:
    """Run a report and check it against the number that the meter tells first."""
    expected = yield from _count(count)
    drained = yield from _report(report, expected)
    if drained.problem is None and expected is not None and drained.records < expected:
        drained.problem = "records_missing"
    return drained


def _count(request: racp.Request) -> Generator[Effect, Answer, int | None]:
    """Return the number of records that `request` means, None when the meter does not tell it."""
    refused = yield Write(gatt.RECORD_ACCESS_CONTROL_POINT, racp.encode_request(request))
    if isinstance(refused, Refused):
        return None
    for _ in range(NOTIFICATIONS_MAX):
        match (yield Wait(COUNT_TIMEOUT_S)):
            case Notification(gatt.RECORD_ACCESS_CONTROL_POINT, frame):
                answer = _answer(frame)
                return answer.records if isinstance(answer, racp.Count) else None
            case Silence():
                # It may still be counting, and would refuse the report as a second procedure.
                stop = racp.encode_request(racp.abort())
                yield Write(gatt.RECORD_ACCESS_CONTROL_POINT, stop)
                return None
            case Disconnected():
                return None
    return None


def _report(request: racp.Request, expected: int | None) -> Generator[Effect, Answer, Drained]:
    """Run one procedure to its answer; only the meter's own "success" is a success."""
    drained = Drained(expected)
    refused = yield Write(gatt.RECORD_ACCESS_CONTROL_POINT, racp.encode_request(request))
    if isinstance(refused, Refused):
        drained.problem = "records_refused"
        return drained
    while drained.heard < NOTIFICATIONS_MAX:
        match (yield Wait(ANSWER_TIMEOUT_S)):
            case Notification(gatt.RECORD_ACCESS_CONTROL_POINT, frame):
                answer = _answer(frame)
                if not _is_earlier(answer):
                    yield from _end(drained, answer)
                    return drained
            case Notification() as letter:
                drained.take(letter)
            case Silence():
                drained.problem = "records_timeout"
                return drained
            case Disconnected():
                drained.problem = "disconnected_early"
                return drained
    drained.problem = "never_silent"
    return drained


def _end(drained: Drained, answer: racp.Response | racp.Count | None) -> Part:
    drained.outcome, drained.problem = _verdict(answer)
    if drained.outcome == racp.Outcome.SUCCESS:
        yield from _late(drained)


def _late(drained: Drained) -> Part:
    """Take what the answer has overtaken: notifications are not confirmed, the answer is."""
    while drained.incomplete and drained.heard < NOTIFICATIONS_MAX:
        match (yield Wait(LATE_S)):
            case Notification() as letter:
                drained.take(letter)
            case Silence() | Disconnected():
                return


def _answer(frame: bytes) -> racp.Response | racp.Count | None:
    """Return what the meter says, None when it cannot be read."""
    try:
        return racp.decode_answer(frame)
    except FrameError:
        return None


def _is_earlier(answer: racp.Response | racp.Count | None) -> bool:
    """Return whether this answers the count, or its abort, that came before the report."""
    match answer:
        case racp.Count() | racp.Response(racp.OpCode.COUNT | racp.OpCode.ABORT):
            return True
        case _:
            return False


def _verdict(answer: racp.Response | racp.Count | None) -> tuple[int | None, str | None]:
    if not isinstance(answer, racp.Response):
        return None, "records_answer_unreadable"
    fine = answer.outcome in (racp.Outcome.SUCCESS, racp.Outcome.NO_RECORDS)
    return answer.outcome, None if fine else "records_failed"
