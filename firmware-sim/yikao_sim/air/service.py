"""The simulated air as a whole: homes, and the measurements their people take.

Whatever truly happened is also told to `on_truth`, with the true time beside the device's own, so
that a test can compare what reached the doctor with what was.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from yikao_devices.blood_pressure import Status
from yikao_sim.air import measurements
from yikao_sim.air.link import AirLink
from yikao_sim.device_clock import utc
from yikao_sim.errors import SimError
from yikao_sim.home import Device, Home, Outfit, furnish

Truth = dict[str, Any]
D = TypeVar("D", bound=Device)

NOTHING_REMARKABLE = Status(0)


def _nobody(_: Truth) -> None:
    """Keep no record of what happened."""


class Air:
    """N homes on one link; create it in a running loop."""

    def __init__(
        self,
        now: Callable[[], datetime],
        outfit: Outfit | None = None,
        on_truth: Callable[[Truth], None] = _nobody,
    ) -> None:
        self.link = AirLink()
        self.homes: dict[str, Home] = {}
        self._now = now
        self._outfit = outfit or Outfit()
        self._on_truth = on_truth

    async def add_home(self, person: str | None = None) -> Home:
        """Switch on the devices of one more home and return it."""
        number = len(self.homes) + 1
        home = furnish(number, person or f"p{number}", self._outfit, self.link, self._now)
        self.homes[home.id] = home
        for device in home.devices().values():
            await device.peripheral.power_on()
        if home.meter is not None and home.meter.always_on:
            home.meter.wake()
        return home

    async def close(self) -> None:
        """Switch everything off."""
        for home in self.homes.values():
            for device in home.devices().values():
                await device.peripheral.power_off()

    def home(self, home_id: str) -> Home:
        """Return the home called `home_id`. Raises `SimError` naming those there are."""
        if home_id not in self.homes:
            raise SimError(f"no home {home_id!r}: there are {', '.join(self.homes) or 'none'}")
        return self.homes[home_id]

    async def measure_blood_pressure(
        self,
        home: Home,
        systolic_mmhg: int,
        diastolic_mmhg: int,
        pulse_bpm: int | None = None,
        *,
        at: datetime | None = None,
        status: Status = NOTHING_REMARKABLE,
        user: int | None = None,
        wakes: bool = True,
    ) -> None:
        """Take a blood pressure at the true time `at` (None: now); the cuff is then on the air.

        `wakes=False` leaves its radio off, as for measurements taken long ago.
        """
        cuff = _has(home, "cuff", home.cuff)
        at = at or self._now()
        face = cuff.peripheral.clock.face(at)
        taken = measurements.blood_pressure(
            face, systolic_mmhg, diastolic_mmhg, pulse_bpm, status=status, user=user
        )
        (cuff.measure if wakes else cuff.load)(taken)
        self._tell(
            home,
            cuff,
            "blood_pressure",
            at,
            face,
            systolic_mmhg=systolic_mmhg,
            diastolic_mmhg=diastolic_mmhg,
            pulse_bpm=pulse_bpm,
            user=user,
            status=int(status),
        )
        await cuff.peripheral.settled()

    async def fail_blood_pressure(
        self, home: Home, *, at: datetime | None = None, user: int | None = None
    ) -> None:
        """Take a blood pressure that ends in "Err": a record without numbers."""
        cuff = _has(home, "cuff", home.cuff)
        at = at or self._now()
        face = cuff.peripheral.clock.face(at)
        cuff.measure(measurements.failed_blood_pressure(face, user))
        self._tell(home, cuff, "blood_pressure_failed", at, face, user=user)
        await cuff.peripheral.settled()

    async def measure_glucose(
        self,
        home: Home,
        mmol_l: float,
        *,
        at: datetime | None = None,
        meal: str | None = None,
        control_solution: bool = False,
        wakes: bool = True,
    ) -> None:
        """Take a glucose at the true time `at` (None: now); HI and LO beyond the meter's range."""
        meter = _has(home, "meter", home.meter)
        at = at or self._now()
        face = meter.peripheral.clock.face(at)
        result = measurements.glucose(face, mmol_l, control_solution=control_solution)
        seq = (meter.measure if wakes else meter.load)(result, measurements.context(meal))
        self._tell(
            home,
            meter,
            "control_solution" if control_solution else "glucose",
            at,
            face,
            glucose_mmol_l=mmol_l,
            meal=meal,
            seq=seq,
        )
        await meter.peripheral.settled()

    async def measure_weight(
        self,
        home: Home,
        weight_kg: float | None,
        *,
        at: datetime | None = None,
        user: int | None = None,
        wakes: bool = True,
    ) -> None:
        """Stand on the scale; None: it cannot weigh. Otherwise as `measure_blood_pressure`."""
        scale = _has(home, "scale", home.scale)
        at = at or self._now()
        face = scale.peripheral.clock.face(at)
        taken = measurements.weight(face, weight_kg, user)
        (scale.measure if wakes else scale.load)(taken)
        kind = "weight" if weight_kg is not None else "weight_failed"
        self._tell(home, scale, kind, at, face, weight_kg=weight_kg, user=user)
        await scale.peripheral.settled()

    async def measure_temperature(
        self,
        home: Home,
        temperature_c: float | None,
        *,
        at: datetime | None = None,
        site: int | None = None,
        wakes: bool = True,
    ) -> None:
        """Take a temperature, at a place by its number in the standard; None: it failed."""
        thermometer = _has(home, "thermometer", home.thermometer)
        at = at or self._now()
        face = thermometer.peripheral.clock.face(at)
        taken = measurements.temperature(face, temperature_c, site)
        (thermometer.measure if wakes else thermometer.load)(taken)
        kind = "temperature" if temperature_c is not None else "temperature_failed"
        self._tell(home, thermometer, kind, at, face, temperature_c=temperature_c)
        await thermometer.peripheral.settled()

    async def measure_oxygen(
        self,
        home: Home,
        spo2_pct: int | None,
        pulse_bpm: int | None = None,
        *,
        at: datetime | None = None,
        wakes: bool = True,
    ) -> None:
        """Hold a finger in the oximeter; None: it finds no pulse."""
        oximeter = _has(home, "oximeter", home.oximeter)
        at = at or self._now()
        face = oximeter.peripheral.clock.face(at)
        taken = measurements.spot_check(face, spo2_pct, pulse_bpm)
        (oximeter.measure if wakes else oximeter.load)(taken)
        kind = "oximetry" if spo2_pct is not None else "oximetry_failed"
        self._tell(home, oximeter, kind, at, face, spo2_pct=spo2_pct, pulse_bpm=pulse_bpm)
        await oximeter.peripheral.settled()

    async def wear_strap(self, home: Home, bpm: int, for_min: float) -> None:
        """Put the strap on, with a heart that beats so fast, for so many minutes of the story."""
        strap = _has(home, "strap", home.strap)
        at = self._now()
        strap.put_on(measurements.heart_rate(bpm), for_min * 60 * strap.every_s)
        face = strap.peripheral.clock.face(at)
        self._tell(home, strap, "heart_rate", at, face, pulse_bpm=bpm)
        await strap.peripheral.settled()

    def _tell(
        self, home: Home, device: Device, kind: str, at: datetime, face: datetime, **values: Any
    ) -> None:
        self._on_truth(
            {
                "kind": kind,
                "home": home.id,
                "person": home.person,
                "device": device.peripheral.nameplate.address,
                "measured_at": utc(at),
                "device_time": face.replace(microsecond=0).isoformat(),
            }
            | {name: value for name, value in values.items() if value is not None}
        )


def _has(home: Home, kind: str, device: D | None) -> D:
    if device is None:
        raise SimError(f"home {home.id} has no {kind}")
    return device
