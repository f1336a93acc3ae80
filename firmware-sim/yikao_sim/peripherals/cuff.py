"""A simulated blood-pressure cuff: it wakes after a measurement and gives what it has stored.

A newer one has its measurements in both forms, under the old characteristic and the enhanced one;
whoever subscribes both is sent each record twice.

Source: Bluetooth SIG, Blood Pressure Service 1.1.1.
"""

from dataclasses import dataclass
from datetime import datetime

from bumble.gatt import Characteristic

from yikao_devices import gatt
from yikao_devices.blood_pressure import (
    BloodPressure,
    decode_blood_pressure,
    encode_blood_pressure,
)
from yikao_devices.date_time import DateTime, EpochTime
from yikao_devices.enhanced_blood_pressure import (
    EnhancedBloodPressure,
    encode_enhanced_blood_pressure,
)
from yikao_devices.features import BloodPressureFeature, encode_feature
from yikao_sim.peripherals import attributes
from yikao_sim.peripherals.peripheral import Peripheral
from yikao_sim.peripherals.store import Store, Write, as_stored

EPOCH = 2000
"""The year from which an enhanced record counts its seconds."""

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
    not have its measurements, which are under a service of the vendor's own. `enhanced`: it has
    them in the newer form too.
    """

    window_s: float = 60.0
    keeps_records: bool = False
    hangs_up: bool = True
    newest_first: bool = False
    memory: int = 200
    useless: bool = False
    enhanced: bool = False


class Cuff:
    """One cuff on one `Peripheral`."""

    def __init__(self, peripheral: Peripheral, behaviour: CuffBehaviour) -> None:
        self.peripheral = peripheral
        encrypted = peripheral.protection.encrypted

        def measurements(name: int) -> Characteristic[bytes]:
            return attributes.indicated(peripheral.device, name, encrypted=encrypted)

        forms: dict[Characteristic[bytes], Write] = {}
        forms[measurements(gatt.BLOOD_PRESSURE_MEASUREMENT)] = as_stored
        if behaviour.enhanced:
            forms[measurements(gatt.ENHANCED_BLOOD_PRESSURE_MEASUREMENT)] = enhanced
        self._store = Store(peripheral, forms, behaviour)
        feature = attributes.constant(
            gatt.BLOOD_PRESSURE_FEATURE, encode_feature(FEATURES), encrypted=encrypted
        )
        offered = [feature] if behaviour.useless else [*forms, feature]
        peripheral.offer(attributes.service(gatt.BLOOD_PRESSURE_SERVICE, offered))

    @property
    def stored(self) -> int:
        """How many records are in its memory."""
        return len(self._store)

    def load(self, measurement: BloodPressure) -> None:
        """Put a measurement into the memory, as one taken earlier; the radio stays off."""
        self.load_frame(encode_blood_pressure(measurement))

    def load_frame(self, frame: bytes) -> None:
        """Put a record into the memory as these very bytes."""
        self._store.load(frame)

    def measure(self, measurement: BloodPressure) -> None:
        """Take a measurement now, and switch the radio on."""
        self._store.measure(encode_blood_pressure(measurement))

    def wake(self) -> None:
        """Switch the radio on for the window, as after a press of the button."""
        self._store.wake()


def enhanced(frame: bytes) -> bytes:
    """Return a stored record in the newer form, with the time that the display showed."""
    value = decode_blood_pressure(frame)
    shown = None if value.time is None else _counted(value.time)
    return encode_enhanced_blood_pressure(
        EnhancedBloodPressure(
            value.unit,
            value.systolic,
            value.diastolic,
            value.map,
            shown,
            value.pulse,
            value.user,
            value.status,
            user_time=shown,
        )
    )


def _counted(time: DateTime) -> EpochTime | None:
    at = time.to_datetime()
    if at is None:
        return None
    since = at - datetime(EPOCH, 1, 1)  # noqa: DTZ001 - a device's clock has no zone
    return EpochTime(int(since.total_seconds()), EPOCH)
