"""The radio of the gateway, on bleak: the same code for BlueZ and for the simulated air.

This is the one place of the gateway's engine that knows bleak; the two transports differ only in
the backend classes they hand to it (`Stack`). What bleak raises leaves here as a `RadioError`.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from bleak import BleakClient, BleakScanner
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError

from yikao_devices.gatt import number_of, uuid16
from yikao_gateway.radio.bleak_errors import Terms, device_errors, radio_errors
from yikao_gateway.radio.errors import (
    DeadlinePassed,
    DeviceGone,
    NoSuchCharacteristic,
    RadioError,
    RadioUnavailable,
    StaleBond,
)
from yikao_gateway.radio.ports import (
    Advertisement,
    IsOurs,
    OnAdvertisement,
    OnNotification,
    Pairing,
)

log = logging.getLogger(__name__)

DEVICES_MAX = 512
"""How many devices heard are remembered: a home has a handful, the rest are passers-by."""
START_MAX_S = 15.0
"""bluetoothd answers within a second; a wedged one never does."""
CLEAN_UP_MAX_S = 3.0
"""How long hanging up and stopping may take before the link is left to its own end."""
LIMITED_DISCOVERABLE: Final = 0x01
"""Bit of the flags: ready to be paired for a short time (Core Supplement, Part A, 1.3)."""

TALKATIVE = ("bleak", "bumble", "dbus_fast")
"""At DEBUG these log every packet, measurements included; no measurement may reach a log."""


class Adapter(Protocol):
    """What bleak does not cover: the transport, its switch, the bonds, and a person's digits."""

    name: str
    lost: asyncio.Event

    async def open(self) -> None: ...
    async def close(self) -> None: ...
    async def reset(self) -> None: ...
    async def release(self, is_ours: IsOurs) -> None: ...
    async def bonded(self) -> frozenset[str]: ...
    async def bond_refused(self, address: str) -> None: ...
    def expect(self, address: str, pairing: Pairing) -> None: ...


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
        self.name = stack.adapter.name
        self.lost = stack.adapter.lost
        self._hear: OnAdvertisement = lambda _: None
        self._scanner: BleakScanner | None = None
        self._devices: dict[str, BLEDevice] = {}
        self._links: set[BleakLink] = set()
        self._abandoned: set[asyncio.Task[None]] = set()
        for name in TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)

    async def start(self, on_advertisement: OnAdvertisement) -> None:
        self._hear = on_advertisement
        await self._stack.adapter.open()
        await self._scan_or_close()

    async def stop(self) -> None:
        for link in tuple(self._links):
            await link.disconnect()
        if self._abandoned:
            await asyncio.wait(self._abandoned, timeout=CLEAN_UP_MAX_S)
        await self._stop_scanning()
        await self._stack.adapter.close()

    async def rescan(self) -> None:
        await self._stop_scanning()
        await self._scan()

    async def reset(self) -> None:
        await self._stop_scanning()
        await self._stack.adapter.reset()
        await self._scan_or_close()

    async def release(self, is_ours: IsOurs) -> None:
        await self._stack.adapter.release(is_ours)

    async def bonded(self) -> frozenset[str]:
        return await self._stack.adapter.bonded()

    async def _scan_or_close(self) -> None:
        try:
            await self._scan()
        except BaseException:
            await self._stack.adapter.close()
            raise

    async def _scan(self) -> None:
        scanner = BleakScanner(self._on_detection, **self._stack.scanner)
        try:
            async with asyncio.timeout(START_MAX_S):
                with radio_errors():
                    await scanner.start()
        except TimeoutError as error:
            raise RadioUnavailable(
                "Bluetooth does not answer", "restart it with `systemctl restart bluetooth`"
            ) from error
        self._scanner = scanner

    async def _stop_scanning(self) -> None:
        scanner, self._scanner = self._scanner, None
        if scanner is not None:
            await _bounded(scanner.stop())

    def _on_detection(self, device: BLEDevice, data: AdvertisementData) -> None:
        address = device.address.upper()
        self._remember(address, device)
        services = frozenset(n for u in data.service_uuids if (n := uuid16(u)) is not None)
        name = data.local_name or device.name
        self._hear(Advertisement(address, name, services, data.rssi, _is_pairing(data)))

    async def connect(
        self,
        address: str,
        *,
        on_notification: OnNotification,
        pairing: Pairing,
        deadline_s: float,
    ) -> "BleakLink":
        self._stack.adapter.expect(address, pairing)
        terms = Terms(
            address,
            bonded=address in await self.bonded(),
            may_pair=pairing.allowed,
            has_digits=pairing.passkey is not None or pairing.ask is not None,
        )
        link = BleakLink(terms, on_notification)
        client = BleakClient(
            self._devices.get(address, address),
            lambda _: link.disconnected.set(),
            pair=pairing.pair and pairing.allowed,
            timeout=deadline_s,
            **self._stack.client,
        )
        with device_errors(terms):
            await self._within(deadline_s, terms, client)
        link.adopt(client)
        self._links = {each for each in self._links if not each.disconnected.is_set()} | {link}
        return link

    async def forget(self, address: str) -> None:
        client = BleakClient(self._devices.pop(address, address), **self._stack.client)
        with device_errors(Terms(address)):
            await client.unpair()

    async def _within(self, deadline_s: float, terms: Terms, client: BleakClient) -> None:
        """Connect in a task of its own, so that a stack that hangs in its clean-up hangs alone."""
        task = asyncio.create_task(client.connect())
        tasks = {task}
        if terms.bonded:
            tasks.add(asyncio.create_task(self._stack.adapter.bond_refused(terms.address)))
        try:
            done, _ = await asyncio.wait(
                tasks, timeout=deadline_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for each in tasks - {task}:
                each.cancel()
            if not task.done():
                self._abandon(task, client)
        if not done or task.cancelled():
            raise DeadlinePassed(terms.address, deadline_s)
        if task not in done:
            raise StaleBond(terms.address)
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

    def __init__(self, terms: Terms, on_notification: OnNotification) -> None:
        self.address = terms.address
        self._terms = terms
        self.disconnected = asyncio.Event()
        self._on_notification = on_notification
        self._client: BleakClient
        self._known: dict[int, BleakGATTCharacteristic]

    def adopt(self, client: BleakClient) -> None:
        """Take over `client`, which has just connected."""
        self._client = client
        self._known = {}
        for each in client.services.characteristics.values():
            if (char := number_of(each.uuid)) is not None:
                self._known.setdefault(char, each)

    def characteristics(self) -> frozenset[int]:
        return frozenset(self._known)

    async def read(self, char: int) -> bytes:
        with device_errors(self._terms):
            return bytes(await self._client.read_gatt_char(self._find(char)))

    async def write(self, char: int, data: bytes) -> None:
        found = self._find(char)
        # Some vendors' own characteristics take writes without an answer only.
        mute = "write" not in found.properties and "write-without-response" in found.properties
        with device_errors(self._terms):
            await self._client.write_gatt_char(found, data, response=not mute)

    async def subscribe(self, char: int) -> None:
        def hand_over(_: BleakGATTCharacteristic, data: bytearray) -> None:
            self._on_notification(char, bytes(data))

        with device_errors(self._terms):
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


def _is_pairing(data: AdvertisementData) -> bool:
    """Return whether the flags say so; BlueZ tells them only where it is built to."""
    known = data.platform_data[1] if len(data.platform_data) > 1 else {}
    flags = bytes(known.get("AdvertisingFlags", b""))
    return bool(flags) and bool(flags[0] & LIMITED_DISCOVERABLE)


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
