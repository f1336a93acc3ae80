"""A persona: one device with one way to misbehave, its visits, and what must come of them."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import Enum
from typing import Any, Protocol

from yikao_sim.air.link import AirLink
from yikao_sim.peripherals.peripheral import Peripheral
from yikao_sim.zoo.expectations import Expectation
from yikao_sim.zoo.taken import Taken
from yikao_sim.zoo.words import Words

LIMIT_S = 120.0
"""A visit takes some ten seconds; a gateway that takes this long hangs or loops."""
LINKS_MAX = 8
"""A gateway that connects more often within one visit is in a loop."""


class Outcome(Enum):
    """What a gateway has to make of a persona, in one word."""

    STORED = "stored"
    FLAGGED = "flagged"
    REFUSED = "refused"
    EVENT = "event"
    RETRIED = "retried"
    ASKED = "asked"


@dataclass(frozen=True, slots=True)
class Site:
    """Where a device is put: its air, the true time, and the zone its clock is set by."""

    air: AirLink
    now: Callable[[], datetime]
    zone: tzinfo


class Specimen(Protocol):
    """A device that stands in the zoo."""

    @property
    def peripheral(self) -> Peripheral: ...

    def take(self, taken: Taken, at: datetime) -> None:
        """Store a measurement that was taken at the true time `at`; the radio stays off."""
        ...

    def wake(self) -> None:
        """Switch the radio on, as a measurement or a press of a button does."""
        ...


class Species(Protocol):
    """How to make a specimen."""

    def put(self, site: Site) -> Specimen: ...


Change = Callable[[Specimen], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Visit:
    """One run of the gateway.

    takes: measured just before. changes: done to the device before it. passkey: the digits that
    the person at the gateway enters. interrupted: how far it gets is left to chance; what was
    printed is judged together with the next visit's. killed_after: the gateway is killed, as by a
    power cut, when so many records were sent.
    """

    expects: tuple[Expectation, ...]
    takes: tuple[Taken, ...] = ()
    changes: tuple[Change, ...] = ()
    passkey: int | None = None
    interrupted: bool = False
    killed_after: int | None = None
    links_max: int = LINKS_MAX


@dataclass(frozen=True, slots=True)
class Persona:
    """One inhabitant. `source`: where somebody met it, an address that anyone can open."""

    name: str
    about: Words
    source: str
    outcome: Outcome
    species: Species
    visits: tuple[Visit, ...]

    def expected(self) -> str:
        """Return what must come of each visit, in a line."""
        visits = (visit for visit in self.visits if not visit.interrupted)
        return " ⇒ ".join("; ".join(map(str, each.expects)) or "—" for each in visits)
