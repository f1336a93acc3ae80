"""A simulated thermometer: what it has measured it gives when it is asked, and keeps until then.

While it measures it may tell what it shows so far (Intermediate Temperature), which is no
measurement.

Source: Bluetooth SIG, Health Thermometer Service 1.0.
"""

from yikao_devices import gatt
from yikao_devices.temperature import Temperature, encode_temperature
from yikao_sim.peripherals import attributes
from yikao_sim.peripherals.peripheral import Peripheral
from yikao_sim.peripherals.store import RecorderBehaviour, Store, as_stored


class Thermometer:
    """One thermometer on one `Peripheral`."""

    def __init__(self, peripheral: Peripheral, behaviour: RecorderBehaviour) -> None:
        self.peripheral = peripheral
        device, encrypted = peripheral.device, peripheral.protection.encrypted
        told = attributes.indicated(device, gatt.TEMPERATURE_MEASUREMENT, encrypted=encrypted)
        self._so_far = attributes.notified(
            device, gatt.INTERMEDIATE_TEMPERATURE, encrypted=encrypted
        )
        self._store = Store(peripheral, {told: as_stored}, behaviour)
        offered = [told, self._so_far]
        peripheral.offer(attributes.service(gatt.HEALTH_THERMOMETER_SERVICE, offered))

    @property
    def stored(self) -> int:
        """How many records are in its memory."""
        return len(self._store)

    def load(self, temperature: Temperature) -> None:
        """Put a measurement into the memory, as one taken earlier; the radio stays off."""
        self.load_frame(encode_temperature(temperature))

    def load_frame(self, frame: bytes) -> None:
        """Put a record into the memory as these very bytes."""
        self._store.load(frame)

    def measure(self, temperature: Temperature) -> None:
        """Take a measurement now, and switch the radio on."""
        self._store.measure(encode_temperature(temperature))

    def wake(self) -> None:
        """Switch the radio on for the window."""
        self._store.wake()

    @property
    def is_watched(self) -> bool:
        """Whether somebody has asked for what the display shows so far."""
        return self.peripheral.subscribed(self._so_far)

    def rises(self, temperature: Temperature) -> None:
        """Tell whoever is connected and has asked for it what the display shows so far."""
        told = self.peripheral.tell(self._so_far, encode_temperature(temperature))
        self.peripheral.spawn(told)
