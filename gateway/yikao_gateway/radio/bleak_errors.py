"""What bleak raises, in our words: who has to do something about it, and what.

Sources: BlueZ 5.66, doc/device-api.txt, methods Connect and Pair; Bluetooth Core Specification,
Vol 3, Part F, 3.4.1.1 (errors of the Attribute Protocol).
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakDBusError,
    BleakError,
    BleakGATTProtocolError,
    BleakGATTProtocolErrorCode,
)

from yikao_gateway.radio.errors import (
    DeviceBusy,
    DeviceGone,
    PairingClosed,
    PairingRefused,
    PasskeyNeeded,
    ProtocolError,
    RadioError,
    RadioUnavailable,
    StaleBond,
    WrongPasskey,
)

SWITCH_ON: Final = "plug in an adapter, or switch it on with `bluetoothctl power on`"
NO_BLUETOOTH: Final = {
    "org.bluez.Error.NotReady": ("Bluetooth is off", SWITCH_ON),
    "org.freedesktop.DBus.Error.ServiceUnknown": (
        "bluetoothd does not run",
        "start it: `systemctl start bluetooth`",
    ),
    "org.freedesktop.DBus.Error.AccessDenied": (
        "no permission to use Bluetooth",
        "add the gateway's user to the group `bluetooth`",
    ),
}
WANTS_BOND: Final = (
    BleakGATTProtocolErrorCode.INSUFFICIENT_AUTHENTICATION,
    BleakGATTProtocolErrorCode.INSUFFICIENT_AUTHORIZATION,
    BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION,
)


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a device is spoken to; the same error means another thing on others."""

    address: str
    bonded: bool = False
    may_pair: bool = True
    has_digits: bool = False
    """Its six digits were given, or a person could be asked for them."""


@contextlib.contextmanager
def radio_errors() -> Iterator[None]:
    """Raise what goes wrong with the radio itself as `RadioUnavailable`."""
    try:
        yield
    except RadioError:
        raise
    except BleakBluetoothNotAvailableError as error:
        raise RadioUnavailable(str(error.args[0]), SWITCH_ON) from error
    except BleakDBusError as error:
        known = NO_BLUETOOTH.get(error.dbus_error)
        raise RadioUnavailable(
            *known or (str(error), "see `systemctl status bluetooth`")
        ) from error
    except (BleakError, OSError, EOFError) as error:
        raise RadioUnavailable(
            f"Bluetooth cannot be reached ({error})",
            "install and start BlueZ: `apt install bluez`, `systemctl start bluetooth`",
        ) from error


@contextlib.contextmanager
def device_errors(terms: Terms) -> Iterator[None]:
    """Raise what goes wrong with one device as a `RadioError`."""
    try:
        yield
    except RadioError:
        raise
    except BleakGATTProtocolError as error:
        if error.code in WANTS_BOND and not terms.may_pair and not terms.bonded:
            raise PairingClosed(terms.address) from error
        raise ProtocolError(terms.address, int(error.code), str(error.args[1])) from error
    except BleakBluetoothNotAvailableError as error:
        raise RadioUnavailable(
            str(error.args[0]), "switch it on: `bluetoothctl power on`"
        ) from error
    except BleakDBusError as error:
        raise _from_bluez(terms, error) from error
    except (BleakError, OSError, EOFError) as error:
        raise DeviceGone(terms.address, str(error) or type(error).__name__) from error


def _from_bluez(terms: Terms, error: BleakDBusError) -> RadioError:
    """Return our error for one that bluetoothd gave."""
    if error.dbus_error in NO_BLUETOOTH:
        return RadioUnavailable(*NO_BLUETOOTH[error.dbus_error])
    match error.dbus_error.removeprefix("org.bluez.Error."):
        case "AuthenticationFailed" | "AuthenticationRejected" if terms.bonded:
            return StaleBond(terms.address)
        case (
            "AuthenticationFailed"
            | "AuthenticationRejected"
            | "AuthenticationCanceled"
            | "AuthenticationTimeout"
        ) as how:
            return _unpaired(terms, how)
        case "InProgress":
            return DeviceBusy(terms.address, "another session is being set up")
        case _:
            return DeviceGone(terms.address, str(error))


def _unpaired(terms: Terms, how: str) -> RadioError:
    """Return why a device without a bond has got none."""
    if not terms.may_pair:
        return PairingClosed(terms.address)
    if how == "AuthenticationFailed" and terms.has_digits:
        return WrongPasskey(terms.address)
    if how != "AuthenticationFailed" and not terms.has_digits:
        return PasskeyNeeded(terms.address)
    return PairingRefused(terms.address, f"declined to pair ({how}): put it into pairing mode")
