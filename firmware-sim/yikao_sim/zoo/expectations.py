"""What a gateway must print about a visit: readings, events, refused frames."""

from dataclasses import dataclass

from yikao_sim.zoo.notation import show_taken
from yikao_sim.zoo.taken import Pressure, Sugar

WITHIN_S = 90.0
"""How far a time may be off: several devices keep minutes only, and their clocks are read once."""
MEAL_MISSING = "context_missing"
SHOWN = 3
"""Readings that a line names; the others are counted."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Each of `taken` comes as one reading. flags: it carries them. within_s: of its time, None
    where nobody can know the time. meal_or_flag: it has its meal or says that this is missing."""

    taken: tuple[Pressure | Sugar, ...]
    flags: tuple[str, ...] = ()
    within_s: float | None = WITHIN_S
    meal_or_flag: bool = False

    def __str__(self) -> str:
        shown = ", ".join(map(show_taken, self.taken[:SHOWN]))
        more = f", … +{len(self.taken) - SHOWN}" if len(self.taken) > SHOWN else ""
        flags = f" [{' '.join(self.flags)}]" if self.flags else ""
        missing = f" [{MEAL_MISSING}?]" if self.meal_or_flag else ""
        return f"{shown}{more}{flags}{missing}"


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
