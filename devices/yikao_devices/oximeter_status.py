"""What an oximeter says of its own measurement: which bits make it none, and the words for others.

The standard has twenty-seven bits in two fields. Of those that leave a measurement standing, what
matters to whoever reads it later is told in a few words.

Source: Bluetooth SIG, Pulse Oximeter Service 1.0.1, sections 3.1 and 3.2, Measurement Status and
Device and Sensor Status.
"""

from enum import IntFlag
from typing import Final

from yikao_devices.minutes import NO_CONTACT


class Measurement(IntFlag):
    """Measurement Status; the bits that only describe a sound measurement have no name here."""

    EARLY_ESTIMATE = 1 << 6
    DEMONSTRATION = 1 << 10
    TESTING = 1 << 11
    CALIBRATION = 1 << 12
    UNAVAILABLE = 1 << 13
    QUESTIONABLE = 1 << 14
    INVALID = 1 << 15


class Sensor(IntFlag):
    """Device and Sensor Status."""

    EQUIPMENT_MALFUNCTION = 1 << 1
    PROCESSING_IRREGULARITY = 1 << 2
    INADEQUATE_SIGNAL = 1 << 3
    POOR_SIGNAL = 1 << 4
    LOW_PERFUSION = 1 << 5
    ERRATIC_SIGNAL = 1 << 6
    NONPULSATILE_SIGNAL = 1 << 7
    QUESTIONABLE_PULSE = 1 << 8
    INTERFERENCE = 1 << 10
    OFF_THE_USER = 1 << 11
    DISPLACED = 1 << 13
    MALFUNCTION = 1 << 14
    DISCONNECTED = 1 << 15


LOW_PERFUSION: Final = "low_perfusion"

_NO_MEASUREMENT: Final = (
    Measurement.DEMONSTRATION
    | Measurement.TESTING
    | Measurement.CALIBRATION
    | Measurement.UNAVAILABLE
    | Measurement.INVALID
)
_NO_SENSOR: Final = (
    Sensor.EQUIPMENT_MALFUNCTION | Sensor.OFF_THE_USER | Sensor.MALFUNCTION | Sensor.DISCONNECTED
)

_MEASUREMENT_WORDS: Final = (
    (Measurement.EARLY_ESTIMATE, "early_estimate"),
    (Measurement.QUESTIONABLE, "questionable"),
)
_SENSOR_WORDS: Final = (
    (Sensor.LOW_PERFUSION, LOW_PERFUSION),
    (Sensor.QUESTIONABLE_PULSE, "questionable"),
    (
        Sensor.PROCESSING_IRREGULARITY
        | Sensor.INADEQUATE_SIGNAL
        | Sensor.POOR_SIGNAL
        | Sensor.ERRATIC_SIGNAL
        | Sensor.NONPULSATILE_SIGNAL
        | Sensor.INTERFERENCE,
        "poor_signal",
    ),
    (Sensor.DISPLACED, "sensor_displaced"),
    (Sensor.OFF_THE_USER | Sensor.DISCONNECTED, NO_CONTACT),
)


def is_none(mstatus: int | None, dstatus: int | None) -> bool:
    """Return whether the device itself says that this measured nobody."""
    return bool((mstatus or 0) & _NO_MEASUREMENT or (dstatus or 0) & _NO_SENSOR)


def words_of(mstatus: int | None, dstatus: int | None) -> tuple[str, ...]:
    """Return the flags of a reading, none twice."""
    measurement, sensor = mstatus or 0, dstatus or 0
    found = [word for bits, word in _MEASUREMENT_WORDS if measurement & bits]
    found += [word for bits, word in _SENSOR_WORDS if sensor & bits]
    return tuple(dict.fromkeys(found))
