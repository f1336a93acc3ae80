"""What a meter answers to requests for its records: the table of the Glucose Service, 3.4."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yikao_devices.racp import OpCode, Operator, Outcome, Request
from yikao_sim.peripherals.record_access import Abort, Delete, Report, Tell, decide

STORED = (3, 4, 5, 9)


def request(text: str) -> Request:
    raw = bytes.fromhex(text)
    return Request(raw[0], raw[1], raw[2:])


@pytest.mark.parametrize(
    ("written", "decision"),
    [
        ("01 01", Report(STORED)),
        ("01 05", Report((3,))),
        ("01 06", Report((9,))),
        ("01 03 01 0500", Report((5, 9))),
        ("01 02 01 0400", Report((3, 4))),
        ("01 04 01 0400 0500", Report((4, 5))),
        ("04 01", Tell(4)),
        ("04 03 01 0A00", Tell(0)),
        ("02 01", Delete(STORED)),
        ("02 02 01 0300", Delete((3,))),
        ("03 00", Abort()),
        # Nothing there
        ("01 03 01 0A00", Outcome.NO_RECORDS),
        ("02 02 01 0100", Outcome.NO_RECORDS),
        # Refused
        ("07 01", Outcome.OPCODE_NOT_SUPPORTED),
        ("05 00", Outcome.OPCODE_NOT_SUPPORTED),
        ("01 00", Outcome.INVALID_OPERATOR),
        ("03 01", Outcome.INVALID_OPERATOR),
        ("01 07", Outcome.OPERATOR_NOT_SUPPORTED),
        ("01 01 00", Outcome.INVALID_OPERAND),
        ("01 03", Outcome.INVALID_OPERAND),
        ("01 03 01 05", Outcome.INVALID_OPERAND),
        ("01 03 07 0500", Outcome.INVALID_OPERAND),
        ("01 04 01 0500 0400", Outcome.INVALID_OPERAND),
        ("01 03 02 E907 0101 000000", Outcome.OPERAND_NOT_SUPPORTED),
    ],
)
def test_a_request_is_decided(written, decision):
    assert decide(request(written), STORED) == decision


def test_an_empty_meter_has_no_records_and_counts_none():
    assert decide(request("01 01"), ()) is Outcome.NO_RECORDS
    assert decide(request("01 06"), ()) is Outcome.NO_RECORDS
    assert decide(request("04 01"), ()) == Tell(0)


@given(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=8))
def test_any_request_is_answered(opcode, operator, operand):
    decision = decide(Request(opcode, operator, operand), STORED)
    assert isinstance(decision, Report | Delete | Tell | Abort | Outcome)


@given(st.integers(0, 0xFFFF), st.sets(st.integers(0, 0xFFFF), max_size=20))
def test_at_least_and_below_share_the_records_out(bound, stored):
    operand = b"\x01" + bound.to_bytes(2, "little")
    ordered = sorted(stored)
    counted = [
        decide(Request(OpCode.COUNT, operator, operand), ordered)
        for operator in (Operator.AT_LEAST, Operator.AT_MOST)
    ]
    assert [answer.records for answer in counted if isinstance(answer, Tell)] == [
        sum(seq >= bound for seq in stored),
        sum(seq <= bound for seq in stored),
    ]
