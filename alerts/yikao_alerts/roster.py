"""Who answers for a resident at a moment, and how each of them is reached: never nobody."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from yikao_alerts.channels.kinds import KIND_OF

LADDER: Final = ("own_doctor", "team", "duty_doctor", "duty_desk")
"""From the signed doctor over the team and the centre's duty doctor to its desk, which always has
somebody. A role that nobody fills at the moment falls to the next."""
SPECIALIST: Final = "specialist"
ROLES: Final = (*LADDER, SPECIALIST)
"""Whom a step of the escalation policy may name."""


@dataclass(frozen=True, slots=True)
class Contact:
    """One way to reach a doctor; `position` orders them, 0 is tried first."""

    position: int
    channel: str
    address: str


@dataclass(frozen=True, slots=True)
class Doctor:
    """Somebody who can be paged; the registry refuses one without a contact."""

    doctor_id: str
    language: str
    contacts: tuple[Contact, ...]

    def contact(self, by: str | None, used: frozenset[int]) -> Contact:
        """Return how to call: the first contact, or the first of the kind `by`.

        Who has none of that kind is called by the first contact that was not `used` yet, by
        position: another way is better than the same again. Without a contact at all: ValueError.
        """
        if not self.contacts:
            raise ValueError(f"doctor {self.doctor_id} has no contact")
        if by is None:
            return self.contacts[0]
        fitting = [c for c in self.contacts if KIND_OF.get(c.channel) == by]
        fresh = [c for c in self.contacts if c.position not in used]
        return (*fitting, *fresh, *self.contacts)[0]


@dataclass(frozen=True, slots=True)
class Caregiver:
    """Somebody of the family who agreed to be told: `notices` are the kinds they want."""

    caregiver_id: int
    channel: str
    address: str
    language: str
    notices: frozenset[str]


Duty = Callable[[datetime], Sequence[Doctor]]
"""Who is on call at a moment, whom to call first at the front; may be nobody."""


@dataclass(frozen=True, slots=True)
class Care:
    """A resident's care.

    own_doctor: who signed. duty_doctor: whom the registry names for the team, for when a rota has
    nobody. duties: who is on call, by role, and for specialists as `specialist:obstetric`. handed:
    doctors to whom episodes were handed over. zone: where the resident lives. page_privacy, name:
    what a page may say of whom it is about.
    """

    patient_id: int
    zone: ZoneInfo
    own_doctor: Doctor
    duty_doctor: Doctor
    duties: Mapping[str, Duty] = field(default_factory=dict)
    caregivers: tuple[Caregiver, ...] = ()
    handed: Mapping[str, Doctor] = field(default_factory=dict)
    page_privacy: str = "none"
    name: str = ""

    def who(self, role: str, at: datetime) -> Doctor:
        """Return the person behind a role at a moment: the first on the way down with a contact.

        role: of `ROLES`, a specialist as `specialist:obstetric`; where no specialist is on call it
        is the centre's duty doctor. Nobody is returned who cannot be reached, as long as anybody
        of the resident's own doctor and the team's duty doctor can, which the registry sees to.
        """
        return next(
            (doctor for doctor in self._down(role, at) if doctor.contacts), self.duty_doctor
        )

    def handed_to(self, doctor_id: str | None) -> "Care":
        """Return the same care with another doctor in the own doctor's place, as long as known."""
        taker = self.handed.get(doctor_id or "")
        if taker is None:
            return self
        duties = {role: duty for role, duty in self.duties.items() if role != "own_doctor"}
        return replace(self, own_doctor=taker, duties=duties)

    def asks(self, specialty: str | None) -> bool:
        """Return whether the centre has a rota of such specialists."""
        return specialty_role(specialty) in self.duties

    def _down(self, role: str, at: datetime) -> Iterator[Doctor]:
        first = LADDER.index(role if role in LADDER else "duty_doctor")
        for each in (role, *LADDER[first:]):
            yield from self._on_duty(each, at)
        yield self.duty_doctor
        yield self.own_doctor

    def _on_duty(self, role: str, at: datetime) -> Sequence[Doctor]:
        duty = self.duties.get(role)
        if duty is not None:
            return duty(at)
        return (self.own_doctor,) if role == "own_doctor" else ()


def specialty_role(specialty: str | None) -> str:
    """Return the role of whoever is on call for a specialty."""
    return f"{SPECIALIST}:{specialty}"
