"""Clocks of meters that are set, or even read, only through a characteristic of the vendor's own.

Layouts, all little-endian, with date and time as in Date Time (0x2A08):

Contour 1026: 1, date and time in UTC, the zone's signed minutes. The clock itself is read as
Current Time. Source: github.com/weliem/blessed-android, BluetoothHandler.java.

CareSens FFF1: C0 03 01 00, date and time; all zeros ask for the clock, which is notified in the
same form. Source: github.com/NightscoutFoundation/xDrip, caresens/TimeTx.java;
github.com/tidepool-org/uploader, bluetoothLEDriver.js.
"""

import struct
from datetime import datetime, timedelta

from bumble.att import ATT_Error, ErrorCode
from bumble.device import Connection
from bumble.gatt import Service

from yikao_devices.date_time import date_time_of, decode_date_time, encode_date_time
from yikao_devices.errors import FrameError
from yikao_sim.peripherals import attributes
from yikao_sim.peripherals.peripheral import Peripheral

CONTOUR_SERVICE = "00000000-0002-11E2-9E96-0800200C9A66"
CONTOUR_CLOCK = "00001026-0002-11E2-9E96-0800200C9A66"
CARESENS_SERVICE, CARESENS_CLOCK = 0xFFF0, 0xFFF1

_CONTOUR = struct.Struct("<B7sh")
_CARESENS = struct.Struct("<4s7s")
_CARESENS_HEAD = b"\xc0\x03\x01\x00"


def contour_clock(peripheral: Peripheral) -> Service:
    """Return the service by which a Contour is set; it keeps local time, as its user sees it."""

    def write(_: Connection, value: bytes) -> None:
        _need(len(value) == _CONTOUR.size)
        order, utc, zone_min = _CONTOUR.unpack(value)
        _need(order == 1)
        true = _moment(utc) + timedelta(minutes=zone_min)
        peripheral.clock.set(true)

    clock = attributes.replying(
        peripheral.device, CONTOUR_CLOCK, write, encrypted=peripheral.protection.encrypted
    )
    return attributes.service(CONTOUR_SERVICE, [clock])


def caresens_clock(peripheral: Peripheral) -> Service:
    """Return the service by which a CareSens tells its clock and is set."""

    def write(_: Connection, value: bytes) -> None:
        _need(len(value) == _CARESENS.size)
        head, time = _CARESENS.unpack(value)
        _need(head == _CARESENS_HEAD)
        if any(time):
            peripheral.clock.set(_moment(time))
        face = encode_date_time(date_time_of(peripheral.clock.face()))
        peripheral.spawn(peripheral.tell(clock, _CARESENS.pack(head, face)))

    clock = attributes.replying(
        peripheral.device, CARESENS_CLOCK, write, encrypted=peripheral.protection.encrypted
    )
    return attributes.service(CARESENS_SERVICE, [clock])


def _moment(frame: bytes) -> datetime:
    try:
        found = decode_date_time(frame).to_datetime()
    except FrameError:
        found = None
    if found is None:
        raise ATT_Error(ErrorCode.UNLIKELY_ERROR)
    return found


def _need(holds: bool) -> None:
    """Refuse a command that is not as the vendor's own program writes it."""
    if not holds:
        raise ATT_Error(ErrorCode.INVALID_ATTRIBUTE_LENGTH)
