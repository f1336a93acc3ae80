"""One simulated home: one person with a blood-pressure cuff, a glucose meter, or both.

Everything about it follows from a seed and its number, so that a story can be told again with the
same devices.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from yikao_devices import gatt
from yikao_sim.air.link import AirLink
from yikao_sim.device_clock import CHINA, DeviceClock
from yikao_sim.peripherals.cuff import Cuff, CuffBehaviour
from yikao_sim.peripherals.glucometer import Glucometer, MeterBehaviour
from yikao_sim.peripherals.pairing import Protection
from yikao_sim.peripherals.peripheral import Nameplate, Peripheral

Device = Cuff | Glucometer


@dataclass(frozen=True, slots=True)
class Outfit:
    """What every home of one air is given."""

    seed: int = 1
    protection: Protection = field(default_factory=Protection)
    advertise_ms: float = 100.0
    zone: tzinfo = CHINA
    cuff: CuffBehaviour | None = field(default_factory=CuffBehaviour)
    meter: MeterBehaviour | None = field(default_factory=MeterBehaviour)


@dataclass(frozen=True, slots=True)
class Home:
    """One home on the air."""

    id: str
    person: str
    cuff: Cuff | None
    meter: Glucometer | None

    def devices(self) -> dict[str, Device]:
        """Return its devices by kind, `cuff` and `meter`."""
        both: dict[str, Device | None] = {"cuff": self.cuff, "meter": self.meter}
        return {kind: device for kind, device in both.items() if device is not None}


def furnish(
    number: int, person: str, outfit: Outfit, air: AirLink, now: Callable[[], datetime]
) -> Home:
    """Return home `number` with its devices, not yet switched on."""

    def peripheral(kind: str, short: str, service: int) -> Peripheral:
        chance = random.Random(f"{outfit.seed}/{number}/{kind}")
        plate = Nameplate(
            name=f"YK-{short}-{number:04d}",
            address=static_address(chance),
            service=service,
            model=f"YK-{short}",
            serial=f"{chance.randrange(10**8):08d}",
        )
        return Peripheral(
            plate,
            air,
            DeviceClock(now, outfit.zone),
            protection=outfit.protection,
            advertise_ms=outfit.advertise_ms,
        )

    cuff = meter = None
    if outfit.cuff is not None:
        cuff = Cuff(peripheral("cuff", "BP", gatt.BLOOD_PRESSURE_SERVICE), outfit.cuff)
    if outfit.meter is not None:
        meter = Glucometer(peripheral("meter", "GL", gatt.GLUCOSE_SERVICE), outfit.meter)
    return Home(f"h{number}", person, cuff, meter)


def static_address(chance: random.Random) -> str:
    """Return a static random device address (Core Specification, Vol 6, Part B, 1.3.2.1)."""
    octets = [chance.randrange(0xC0, 0xFF), *(chance.randrange(256) for _ in range(5))]
    return ":".join(f"{octet:02X}" for octet in octets)
