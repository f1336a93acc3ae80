"""Who answers for a resident, and how each of them is reached."""

from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

ROLES: Final = ("own_doctor", "duty_doctor")
"""Whom a step of the escalation policy may name: the signed doctor, the team's on duty."""


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


@dataclass(frozen=True, slots=True)
class Care:
    """A resident's care: the signed doctor, the team's duty doctor, the team's time zone."""

    patient_id: int
    zone: ZoneInfo
    own_doctor: Doctor
    duty_doctor: Doctor

    def who(self, role: str) -> Doctor:
        """Return the person behind a role of the escalation policy."""
        return dict(zip(ROLES, (self.own_doctor, self.duty_doctor), strict=True))[role]
