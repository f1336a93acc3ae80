"""What every simulated device shares: its radio, its pairing, its clock, battery and nameplate.

A cuff or a meter builds its own service on top. The device advertises only when told to, holds one
link at a time, and takes every running procedure down with the link.

Services: Bluetooth SIG, Device Information 1.1, Battery 1.1, Current Time 1.1.1.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from bumble import hci
from bumble.core import AdvertisingData
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.gatt import Characteristic, Service
from bumble.host import Host
from bumble.transport.common import AsyncPipeSink

from yikao_devices import gatt
from yikao_devices.device_information import encode_text
from yikao_sim.air.controller import AirController
from yikao_sim.air.link import AirLink
from yikao_sim.device_clock import DeviceClock
from yikao_sim.peripherals import attributes, clock_service
from yikao_sim.peripherals.manners import (
    STANDARD,
    ClockPlace,
    Manners,
    Request,
    WatchedDevice,
)
from yikao_sim.peripherals.pairing import (
    DeviceBonds,
    Protection,
    StrictSession,
    pairing_config,
)

log = logging.getLogger(__name__)

ADVERTISING_MAX_BYTES = 31
"""Legacy advertising data: Core Specification, Vol 6, Part B, 2.3.1.1. bumble does not check."""
LE_ONLY = (
    AdvertisingData.Flags.LE_GENERAL_DISCOVERABLE_MODE | AdvertisingData.Flags.BR_EDR_NOT_SUPPORTED
)
POWER_OFF = hci.HCI_ErrorCode.REMOTE_DEVICE_TERMINATED_CONNECTION_DUE_TO_POWER_OFF_ERROR


@dataclass(frozen=True, slots=True)
class Nameplate:
    """Who the device says it is; `service` is what it advertises, None for its name alone."""

    name: str
    address: str
    service: int | None
    manufacturer: str = "Yikao Simulated Instruments"
    model: str = "YK-1"
    serial: str = "000000"
    firmware: str = "1.0"


@dataclass(slots=True)
class Faults:
    """What goes wrong on the way to the gateway, for stories and tests.

    `pace_s` waits before each record; `drop_link_after` loses the link, once, when so many records
    of a session have been sent; `deaf_links` links are taken and then never answered on.
    """

    pace_s: float = 0.0
    drop_link_after: int | None = None
    deaf_links: int = 0


class LinkDown(Exception):  # noqa: N818 - control flow inside a device, not a failure
    """There is nobody to send to any more."""


class Peripheral:
    """One simulated device; create it in a running loop, `offer` services, then `power_on`."""

    def __init__(
        self,
        nameplate: Nameplate,
        air: AirLink,
        clock: DeviceClock,
        *,
        protection: Protection,
        advertise_ms: float,
        manners: Manners = STANDARD,
    ) -> None:
        self.nameplate = nameplate
        self.clock = clock
        self.protection = protection
        self.manners = manners
        self.pairing_open = True
        """Whether new gateways may pair; a button opens it for a while, on many devices."""
        self.faults = Faults()
        self.links_taken = 0
        self.battery_pct = 100
        self.on_link_down: Callable[[], None] = lambda: None
        self.on_encrypted: Callable[[], None] = lambda: None
        self.on_sent: Callable[[int], None] = lambda _: None
        """Told after each record how many this link has brought."""
        self.link: Connection | None = None
        self._advertise_ms = advertise_ms
        self._powered = False
        self._wanted = False
        self._window: asyncio.TimerHandle | None = None
        self._radio_lock = asyncio.Lock()
        self._sent = 0
        self._deaf = False
        self._startled = False
        self._explored_s = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._chores: set[asyncio.Task[None]] = set()
        self._controller = AirController(nameplate.name, air)
        self.device = self._build_device()
        self._offer_common_services()

    # Being there

    async def power_on(self) -> None:
        await self.device.power_on()
        self._powered = True

    async def power_off(self) -> None:
        """Leave the air, as when the batteries are taken out."""
        self._powered = False
        self.stop_advertising()
        await self.settled()
        self._controller.leave()
        await self.settled()

    def advertise(self, for_s: float | None = None) -> None:
        """Let gateways connect from now on: for `for_s` seconds, or None until told to stop."""
        self._wanted = self._powered
        self._end_window()
        if for_s is not None:
            self._window = asyncio.get_running_loop().call_later(for_s, self.stop_advertising)
        self._chore(self._adjust_advertising())

    def stop_advertising(self) -> None:
        self._wanted = False
        self._end_window()
        self._chore(self._adjust_advertising())

    async def settled(self) -> None:
        """Return when the radio has followed what it was last told."""
        while self._chores:
            await asyncio.gather(*self._chores, return_exceptions=True)

    def lose_link(self) -> None:
        """Lose the link without a word, as when somebody walks away with the device."""
        self._controller.drop_links()

    def hang_up(self) -> None:
        """Disconnect, as a device that switches itself off."""
        if self.link is not None:
            # Not in a task that ends with the link: bumble trips over a cancelled disconnection.
            self._chore(self.link.disconnect(POWER_OFF))

    @property
    def startled(self) -> bool:
        """Whether this link was subscribed sooner than the device can bear; it then stays mute."""
        return self._startled

    async def forget_bonds(self) -> None:
        """Forget every gateway, as after a reset to factory settings."""
        await self.bonds.delete_all()

    # For the instrument on top

    def offer(self, service: Service) -> None:
        self.device.add_service(service)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` as a task that ends with the link at the latest.

        Never inside a write handler: its answer would leave only after the work was done.
        """
        task = asyncio.create_task(self._until_link_down(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def subscribed(self, characteristic: Characteristic[bytes]) -> bool:
        if self.link is None:
            return False
        return any(self.device.gatt_server.read_cccd(self.link, characteristic))

    async def send(self, characteristic: Characteristic[bytes], value: bytes) -> None:
        """Send one record and wait until it is on its way (an indication: until confirmed).

        Raises `LinkDown` when nobody is connected or subscribed.
        """
        if self.faults.pace_s:
            await asyncio.sleep(self.faults.pace_s)
        await self.tell(characteristic, value)
        self._sent += 1
        self.on_sent(self._sent)
        if self._sent == self.faults.drop_link_after:
            self.faults.drop_link_after = None
            self.lose_link()

    async def tell(self, characteristic: Characteristic[bytes], value: bytes) -> None:
        """Send a value that is no record; otherwise as `send`."""
        link = self.link
        if link is None or not self.subscribed(characteristic):
            raise LinkDown
        if characteristic.properties & Characteristic.Properties.INDICATE:
            await self.device.indicate_subscriber(link, characteristic, value)
        else:
            await self.device.notify_subscriber(link, characteristic, value)
            await link.drain()

    async def blurt(self, characteristic: Characteristic[bytes], value: bytes) -> None:
        """Notify a value although nobody has subscribed, as devices do that remember one link's
        subscriptions on the next."""
        if self.link is not None:
            await self.device.notify_subscriber(self.link, characteristic, value, force=True)

    # Inside

    def _build_device(self) -> Device:
        config = DeviceConfiguration(
            name=self.nameplate.name,
            address=hci.Address(self.nameplate.address),
            advertising_interval_min=self._advertise_ms,
            advertising_interval_max=self._advertise_ms,
            advertising_data=_advertising_data(self.nameplate),
        )
        # Each hands its packets to the other through the loop, as a cable would.
        host = Host(self._controller, AsyncPipeSink(self._controller))
        device = WatchedDevice(config, host, self._hears)
        self.bonds = DeviceBonds()
        device.keystore = self.bonds
        device.pairing_config_factory = lambda _: pairing_config(
            self.protection, accepts=self.pairing_open
        )
        device.smp_session_proxy = StrictSession
        device.on(Device.EVENT_CONNECTION, self._on_link_up)
        return device

    def _offer_common_services(self) -> None:
        plate = self.nameplate
        texts = [
            attributes.constant(gatt.MANUFACTURER_NAME, encode_text(plate.manufacturer)),
            attributes.constant(gatt.MODEL_NUMBER, encode_text(plate.model)),
            attributes.constant(gatt.SERIAL_NUMBER, encode_text(plate.serial)),
            attributes.constant(gatt.FIRMWARE_REVISION, encode_text(plate.firmware)),
        ]
        self.offer(attributes.service(gatt.DEVICE_INFORMATION_SERVICE, texts))
        level = attributes.readable(gatt.BATTERY_LEVEL, lambda: bytes((self.battery_pct,)))
        self.offer(attributes.service(gatt.BATTERY_SERVICE, [level]))
        if self.manners.clock not in (ClockPlace.DATE_TIME, ClockPlace.NONE):
            self.offer(clock_service.current_time_service(self))

    def _on_link_up(self, link: Connection) -> None:
        self.link = link
        self.links_taken += 1
        self._sent = 0
        self._startled = False
        self._deaf = self.faults.deaf_links > 0
        if self._deaf:
            self.faults.deaf_links -= 1
        link.on(link.EVENT_DISCONNECTION, lambda _: self._on_link_down(link))
        link.on(link.EVENT_CONNECTION_ENCRYPTION_CHANGE, lambda: self.on_encrypted())
        if self.manners.asks_for_security:
            link.request_pairing()
        if self.manners.unbonded_max_s is not None:
            self.spawn(self._leave_unbonded(link, self.manners.unbonded_max_s))

    async def _leave_unbonded(self, link: Connection, after_s: float) -> None:
        await asyncio.sleep(after_s)
        if not link.is_encrypted:
            self.hang_up()

    def _hears(self, link: Connection, what: Request) -> bool:
        """Return whether the device takes a request; one it cannot bear ends the link."""
        if self._deaf:
            return False
        if self.manners.bond_first and not link.is_encrypted:
            self.hang_up()
            return False
        now_s = asyncio.get_running_loop().time()
        if what is Request.EXPLORE:
            self._explored_s = now_s
        elif what is Request.WRITE and now_s - self._explored_s < self.manners.settle_s:
            self._startled = True
        return True

    def _on_link_down(self, link: Connection) -> None:
        if self.link is not link:
            return
        self.link = None
        self._chore(self._tidy_up(link))
        self.on_link_down()
        self._chore(self._adjust_advertising())

    async def _tidy_up(self, link: Connection) -> None:
        running = tuple(self._tasks)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        # bumble would keep an entry for every link that went down while it indicated.
        self.device.gatt_server.pending_confirmations.pop(link, None)

    async def _until_link_down(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except LinkDown:
            log.debug("nobody to send to", extra={"device": self.nameplate.name})
        except TimeoutError:
            log.info("gateway does not confirm", extra={"device": self.nameplate.name})

    async def _adjust_advertising(self) -> None:
        async with self._radio_lock:
            should = self._wanted and self.link is None
            if should and not self.device.is_advertising:
                await self.device.start_advertising()
            elif not self._wanted and self.device.is_advertising:
                await self.device.stop_advertising()

    def _end_window(self) -> None:
        if self._window is not None:
            self._window.cancel()
            self._window = None

    def _chore(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)


def _advertising_data(plate: Nameplate) -> bytes:
    data = bytes(
        AdvertisingData(
            [
                (AdvertisingData.FLAGS, bytes((LE_ONLY,))),
                *_advertised_services(plate.service),
                (AdvertisingData.COMPLETE_LOCAL_NAME, plate.name.encode()),
            ]
        )
    )
    assert len(data) <= ADVERTISING_MAX_BYTES, f"{plate.name} is too long to advertise"
    return data


def _advertised_services(service: int | None) -> list[tuple[int, bytes]]:
    if service is None:
        return []
    listed = AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS
    return [(listed, service.to_bytes(2, "little"))]
