"""A simulated pulse oximeter: single measurements that it keeps, or a stream while it is worn.

Some models give their records by themselves as a cuff does, others on request only. One that
streams tells a number every second as long as a finger is in it.

Source: Bluetooth SIG, Pulse Oximeter Service 1.0.1.
"""

import struct
from collections import deque
from dataclasses import dataclass
from functools import partial

from bumble.gatt import Characteristic

from yikao_devices import gatt
from yikao_devices.pulse_oximeter import (
    Continuous,
    SpotCheck,
    encode_continuous,
    encode_spot_check,
)
from yikao_sim.peripherals import attributes
from yikao_sim.peripherals.control_point import ControlPoint, Records, Send
from yikao_sim.peripherals.peripheral import Peripheral
from yikao_sim.peripherals.store import Store, as_stored
from yikao_sim.peripherals.stream import Samples, Stream

FEATURES = struct.pack("<H", 0x000F)
"""Both status fields, records, and their times. Source: section 3.3."""


@dataclass(frozen=True, slots=True)
class OximeterBehaviour:
    """How this model of oximeter behaves: as a scale's (`store.py`), and besides:

    `on_request`: it gives its records only when it is asked for them. `streams`: it tells every
    `every_s` real seconds what it measures, while it is worn, and its records only on request, for
    whoever listens to a stream is not hung up on.
    """

    window_s: float = 60.0
    keeps_records: bool = False
    hangs_up: bool = True
    newest_first: bool = False
    memory: int = 100
    on_request: bool = False
    streams: bool = False
    every_s: float = 1.0


class Oximeter:
    """One oximeter on one `Peripheral`."""

    def __init__(self, peripheral: Peripheral, behaviour: OximeterBehaviour) -> None:
        self.peripheral = peripheral
        self._behaviour = behaviour
        device, encrypted = peripheral.device, peripheral.protection.encrypted
        spot = attributes.indicated(device, gatt.PLX_SPOT_CHECK_MEASUREMENT, encrypted=encrypted)
        feature = attributes.constant(gatt.PLX_FEATURES, FEATURES, encrypted=encrypted)
        offered: list[Characteristic[bytes]] = [spot, feature]
        self._memory: Archive | Store
        if behaviour.on_request or behaviour.streams:
            self._memory = Archive(peripheral, spot, behaviour)
            offered.append(self._memory.point.characteristic)
        else:
            self._memory = Store(peripheral, {spot: as_stored}, behaviour)
        if behaviour.streams:
            told = attributes.notified(device, gatt.PLX_CONTINUOUS_MEASUREMENT, encrypted=encrypted)
            offered.append(told)
            self._stream = Stream(peripheral, told, behaviour.every_s)
        peripheral.offer(attributes.service(gatt.PULSE_OXIMETER_SERVICE, offered))

    @property
    def stored(self) -> int:
        """How many records are in its memory."""
        return len(self._memory)

    def load(self, taken: SpotCheck) -> None:
        """Put a measurement into the memory, as one taken earlier; the radio stays off."""
        self.load_frame(encode_spot_check(taken))

    def load_frame(self, frame: bytes) -> None:
        """Put a record into the memory as these very bytes."""
        self._memory.load(frame)

    def measure(self, taken: SpotCheck) -> None:
        """Take a measurement now, and switch the radio on."""
        self._memory.measure(encode_spot_check(taken))

    def put_on(self, value: Continuous, for_s: float | None = None) -> None:
        """Wear it from now on; it tells `value` again and again. None: until taken off."""
        self.put_on_frames(lambda _: encode_continuous(value), for_s)

    def put_on_frames(self, samples: Samples, for_s: float | None = None) -> None:
        """Wear it from now on; it tells these very bytes."""
        self._stream.put_on(samples, for_s)

    def take_off(self) -> None:
        self._stream.take_off()

    def wake(self) -> None:
        """Switch the radio on for the window, as after a press of the button."""
        self._memory.wake()


class Archive:
    """Records that are given on request only, and kept until they are deleted."""

    def __init__(
        self, peripheral: Peripheral, spot: Characteristic[bytes], behaviour: OximeterBehaviour
    ) -> None:
        self._peripheral = peripheral
        self._spot = spot
        self._window_s = behaviour.window_s
        self._records: deque[bytes] = deque(maxlen=behaviour.memory)
        records = Records(spot, lambda: range(len(self._records)), self._chosen, self._delete)
        self.point = ControlPoint(peripheral, records)
        peripheral.on_link_down = self.point.reset

    def __len__(self) -> int:
        return len(self._records)

    def load(self, frame: bytes) -> None:
        self._records.append(frame)

    def measure(self, frame: bytes) -> None:
        self.load(frame)
        self.wake()

    def wake(self) -> None:
        self._peripheral.advertise(self._window_s)

    def _chosen(self, numbers: frozenset[int]) -> list[Send]:
        send = self._peripheral.send
        return [
            partial(send, self._spot, frame)
            for number, frame in enumerate(self._records)
            if number in numbers
        ]

    def _delete(self, numbers: frozenset[int]) -> None:
        kept = [frame for number, frame in enumerate(self._records) if number not in numbers]
        self._records = deque(kept, maxlen=self._records.maxlen)
