"""One session with one device through the simulated adapter, in the way bleak's clients do.

A backend of `bleak.BleakClient` that behaves as BlueZ does: a bonded device is encrypted right
after connecting; a request refused for want of encryption makes it encrypt or pair, then repeats
the request once; and a notification is handed over after the stack has confirmed it.

Pairing: Bluetooth Core Specification, Vol 3, Part H. Attributes: Vol 3, Parts F and G.
"""

import asyncio
import contextlib
import logging
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
from bumble import att, core, hci, smp
from bumble.device import Connection
from bumble.gatt_client import CharacteristicProxy, ServiceProxy
from bumble.transport.common import TransportLostError

from yikao_gateway.radio.bumble_adapter import BumbleAdapter
from yikao_gateway.radio.bumble_scanner import uuid_text
from yikao_gateway.radio.cut_short import CutShortError, until
from yikao_gateway.radio.errors import (
    DeviceError,
    DeviceGone,
    PairingRefused,
    PasskeyNeeded,
    StaleBond,
    WrongPasskey,
)

log = logging.getLogger(__name__)

MTU_BYTES = 517
"""The longest attribute, 512 bytes, with its header (Vol 3, Part F, 3.2.9 and 3.4.4.4)."""

WANTS_ENCRYPTION = (
    BleakGATTProtocolErrorCode.INSUFFICIENT_AUTHENTICATION,
    BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION,
)
KEY_REFUSED = (
    hci.HCI_ErrorCode.PIN_OR_KEY_MISSING_ERROR,
    hci.HCI_ErrorCode.CONNECTION_TERMINATED_DUE_TO_MIC_FAILURE_ERROR,
)
WRONG_DIGITS = (
    smp.ErrorCode.PASSKEY_ENTRY_FAILED,
    smp.ErrorCode.CONFIRM_VALUE_FAILED,
    smp.ErrorCode.DHKEY_CHECK_FAILED,
)

ESTABLISHMENT_FAILED = hci.HCI_ErrorCode.CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR

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
        self._link: Connection | None = None
        self._gone: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._securing = asyncio.Lock()
        self._subscribers: dict[int, Callable[[bytes], None]] = {}

    @property
    def name(self) -> str:
        return self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        return self._link.att_mtu if self._link else att.ATT_DEFAULT_MTU

    @property
    def is_connected(self) -> bool:
        return self._link is not None and not self._gone.done()

    # The link

    async def connect(self, pair: bool, **kwargs: Any) -> None:
        """Connect, secure and explore; whoever calls holds the one deadline and may cancel."""
        self._link = link = await self._adapter.connect(self.address)
        link.on(link.EVENT_DISCONNECTION, self._on_disconnection)
        # bumble tells only some of its links when the whole radio is lost.
        self._adapter.gone.add_done_callback(self._on_radio_gone)
        try:
            if not self._adapter.is_up(link):
                # Down before we could listen: the device was just taken by another gateway.
                self._on_disconnection(ESTABLISHMENT_FAILED)
                raise DeviceGone(self.address, "it did not answer the connection")
            if await self._is_bonded(link):
                await self._encrypt(link)
            elif pair:
                await self._pair(link)
            self.services = await self._explore(link)
        except BaseException:
            await self._adapter.hang_up(link)
            raise

    async def disconnect(self) -> None:
        if self._link is not None:
            await self._adapter.hang_up(self._link)

    async def pair(self, *args: Any, **kwargs: Any) -> None:
        link = self._live()
        if not await self._is_bonded(link):
            await self._pair(link)

    async def unpair(self) -> None:
        await self.disconnect()
        await self._adapter.forget(self.address)

    def _on_disconnection(self, reason: int) -> None:
        if self._gone.done():
            return
        self._gone.set_result(reason)
        self._adapter.gone.remove_done_callback(self._on_radio_gone)
        # In line behind the notifications that are still on their way to the session.
        if self._disconnected_callback is not None:
            asyncio.get_running_loop().call_soon(self._disconnected_callback)

    def _on_radio_gone(self, _: asyncio.Future[None]) -> None:
        self._on_disconnection(hci.HCI_ErrorCode.HARDWARE_FAILURE_ERROR)

    def _live(self) -> Connection:
        if self._link is None or self._gone.done():
            self._adapter.check()
            raise DeviceGone(self.address, "the link is down")
        return self._link

    # Security

    async def _is_bonded(self, link: Connection) -> bool:
        keys = await self._adapter.bonds.get(str(link.peer_address))
        return keys is not None and bool(keys.ltk or keys.ltk_central)

    async def _secure(self, was_encrypted: bool) -> None:
        """Raise the security of the link by one step, because a request was refused."""
        link = self._live()
        async with self._securing:
            if link.is_encrypted and not was_encrypted:
                return
            if was_encrypted and self._adapter.passkey(self.address) is None:
                raise PasskeyNeeded(self.address)
            if not was_encrypted and await self._is_bonded(link):
                await self._encrypt(link)
            else:
                await self._pair(link)

    async def _encrypt(self, link: Connection) -> None:
        try:
            await self._until_gone(link.encrypt())
        except core.BaseError as error:
            if error.error_code in KEY_REFUSED:
                raise StaleBond(self.address) from error
            raise DeviceGone(self.address, f"not encrypted: {error}") from error
        except DeviceGone as error:
            if self._gone.result() in KEY_REFUSED:
                raise StaleBond(self.address) from error
            raise

    async def _pair(self, link: Connection) -> None:
        try:
            await self._until_gone(link.pair())
        except core.BaseError as error:
            raise self._unpaired(error.error_code) from error

    def _unpaired(self, code: int | None) -> DeviceError:
        with_passkey = self._adapter.passkey(self.address) is not None
        if with_passkey and code in WRONG_DIGITS:
            return WrongPasskey(self.address)
        if not with_passkey and code in (
            smp.ErrorCode.AUTHENTICATION_REQUIREMENTS,
            smp.ErrorCode.PASSKEY_ENTRY_FAILED,
        ):
            return PasskeyNeeded(self.address)
        return PairingRefused(
            self.address, f"declined to pair (SMP error {code}): put it into pairing mode"
        )

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
        gatt = self._live().gatt_client
        await self._request(lambda: gatt.subscribe(characteristic.obj, deliver))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        deliver = self._subscribers.pop(characteristic.handle, None)
        gatt = self._live().gatt_client
        await self._request(lambda: gatt.unsubscribe(characteristic.obj, deliver))

    async def _read(self, handle: int) -> bytearray:
        gatt = self._live().gatt_client
        return bytearray(await self._request(lambda: gatt.read_value(handle)))

    async def _write(self, handle: int, data: SizedBuffer, response: bool) -> None:
        gatt = self._live().gatt_client
        await self._request(lambda: gatt.write_value(handle, bytes(data), response))

    async def _request(self, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Ask once; when the device wants encryption first, secure the link and ask again."""
        was_encrypted = bool(self._live().is_encrypted)
        try:
            return await self._answered(ask())
        except BleakGATTProtocolError as refusal:
            if refusal.code not in WANTS_ENCRYPTION:
                raise
        await self._secure(was_encrypted)
        return await self._answered(ask())

    async def _answered(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await self._until_gone(work)
        except att.ATT_Error as error:
            raise BleakGATTProtocolError(error.error_code) from error
        except core.TimeoutError as error:
            raise DeviceGone(self.address, "it no longer answers requests") from error

    async def _until_gone(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await until(self._gone, work)
        except (CutShortError, TransportLostError) as error:
            self._adapter.check()
            raise DeviceGone(self.address, "the link went down") from error

    # Discovery

    async def _explore(self, link: Connection) -> BleakGATTServiceCollection:
        gatt = link.gatt_client
        with contextlib.suppress(BleakGATTProtocolError):
            await self._answered(gatt.request_mtu(MTU_BYTES))
        found = BleakGATTServiceCollection()
        for service in await self._request(gatt.discover_services):
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
