"""What centres, rotas, teams and doctors are called, for people who read about who is on call."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from psycopg import AsyncConnection

from yikao_alerts.rota.store import rows_of


@dataclass(frozen=True, slots=True)
class Centre:
    """A centre, its zone, its rota for all teams and the doctor who is its desk."""

    centre_id: str
    name: str
    zone: str
    duty_rota: str | None
    duty_desk: str


@dataclass(frozen=True, slots=True)
class Person:
    """A doctor; `centre` of the doctor's team."""

    doctor_id: str
    name: str
    language: str
    team: str
    centre: str | None


@dataclass(frozen=True, slots=True)
class RotaName:
    """A rota's name, centre and zone."""

    rota_id: str
    name: str
    centre: str
    zone: str


@dataclass(frozen=True, slots=True)
class Names:
    """Everything by its id."""

    centres: Mapping[str, Centre]
    doctors: Mapping[str, Person]
    rotas: Mapping[str, RotaName]
    teams: Mapping[str, str]

    def of(self, name_id: str) -> str:
        """Return what a doctor, rota or team is called; the id where it is none."""
        if name_id in self.doctors:
            return self.doctors[name_id].name
        if name_id in self.rotas:
            return self.rotas[name_id].name
        return self.teams.get(name_id, name_id)

    @property
    def doctor_names(self) -> Mapping[str, str]:
        """Return every doctor's name by id."""
        return {doctor_id: person.name for doctor_id, person in self.doctors.items()}


@dataclass(frozen=True, slots=True)
class Said:
    """A word that counts or will; `what` and `number` withdraw it, `doctors` may be nobody."""

    what: str
    number: int
    kind: str
    rota: str | None
    doctors: tuple[str, ...]
    giver: str | None
    begin: datetime
    end: datetime
    reason: str
    at: datetime
    by: str


async def load_names(conn: AsyncConnection) -> Names:
    """Return all names."""
    return Names(
        {row[0]: Centre(*row) for row in await rows_of(conn, "centres")},
        {row[0]: Person(*row) for row in await rows_of(conn, "doctors")},
        {row[0]: RotaName(*row) for row in await rows_of(conn, "rota_names")},
        {row[0]: row[1] for row in await rows_of(conn, "team_names")},
    )


async def load_said(conn: AsyncConnection, now: datetime) -> list[Said]:
    """Return what people said that still counts or will, the newest first."""
    rows = await rows_of(conn, "said", now=now)
    return [
        Said(what, number, kind, rota, tuple(doctors), *rest)
        for what, number, kind, rota, doctors, *rest in rows
    ]
