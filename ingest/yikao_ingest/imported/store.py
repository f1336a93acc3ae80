"""Puts the readings of a file into the database, in one transaction: all of them, or none."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from psycopg import Connection

from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_ingest.errors import ServerError
from yikao_ingest.imported.entry import Entry

SQL: Final = load_sql_blocks("yikao_ingest", "sql/imported.sql")


@dataclass(frozen=True, slots=True)
class Resident:
    """Whose readings they are, and the zone of the team's clocks."""

    patient_id: int
    code: str
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Origin:
    """Where they come from: the file's name and bytes, who imports, and when."""

    name: str
    data: bytes
    by: str
    at: datetime


def find_resident(conn: Connection, code: str) -> Resident:
    """Return the resident of that code; refuses with `ServerError` one who is not there."""
    row = conn.execute(SQL["resident"], {"code": code}).fetchone()
    if row is None:
        raise ServerError(f"no resident {code}", "name one by the id of the registry")
    return Resident(row[0], code, ZoneInfo(row[1]))


def store(conn: Connection, resident: Resident, entries: Sequence[Entry], origin: Origin) -> int:
    """Store what is not there yet; return how many readings that were."""
    where = {
        "patient_id": resident.patient_id,
        "file_name_sha256": hashlib.sha256(os.fsencode(origin.name)).digest(),
        "file_sha256": hashlib.sha256(origin.data).digest(),
        "imported_by": origin.by,
        "imported_at": origin.at,
    }
    rows = [
        entry.columns() | where | {"reading_id": entry.reading_id(resident.code)}
        for entry in entries
    ]
    with conn.transaction(), conn.cursor() as cursor:
        cursor.executemany(SQL["insert_imported"], rows)
        return max(cursor.rowcount, 0)
