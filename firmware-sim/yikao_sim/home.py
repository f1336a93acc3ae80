"""One simulated home: one person with a cuff, a meter, and whatever else is measured there.

Everything about it follows from a seed and its number, so that a story can be told again with the
same devices.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import TypeVar

from yikao_devices import gatt
from yikao_sim.air.link import AirLink
from yikao_sim.device_clock import CHINA, DeviceClock
from yikao_sim.peripherals.cuff import Cuff, CuffBehaviour
from yikao_sim.peripherals.glucometer import Glucometer, MeterBehaviour
from yikao_sim.peripherals.oximeter import Oximeter, OximeterBehaviour
from yikao_sim.peripherals.pairing import Protection
from yikao_sim.peripherals.peripheral import Nameplate, Peripheral
from yikao_sim.peripherals.scale import Scale
from yikao_sim.peripherals.store import RecorderBehaviour
from yikao_sim.peripherals.strap import Strap, StrapBehaviour
from yikao_sim.peripherals.thermometer import Thermometer

B = TypeVar("B")
D = TypeVar("D")

Device = Cuff | Glucometer | Scale | Thermometer | Oximeter | Strap


@dataclass(frozen=True, slots=True)
class Outfit:
    """What every home of one air is given; None: no such device."""

    seed: int = 1
    protection: Protection = field(default_factory=Protection)
    advertise_ms: float = 100.0
    zone: tzinfo = CHINA
    cuff: CuffBehaviour | None = field(default_factory=CuffBehaviour)
    meter: MeterBehaviour | None = field(default_factory=MeterBehaviour)
    scale: RecorderBehaviour | None = None
    thermometer: RecorderBehaviour | None = None
    oximeter: OximeterBehaviour | None = None
    strap: StrapBehaviour | None = None


@dataclass(frozen=True, slots=True)
class Home:
    """One home on the air."""

    id: str
    person: str
    cuff: Cuff | None
    meter: Glucometer | None
    scale: Scale | None
    thermometer: Thermometer | None
    oximeter: Oximeter | None
    strap: Strap | None

    def devices(self) -> dict[str, Device]:
        """Return its devices by kind: `cuff`, `meter`, `scale` and so on."""
        every: dict[str, Device | None] = {
            "cuff": self.cuff,
            "meter": self.meter,
            "scale": self.scale,
            "thermometer": self.thermometer,
            "oximeter": self.oximeter,
            "strap": self.strap,
        }
        return {kind: device for kind, device in every.items() if device is not None}


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

    def put(
        kind: str, short: str, service: int, make: Callable[[Peripheral, B], D], like: B | None
    ) -> D | None:
        return None if like is None else make(peripheral(kind, short, service), like)

    return Home(
        f"h{number}",
        person,
        put("cuff", "BP", gatt.BLOOD_PRESSURE_SERVICE, Cuff, outfit.cuff),
        put("meter", "GL", gatt.GLUCOSE_SERVICE, Glucometer, outfit.meter),
        put("scale", "WS", gatt.WEIGHT_SCALE_SERVICE, Scale, outfit.scale),
        put("thermometer", "TH", gatt.HEALTH_THERMOMETER_SERVICE, Thermometer, outfit.thermometer),
        put("oximeter", "OX", gatt.PULSE_OXIMETER_SERVICE, Oximeter, outfit.oximeter),
        put("strap", "HR", gatt.HEART_RATE_SERVICE, Strap, outfit.strap),
    )


def static_address(chance: random.Random) -> str:
    """Return a static random device address (Core Specification, Vol 6, Part B, 1.3.2.1)."""
    octets = [chance.randrange(0xC0, 0xFF), *(chance.randrange(256) for _ in range(5))]
    return ":".join(f"{octet:02X}" for octet in octets)
