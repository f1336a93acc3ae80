"""A simulated chest strap: as long as it is worn it tells the heart's rate every second.

Source: Bluetooth SIG, Heart Rate Service 1.0.
"""

from dataclasses import dataclass

from yikao_devices import gatt
from yikao_devices.heart_rate import HeartRate, encode_heart_rate
from yikao_sim.peripherals import attributes
from yikao_sim.peripherals.peripheral import Peripheral
from yikao_sim.peripherals.stream import Samples, Stream

SWAY_BPM = (0, 1, 0, -1)
"""A heart does not beat like a clock."""
SECOND_S = 1.0


@dataclass(frozen=True, slots=True)
class StrapBehaviour:
    """How this model of strap behaves. `every_s`: real seconds between two notifications, which
    are a second of the story apart."""

    every_s: float = SECOND_S


class Strap:
    """One strap on one `Peripheral`."""

    def __init__(self, peripheral: Peripheral, behaviour: StrapBehaviour) -> None:
        self.peripheral = peripheral
        self.every_s = behaviour.every_s
        told = attributes.notified(
            peripheral.device,
            gatt.HEART_RATE_MEASUREMENT,
            encrypted=peripheral.protection.encrypted,
        )
        self._stream = Stream(peripheral, told, behaviour.every_s)
        peripheral.offer(attributes.service(gatt.HEART_RATE_SERVICE, [told]))

    @property
    def stored(self) -> int:
        """A strap keeps nothing."""
        return 0

    def put_on(self, beats: HeartRate, for_s: float | None = None) -> None:
        """Wear it from now on, with a heart that beats about so fast; None: until taken off."""
        self.put_on_frames(
            lambda n: encode_heart_rate(
                HeartRate(beats.hr + SWAY_BPM[n % len(SWAY_BPM)] * bool(beats.hr), beats.contact)
            ),
            for_s,
        )

    def put_on_frames(self, samples: Samples, for_s: float | None = None) -> None:
        """Wear it from now on; it tells these very bytes."""
        self._stream.put_on(samples, for_s)

    def take_off(self) -> None:
        self._stream.take_off()

    def wake(self) -> None:
        """A press of a button does nothing: it is on while it is worn."""
