"""Who answers for residents, read from the database for many at once: doctors, rotas, family.

Whoever a rota may ever name is read along, so that the question who is on call can be asked for any
moment without the database.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection

from yikao_alerts.roster import Care, Caregiver, Contact, Doctor, Duty, specialty_role
from yikao_alerts.rota.model import HandOver, Leave, Rota, Rotas, Rotation
from yikao_alerts.rota.on_call import on_call, stands_in
from yikao_alerts.rota.store import load_leaves, load_rotas
from yikao_alerts.store import SQL

RECENT: Final = timedelta(days=1)
"""Words and leave that ended longer ago have no say."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One resident's row of the statement `care`."""

    patient_id: int
    name: str
    zone: str
    own_id: str
    duty_id: str
    team_rota: str | None
    duty_rota: str | None
    desk_id: str | None
    page_privacy: str
    specialists: Sequence[tuple[str, str]]
    handed: Sequence[str]

    @property
    def rotas(self) -> Mapping[str, str]:
        """Return the rota behind each role that has one."""
        named = {"team": self.team_rota, "duty_doctor": self.duty_rota}
        roles = {role: rota for role, rota in named.items() if rota is not None}
        return roles | {specialty_role(name): rota for name, rota in self.specialists}

    @property
    def people(self) -> set[str]:
        """Return who is named for the resident, apart from rotas."""
        desk = () if self.desk_id is None else (self.desk_id,)
        return {self.own_id, self.duty_id, *desk, *self.handed}


@dataclass(frozen=True, slots=True)
class _Staff:
    """Everybody who may be called, and what says who is on call."""

    doctors: Mapping[str, Doctor]
    rotas: Rotas
    leaves: Sequence[Leave]

    def on_call(self, rota: Rota, at: datetime) -> list[Doctor]:
        """Return who is on call; who is no doctor any more is left out."""
        return [self.doctors[each] for each in on_call(rota, at) if each in self.doctors]

    def present(self, doctor_id: str, at: datetime) -> list[Doctor]:
        """Return the doctor, or who stands in; nobody where nobody does."""
        found = self.doctors.get(stands_in(doctor_id, at, self.leaves) or "")
        return [] if found is None else [found]

    def duties(self, row: _Row) -> dict[str, Duty]:
        """Return who is on call for a resident, by role."""
        duties: dict[str, Duty] = {
            "own_doctor": partial(self.present, row.own_id),
            "duty_doctor": partial(self.present, row.duty_id),
        }
        if row.desk_id is not None:
            duties["duty_desk"] = partial(self.present, row.desk_id)
        return duties | {
            role: partial(self.on_call, self.rotas[rota]) for role, rota in row.rotas.items()
        }


async def load_care(
    conn: AsyncConnection, patients: Iterable[int], now: datetime
) -> dict[int, Care]:
    """Return who answers for each resident; the registry guarantees that somebody does."""
    wanted = list(patients)
    rows = [_Row(*row) for row in await _rows(conn, "care", patients=wanted)]
    family = await _rows(conn, "caregivers", patients=wanted, now=now)
    staff = await _staff(conn, rows, now)
    return {row.patient_id: _care(row, staff, family) for row in rows}


def _care(row: _Row, staff: _Staff, family: Sequence[tuple[Any, ...]]) -> Care:
    return Care(
        row.patient_id,
        ZoneInfo(row.zone),
        staff.doctors[row.own_id],
        staff.doctors[row.duty_id],
        staff.duties(row),
        tuple(
            Caregiver(number, channel, address, language, frozenset(notices))
            for patient_id, number, channel, address, language, notices in family
            if patient_id == row.patient_id
        ),
        {each: staff.doctors[each] for each in row.handed},
        row.page_privacy,
        row.name,
    )


async def _staff(conn: AsyncConnection, rows: Sequence[_Row], now: datetime) -> _Staff:
    named = {rota for row in rows for rota in row.rotas.values()}
    rotas = await load_rotas(conn, now - RECENT) if named else {}
    leaves = await load_leaves(conn, now - RECENT)
    people = {person for row in rows for person in row.people}
    people |= {leave.substitute for leave in leaves if leave.substitute is not None}
    for rota in named:
        people |= named_in(rotas[rota])
    return _Staff(await _doctors(conn, people), rotas, leaves)


def named_in(rota: Rota) -> set[str]:
    """Return everybody whom a rota may ever name, apart from those who stand in at leave."""
    found: set[str] = set()
    for layer in rota.layers:
        turns = layer.turns
        found |= set(turns.members) if isinstance(turns, Rotation) else named_in(turns)
    for word in rota.words:
        found |= {word.taker} if isinstance(word, HandOver) else set(word.doctors)
    return found


async def _doctors(conn: AsyncConnection, people: Iterable[str]) -> dict[str, Doctor]:
    languages: dict[str, str] = {}
    contacts: dict[str, list[Contact]] = {}
    for doctor_id, language, position, *way in await _rows(conn, "doctors", doctors=sorted(people)):
        languages[doctor_id] = language
        found = contacts.setdefault(doctor_id, [])
        if position is not None:
            found.append(Contact(position, *way))
    return {
        doctor_id: Doctor(doctor_id, language, tuple(contacts[doctor_id]))
        for doctor_id, language in languages.items()
    }


async def _rows(conn: AsyncConnection, statement: str, **values: Any) -> list[tuple[Any, ...]]:
    cursor = conn.cursor(binary=True)
    await cursor.execute(SQL[statement], values)
    return await cursor.fetchall()
