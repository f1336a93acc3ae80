"""A simulated blood-pressure cuff: it wakes after a measurement and gives what it has stored.

Source: Bluetooth SIG, Blood Pressure Service 1.1.1 and Profile 1.1.1: stored measurements are
indicated, one after the other, as soon as a gateway subscribes.
"""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass

from yikao_devices import gatt
from yikao_devices.blood_pressure import BloodPressure, encode_blood_pressure
from yikao_devices.features import BloodPressureFeature, encode_feature
from yikao_sim.peripherals import attributes
from yikao_sim.peripherals.peripheral import Peripheral

log = logging.getLogger(__name__)

FEATURES = (
    BloodPressureFeature.BODY_MOVEMENT
    | BloodPressureFeature.CUFF_FIT
    | BloodPressureFeature.IRREGULAR_PULSE
    | BloodPressureFeature.MULTIPLE_BONDS
)


@dataclass(frozen=True, slots=True)
class CuffBehaviour:
    """How this model of cuff behaves.

    `window_s`: how long it can be reached after a measurement or a lost link. `keeps_records`: it
    sends everything each time instead of deleting what was confirmed. `hangs_up`: it disconnects
    after the last record instead of waiting. `newest_first`: the order it sends them in. `memory`:
    records it holds; the oldest makes room. `useless`: it advertises the standard service and does
    not have its measurements, which are under a service of the vendor's own.
    """

    window_s: float = 60.0
    keeps_records: bool = False
    hangs_up: bool = True
    newest_first: bool = False
    memory: int = 200
    useless: bool = False


class Cuff:
    """One cuff on one `Peripheral`."""

    def __init__(self, peripheral: Peripheral, behaviour: CuffBehaviour) -> None:
        self.peripheral = peripheral
        self._behaviour = behaviour
        self._memory: deque[bytes] = deque(maxlen=behaviour.memory)
        self._owing = False
        """True while a record has not been confirmed by a gateway."""
        self._delivery: asyncio.Task[None] | None = None
        encrypted = peripheral.protection.encrypted
        self._measurement = attributes.indicated(
            peripheral.device, gatt.BLOOD_PRESSURE_MEASUREMENT, encrypted=encrypted
        )
        self._measurement.on(self._measurement.EVENT_SUBSCRIPTION, self._on_subscription)
        feature = attributes.constant(
            gatt.BLOOD_PRESSURE_FEATURE, encode_feature(FEATURES), encrypted=encrypted
        )
        offered = [feature] if behaviour.useless else [self._measurement, feature]
        peripheral.offer(attributes.service(gatt.BLOOD_PRESSURE_SERVICE, offered))
        peripheral.on_link_down = self._on_link_down

    @property
    def stored(self) -> int:
        """How many records are in its memory."""
        return len(self._memory)

    def load(self, measurement: BloodPressure) -> None:
        """Put a measurement into the memory, as one taken earlier; the radio stays off."""
        self.load_frame(encode_blood_pressure(measurement))

    def load_frame(self, frame: bytes) -> None:
        """Put a record into the memory as these very bytes."""
        self._memory.append(frame)
        self._owing = True

    def measure(self, measurement: BloodPressure) -> None:
        """Take a measurement now, and switch the radio on."""
        self.load(measurement)
        if self.peripheral.subscribed(self._measurement):
            self._deliver()
        else:
            self.wake()

    def wake(self) -> None:
        """Switch the radio on for the window, as after a press of the button."""
        self.peripheral.advertise(self._behaviour.window_s)

    def _on_subscription(self, _: object, notify: bool, indicate: bool) -> None:
        if indicate and not self.peripheral.startled:
            self._deliver()

    def _deliver(self) -> None:
        if self._delivery is None or self._delivery.done():
            self._delivery = self.peripheral.spawn(self._send_all())

    async def _send_all(self) -> None:
        sent = 0
        while sent < len(self._memory):
            frame = self._memory[-1 - sent if self._behaviour.newest_first else sent]
            await self.peripheral.send(self._measurement, frame)
            if self._behaviour.keeps_records:
                sent += 1
            elif frame in self._memory:
                self._memory.remove(frame)
        self._owing = False
        self.peripheral.stop_advertising()
        if self._behaviour.hangs_up:
            self.peripheral.hang_up()

    def _on_link_down(self) -> None:
        if self._owing:
            self.wake()
