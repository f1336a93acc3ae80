"""A simulated scale: it wakes when somebody has stood on it, and gives what it has stored.

Source: Bluetooth SIG, Weight Scale Service 1.0.1.
"""

import struct

from yikao_devices import gatt
from yikao_devices.weight import Weight, encode_weight
from yikao_sim.peripherals import attributes
from yikao_sim.peripherals.peripheral import Peripheral
from yikao_sim.peripherals.store import RecorderBehaviour, Store, as_stored

FEATURES = struct.pack("<I", 1 | 1 << 1 | 7 << 3)
"""It dates its records, knows several users, and weighs in steps of 5 g. Source: section 3.1."""


class Scale:
    """One scale on one `Peripheral`."""

    def __init__(self, peripheral: Peripheral, behaviour: RecorderBehaviour) -> None:
        self.peripheral = peripheral
        encrypted = peripheral.protection.encrypted
        told = attributes.indicated(peripheral.device, gatt.WEIGHT_MEASUREMENT, encrypted=encrypted)
        feature = attributes.constant(gatt.WEIGHT_SCALE_FEATURE, FEATURES, encrypted=encrypted)
        self._store = Store(peripheral, {told: as_stored}, behaviour)
        peripheral.offer(attributes.service(gatt.WEIGHT_SCALE_SERVICE, [told, feature]))

    @property
    def stored(self) -> int:
        """How many records are in its memory."""
        return len(self._store)

    def load(self, weight: Weight) -> None:
        """Put a weighing into the memory, as one taken earlier; the radio stays off."""
        self.load_frame(encode_weight(weight))

    def load_frame(self, frame: bytes) -> None:
        """Put a record into the memory as these very bytes."""
        self._store.load(frame)

    def measure(self, weight: Weight) -> None:
        """Weigh now, and switch the radio on."""
        self._store.measure(encode_weight(weight))

    def wake(self) -> None:
        """Switch the radio on for the window."""
        self._store.wake()
