"""For tests of what waits: a gateway with its outbox that looks only when it is told to."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path

from gateway_parts import HOME, items_of, outbox_in
from stage import NOON

from yikao_devices.story_clock import Clock
from yikao_devices.wire import DeviceEvent, GlucoseReading
from yikao_gateway.household.home_clock import HomeClock
from yikao_gateway.store.outbox import Outbox
from yikao_gateway.visits.known_devices import KnownDevices
from yikao_gateway.visits.release import release

TICK_S = 1e-4


@dataclass
class House:
    """A gateway. wall: its machine's clock, which besides runs on a little whenever it is read."""

    outbox: Outbox
    wall: datetime = NOON
    clock: HomeClock = field(init=False)

    def __post_init__(self) -> None:
        self.devices = KnownDevices(self.outbox._database)
        self._ticks = count()
        self.restarts()

    def restarts(self) -> None:
        self.clock = HomeClock(HOME, self._machine_s, self._passed_s, Clock())
        self.clock.not_before(self.devices.newest())

    def _machine_s(self) -> float:
        return self.wall.timestamp() + self._passed_s()

    def _passed_s(self) -> float:
        return next(self._ticks) * TICK_S

    def looks(self, *visited: str, at_end: bool = False) -> int:
        return release(self.outbox, self.devices, self.clock, visited, at_end=at_end)

    def sugars(self) -> list[GlucoseReading]:
        return [each for each in items_of(self.outbox) if isinstance(each, GlucoseReading)]

    def told(self) -> list[tuple[float | None, str | None, tuple[str, ...]]]:
        """Return every glucose, with its meal and flags."""
        return [(each.glucose_mmol_l, each.meal, each.flags) for each in self.sugars()]

    def codes(self) -> list[str]:
        return [each.code for each in items_of(self.outbox) if isinstance(each, DeviceEvent)]

    @property
    def waiting(self) -> int:
        """How many frames wait."""
        return self.outbox.counts().frames


@contextmanager
def house(folder: Path) -> Iterator[House]:
    with outbox_in(folder) as outbox:
        yield House(outbox)
