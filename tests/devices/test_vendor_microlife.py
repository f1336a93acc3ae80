"""Microlife's frames: commands as they were published, answers in pieces, a cuff driven by hand."""

from datetime import datetime

import pytest
from driven import NOW, Device
from hypothesis import given
from hypothesis import strategies as st

from yikao_devices.assembler import Assembler
from yikao_devices.conversation import ClockWillBeSet, Disconnected, Notification, Outcome, Silence
from yikao_devices.date_time import DateTime
from yikao_devices.errors import FrameError
from yikao_devices.models import Model, recognise
from yikao_devices.readings import Origin
from yikao_devices.talks import talk_with
from yikao_devices.vendors.microlife import (
    ANSWERS,
    ASK_RECORDS,
    COMMANDS,
    DONE,
    HANG_UP,
    Answers,
    answer,
    command,
    set_clock,
)
from yikao_devices.wire import BloodPressureReading, RefusedFrame

PRESENT = frozenset({ANSWERS, COMMANDS})
PIECE = 20
"""Bytes of a notification at the smallest attribute packet."""
# github.com/derdilla/blood-pressure-monitor-fl, microlife_measurement_data_test.dart
FIRST = bytes([120, 80, 60, 24, 6, 15, 14, 30, 0, 0])
SECOND = bytes([130, 85, 70, 25, 1, 2, 3, 4, 0, 0])
EMPTY = bytes(10)


def microlife() -> Model:
    model = recognise("BP3GY1-2N", frozenset())
    assert model is not None
    return model


def holds(*records: bytes) -> bytes:
    """The answer of a cuff with these records."""
    return answer(bytes(38) + b"".join(records))


def in_pieces(frame: bytes, size: int = PIECE) -> list[Notification]:
    return [Notification(ANSWERS, frame[at : at + size]) for at in range(0, len(frame), size)]


# Frames


@pytest.mark.parametrize(
    ("payload", "frame"),
    [
        (ASK_RECORDS, [77, 255, 0, 9, 0, 0, 0, 0, 0, 0, 0, 253, 82]),
        (HANG_UP, [77, 255, 0, 2, 4, 82]),
        (
            set_clock(datetime(2024, 6, 15, 14, 30, 45, tzinfo=NOW.tzinfo)),
            [77, 255, 0, 8, 13, 24, 6, 15, 14, 30, 45, 231],
        ),
    ],
)
def test_commands_as_published(payload: bytes, frame: list[int]) -> None:
    """From github.com/joergmlpts/blood-pressure-monitor, bpm_bt.py, and the other's tests."""
    assert command(payload) == bytes(frame)
    assert len(command(payload)) <= PIECE


def test_an_answer_as_published() -> None:
    assert answer(DONE) == bytes([77, 58, 0, 2, 129, 10])
    assert Answers().take(answer(DONE)) == DONE


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        ("4dff0002 81 cf", "begins with 4d3a"),
        ("4d3a0002 81 0b", "wrong checksum"),
        ("4d3a0001 88", "no answer has 5 bytes"),
        ("4d3affff 00", "no answer has 65539 bytes"),
        ("4d3a0002 81 0a 4d", "more bytes"),
        ("ff", "begins with 4d3a"),
    ],
)
def test_what_is_no_answer(frame: str, why: str) -> None:
    answers = Answers()
    with pytest.raises(FrameError, match=why):
        answers.take(bytes.fromhex(frame))
    assert answers.rest == b""
    assert answers.take(answer(DONE)) == DONE


@given(st.lists(st.binary(max_size=30), max_size=8))
def test_random_pieces_raise_only_frame_errors(pieces: list[bytes]) -> None:
    answers = Answers()
    for piece in pieces:
        try:
            answers.feed(piece)
        except FrameError as error:
            assert error.frame.endswith(piece)


@given(st.integers(1, 400), st.integers(0, 60))
def test_an_answer_in_pieces_of_any_size_is_one(size: int, count: int) -> None:
    answers = Answers()
    found = []
    for piece in in_pieces(holds(*[FIRST] * count), size):
        found += answers.feed(piece.frame)
    assert len(found) == count
    assert answers.rest == b""


# Records


def test_records_with_their_bytes_and_without_empty_slots() -> None:
    (first, raw), (second, _) = Answers().feed(holds(FIRST, EMPTY, SECOND))
    assert raw == FIRST
    assert (first.systolic, first.diastolic, first.pulse) == (120, 80, 60)
    assert first.time == DateTime(2024, 6, 15, 14, 30, 0)
    assert (second.systolic, second.time) == (130, DateTime(2025, 1, 2, 3, 4, 0))
    assert first.user is None


def test_a_last_record_may_come_without_its_padding() -> None:
    assert len(Answers().feed(holds(FIRST, SECOND[:8]))) == 2
    with pytest.raises(FrameError, match="ends inside a record"):
        Answers().feed(holds(FIRST, SECOND[:7]))


# From pieces to items


def origin() -> Origin:
    return Origin("AA", "microlife-bp3gy1", NOW, None)


def test_pieces_are_held_until_the_answer_is_whole() -> None:
    assembler = Assembler(microlife())
    *pieces, last = in_pieces(holds(FIRST, SECOND))
    for piece in pieces:
        assert assembler.feed(ANSWERS, piece.frame, origin()) == []
        assert assembler.holding
    items = assembler.feed(ANSWERS, last.frame, origin())
    assert not assembler.holding
    assert [i.systolic_mmhg for i in items if isinstance(i, BloodPressureReading)] == [120, 130]
    again = Assembler(microlife()).feed(ANSWERS, holds(SECOND, FIRST), origin())
    assert {item.reading_id for item in again} == {item.reading_id for item in items}


def test_a_record_with_an_impossible_date_is_kept() -> None:
    broken = bytes([110, 70, 65, 24, 0, 15, 14, 30, 0, 0])
    (reading,) = Assembler(microlife()).feed(ANSWERS, holds(broken), origin())
    assert isinstance(reading, BloodPressureReading)
    assert (reading.measured_at, reading.flags) == (NOW, ("clock_error",))


def test_half_an_answer_is_refused_with_its_bytes() -> None:
    assembler = Assembler(microlife())
    half = holds(FIRST, SECOND)[:-5]
    for piece in in_pieces(half):
        assembler.feed(ANSWERS, piece.frame, origin())
    (refused,) = assembler.finish()
    assert isinstance(refused, RefusedFrame)
    assert (refused.frame, refused.characteristic) == (half.hex(), "FFF1")


def test_a_long_refused_answer_travels_in_as_many_items_as_it_needs() -> None:
    frame = bytearray(holds(*[FIRST] * 99))
    frame[-1] ^= 1
    items = Assembler(microlife()).feed(ANSWERS, bytes(frame), origin())
    refused = [item.frame for item in items if isinstance(item, RefusedFrame)]
    assert "".join(refused) == frame.hex()
    assert max(map(len, refused)) == 1024


# The conversation


def test_a_cuff_is_asked_set_and_let_go() -> None:
    cuff = Device([*in_pieces(holds(FIRST, EMPTY, SECOND)), *in_pieces(answer(DONE))])
    assert cuff.converse(talk_with(microlife(), PRESENT)) == Outcome({}, None, 2)
    assert cuff.subscribed == [ANSWERS]
    assert cuff.written == [
        (COMMANDS, command(ASK_RECORDS)),
        (COMMANDS, command(set_clock(NOW))),
        (COMMANDS, command(HANG_UP)),
    ]
    assert ClockWillBeSet() in cuff.heard


@pytest.mark.parametrize(
    ("says", "problem"),
    [
        ([Silence()], "records_timeout"),
        ([*in_pieces(holds(FIRST))[:2], Silence()], "records_timeout"),
        ([*in_pieces(holds(FIRST))[:2], Disconnected()], "disconnected_early"),
        ([Notification(ANSWERS, b"no answer")], "records_answer_unreadable"),
        (in_pieces(holds(FIRST[:7])), "records_answer_unreadable"),
    ],
)
def test_only_a_whole_answer_is_one(
    says: list[Notification | Silence | Disconnected], problem: str
) -> None:
    cuff = Device(says)
    assert cuff.converse(talk_with(microlife(), PRESENT)).problem == problem
    # What it holds has not been read: its clock stays what those records were dated by.
    assert cuff.written == [(COMMANDS, command(ASK_RECORDS))]


@pytest.mark.parametrize(
    ("refused", "problem"), [(ANSWERS, "subscribe_refused"), (COMMANDS, "records_refused")]
)
def test_what_a_cuff_may_refuse(refused: int, problem: str) -> None:
    cuff = Device(refuses=frozenset({refused}))
    assert cuff.converse(talk_with(microlife(), PRESENT)).problem == problem
