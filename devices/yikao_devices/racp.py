"""Record Access Control Point (0x2A52): how a meter is asked for the records it holds.

Written requests go one way, indicated answers come back; both directions are here, because the
gateway asks and the simulator answers.

Source: Bluetooth SIG, Glucose Service 1.0.1, section 3.4; GATT Specification Supplement,
3.184 Record Access Control Point.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from yikao_devices.errors import FrameError

FILTER_SEQUENCE: Final = 1
"""Operand filter type: sequence number."""
FILTER_TIME: Final = 2
"""Operand filter type: user-facing time; meters may refuse it."""

ATT_CCCD_NOT_CONFIGURED: Final = 0xFD
ATT_PROCEDURE_IN_PROGRESS: Final = 0xFE


class OpCode(IntEnum):
    """What is asked or answered."""

    REPORT = 1
    DELETE = 2
    ABORT = 3
    COUNT = 4
    COUNT_RESPONSE = 5
    RESPONSE = 6


class Operator(IntEnum):
    """Which records are meant."""

    NULL = 0
    ALL = 1
    AT_MOST = 2
    AT_LEAST = 3
    RANGE = 4
    FIRST = 5
    LAST = 6


class Outcome(IntEnum):
    """The meter's verdict on a request."""

    SUCCESS = 1
    OPCODE_NOT_SUPPORTED = 2
    INVALID_OPERATOR = 3
    OPERATOR_NOT_SUPPORTED = 4
    INVALID_OPERAND = 5
    NO_RECORDS = 6
    ABORT_FAILED = 7
    PROCEDURE_NOT_COMPLETED = 8
    OPERAND_NOT_SUPPORTED = 9


@dataclass(frozen=True, slots=True)
class Request:
    """A procedure to start; `operand` is the raw bytes behind the operator.

    `opcode` and `operator` may be numbers that the standard does not know: a meter has to answer
    those too.
    """

    opcode: int
    operator: int
    operand: bytes = b""


def report_all() -> Request:
    """Return the request for every stored record."""
    return Request(OpCode.REPORT, Operator.ALL)


def report_from(seq: int) -> Request:
    """Return the request for the records with sequence number `seq` and above."""
    operand = struct.pack("<BH", FILTER_SEQUENCE, seq)
    return Request(OpCode.REPORT, Operator.AT_LEAST, operand)


def report_last() -> Request:
    """Return the request for the newest record."""
    return Request(OpCode.REPORT, Operator.LAST)


def count_all() -> Request:
    """Return the request for the number of stored records."""
    return Request(OpCode.COUNT, Operator.ALL)


def count_from(seq: int) -> Request:
    """Return the request for the number of records with sequence number `seq` and above."""
    return Request(OpCode.COUNT, Operator.AT_LEAST, struct.pack("<BH", FILTER_SEQUENCE, seq))


def delete_all() -> Request:
    """Return the request to delete every stored record."""
    return Request(OpCode.DELETE, Operator.ALL)


def abort() -> Request:
    """Return the request to stop the running procedure."""
    return Request(OpCode.ABORT, Operator.NULL)


def encode_request(request: Request) -> bytes:
    """Return the bytes to write."""
    return bytes((request.opcode, request.operator)) + request.operand


def decode_request(frame: bytes) -> Request:
    """Return the request in `frame`; refuses fewer than 2 bytes with `FrameError`."""
    if len(frame) < 2:
        raise FrameError("a record access request has an op code and an operator", frame)
    return Request(frame[0], frame[1], frame[2:])


@dataclass(frozen=True, slots=True)
class Response:
    """The end of a procedure: what was asked, and how it went; `outcome` may be unknown to us."""

    opcode: int
    outcome: int


@dataclass(frozen=True, slots=True)
class Count:
    """How many records match."""

    records: int


def encode_answer(answer: Response | Count) -> bytes:
    """Return the bytes to indicate."""
    if isinstance(answer, Count):
        return struct.pack("<BBH", OpCode.COUNT_RESPONSE, Operator.NULL, answer.records)
    return bytes((OpCode.RESPONSE, Operator.NULL, answer.opcode, answer.outcome))


def decode_answer(frame: bytes) -> Response | Count:
    """Return the answer in `frame`; refuses other op codes and short frames with `FrameError`."""
    if len(frame) < 4:
        raise FrameError(f"a record access answer has 4 bytes, not {len(frame)}", frame)
    match frame[0]:
        case OpCode.COUNT_RESPONSE:
            return Count(int.from_bytes(frame[2:4], "little"))
        case OpCode.RESPONSE:
            return Response(frame[2], frame[3])
        case other:
            raise FrameError(f"op code {other} is no answer", frame)
