"""What the scenarios share: simulated devices in the air, the gateway inside, and their agreement.

A device is switched on for one scenario. What people measured with it is the truth; afterwards the
gateway must hold exactly that, each record once.
"""

from collections import Counter
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Final

from bumble.device import Connection, Device
from guest import Gateway, Guest, Item

from yikao_sim.air.service import Air, Truth
from yikao_sim.home import Home, Outfit, furnish
from yikao_sim.peripherals.cuff import CuffBehaviour
from yikao_sim.peripherals.pairing import Protection, Way
from yikao_sim.peripherals.peripheral import Peripheral

ZONE: Final = "Asia/Shanghai"
RECORD_S: Final = 0.025
"""A real link carries 16 to 41 records a second. The simulated one has no limit, and what comes
faster than an emulated bluetoothd can take it overflows the kernel's buffer and is lost."""
WINDOW_S: Final = 600.0
"""How long a cuff can be reached: an emulated gateway may take half a minute to start."""
CUFF_RECORDS: Final = 20
METER_RECORDS: Final = 90
READINGS: Final = ("blood_pressure", "glucose")

NO_PAIRING: Final = Protection(Way.NONE)
JUST_WORKS: Final = Protection(Way.JUST_WORKS)

Record = tuple[object, ...]


class Mismatch(Exception):  # noqa: N818 - what was found, not what broke
    """The gateway and the people at home do not agree; the message says in what."""


class Watch:
    """Counts what happens to one device."""

    def __init__(self, peripheral: Peripheral) -> None:
        self.links = 0
        self.pairings = 0
        peripheral.device.on(Device.EVENT_CONNECTION, self._on_link)

    def _on_link(self, link: Connection) -> None:
        self.links += 1
        link.on(link.EVENT_PAIRING, self._on_pairing)

    def _on_pairing(self, _: object) -> None:
        self.pairings += 1


class Owner:
    """A person with one device, a cuff or a meter."""

    def __init__(self, air: Air, home: Home, truths: list[Truth]) -> None:
        (self.device,) = home.devices().values()
        self.peripheral = self.device.peripheral
        self.address = self.peripheral.nameplate.address
        self.peripheral.faults.pace_s = RECORD_S
        self.watch = Watch(self.peripheral)
        self._air = air
        self._home = home
        self._truths = truths

    async def has_measured(self, records: int) -> None:
        """Take so many measurements, minute by minute up to now, then switch the radio on."""
        now = datetime.now(UTC)
        for number in range(records):
            at = now - timedelta(minutes=records - number)
            if self._home.cuff is not None:
                values = (110 + number % 70, 70 + number % 40, 60 + number % 50)
                await self._air.measure_blood_pressure(self._home, *values, at=at, wakes=False)
            else:
                meal = "fasting" if number % 2 else None
                value = 4.0 + number % 80 / 10
                await self._air.measure_glucose(self._home, value, at=at, meal=meal, wakes=False)
        await self.wakes()

    async def wakes(self) -> None:
        """Press the button of the device."""
        self.device.wake()
        await self.peripheral.settled()

    def truth(self) -> Counter[Record]:
        """Return what was measured."""
        mine = [each for each in self._truths if each["device"] == self.address]
        return Counter(_record(each, each["device_time"]) for each in mine)


class Stage:
    """The air outside and the machine inside."""

    def __init__(self, air: Air, guest: Guest, truths: list[Truth]) -> None:
        self.guest = guest
        self._air = air
        self._truths = truths
        self._homes = 0
        self._owners: list[Owner] = []

    async def clear(self) -> None:
        """Take every device off the air; the next scenario begins with none."""
        for owner in self._owners:
            await owner.peripheral.power_off()
        self._owners.clear()

    async def cuff(self, protection: Protection) -> Owner:
        cuff = CuffBehaviour(window_s=WINDOW_S)
        return await self._owner(Outfit(protection=protection, cuff=cuff, meter=None))

    async def meter(self, protection: Protection) -> Owner:
        return await self._owner(Outfit(protection=protection, cuff=None))

    def gateway(
        self, owner: Owner, *options: str, end: str = "TERM"
    ) -> AbstractAsyncContextManager[Gateway]:
        """Run a gateway; all that read one device share a folder."""
        state = owner.address.replace(":", "")
        return self.guest.gateway(state, f"--timezone {ZONE}", *options, end=end)

    async def _owner(self, outfit: Outfit) -> Owner:
        self._homes += 1
        home = furnish(self._homes, "p", outfit, self._air.link, lambda: datetime.now(UTC))
        owner = Owner(self._air, home, self._truths)
        self._owners.append(owner)
        await owner.peripheral.power_on()
        return owner


def readings(items: Iterable[Item]) -> Counter[Record]:
    """Return what the gateway has stored, as `Owner.truth` puts it."""
    return Counter(
        _record(each, each["clocks"]["t_dev"]) for each in items if each["kind"] in READINGS
    )


def events(items: Iterable[Item]) -> list[str]:
    return [each["code"] for each in items if each["kind"] == "event"]


def agree(owner: Owner, items: Iterable[Item]) -> None:
    """Raise `Mismatch` unless `items` hold each measurement of `owner` exactly once."""
    truth, stored = owner.truth(), readings(items)
    missing, extra = truth - stored, stored - truth
    if missing or extra:
        raise Mismatch(f"{missing.total()} of {truth.total()} missing, {extra.total()} too many")


def _record(values: Item, device_time: object) -> Record:
    """Return what identifies a reading; glucose as the meter shows it."""
    names = ("device", "kind", "systolic_mmhg", "diastolic_mmhg", "pulse_bpm", "meal")
    glucose = values.get("glucose_mmol_l")
    shown = None if glucose is None else round(glucose, 1)
    return (*(values.get(name) for name in names), shown, device_time)
