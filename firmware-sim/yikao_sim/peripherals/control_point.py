"""A simulated record access control point: a gateway asks for records, and is answered.

Each request is accepted at once and runs as a procedure of its own; its answer is indicated when
its records are on the way.

Source: Bluetooth SIG, Glucose Service 1.0.1, section 3.4; Pulse Oximeter Service 1.0.1, section
3.4.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bumble.att import ATT_Error, ErrorCode
from bumble.device import Connection
from bumble.gatt import Characteristic

from yikao_devices import gatt
from yikao_devices.errors import FrameError
from yikao_devices.racp import (
    ATT_CCCD_NOT_CONFIGURED,
    ATT_PROCEDURE_IN_PROGRESS,
    Count,
    OpCode,
    Outcome,
    Request,
    Response,
    decode_request,
    encode_answer,
)
from yikao_sim.peripherals import attributes
from yikao_sim.peripherals.peripheral import Peripheral
from yikao_sim.peripherals.record_access import Abort, Delete, Report, Tell, decide


@dataclass(slots=True)
class PointFaults:
    """What goes wrong with requests. `busy_for`: so many are refused as if another were running.
    `gives_up_after`: a report ends, once, as `gives_up_as` after so many records.
    """

    busy_for: int = 0
    gives_up_after: int | None = None
    gives_up_as: Outcome = Outcome.PROCEDURE_NOT_COMPLETED


Send = Callable[[], Awaitable[None]]
"""Sends one record."""


@dataclass(frozen=True, slots=True)
class Records:
    """What is asked for. seqs: the numbers of the records, oldest first. chosen: returns how to
    send those of some numbers. delete: forgets them. only_all: the device knows no choice."""

    measurement: Characteristic[bytes]
    seqs: Callable[[], Sequence[int]]
    chosen: Callable[[frozenset[int]], Sequence[Send]]
    delete: Callable[[frozenset[int]], None]
    only_all: bool = False


class ControlPoint:
    """One control point on one `Peripheral`; `characteristic` is what the service offers."""

    def __init__(self, peripheral: Peripheral, records: Records) -> None:
        self.faults = PointFaults()
        self._peripheral = peripheral
        self._records = records
        self._procedure: asyncio.Task[None] | None = None
        self.characteristic = attributes.control_point(
            peripheral.device,
            gatt.RECORD_ACCESS_CONTROL_POINT,
            self._on_request,
            encrypted=peripheral.protection.encrypted,
        )

    def reset(self) -> None:
        """Forget the running procedure, as when the link is down."""
        self._procedure = None

    def _on_request(self, _: Connection, value: bytes) -> None:
        """Accept a request and return at once; its procedure runs in a task of its own."""
        if not self._peripheral.subscribed(self.characteristic):
            raise ATT_Error(ATT_CCCD_NOT_CONFIGURED)
        try:
            request = decode_request(value)
        except FrameError as error:
            raise ATT_Error(ErrorCode.INVALID_ATTRIBUTE_LENGTH) from error
        if request.opcode != OpCode.ABORT and (self._seems_busy() or self._is_busy()):
            raise ATT_Error(ATT_PROCEDURE_IN_PROGRESS)
        measured = self._peripheral.subscribed(self._records.measurement)
        if request.opcode == OpCode.REPORT and not measured:
            raise ATT_Error(ATT_CCCD_NOT_CONFIGURED)
        self._start(request)

    def _seems_busy(self) -> bool:
        if self.faults.busy_for <= 0:
            return False
        self.faults.busy_for -= 1
        return True

    def _is_busy(self) -> bool:
        return self._procedure is not None and not self._procedure.done()

    def _start(self, request: Request) -> None:
        match decide(request, self._records.seqs(), only_all=self._records.only_all):
            case Report(wanted):
                chosen = self._records.chosen(frozenset(wanted))
                self._procedure = self._peripheral.spawn(self._report(chosen))
            case Delete(unwanted):
                self._records.delete(frozenset(unwanted))
                self._answer(Response(OpCode.DELETE, Outcome.SUCCESS))
            case Tell(records):
                self._answer(Count(records))
            case Abort():
                if self._procedure is not None:
                    self._procedure.cancel()
                self._answer(Response(OpCode.ABORT, Outcome.SUCCESS))
            case Outcome() as refusal:
                self._answer(Response(request.opcode, refusal))

    async def _report(self, chosen: Sequence[Send]) -> None:
        for sent, send in enumerate(chosen):
            if sent == self.faults.gives_up_after:
                self.faults.gives_up_after = None
                self._answer(Response(OpCode.REPORT, self.faults.gives_up_as))
                return
            await send()
        self._answer(Response(OpCode.REPORT, Outcome.SUCCESS))

    def _answer(self, answer: Response | Count) -> None:
        """Indicate the outcome. With it the procedure is over, and the next may be written."""
        self._procedure = None
        told = self._peripheral.tell(self.characteristic, encode_answer(answer))
        self._peripheral.spawn(told)
