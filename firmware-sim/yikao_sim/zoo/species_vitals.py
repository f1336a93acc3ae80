"""Scales and heart rate straps of the zoo."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from yikao_devices import gatt
from yikao_devices.heart_rate import Contact, HeartRate, encode_heart_rate
from yikao_devices.weight import encode_weight
from yikao_sim.air import measurements
from yikao_sim.peripherals.peripheral import Peripheral
from yikao_sim.peripherals.scale import Scale
from yikao_sim.peripherals.store import RecorderBehaviour
from yikao_sim.peripherals.strap import Strap, StrapBehaviour
from yikao_sim.zoo.persona import Site
from yikao_sim.zoo.species import Body
from yikao_sim.zoo.taken import Beats, Failure, Taken, Weighing

SAMPLE_S = 0.02
WORN_S = 5.0
"""A strap that tells in five seconds what another tells in four minutes, so that nobody waits."""


@dataclass(frozen=True, slots=True)
class ScaleKind:
    """A species of scale."""

    body: Body = field(default_factory=lambda: Body("ZOO-SCALE", gatt.WEIGHT_SCALE_SERVICE))
    behaviour: RecorderBehaviour = field(default_factory=RecorderBehaviour)

    def put(self, site: Site) -> "ScaleSpecimen":
        return ScaleSpecimen(Scale(self.body.peripheral(site), self.behaviour))


class ScaleSpecimen:
    """One scale that stands in the zoo."""

    def __init__(self, scale: Scale) -> None:
        self._scale = scale

    @property
    def peripheral(self) -> Peripheral:
        return self._scale.peripheral

    def take(self, taken: Taken, at: datetime) -> None:
        assert isinstance(taken, Weighing | Failure), "a scale weighs"
        kg = taken.kg if isinstance(taken, Weighing) else None
        face = self.peripheral.clock.face(at)
        self._scale.load_frame(encode_weight(measurements.weight(face, kg, None)))

    def wake(self) -> None:
        self._scale.wake()


Tell = Callable[[float, int], HeartRate]
"""Returns what a strap tells as its n-th number of a heart that beats so fast."""


@dataclass(frozen=True, slots=True)
class StrapKind:
    """A species of strap."""

    tell: Tell
    body: Body = field(default_factory=lambda: Body("ZOO-STRAP", gatt.HEART_RATE_SERVICE))

    def put(self, site: Site) -> "StrapSpecimen":
        strap = Strap(self.body.peripheral(site), StrapBehaviour(SAMPLE_S))
        return StrapSpecimen(strap, self.tell)


class StrapSpecimen:
    """One strap that lies in the zoo until it is put on."""

    def __init__(self, strap: Strap, tell: Tell) -> None:
        self._strap = strap
        self._tell = tell
        self._bpm = 0.0

    @property
    def peripheral(self) -> Peripheral:
        return self._strap.peripheral

    def take(self, taken: Taken, at: datetime) -> None:
        assert isinstance(taken, Beats), "a strap tells of a heart"
        self._bpm = taken.bpm

    def wake(self) -> None:
        bpm = self._bpm
        self._strap.put_on_frames(lambda n: encode_heart_rate(self._tell(bpm, n)), WORN_S)


def zero_every_second_time(bpm: float, number: int) -> HeartRate:
    """Tell zero where no clean signal was found, and nothing of the skin."""
    return HeartRate(0 if number % 2 else round(bpm), Contact.NOT_REPORTED)
