"""A simulated glucose meter: it keeps its results and hands them out on request.

A gateway subscribes, then writes requests to the record access control point: all records, those
from a number on, how many, delete, stop. Each request is answered when its records are on the way.

Source: Bluetooth SIG, Glucose Service 1.0.1 and Glucose Profile 1.0.1.
"""

from collections import deque
from dataclasses import dataclass, replace
from functools import partial

from yikao_devices import gatt
from yikao_devices.features import GlucoseFeature, encode_feature
from yikao_devices.glucose import Glucose, encode_glucose
from yikao_devices.glucose_context import GlucoseContext, encode_glucose_context
from yikao_sim.peripherals import attributes, clock_service
from yikao_sim.peripherals.control_point import ControlPoint, Records, Send
from yikao_sim.peripherals.manners import ClockPlace
from yikao_sim.peripherals.peripheral import Peripheral

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


@dataclass(frozen=True, slots=True)
class Record:
    """One stored result with what surrounded it; both carry its number only when they are sent.

    A result that announces a context of its own accord may have none.
    """

    seq: int
    result: Glucose
    context: GlucoseContext | None

    def frame(self) -> bytes:
        follows = self.result.context_follows or self.context is not None
        return encode_glucose(replace(self.result, seq=self.seq, context_follows=follows))

    def context_frame(self) -> bytes | None:
        if self.context is None:
            return None
        return encode_glucose_context(replace(self.context, seq=self.seq))


class Glucometer:
    """One meter on one `Peripheral`."""

    def __init__(self, peripheral: Peripheral, behaviour: MeterBehaviour) -> None:
        self.peripheral = peripheral
        self._behaviour = behaviour
        self._memory: deque[Record] = deque(maxlen=behaviour.memory)
        self._next_seq = 1
        device, encrypted = peripheral.device, peripheral.protection.encrypted
        self._measurement = attributes.notified(
            device, gatt.GLUCOSE_MEASUREMENT, encrypted=encrypted
        )
        self._context = attributes.notified(
            device, gatt.GLUCOSE_MEASUREMENT_CONTEXT, encrypted=encrypted
        )
        point = ControlPoint(
            peripheral,
            Records(
                self._measurement,
                lambda: [record.seq for record in self._memory],
                self._chosen,
                self._delete,
                only_all=behaviour.only_all,
            ),
        )
        self.faults = point.faults
        feature = attributes.constant(
            gatt.GLUCOSE_FEATURE, encode_feature(FEATURES), encrypted=encrypted
        )
        offered = [self._measurement, self._context, feature, point.characteristic]
        if peripheral.manners.clock is ClockPlace.DATE_TIME:
            offered.append(clock_service.date_time(peripheral))
        peripheral.offer(attributes.service(gatt.GLUCOSE_SERVICE, offered))
        peripheral.on_link_down = point.reset
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

    def _chosen(self, seqs: frozenset[int]) -> list[Send]:
        return [partial(self._send, each) for each in self._memory if each.seq in seqs]

    async def _send(self, record: Record) -> None:
        await self.peripheral.send(self._measurement, record.frame())
        context = record.context_frame()
        if context and self.peripheral.subscribed(self._context):
            await self.peripheral.tell(self._context, context)

    def _delete(self, seqs: frozenset[int]) -> None:
        kept = [record for record in self._memory if record.seq not in seqs]
        self._memory = deque(kept, maxlen=self._behaviour.memory)

    def _tell_newest(self) -> None:
        """Notify the newest record to a gateway that has not yet subscribed on this link."""
        if self._memory:
            frame = self._memory[-1].frame()
            self.peripheral.spawn(self.peripheral.blurt(self._measurement, frame))
