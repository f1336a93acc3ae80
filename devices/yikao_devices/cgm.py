"""Continuous glucose: CGM Measurement (0x2AA7) and CGM Feature (0x2AA8), as they are on the wire.

A sensor under the skin measures every few minutes and packs several records into one notification.
Each begins with its own size and counts minutes since the sensor was started. A sensor whose
feature bit says so ends each record with a check sum, the E2E-CRC.

Source: Bluetooth SIG, Continuous Glucose Monitoring Service 1.0.2, sections 3.1 and 3.2; GATT
Specification Supplement, CGM Measurement and CGM Feature.
"""

import struct
from dataclasses import dataclass
from enum import IntFlag
from typing import Final

from yikao_devices.crc16 import CRC_BYTES, crc16
from yikao_devices.errors import ENDS_EARLY, EncodeError, FrameError
from yikao_devices.packing import pack
from yikao_devices.quick import quick
from yikao_devices.sfloat import Number, decode_sfloat, encode_sfloat

_TREND: Final = 0x01
_QUALITY: Final = 0x02
_WARNING: Final = 0x20
_CAL_TEMP: Final = 0x40
_STATUS: Final = 0x80

_RECORD: Final = struct.Struct("<BBHH")
_WORD: Final = struct.Struct("<H")
_FEATURE: Final = struct.Struct("<HBBH")
RECORD_BYTES_MIN: Final = _RECORD.size
FEATURE_BYTES: Final = _FEATURE.size
NO_CRC: Final = 0xFFFF
"""What stands in the place of the check sum where a sensor does not use it."""


@dataclass(frozen=True, slots=True)
class CgmRecord:
    """One value, `offset_min` minutes after the session began; None is a field it does not have.

    `status`, `cal_temp` and `warning` are the octets of the Sensor Status Annunciation; `trend` is
    in mg/dL a minute, `quality` in percent. `protected`: a check sum was there and is right.
    `trailing` stands between the fields we know and the check sum.
    """

    glucose_mg_dl: Number
    offset_min: int
    status: int | None = None
    cal_temp: int | None = None
    warning: int | None = None
    trend: Number | None = None
    quality: Number | None = None
    protected: bool = False
    trailing: bytes = b""


_cgm_record = quick(CgmRecord)


_Octets = tuple[int | None, int | None, int | None, int]


@dataclass(frozen=True, slots=True)
class CgmMeasurement:
    """The records of one notification, at least one, in their order."""

    records: tuple[CgmRecord, ...]


def decode_cgm_measurement(frame: bytes, e2e_crc: bool | None = None) -> CgmMeasurement:
    """Return the records in `frame`; refuses with `FrameError` a cut one or a wrong check sum.

    `e2e_crc` is what the sensor's CGM Feature says. None, not known: two bytes more than the flags
    account for are taken for the check sum, as the standard allows nothing else there. A frame that
    ends between two records cannot be told from a shorter one.
    """
    records: list[CgmRecord] = []
    at = 0
    while at < len(frame) or not records:
        size = frame[at] if frame else 0
        if not RECORD_BYTES_MIN <= size <= len(frame) - at:
            raise FrameError("ends inside a record, or has none", frame)
        records.append(_decode_record(frame, at, at + size, e2e_crc))
        at += size
    return CgmMeasurement(tuple(records))


def _decode_record(frame: bytes, start: int, end: int, e2e_crc: bool | None) -> CgmRecord:
    _, flags, glucose, offset_min = _RECORD.unpack_from(frame, start)
    try:
        status, cal_temp, warning, at = _read_octets(flags, frame, start + _RECORD.size)
        trend = quality = None
        if flags & _TREND:
            trend = decode_sfloat(_WORD.unpack_from(frame, at)[0])
            at += 2
        if flags & _QUALITY:
            quality = decode_sfloat(_WORD.unpack_from(frame, at)[0])
            at += 2
    except (struct.error, IndexError) as error:
        raise FrameError(ENDS_EARLY, frame) from error
    protected = end - at == CRC_BYTES if e2e_crc is None else e2e_crc
    if protected:
        end -= CRC_BYTES
    if at > end:
        raise FrameError("a record has a size that leaves no room for its fields", frame)
    if protected and _WORD.unpack_from(frame, end)[0] != crc16(frame[start:end]):
        raise FrameError("a record's check sum is not that of its bytes", frame)
    return _cgm_record(
        decode_sfloat(glucose),
        offset_min,
        status,
        cal_temp,
        warning,
        trend,
        quality,
        protected,
        frame[at:end],
    )


def _read_octets(flags: int, frame: bytes, at: int) -> _Octets:
    """Return the Sensor Status Annunciation, and where it ends.

    The order is that of the Supplement. The flags announce it the other way round, and Nordic's
    Common Library reads it so: github.com/NordicSemiconductor/Android-BLE-Common-Library,
    ContinuousGlucoseMeasurementDataCallback.java.
    """
    status = cal_temp = warning = None
    if flags & _STATUS:
        status = frame[at]
        at += 1
    if flags & _CAL_TEMP:
        cal_temp = frame[at]
        at += 1
    if flags & _WARNING:
        warning = frame[at]
        at += 1
    return status, cal_temp, warning, at


def encode_cgm_measurement(value: CgmMeasurement) -> bytes:
    """Return the frame that decodes to `value`; refuses with `EncodeError` what cannot be said."""
    if not value.records:
        raise EncodeError("a notification has one record at least")
    return b"".join(map(_encode_record, value.records))


def _encode_record(value: CgmRecord) -> bytes:
    flags, layout = 0, "<BBHH"
    fields = [encode_sfloat(value.glucose_mg_dl), value.offset_min]
    for flag, code, number in (
        (_STATUS, "B", value.status),
        (_CAL_TEMP, "B", value.cal_temp),
        (_WARNING, "B", value.warning),
        (_TREND, "H", None if value.trend is None else encode_sfloat(value.trend)),
        (_QUALITY, "H", None if value.quality is None else encode_sfloat(value.quality)),
    ):
        if number is not None:
            flags |= flag
            layout += code
            fields.append(number)
    size = struct.calcsize(layout) + len(value.trailing) + (CRC_BYTES if value.protected else 0)
    record = pack(layout, size, flags, *fields) + value.trailing
    return record + pack("<H", crc16(record)) if value.protected else record


class CgmFeatureBit(IntFlag):
    """What a sensor says it can do; reserved bits are kept."""

    CALIBRATION = 0x000001
    PATIENT_HIGH_LOW = 0x000002
    HYPO = 0x000004
    HYPER = 0x000008
    RATE = 0x000010
    DEVICE_SPECIFIC = 0x000020
    MALFUNCTION = 0x000040
    TEMPERATURE = 0x000080
    HIGH_LOW = 0x000100
    BATTERY_LOW = 0x000200
    SENSOR_TYPE = 0x000400
    GENERAL_FAULT = 0x000800
    E2E_CRC = 0x001000
    MULTIPLE_BONDS = 0x002000
    MULTIPLE_SESSIONS = 0x004000
    TREND = 0x008000
    QUALITY = 0x010000


@dataclass(frozen=True, slots=True)
class CgmFeature:
    """Feature bits (24), and the sample's type and location as in a glucose measurement."""

    bits: int
    type: int
    location: int
    trailing: bytes = b""


def decode_cgm_feature(frame: bytes) -> CgmFeature:
    """Return the features; refuses fewer than 6 bytes and a wrong check sum with `FrameError`.

    The check sum is there always but means something only where its own feature bit is set.
    """
    try:
        low, high, nibbles, crc = _FEATURE.unpack_from(frame)
    except struct.error as error:
        raise FrameError(f"CGM Feature has {FEATURE_BYTES} bytes", frame) from error
    bits = low | high << 16
    if bits & CgmFeatureBit.E2E_CRC and crc != crc16(frame[: FEATURE_BYTES - CRC_BYTES]):
        raise FrameError("the check sum is not that of the bytes before it", frame)
    return CgmFeature(bits, nibbles & 0x0F, nibbles >> 4, frame[FEATURE_BYTES:])


def encode_cgm_feature(value: CgmFeature) -> bytes:
    """Return the bytes that decode to `value`; refuses with `EncodeError` what cannot be said."""
    nibbles = value.location << 4 | value.type
    covered = pack("<HBB", value.bits & 0xFFFF, value.bits >> 16, nibbles)
    crc = crc16(covered) if value.bits & CgmFeatureBit.E2E_CRC else NO_CRC
    return covered + pack("<H", crc) + value.trailing
