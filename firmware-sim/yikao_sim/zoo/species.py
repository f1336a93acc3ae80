"""Cuffs and meters of the zoo: the simulator's own, each with a way to write its records down.

How a record is written is a small function (`records.py`); how the device behaves on the link are
the options of its parts. Vendors' own protocols are in `vendors.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from bumble.gatt import Service

from yikao_devices import gatt
from yikao_devices.glucose import Glucose
from yikao_devices.glucose_context import GlucoseContext
from yikao_sim.device_clock import DeviceClock
from yikao_sim.peripherals.cuff import Cuff, CuffBehaviour
from yikao_sim.peripherals.glucometer import Glucometer, MeterBehaviour
from yikao_sim.peripherals.manners import STANDARD, Manners
from yikao_sim.peripherals.pairing import Protection
from yikao_sim.peripherals.peripheral import Nameplate, Peripheral
from yikao_sim.zoo import records
from yikao_sim.zoo.persona import Site
from yikao_sim.zoo.taken import Failure, NotBlood, Pressure, Sugar, Taken

ADDRESS = "C4:1D:00:5A:00:01"
"""Each persona has an air of its own, so all may share it."""
ADVERTISE_MS = 50.0


@dataclass(frozen=True, slots=True)
class Body:
    """What any device of the zoo is made of. name, service: as advertised. clock_off_s: device
    minus true time. extra: returns a service of the vendor's own."""

    name: str
    service: int | None
    manufacturer: str = "Zoo"
    model: str = "persona"
    protection: Protection = field(default_factory=Protection)
    manners: Manners = STANDARD
    clock_off_s: float = 0.0
    extra: Callable[[Peripheral], Service] | None = None

    def peripheral(self, site: Site) -> Peripheral:
        plate = Nameplate(
            self.name, ADDRESS, self.service, manufacturer=self.manufacturer, model=self.model
        )
        peripheral = Peripheral(
            plate,
            site.air,
            DeviceClock(site.now, site.zone, self.clock_off_s),
            protection=self.protection,
            advertise_ms=ADVERTISE_MS,
            manners=self.manners,
        )
        if self.extra is not None:
            peripheral.offer(self.extra(peripheral))
        return peripheral


@dataclass(frozen=True, slots=True)
class CuffKind:
    """A species of cuff. write: returns the frame of what was measured, by the cuff's own clock."""

    body: Body = field(default_factory=lambda: Body("ZOO-CUFF", gatt.BLOOD_PRESSURE_SERVICE))
    behaviour: CuffBehaviour = field(default_factory=CuffBehaviour)
    write: Callable[[Pressure | Failure, datetime], bytes] = records.pressure

    def put(self, site: Site) -> "CuffSpecimen":
        cuff = Cuff(self.body.peripheral(site), self.behaviour)
        return CuffSpecimen(cuff, self.behaviour.window_s, self.write)


class CuffSpecimen:
    """One cuff that stands in the zoo. window_s: how long it can be reached once it is woken."""

    def __init__(
        self,
        cuff: Cuff,
        window_s: float,
        write: Callable[[Pressure | Failure, datetime], bytes],
    ) -> None:
        self.cuff = cuff
        self.window_s = window_s
        self._write = write

    @property
    def peripheral(self) -> Peripheral:
        return self.cuff.peripheral

    def take(self, taken: Taken, at: datetime) -> None:
        assert isinstance(taken, Pressure | Failure), "a cuff measures pressures"
        self.cuff.load_frame(self._write(taken, self.peripheral.clock.face(at)))

    def wake(self) -> None:
        self.peripheral.advertise(self.window_s)


MeterRecord = tuple[Glucose, GlucoseContext | None]


@dataclass(frozen=True, slots=True)
class MeterKind:
    """A species of meter. write: returns a result and its context, by the meter's own clock."""

    body: Body = field(default_factory=lambda: Body("ZOO-METER", gatt.GLUCOSE_SERVICE))
    behaviour: MeterBehaviour = field(default_factory=MeterBehaviour)
    write: Callable[[Sugar | NotBlood, datetime], MeterRecord] = records.sugar

    def put(self, site: Site) -> "MeterSpecimen":
        return MeterSpecimen(Glucometer(self.body.peripheral(site), self.behaviour), self.write)


class MeterSpecimen:
    """One meter that stands in the zoo."""

    def __init__(
        self, meter: Glucometer, write: Callable[[Sugar | NotBlood, datetime], MeterRecord]
    ) -> None:
        self.meter = meter
        self._write = write

    @property
    def peripheral(self) -> Peripheral:
        return self.meter.peripheral

    def take(self, taken: Taken, at: datetime) -> None:
        assert isinstance(taken, Sugar | NotBlood), "a meter measures what is on its strip"
        self.meter.load(*self._write(taken, self.peripheral.clock.face(at)))

    def wake(self) -> None:
        self.meter.wake()
