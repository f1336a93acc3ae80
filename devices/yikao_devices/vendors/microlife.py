"""Microlife BP3GY1-2N: framed commands to 0xFFF2, framed answers in pieces under 0xFFF1.

A frame is a head of two bytes (4D FF asks, 4D 3A answers), the length of what follows in two
bytes, high byte first, then payload and a checksum: the low byte of the sum of all before it.

| payload that is asked | is answered with |
| --- | --- |
| 00, six times 00, FD: all records | 38 bytes that nobody has published, then 10 for each record |
| 0D, year since 2000, month, day, hour, minute, second: set the clock | 81 |
| 04: hang up | nothing |

A record is systolic, diastolic (mmHg), pulse, year since 2000, month, day, hour, minute, and two
bytes of padding; an empty slot is zeros. Which of its two users measured is not in a record, so
none is claimed. The clock can be set, not read.

Source: github.com/joergmlpts/blood-pressure-monitor, bpm_bt.py;
github.com/derdilla/blood-pressure-monitor-fl, microlife_protocol.dart and its tests.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from yikao_devices.blood_pressure import BloodPressure
from yikao_devices.conversation import (
    Answer,
    AskTime,
    ClockWillBeSet,
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
from yikao_devices.date_time import DateTime
from yikao_devices.dialect import Dialect
from yikao_devices.errors import FrameError
from yikao_devices.greeting import greet
from yikao_devices.model import ClockRule, Model
from yikao_devices.sfloat import Special

ANSWERS: Final = 0xFFF1
COMMANDS: Final = 0xFFF2

_ASKS: Final = b"\x4d\xff"
_SAYS: Final = b"\x4d\x3a"
_HEAD_BYTES: Final = 4
DONE: Final = b"\x81"
ASK_RECORDS: Final = bytes(7) + b"\xfd"
HANG_UP: Final = b"\x04"
_SET_CLOCK: Final = 0x0D
_CENTURY: Final = 2000

RECORDS_FROM: Final = 38
RECORD_BYTES: Final = 10
_USED_BYTES: Final = 8
FRAME_BYTES_MAX: Final = _HEAD_BYTES + RECORDS_FROM + 1000 * RECORD_BYTES + 1
"""No cuff stores a thousand measurements; a length beyond is a broken head."""

ANSWER_TIMEOUT_S: Final = 30.0
"""Source: blood-pressure-monitor-fl, ble_read_cubit.dart."""
DONE_TIMEOUT_S: Final = 3.0


def command(payload: bytes) -> bytes:
    """Return the frame that asks for `payload`; all of ours fit one write of 20 bytes."""
    return _framed(_ASKS, payload)


def answer(payload: bytes) -> bytes:
    """Return the frame by which a cuff answers with `payload`."""
    return _framed(_SAYS, payload)


def set_clock(now: datetime) -> bytes:
    """Return the payload that sets the clock to the wall clock of `now`."""
    time = (now.year - _CENTURY, now.month, now.day, now.hour, now.minute, now.second)
    return bytes((_SET_CLOCK, *time))


def _framed(head: bytes, payload: bytes) -> bytes:
    frame = head + (len(payload) + 1).to_bytes(2, "big") + payload
    return frame + bytes((sum(frame) & 0xFF,))


def decode_record(record: bytes) -> BloodPressure:
    """Return the measurement in a record of at least 8 bytes; its mean is not sent."""
    systolic, diastolic, pulse, year, month, day, hour, minute = record[:_USED_BYTES]
    time = DateTime(_CENTURY + year, month, day, hour, minute, 0)
    return BloodPressure("mmHg", float(systolic), float(diastolic), Special.NAN, time, float(pulse))


@dataclass(slots=True)
class Answers:
    """Puts the pieces of answers together, and takes the records out of them."""

    _pieces: bytearray = field(default_factory=bytearray)

    @property
    def rest(self) -> bytes:
        return bytes(self._pieces)

    def feed(self, frame: bytes) -> list[tuple[BloodPressure, bytes]]:
        payload = self.take(frame)
        return [] if payload is None else list(_records(payload))

    def take(self, frame: bytes) -> bytes | None:
        """Return the payload of the answer that `frame` completes; None while it is incomplete.

        Refuses with `FrameError` what is no answer or has a wrong checksum, and begins anew.
        """
        self._pieces += frame
        whole = bytes(self._pieces)
        if whole[:2] != _SAYS[: len(whole)]:
            raise self._refusal("an answer begins with 4d3a", whole)
        if len(whole) < _HEAD_BYTES:
            return None
        size = _HEAD_BYTES + int.from_bytes(whole[2:4], "big")
        if not _HEAD_BYTES + 2 <= size <= FRAME_BYTES_MAX:
            raise self._refusal(f"no answer has {size} bytes", whole)
        if len(whole) < size:
            return None
        if len(whole) > size:
            raise self._refusal("more bytes than its head announces", whole)
        if sum(whole[:-1]) & 0xFF != whole[-1]:
            raise self._refusal("wrong checksum", whole)
        self._pieces.clear()
        return whole[_HEAD_BYTES:-1]

    def _refusal(self, why: str, whole: bytes) -> FrameError:
        self._pieces.clear()
        return FrameError(why, whole)


def _records(payload: bytes) -> Iterator[tuple[BloodPressure, bytes]]:
    if len(payload) < RECORDS_FROM:
        # The word that a command was done.
        return
    for at in range(RECORDS_FROM, len(payload), RECORD_BYTES):
        record = payload[at : at + RECORD_BYTES]
        if len(record) < _USED_BYTES:
            raise FrameError("ends inside a record", payload)
        if any(record[:3]):
            yield decode_record(record), record


def read_microlife(model: Model, present: frozenset[int], known: bool) -> Talk:
    """Ask a cuff for all its records, then set its clock and let it go."""
    greeting = yield from greet(model, present, known)
    refused = yield Subscribe(ANSWERS)
    if isinstance(refused, Refused):
        return Outcome(greeting.identity, greeting.battery_pct, 0, "subscribe_refused")
    records, problem = yield from _drain()
    if problem is None:
        if model.clock is not ClockRule.COMPARE:
            yield ClockWillBeSet()
            now = yield AskTime()
            assert isinstance(now, datetime), "AskTime is answered with the time"
            yield Write(COMMANDS, command(set_clock(now)))
            yield Wait(DONE_TIMEOUT_S)
        yield Write(COMMANDS, command(HANG_UP))
    return Outcome(greeting.identity, greeting.battery_pct, records, problem)


def _drain() -> Generator[Effect, Answer, tuple[int, str | None]]:
    refused = yield Write(COMMANDS, command(ASK_RECORDS))
    if isinstance(refused, Refused):
        return 0, "records_refused"
    answers = Answers()
    for _ in range(FRAME_BYTES_MAX):
        match (yield Wait(ANSWER_TIMEOUT_S)):
            case Notification(found, frame) if found == ANSWERS:
                try:
                    payload = answers.take(frame)
                    if payload is not None:
                        return len(list(_records(payload))), None
                except FrameError:
                    return 0, "records_answer_unreadable"
            case Silence():
                return 0, "records_timeout"
            case Disconnected():
                return 0, "disconnected_early"
    return 0, "never_silent"


DIALECT: Final = Dialect(frozenset({ANSWERS}), Answers, read_microlife)
