"""What a meter answers to a request for its records: decided from the request and the numbers.

Pure: which records are meant, or why the request is refused. Sending them is the meter's affair.

Source: Bluetooth SIG, Glucose Service 1.0.1, section 3.4 (Record Access Control Point).
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from yikao_devices.racp import FILTER_SEQUENCE, FILTER_TIME, OpCode, Operator, Outcome, Request


@dataclass(frozen=True, slots=True)
class Report:
    """Send the records with these sequence numbers, in this order."""

    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete the records with these sequence numbers."""

    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tell:
    """Answer with the number of matching records."""

    records: int


@dataclass(frozen=True, slots=True)
class Abort:
    """Stop the running procedure."""


Decision = Report | Delete | Tell | Abort | Outcome
"""What to do; an `Outcome` is the answer itself, a refusal."""

_BOUND = struct.Struct("<BH")
_BOUNDS = struct.Struct("<BHH")


def decide(request: Request, stored: Sequence[int], *, only_all: bool = False) -> Decision:
    """Return what to do about `request` when `stored` are the sequence numbers, oldest first.

    only_all: the meter knows no choice among its records.
    """
    if only_all and request.operator not in (Operator.ALL, Operator.NULL):
        return Outcome.OPERATOR_NOT_SUPPORTED
    match request.opcode:
        case OpCode.ABORT:
            return Abort() if request.operator == Operator.NULL else Outcome.INVALID_OPERATOR
        case OpCode.REPORT | OpCode.DELETE | OpCode.COUNT:
            meant = select(request, stored)
        case _:
            return Outcome.OPCODE_NOT_SUPPORTED
    if isinstance(meant, Outcome):
        return meant
    if request.opcode == OpCode.COUNT:
        return Tell(len(meant))
    if not meant:
        return Outcome.NO_RECORDS
    return Report(meant) if request.opcode == OpCode.REPORT else Delete(meant)


def select(request: Request, stored: Sequence[int]) -> tuple[int, ...] | Outcome:
    """Return the sequence numbers that the operator and operand of `request` mean."""
    match request.operator:
        case Operator.ALL | Operator.FIRST | Operator.LAST if request.operand:
            return Outcome.INVALID_OPERAND
        case Operator.ALL:
            return tuple(stored)
        case Operator.FIRST:
            return tuple(stored[:1])
        case Operator.LAST:
            return tuple(stored[-1:])
        case Operator.AT_MOST | Operator.AT_LEAST | Operator.RANGE:
            bounds = _bounds(request)
            if isinstance(bounds, Outcome):
                return bounds
            low, high = bounds
            return tuple(seq for seq in stored if low <= seq <= high)
        case Operator.NULL:
            return Outcome.INVALID_OPERATOR
        case _:
            return Outcome.OPERATOR_NOT_SUPPORTED


def _bounds(request: Request) -> tuple[int, int] | Outcome:
    operand = request.operand
    if operand[:1] == bytes((FILTER_TIME,)):
        return Outcome.OPERAND_NOT_SUPPORTED
    layout = _BOUNDS if request.operator == Operator.RANGE else _BOUND
    if len(operand) != layout.size or operand[0] != FILTER_SEQUENCE:
        return Outcome.INVALID_OPERAND
    if request.operator == Operator.RANGE:
        _, low, high = _BOUNDS.unpack(operand)
        return (low, high) if low <= high else Outcome.INVALID_OPERAND
    _, bound = _BOUND.unpack(operand)
    return (0, bound) if request.operator == Operator.AT_MOST else (bound, 0xFFFF)
