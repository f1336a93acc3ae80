"""One session with one device through the simulated adapter, in the way bleak's clients do.

A backend of `bleak.BleakClient` that behaves as BlueZ does: a bonded device is encrypted right
after connecting; a request refused for want of encryption makes it encrypt or pair, then repeats
the request once; and a notification is handed over after the stack has confirmed it.

Attributes: Bluetooth Core Specification, Vol 3, Parts F and G.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from bleak.args import SizedBuffer
from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError, BleakGATTProtocolError, BleakGATTProtocolErrorCode
from bumble import att, core
from bumble.gatt_client import CharacteristicProxy, ServiceProxy

from yikao_gateway.radio.bumble_adapter import BumbleAdapter
from yikao_gateway.radio.bumble_link import BumbleLink
from yikao_gateway.radio.bumble_scanner import uuid_text
from yikao_gateway.radio.errors import DeviceGone

MTU_BYTES = 517
"""The longest attribute, 512 bytes, with its header (Vol 3, Part F, 3.2.9 and 3.4.4.4)."""

WANTS_ENCRYPTION = (
    BleakGATTProtocolErrorCode.INSUFFICIENT_AUTHENTICATION,
    BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION,
)

T = TypeVar("T")


class BumbleClient(BaseBleakClient):
    """`BleakClient(device, pair=..., backend=BumbleClient, bumble=adapter)`."""

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        *,
        disconnected_callback: Callable[[], None] | None,
        timeout: float,
        bumble: BumbleAdapter,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout
        )
        self._adapter = bumble
        self._link: BumbleLink | None = None
        self._subscribers: dict[int, Callable[[bytes], None]] = {}

    @property
    def name(self) -> str:
        return self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        return self._link.mtu if self._link else att.ATT_DEFAULT_MTU

    @property
    def is_connected(self) -> bool:
        return self._link is not None and self._link.is_up

    # The link

    async def connect(self, pair: bool, **kwargs: Any) -> None:
        """Connect, secure and explore; whoever calls holds the one deadline and may cancel."""
        connection = await self._adapter.connect(self.address)
        self._link = link = BumbleLink(self._adapter, self.address, connection, self._on_down)
        try:
            link.check()
            if await link.is_bonded():
                await link.encrypt()
            elif pair:
                await link.pair()
            self.services = await self._explore(link)
        except BaseException:
            await link.hang_up()
            raise

    async def disconnect(self) -> None:
        if self._link is not None:
            await self._link.hang_up()

    async def pair(self, *args: Any, **kwargs: Any) -> None:
        link = self._live()
        if not await link.is_bonded():
            await link.pair()

    async def unpair(self) -> None:
        await self.disconnect()
        await self._adapter.forget(self.address)

    def _on_down(self) -> None:
        if self._disconnected_callback is not None:
            self._disconnected_callback()

    def _live(self) -> BumbleLink:
        if self._link is None:
            raise BleakError("Not connected")
        self._link.check()
        return self._link

    # Requests

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        return await self._read(characteristic.handle)

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        return await self._read(descriptor.handle)

    async def write_gatt_char(
        self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool
    ) -> None:
        await self._write(characteristic.handle, data, response)

    async def write_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, data: SizedBuffer
    ) -> None:
        await self._write(descriptor.handle, data, True)

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **kwargs: Any
    ) -> None:
        loop = asyncio.get_running_loop()

        def deliver(value: bytes) -> None:
            # Not at once: bumble confirms an indication only when its subscribers have returned,
            # BlueZ before the application sees it, and the session must be tested against that.
            loop.call_soon(callback, bytearray(value))

        self._subscribers[characteristic.handle] = deliver
        gatt = self._live().gatt
        await self._request(lambda: gatt.subscribe(characteristic.obj, deliver))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        deliver = self._subscribers.pop(characteristic.handle, None)
        gatt = self._live().gatt
        await self._request(lambda: gatt.unsubscribe(characteristic.obj, deliver))

    async def _read(self, handle: int) -> bytearray:
        gatt = self._live().gatt
        return bytearray(await self._request(lambda: gatt.read_value(handle)))

    async def _write(self, handle: int, data: SizedBuffer, response: bool) -> None:
        gatt = self._live().gatt
        await self._request(lambda: gatt.write_value(handle, bytes(data), response))

    async def _request(self, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Ask once; when the device wants encryption first, secure the link and ask again."""
        link = self._live()
        was_encrypted = link.is_encrypted
        try:
            return await self._answered(link, ask())
        except BleakGATTProtocolError as refusal:
            if refusal.code not in WANTS_ENCRYPTION:
                raise
        await link.secure(was_encrypted)
        return await self._answered(link, ask())

    async def _answered(self, link: BumbleLink, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await link.until_gone(work)
        except att.ATT_Error as error:
            raise BleakGATTProtocolError(error.error_code) from error
        except core.TimeoutError as error:
            raise DeviceGone(self.address, "it no longer answers requests") from error

    # Discovery

    async def _explore(self, link: BumbleLink) -> BleakGATTServiceCollection:
        with contextlib.suppress(BleakGATTProtocolError):
            await self._answered(link, link.gatt.request_mtu(MTU_BYTES))
        found = BleakGATTServiceCollection()
        for service in await self._request(link.gatt.discover_services):
            ours = BleakGATTService(service, service.handle, uuid_text(service.uuid))
            found.add_service(ours)
            await self._explore_service(service, ours, found)
        if not found.services:
            raise BleakError("the device offers no services")
        return found

    async def _explore_service(
        self, service: ServiceProxy, ours: BleakGATTService, found: BleakGATTServiceCollection
    ) -> None:
        characteristic: CharacteristicProxy[bytes]
        for characteristic in await self._request(service.discover_characteristics):
            each = BleakGATTCharacteristic(
                characteristic,
                characteristic.handle,
                uuid_text(characteristic.uuid),
                list(gatt_char_props_to_strs(characteristic.properties)),
                lambda: self.mtu_size - 3,
                ours,
            )
            found.add_characteristic(each)
            if characteristic.end_group_handle > characteristic.handle:
                for descriptor in await self._request(characteristic.discover_descriptors):
                    found.add_descriptor(
                        BleakGATTDescriptor(
                            descriptor, descriptor.handle, uuid_text(descriptor.type), each
                        )
                    )
            characteristic.descriptors_discovered = True
