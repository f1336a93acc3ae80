"""The radio of the gateway, on bleak: the same code for BlueZ and for the simulated air.

This is the one place of the gateway's engine that knows bleak; the two transports differ only in
the backend classes they hand to it (`Stack`). What bleak raises leaves here as a `RadioError`.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from bleak import BleakClient, BleakScanner
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakDBusError,
    BleakError,
    BleakGATTProtocolError,
)

from yikao_devices.gatt import uuid16
from yikao_gateway.radio.errors import (
    DeadlinePassed,
    DeviceBusy,
    DeviceGone,
    NoSuchCharacteristic,
    PairingRefused,
    PasskeyNeeded,
    ProtocolError,
    RadioError,
    RadioUnavailable,
    StaleBond,
    WrongPasskey,
)
from yikao_gateway.radio.ports import Advertisement, OnAdvertisement, OnNotification, Pairing

log = logging.getLogger(__name__)

DEVICES_MAX = 512
"""How many devices heard are remembered: a home has a handful, the rest are passers-by."""
START_MAX_S = 15.0
"""bluetoothd answers within a second; a wedged one never does."""
CLEAN_UP_MAX_S = 3.0
"""How long hanging up and stopping may take before the link is left to its own end."""


TALKATIVE = ("bleak", "bumble", "dbus_fast")
"""At DEBUG these log every packet, measurements included; no measurement may reach a log."""


class Adapter(Protocol):
    """What bleak does not cover: opening the transport, and the passkey a person entered."""

    lost: asyncio.Event

    async def open(self) -> None: ...
    async def close(self) -> None: ...
    def expect(self, address: str, passkey: int | None) -> None: ...


@dataclass(frozen=True, slots=True)
class Stack:
    """One way to reach the air: its adapter, and what bleak's two classes need for it."""

    adapter: Adapter
    scanner: Mapping[str, Any] = field(default_factory=dict)
    client: Mapping[str, Any] = field(default_factory=dict)


class BleakRadio:
    """A `Radio` on one `Stack`."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.lost = stack.adapter.lost
        self._scanner: BleakScanner | None = None
        self._devices: dict[str, BLEDevice] = {}
        self._links: set[BleakLink] = set()
        self._abandoned: set[asyncio.Task[None]] = set()
        for name in TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)

    async def start(self, on_advertisement: OnAdvertisement) -> None:
        def hear(device: BLEDevice, data: AdvertisementData) -> None:
            address = device.address.upper()
            self._remember(address, device)
            services = frozenset(n for u in data.service_uuids if (n := uuid16(u)) is not None)
            name = data.local_name or device.name
            on_advertisement(Advertisement(address, name, services, data.rssi))

        await self._stack.adapter.open()
        scanner = BleakScanner(hear, **self._stack.scanner)
        try:
            async with asyncio.timeout(START_MAX_S):
                with _radio_errors():
                    await scanner.start()
        except TimeoutError as error:
            await self._stack.adapter.close()
            raise RadioUnavailable(
                "Bluetooth does not answer", "restart it with `systemctl restart bluetooth`"
            ) from error
        except BaseException:
            await self._stack.adapter.close()
            raise
        self._scanner = scanner

    async def stop(self) -> None:
        for link in tuple(self._links):
            await link.disconnect()
        if self._abandoned:
            await asyncio.wait(self._abandoned, timeout=CLEAN_UP_MAX_S)
        scanner, self._scanner = self._scanner, None
        if scanner is not None:
            await _bounded(scanner.stop())
        await self._stack.adapter.close()

    async def connect(
        self,
        address: str,
        *,
        on_notification: OnNotification,
        pairing: Pairing,
        deadline_s: float,
    ) -> "BleakLink":
        self._stack.adapter.expect(address, pairing.passkey)
        link = BleakLink(address, on_notification)
        client = BleakClient(
            self._devices.get(address, address),
            lambda _: link.disconnected.set(),
            pair=pairing.pair,
            timeout=deadline_s,
            **self._stack.client,
        )
        with _device_errors(address, pairing.passkey):
            await self._within(deadline_s, address, client)
        link.adopt(client)
        self._links = {each for each in self._links if not each.disconnected.is_set()} | {link}
        return link

    async def forget(self, address: str) -> None:
        client = BleakClient(self._devices.get(address, address), **self._stack.client)
        with _device_errors(address):
            await client.unpair()

    async def _within(self, deadline_s: float, address: str, client: BleakClient) -> None:
        """Connect in a task of its own, so that a stack that hangs in its clean-up hangs alone."""
        task = asyncio.create_task(client.connect())
        try:
            await asyncio.wait({task}, timeout=deadline_s)
        except asyncio.CancelledError:
            self._abandon(task, client)
            raise
        if not task.done():
            self._abandon(task, client)
        if not task.done() or task.cancelled():
            raise DeadlinePassed(address, deadline_s)
        task.result()

    def _abandon(self, attempt: asyncio.Task[None], client: BleakClient) -> None:
        attempt.cancel()
        task = asyncio.create_task(_take_down(attempt, client))
        self._abandoned.add(task)
        task.add_done_callback(self._abandoned.discard)

    def _remember(self, address: str, device: BLEDevice) -> None:
        self._devices.pop(address, None)
        self._devices[address] = device
        if len(self._devices) > DEVICES_MAX:
            del self._devices[next(iter(self._devices))]


class BleakLink:
    """A `Link` on one connected bleak client."""

    def __init__(self, address: str, on_notification: OnNotification) -> None:
        self.address = address
        self.disconnected = asyncio.Event()
        self._on_notification = on_notification
        self._client: BleakClient
        self._known: dict[int, BleakGATTCharacteristic]

    def adopt(self, client: BleakClient) -> None:
        """Take over `client`, which has just connected."""
        self._client = client
        self._known = {}
        for each in client.services.characteristics.values():
            if (char := uuid16(each.uuid)) is not None:
                self._known.setdefault(char, each)

    def characteristics(self) -> frozenset[int]:
        return frozenset(self._known)

    async def read(self, char: int) -> bytes:
        with _device_errors(self.address):
            return bytes(await self._client.read_gatt_char(self._find(char)))

    async def write(self, char: int, data: bytes) -> None:
        with _device_errors(self.address):
            await self._client.write_gatt_char(self._find(char), data, response=True)

    async def subscribe(self, char: int) -> None:
        def hand_over(_: BleakGATTCharacteristic, data: bytearray) -> None:
            self._on_notification(char, bytes(data))

        with _device_errors(self.address):
            await self._client.start_notify(self._find(char), hand_over)

    async def disconnect(self) -> None:
        await _bounded(self._client.disconnect())
        self.disconnected.set()

    def _find(self, char: int) -> BleakGATTCharacteristic:
        if self.disconnected.is_set():
            raise DeviceGone(self.address, "the link is down")
        if char not in self._known:
            raise NoSuchCharacteristic(self.address, char)
        return self._known[char]


# What bleak raises, in our words

SWITCH_ON = "plug in an adapter, or switch it on with `bluetoothctl power on`"
NO_BLUETOOTH = {
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


@contextlib.contextmanager
def _radio_errors() -> Iterator[None]:
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
def _device_errors(address: str, passkey: int | None = None) -> Iterator[None]:
    try:
        yield
    except RadioError:
        raise
    except BleakGATTProtocolError as error:
        raise ProtocolError(address, int(error.code), str(error.args[1])) from error
    except BleakBluetoothNotAvailableError as error:
        raise RadioUnavailable(
            str(error.args[0]), "switch it on: `bluetoothctl power on`"
        ) from error
    except BleakDBusError as error:
        raise _from_bluez(address, passkey, error) from error
    except (BleakError, OSError, EOFError) as error:
        raise DeviceGone(address, str(error) or type(error).__name__) from error


def _from_bluez(address: str, passkey: int | None, error: BleakDBusError) -> RadioError:
    """Return our error for one that bluetoothd gave.

    Source: BlueZ 5.66, doc/device-api.txt, methods Connect and Pair.
    """
    if error.dbus_error in NO_BLUETOOTH:
        return RadioUnavailable(*NO_BLUETOOTH[error.dbus_error])
    match error.dbus_error.removeprefix("org.bluez.Error."):
        case "AuthenticationFailed":
            return StaleBond(address) if passkey is None else WrongPasskey(address)
        case "AuthenticationRejected" | "AuthenticationCanceled" | "AuthenticationTimeout" as how:
            if passkey is None:
                return PasskeyNeeded(address)
            return PairingRefused(address, f"declined to pair ({how}): put it into pairing mode")
        case "InProgress":
            return DeviceBusy(address, "another session is being set up")
        case _:
            return DeviceGone(address, str(error))


async def _bounded(work: Any) -> None:
    """Run a clean-up that must neither hang nor fail: whatever it releases is going away anyway."""
    try:
        async with asyncio.timeout(CLEAN_UP_MAX_S):
            await work
    except (TimeoutError, RadioError, BleakError, OSError, EOFError) as error:
        log.info("clean-up cut short", extra={"why": repr(error)})


async def _take_down(attempt: asyncio.Task[None], client: BleakClient) -> None:
    """Wait for an abandoned attempt to end, and take down a link it has brought up all the same."""
    await asyncio.wait({attempt})
    if attempt.cancelled():
        return
    if (error := attempt.exception()) is not None:
        log.info("abandoned connection ended", extra={"why": repr(error)})
        return
    await _bounded(client.disconnect())
