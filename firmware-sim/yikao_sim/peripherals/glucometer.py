"""A simulated glucose meter: it keeps its results and hands them out on request.

A gateway subscribes, then writes requests to the record access control point: all records, those
from a number on, how many, delete, stop. Each request is answered when its records are on the way.

Source: Bluetooth SIG, Glucose Service 1.0.1 and Glucose Profile 1.0.1.
"""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, replace

from bumble.att import ATT_Error, ErrorCode
from bumble.device import Connection

from yikao_devices import gatt
from yikao_devices.errors import FrameError
from yikao_devices.features import GlucoseFeature, encode_feature
from yikao_devices.glucose import Glucose, encode_glucose
from yikao_devices.glucose_context import GlucoseContext, encode_glucose_context
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
from yikao_sim.peripherals import attributes, clock_service
from yikao_sim.peripherals.manners import ClockPlace
from yikao_sim.peripherals.peripheral import Peripheral
from yikao_sim.peripherals.record_access import Abort, Delete, Report, Tell, decide

log = logging.getLogger(__name__)

FEATURES = (
    GlucoseFeature.BATTERY_LOW
    | GlucoseFeature.SAMPLE_SIZE
    | GlucoseFeature.STRIP_INSERTION
    | GlucoseFeature.HIGH_LOW
    | GlucoseFeature.MULTIPLE_BONDS
)


@dataclass(frozen=True, slots=True)
class MeterBehaviour:
    """How this model of meter behaves.

    `window_s`: how long it can be reached after a result or a press of its transmit button; None
    is always. `memory`: records it holds; the oldest makes room. `counts_down`: its newest record
    is always number 0. `only_all`: it can be asked for all records and for nothing less. `eager`:
    it tells its newest record as soon as a known gateway is back, without being asked.
    """

    window_s: float | None = None
    memory: int = 1000
    counts_down: bool = False
    only_all: bool = False
    eager: bool = False


@dataclass(slots=True)
class MeterFaults:
    """What goes wrong with requests. `busy_for`: so many are refused as if another were running.
    `gives_up_after`: a report ends, once, as `gives_up_as` after so many records.
    """

    busy_for: int = 0
    gives_up_after: int | None = None
    gives_up_as: Outcome = Outcome.PROCEDURE_NOT_COMPLETED


@dataclass(frozen=True, slots=True)
class Record:
    """One stored result with what surrounded it; both carry its number only when they are sent."""

    seq: int
    result: Glucose
    context: GlucoseContext | None

    def frame(self) -> bytes:
        return encode_glucose(
            replace(self.result, seq=self.seq, context_follows=self.context is not None)
        )

    def context_frame(self) -> bytes | None:
        if self.context is None:
            return None
        return encode_glucose_context(replace(self.context, seq=self.seq))


class Glucometer:
    """One meter on one `Peripheral`."""

    def __init__(self, peripheral: Peripheral, behaviour: MeterBehaviour) -> None:
        self.peripheral = peripheral
        self.faults = MeterFaults()
        self._behaviour = behaviour
        self._memory: deque[Record] = deque(maxlen=behaviour.memory)
        self._next_seq = 1
        self._procedure: asyncio.Task[None] | None = None
        device, encrypted = peripheral.device, peripheral.protection.encrypted
        self._measurement = attributes.notified(
            device, gatt.GLUCOSE_MEASUREMENT, encrypted=encrypted
        )
        self._context = attributes.notified(
            device, gatt.GLUCOSE_MEASUREMENT_CONTEXT, encrypted=encrypted
        )
        self._control = attributes.control_point(
            device, gatt.RECORD_ACCESS_CONTROL_POINT, self._on_request, encrypted=encrypted
        )
        feature = attributes.constant(
            gatt.GLUCOSE_FEATURE, encode_feature(FEATURES), encrypted=encrypted
        )
        offered = [self._measurement, self._context, feature, self._control]
        if peripheral.manners.clock is ClockPlace.DATE_TIME:
            offered.append(clock_service.date_time(peripheral))
        peripheral.offer(attributes.service(gatt.GLUCOSE_SERVICE, offered))
        peripheral.on_link_down = self._on_link_down
        if behaviour.eager:
            peripheral.on_encrypted = self._tell_newest

    @property
    def always_on(self) -> bool:
        """True for a meter that can always be reached."""
        return self._behaviour.window_s is None

    @property
    def stored(self) -> int:
        """How many records are in its memory."""
        return len(self._memory)

    def load(self, result: Glucose, context: GlucoseContext | None = None) -> int:
        """Put a result into the memory under the next sequence number, which is returned."""
        if self._behaviour.counts_down:
            older = [replace(record, seq=record.seq + 1) for record in self._memory]
            self._memory = deque([*older, Record(0, result, context)], maxlen=self._memory.maxlen)
            return 0
        seq, self._next_seq = self._next_seq, (self._next_seq + 1) & 0xFFFF
        self._memory.append(Record(seq, result, context))
        return seq

    def measure(self, result: Glucose, context: GlucoseContext | None = None) -> int:
        """Take a result now, and let gateways connect; return its sequence number."""
        seq = self.load(result, context)
        self.wake()
        return seq

    def wake(self) -> None:
        """Let gateways connect, as after a press of the transmit button."""
        if self.peripheral.link is None:
            self.peripheral.advertise(self._behaviour.window_s)

    def _on_request(self, _: Connection, value: bytes) -> None:
        """Accept a request and return at once; its procedure runs in a task of its own."""
        if not self.peripheral.subscribed(self._control):
            raise ATT_Error(ATT_CCCD_NOT_CONFIGURED)
        try:
            request = decode_request(value)
        except FrameError as error:
            raise ATT_Error(ErrorCode.INVALID_ATTRIBUTE_LENGTH) from error
        if request.opcode != OpCode.ABORT and (self._seems_busy() or self._is_busy()):
            raise ATT_Error(ATT_PROCEDURE_IN_PROGRESS)
        if request.opcode == OpCode.REPORT and not self.peripheral.subscribed(self._measurement):
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
        seqs = [record.seq for record in self._memory]
        match decide(request, seqs, only_all=self._behaviour.only_all):
            case Report(wanted):
                self._procedure = self.peripheral.spawn(self._report(frozenset(wanted)))
            case Delete(unwanted):
                kept = [record for record in self._memory if record.seq not in unwanted]
                self._memory = deque(kept, maxlen=self._behaviour.memory)
                self._answer(Response(OpCode.DELETE, Outcome.SUCCESS))
            case Tell(records):
                self._answer(Count(records))
            case Abort():
                if self._procedure is not None:
                    self._procedure.cancel()
                self._answer(Response(OpCode.ABORT, Outcome.SUCCESS))
            case Outcome() as refusal:
                self._answer(Response(request.opcode, refusal))

    async def _report(self, wanted: frozenset[int]) -> None:
        for sent, record in enumerate([each for each in self._memory if each.seq in wanted]):
            if sent == self.faults.gives_up_after:
                self.faults.gives_up_after = None
                self._answer(Response(OpCode.REPORT, self.faults.gives_up_as))
                return
            await self.peripheral.send(self._measurement, record.frame())
            context = record.context_frame()
            if context and self.peripheral.subscribed(self._context):
                await self.peripheral.tell(self._context, context)
        self._answer(Response(OpCode.REPORT, Outcome.SUCCESS))

    def _tell_newest(self) -> None:
        """Notify the newest record to a gateway that has not yet subscribed on this link."""
        if self._memory:
            frame = self._memory[-1].frame()
            self.peripheral.spawn(self.peripheral.blurt(self._measurement, frame))

    def _answer(self, answer: Response | Count) -> None:
        """Indicate the outcome. With it the procedure is over, and the next may be written."""
        self._procedure = None
        self.peripheral.spawn(self.peripheral.tell(self._control, encode_answer(answer)))

    def _on_link_down(self) -> None:
        self._procedure = None
