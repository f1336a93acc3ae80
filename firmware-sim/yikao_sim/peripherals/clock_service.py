"""A simulated device's clock as gateways see it: read, and set where the model allows it.

Source: Bluetooth SIG, Current Time Service 1.1.1; GATT Specification Supplement, 3.60 Current Time
and 3.69 Date Time.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bumble.att import ATT_Error
from bumble.device import Connection
from bumble.gatt import Characteristic, Service

from yikao_devices import gatt
from yikao_devices.date_time import (
    CurrentTime,
    date_time_of,
    decode_current_time,
    decode_date_time,
    encode_current_time,
    encode_date_time,
)
from yikao_devices.errors import FrameError
from yikao_sim.peripherals import attributes
from yikao_sim.peripherals.manners import ClockPlace

if TYPE_CHECKING:
    from yikao_sim.peripherals.peripheral import Peripheral

ATT_OUT_OF_RANGE = 0xFF
"""Core Specification Supplement, Part B, 1.2."""
OMRON_SET_ABOVE = timedelta(minutes=10)
"""An Omron lets its clock be set only when it is further off.
Source: github.com/weliem/blessed-android, BluetoothHandler.java."""


def current_time_service(peripheral: "Peripheral") -> Service:
    """Return the Current Time Service on the device's clock."""
    if peripheral.manners.clock is ClockPlace.OMRON:
        return attributes.service(gatt.CURRENT_TIME_SERVICE, [_omron_time(peripheral)])
    if peripheral.manners.clock is ClockPlace.READ_ONLY:
        read_only = attributes.readable(gatt.CURRENT_TIME, lambda: _now(peripheral))
        return attributes.service(gatt.CURRENT_TIME_SERVICE, [read_only])
    time = attributes.adjustable(
        gatt.CURRENT_TIME,
        lambda: _now(peripheral),
        lambda _, value: _set(peripheral, _moment(value)),
        encrypted=peripheral.protection.encrypted,
    )
    return attributes.service(gatt.CURRENT_TIME_SERVICE, [time])


def date_time(peripheral: "Peripheral") -> Characteristic[bytes]:
    """Return Date Time, as some meters have it among their measurements."""

    def write(_: Connection, value: bytes) -> None:
        try:
            face = decode_date_time(value).to_datetime()
        except FrameError:
            face = None
        _set(peripheral, face)

    return attributes.adjustable(
        gatt.DATE_TIME,
        lambda: encode_date_time(date_time_of(peripheral.clock.face())),
        write,
        encrypted=peripheral.protection.encrypted,
    )


def _omron_time(peripheral: "Peripheral") -> Characteristic[bytes]:
    """Return a Current Time that tells itself once subscribed, and ends the link of a gateway
    that writes before that, or without need."""
    told: set[Connection] = set()

    def write(link: Connection, value: bytes) -> None:
        face = _moment(value)
        needed = face is not None and abs(peripheral.clock.face() - face) > OMRON_SET_ABOVE
        if link not in told or not needed:
            peripheral.hang_up()
            return
        _set(peripheral, face)

    def on_subscription(link: Connection, notify: bool, _: bool) -> None:
        if notify:
            told.add(link)
            peripheral.spawn(peripheral.tell(time, _now(peripheral)))

    time = attributes.announced(
        peripheral.device,
        gatt.CURRENT_TIME,
        lambda: _now(peripheral),
        write,
        encrypted=peripheral.protection.encrypted,
    )
    time.on(time.EVENT_SUBSCRIPTION, on_subscription)
    return time


def _now(peripheral: "Peripheral") -> bytes:
    face = peripheral.clock.face()
    return encode_current_time(CurrentTime(date_time_of(face), face.isoweekday(), 0, 0))


def _moment(value: bytes) -> datetime | None:
    try:
        return decode_current_time(value).date_time.to_datetime()
    except FrameError:
        return None


def _set(peripheral: "Peripheral", face: datetime | None) -> None:
    if face is None:
        raise ATT_Error(ATT_OUT_OF_RANGE)
    peripheral.clock.set(face)
