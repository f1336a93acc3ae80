"""The pieces a simulated device's services are built from: values, measurements, control points.

Attributes and their permissions: Bluetooth Core Specification, Vol 3, Part F, 3.2.5 and Part G.
"""

from collections.abc import Callable

from bumble.att import ATT_Error, Attribute, AttributeValue, ErrorCode
from bumble.core import UUID
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, Descriptor, Service

from yikao_devices.gatt import CLIENT_CHARACTERISTIC_CONFIGURATION

Name = int | str
"""A 16-bit number of the standard, or the full UUID text of a vendor's own."""
Reader = Callable[[], bytes]
Writer = Callable[[Connection, bytes], None]

_P = Characteristic.Properties


def uuid_of(name: Name) -> UUID:
    return UUID.from_16_bits(name) if isinstance(name, int) else UUID(name)


def service(name: Name, characteristics: list[Characteristic[bytes]]) -> Service:
    return Service(uuid_of(name), characteristics)


def constant(name: Name, value: bytes, *, encrypted: bool = False) -> Characteristic[bytes]:
    """Return a characteristic that always reads `value`."""
    return Characteristic(uuid_of(name), _P.READ, _readable(encrypted), value)


def readable(name: Name, read: Reader) -> Characteristic[bytes]:
    """Return a characteristic anybody may read."""
    return Characteristic(
        uuid_of(name), _P.READ, _readable(False), AttributeValue(lambda _: read(), _unwritable)
    )


def adjustable(
    name: Name, read: Reader, write: Writer, *, encrypted: bool
) -> Characteristic[bytes]:
    """Return a characteristic anybody may read, and a paired gateway write."""
    return Characteristic(
        uuid_of(name),
        _P.READ | _P.WRITE,
        _readable(False) | _writable(encrypted),
        AttributeValue(lambda _: read(), write),
    )


def announced(
    device: Device, name: Name, read: Reader, write: Writer, *, encrypted: bool
) -> Characteristic[bytes]:
    """Return a characteristic that can be read, written and subscribed."""
    found = _subscribable(device, name, _P.READ | _P.WRITE | _P.NOTIFY, encrypted)
    found.permissions |= _writable(encrypted)
    found.value = AttributeValue(lambda _: read(), write)
    return found


def notified(device: Device, name: Name, *, encrypted: bool) -> Characteristic[bytes]:
    """Return a characteristic whose values the device sends without waiting for an answer."""
    return _subscribable(device, name, _P.NOTIFY, encrypted)


def indicated(device: Device, name: Name, *, encrypted: bool) -> Characteristic[bytes]:
    """Return a characteristic whose values the device sends one by one, each confirmed."""
    return _subscribable(device, name, _P.INDICATE, encrypted)


def commands(name: Name, write: Writer, *, encrypted: bool) -> Characteristic[bytes]:
    """Return a characteristic that takes commands and is silent itself."""
    return Characteristic(
        uuid_of(name),
        _P.WRITE | _P.WRITE_WITHOUT_RESPONSE,
        _writable(encrypted),
        AttributeValue(_unreadable, write),
    )


def replying(
    device: Device, name: Name, write: Writer, *, encrypted: bool
) -> Characteristic[bytes]:
    """Return a characteristic that takes commands and notifies its replies."""
    point = _subscribable(device, name, _P.WRITE | _P.NOTIFY, encrypted)
    point.permissions |= _writable(encrypted)
    point.value = AttributeValue(_unreadable, write)
    return point


def control_point(
    device: Device, name: Name, write: Writer, *, encrypted: bool
) -> Characteristic[bytes]:
    """Return a characteristic that takes commands and indicates their outcome."""
    point = _subscribable(device, name, _P.WRITE | _P.INDICATE, encrypted)
    point.permissions |= _writable(encrypted)
    point.value = AttributeValue(_unreadable, write)
    return point


def _subscribable(
    device: Device, name: Name, properties: Characteristic.Properties, encrypted: bool
) -> Characteristic[bytes]:
    found: Characteristic[bytes] = Characteristic(
        uuid_of(name), properties, _readable(encrypted), AttributeValue(_unreadable)
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


def _unwritable(_: Connection, value: bytes) -> None:
    # bumble does not answer a write that nobody takes, and the gateway would wait for 30 seconds.
    raise ATT_Error(ErrorCode.WRITE_NOT_PERMITTED)


def _readable(encrypted: bool) -> Attribute.Permissions:
    needs = Attribute.READ_REQUIRES_ENCRYPTION if encrypted else Attribute.Permissions(0)
    return Attribute.READABLE | needs


def _writable(encrypted: bool) -> Attribute.Permissions:
    needs = Attribute.WRITE_REQUIRES_ENCRYPTION if encrypted else Attribute.Permissions(0)
    return Attribute.WRITEABLE | needs
