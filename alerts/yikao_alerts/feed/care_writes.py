"""What a doctor writes: worklist entries done or put off, labels, profiles, doubts settled.

Each write is one transaction, and says whether there was anything to change: whoever comes second
with the same change, or with an older page before him, changes nothing and is told so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from psycopg.types.json import Jsonb

from yikao_alerts.feed.connections import Connection
from yikao_alerts.feed.store import SQL, Store
from yikao_alerts.store import EVALUATE, notify

NOON: Final = time(12)
"""Certainly of that day, wherever a day at home begins."""


@dataclass(frozen=True, slots=True)
class ProfileSet:
    """What a doctor sets for a resident: codes of `resident.py`, targets in their own units."""

    groups: Sequence[str]
    targets: Mapping[str, float]
    options: Sequence[str]
    note: str


@dataclass(frozen=True, slots=True)
class TreatmentSet:
    """A change of treatment: which value it moves, how, and from which day on; no drug, no dose."""

    signal: str
    change: str
    from_day: date
    note: str


async def finish_entry(store: Store, entry_id: int, doctor_id: str) -> bool:
    """Take an entry from the list as done; False where it was no longer open."""
    async with store.writing() as (connection, now):
        values = {"entry_id": entry_id, "doctor_id": doctor_id, "now": now}
        return bool((await connection.execute(SQL["finish_entry"], values)).rowcount)


async def put_off_entry(
    store: Store, entry_id: int, doctor_id: str, put_off: timedelta, reason: str
) -> bool:
    """Hide an open entry for a time, with the reason; False where it was no longer open."""
    async with store.writing() as (connection, now):
        values = {"entry_id": entry_id, "doctor_id": doctor_id, "now": now}
        values |= {"until": now + put_off, "reason": reason}
        return bool((await connection.execute(SQL["put_off_entry"], values)).rowcount)


async def set_label(
    store: Store, patient_id: int, doctor_id: str, label: str, reason: str, stands: timedelta
) -> None:
    """Let a person's word stand above the rules' label for a time; for none, it is taken back."""
    async with store.writing() as (connection, now):
        values = {"patient_id": patient_id, "doctor_id": doctor_id, "now": now}
        values |= {"label": label, "reason": reason, "expires_at": now + stands}
        await connection.execute(SQL["set_label"], values)


async def add_profile(
    store: Store, patient_id: int, doctor_id: str, profile: ProfileSet, based_on: int | None
) -> bool:
    """Append what is set for a resident and have the rules look again.

    based_on: the profile that was on the page, None for none. False where it is no longer the
    newest: somebody else has set something meanwhile, and would be overwritten unseen.
    """
    async with store.writing() as (connection, now):
        values = {"patient_id": patient_id, "doctor_id": doctor_id, "now": now}
        await connection.execute(SQL["lock_profiles"], values)
        newest = await (await connection.execute(SQL["newest_profile"], values)).fetchone()
        if (newest[0] if newest else None) != based_on:
            return False
        values |= {
            "groups": list(profile.groups),
            "targets": Jsonb(dict(profile.targets)),
            "options": list(profile.options),
            "note": profile.note,
        }
        await connection.execute(SQL["add_profile"], values)
        await _look_again(connection, patient_id, now)
        return True


async def add_treatment(
    store: Store, patient_id: int, doctor_id: str, change: TreatmentSet, zone: str
) -> bool:
    """Write down a change of treatment and have its days counted anew; False if it is there."""
    async with store.writing() as (connection, now):
        values = {"patient_id": patient_id, "doctor_id": doctor_id, "now": now}
        values |= {name: getattr(change, name) for name in TreatmentSet.__slots__}
        if not (await connection.execute(SQL["add_treatment"], values)).rowcount:
            return False
        await _count_anew(connection, patient_id, change.from_day, zone)
        return True


async def take_back_treatment(
    store: Store, patient_id: int, doctor_id: str, change_id: int, zone: str
) -> bool:
    """Take back a change of treatment; False where it no longer stood."""
    async with store.writing() as (connection, now):
        values = {"patient_id": patient_id, "doctor_id": doctor_id, "now": now}
        values |= {"change_id": change_id}
        row = await (await connection.execute(SQL["take_back_treatment"], values)).fetchone()
        if row is None:
            return False
        await _count_anew(connection, patient_id, row[0], zone)
        return True


async def answer_doubt(
    store: Store, patient_id: int, doctor_id: str, reading_key: str, answer: str
) -> bool:
    """Say whose a doubted reading is, and have its day counted anew; False if nothing changed."""
    async with store.writing() as (connection, now):
        values = {"patient_id": patient_id, "doctor_id": doctor_id, "now": now}
        values |= {"reading_key": reading_key, "answer": answer}
        row = await (await connection.execute(SQL["answer_doubt"], values)).fetchone()
        if row is None:
            return False
        await connection.execute(SQL["touch_days"], {**values, "measured_at": row[0]})
        await _look_again(connection, patient_id, now)
        return True


async def _count_anew(connection: Connection, patient_id: int, first: date, zone: str) -> None:
    """Have a resident's days counted anew from `first` on, as if a reading of it came late."""
    at = datetime.combine(first, NOON, ZoneInfo(zone))
    await connection.execute(SQL["touch_days"], {"patient_id": patient_id, "measured_at": at})


async def _look_again(connection: Connection, patient_id: int, now: datetime) -> None:
    await connection.execute(SQL["evaluate_again"], {"patient_id": patient_id, "now": now})
    await notify(connection, EVALUATE)
