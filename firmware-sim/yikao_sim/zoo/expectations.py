"""What a gateway must print about a visit: readings, events, refused frames."""

from dataclasses import dataclass

from yikao_sim.zoo.notation import show_taken
from yikao_sim.zoo.taken import Kept

WITHIN_S = 90.0
"""How far a time may be off: several devices keep minutes only, and their clocks are read once."""
SHOWN = 3
"""Readings that a line names; the others are counted."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Each of `taken` comes as one reading. flags: it carries them. within_s: of its time, None
    where nobody can know the time."""

    taken: tuple[Kept, ...]
    flags: tuple[str, ...] = ()
    within_s: float | None = WITHIN_S

    def __str__(self) -> str:
        shown = ", ".join(map(show_taken, self.taken[:SHOWN]))
        more = f", … +{len(self.taken) - SHOWN}" if len(self.taken) > SHOWN else ""
        flags = f" [{' '.join(self.flags)}]" if self.flags else ""
        return f"{shown}{more}{flags}"


@dataclass(frozen=True, slots=True)
class Event:
    """The event `code` comes once."""

    code: str

    def __str__(self) -> str:
        return f"event {self.code}"


@dataclass(frozen=True, slots=True)
class Refused:
    """One frame is handed on as refused, with its bytes."""

    def __str__(self) -> str:
        return "refused"


Expectation = Stored | Event | Refused
