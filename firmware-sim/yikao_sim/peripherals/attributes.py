"""The pieces a simulated device's services are built from: values, measurements, control points.

Attributes and their permissions: Bluetooth Core Specification, Vol 3, Part F, 3.2.5 and Part G.
"""

from collections.abc import Callable

from bumble.att import ATT_Error, Attribute, AttributeValue, ErrorCode
from bumble.core import UUID
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, Descriptor, Service

from yikao_devices.gatt import CLIENT_CHARACTERISTIC_CONFIGURATION

Reader = Callable[[], bytes]
Writer = Callable[[Connection, bytes], None]

_P = Characteristic.Properties


def service(short: int, characteristics: list[Characteristic[bytes]]) -> Service:
    return Service(UUID.from_16_bits(short), characteristics)


def constant(short: int, value: bytes, *, encrypted: bool = False) -> Characteristic[bytes]:
    """Return a characteristic that always reads `value`."""
    return Characteristic(UUID.from_16_bits(short), _P.READ, _readable(encrypted), value)


def readable(short: int, read: Reader) -> Characteristic[bytes]:
    """Return a characteristic anybody may read."""
    return Characteristic(
        UUID.from_16_bits(short), _P.READ, _readable(False), AttributeValue(lambda _: read())
    )


def adjustable(
    short: int, read: Reader, write: Writer, *, encrypted: bool
) -> Characteristic[bytes]:
    """Return a characteristic anybody may read, and a paired gateway write."""
    return Characteristic(
        UUID.from_16_bits(short),
        _P.READ | _P.WRITE,
        _readable(False) | _writable(encrypted),
        AttributeValue(lambda _: read(), write),
    )


def notified(device: Device, short: int, *, encrypted: bool) -> Characteristic[bytes]:
    """Return a characteristic whose values the device sends without waiting for an answer."""
    return _subscribable(device, short, _P.NOTIFY, encrypted)


def indicated(device: Device, short: int, *, encrypted: bool) -> Characteristic[bytes]:
    """Return a characteristic whose values the device sends one by one, each confirmed."""
    return _subscribable(device, short, _P.INDICATE, encrypted)


def control_point(
    device: Device, short: int, write: Writer, *, encrypted: bool
) -> Characteristic[bytes]:
    """Return a characteristic that takes commands and indicates their outcome."""
    point = _subscribable(device, short, _P.WRITE | _P.INDICATE, encrypted)
    point.permissions |= _writable(encrypted)
    point.value = AttributeValue(_unreadable, write)
    return point


def _subscribable(
    device: Device, short: int, properties: Characteristic.Properties, encrypted: bool
) -> Characteristic[bytes]:
    found: Characteristic[bytes] = Characteristic(
        UUID.from_16_bits(short), properties, _readable(encrypted), AttributeValue(_unreadable)
    )
    # Our own configuration descriptor: bumble's may be written without encryption.
    found.descriptors = (
        Descriptor(
            UUID.from_16_bits(CLIENT_CHARACTERISTIC_CONFIGURATION),
            _readable(False) | _writable(encrypted),
            device.gatt_server.make_descriptor_value(found),
        ),
    )
    return found


def _unreadable(_: Connection) -> bytes:
    raise ATT_Error(ErrorCode.READ_NOT_PERMITTED)


def _readable(encrypted: bool) -> Attribute.Permissions:
    needs = Attribute.READ_REQUIRES_ENCRYPTION if encrypted else Attribute.Permissions(0)
    return Attribute.READABLE | needs


def _writable(encrypted: bool) -> Attribute.Permissions:
    needs = Attribute.WRITE_REQUIRES_ENCRYPTION if encrypted else Attribute.Permissions(0)
    return Attribute.WRITEABLE | needs
