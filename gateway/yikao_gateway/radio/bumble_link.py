"""One link of the simulated adapter that may go down at any moment, and its encryption.

Whoever waits for the device waits through `until_gone`, so that no wait outlives the link. The
link is made as secure as BlueZ would make it: with the bond if there is one, else by pairing.

Source: Bluetooth Core Specification, Vol 3, Part H (Security Manager) and Vol 1, Part F (errors).
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from bumble import core, hci, smp
from bumble.device import Connection
from bumble.transport.common import TransportLostError

from yikao_gateway.radio.bumble_adapter import BumbleAdapter
from yikao_gateway.radio.cut_short import CutShortError, until
from yikao_gateway.radio.errors import (
    DeviceError,
    DeviceGone,
    PairingClosed,
    PairingRefused,
    PasskeyNeeded,
    StaleBond,
    WrongPasskey,
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
WANTS_DIGITS = (smp.ErrorCode.PASSKEY_ENTRY_FAILED, smp.ErrorCode.AUTHENTICATION_REQUIREMENTS)

T = TypeVar("T")


class BumbleLink:
    """A connection from the moment it is up; `on_down` is called once, when it no longer is."""

    def __init__(
        self, adapter: BumbleAdapter, address: str, link: Connection, on_down: Callable[[], None]
    ) -> None:
        self.address = address
        self.gatt = link.gatt_client
        self._adapter = adapter
        self._link = link
        self._on_down = on_down
        self._down: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._securing = asyncio.Lock()
        self._asked: set[asyncio.Task[Any]] = set()
        link.on(link.EVENT_DISCONNECTION, self._on_disconnection)
        # bumble tells only some of its links when the whole radio is lost.
        adapter.gone.add_done_callback(self._on_radio_gone)
        if not adapter.is_up(link):
            # Before we could listen: the device was just taken by another gateway.
            self._on_disconnection(hci.HCI_ErrorCode.CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR)

    @property
    def is_up(self) -> bool:
        return not self._down.done()

    @property
    def is_encrypted(self) -> bool:
        return bool(self._link.is_encrypted)

    @property
    def mtu(self) -> int:
        """The longest attribute packet, in bytes."""
        return int(self._link.att_mtu)

    def check(self) -> None:
        """Raise `DeviceGone`, or `RadioUnavailable`, when the link is down."""
        if not self.is_up:
            self._adapter.check()
            raise DeviceGone(self.address, "the link is down")

    async def until_gone(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what `work` returns; raise as `check` does as soon as the link goes down.

        A caller that gives up leaves `work` to its end: the device will answer all the same, and
        its answer must not be taken for the next request's.
        """
        task = asyncio.create_task(until(self._down, work))
        self._asked.add(task)
        task.add_done_callback(self._answered)
        try:
            return await asyncio.shield(task)
        except (CutShortError, TransportLostError) as error:
            self._adapter.check()
            raise DeviceGone(self.address, "the link went down") from error

    def _answered(self, task: asyncio.Task[Any]) -> None:
        self._asked.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, so that nobody misses it when the caller has given up

    async def hang_up(self) -> None:
        await self._adapter.hang_up(self._link)

    # Security

    async def is_bonded(self) -> bool:
        keys = await self._adapter.bonds.get(str(self._link.peer_address))
        return keys is not None and bool(keys.ltk or keys.ltk_central)

    async def secure(self, was_encrypted: bool) -> None:
        """Raise the security of the link by one step, because a request was refused.

        was_encrypted: how the link was when the request was made.
        """
        async with self._securing:
            if self.is_encrypted and not was_encrypted:
                return
            if not was_encrypted and await self.is_bonded():
                await self.encrypt()
                return
            pairer = self._adapter.pairer(self.address)
            if was_encrypted and not pairer.can_type:
                raise PasskeyNeeded(self.address)
            pairer.mitm = pairer.mitm or was_encrypted
            await self.pair()

    async def encrypt(self) -> None:
        """Encrypt with the bond; raise `StaleBond` when the device no longer knows it."""
        try:
            await self.until_gone(self._link.encrypt())
        except core.BaseError as error:
            if error.error_code in KEY_REFUSED:
                raise StaleBond(self.address) from error
            raise DeviceGone(self.address, f"not encrypted: {error}") from error
        except DeviceGone as error:
            if self._down.done() and self._down.result() in KEY_REFUSED:
                raise StaleBond(self.address) from error
            raise

    async def pair(self) -> None:
        """Pair and bond; a refusal says what a person has to do."""
        if not self._adapter.pairer(self.address).pairing.allowed:
            raise PairingClosed(self.address)
        try:
            await self.until_gone(self._link.pair())
        except core.BaseError as error:
            raise self._unpaired(error.error_code) from error

    def _unpaired(self, code: int | None) -> DeviceError:
        has_digits = self._adapter.pairer(self.address).has_digits
        if has_digits and code in WRONG_DIGITS:
            return WrongPasskey(self.address)
        if not has_digits and code in WANTS_DIGITS:
            return PasskeyNeeded(self.address)
        return PairingRefused(
            self.address, f"declined to pair (SMP error {code}): put it into pairing mode"
        )

    # Going down

    def _on_disconnection(self, reason: int) -> None:
        if self._down.done():
            return
        self._down.set_result(reason)
        self._adapter.gone.remove_done_callback(self._on_radio_gone)
        # In line behind the notifications that are still on their way to the session.
        asyncio.get_running_loop().call_soon(self._on_down)

    def _on_radio_gone(self, _: asyncio.Future[None]) -> None:
        self._on_disconnection(hci.HCI_ErrorCode.HARDWARE_FAILURE_ERROR)
