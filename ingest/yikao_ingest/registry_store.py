"""Puts a registry into the database, in one transaction: all of it, or nothing.

What the file no longer names stays: residents and readings are never deleted here. Bindings are
replaced as a whole, because they are a statement about times. Groups and targets are added to,
dated and signed: an old decision keeps those it was made with.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

import psycopg
from psycopg import Connection
from psycopg.types.json import Jsonb
from psycopg.types.range import TimestamptzRange

from yikao_alerts.clock import story_clock
from yikao_alerts.resident import TARGETS
from yikao_ingest.directory import ANYBODY
from yikao_ingest.errors import ServerError
from yikao_ingest.registry import Registry
from yikao_ingest.registry_fields import HOME, PROFILE
from yikao_ingest.registry_rota_store import store_rotas
from yikao_ingest.store import SQL

_ORDER: Final = ("gateways", "devices", "residents")


def apply_registry(dsn: str, registry: Registry) -> Mapping[str, int]:
    """Store the registry; return how many entries each table now has from it.

    Refuses with `ServerError` a database without our schema.
    """
    try:
        _apply(dsn, registry)
    except psycopg.errors.UndefinedTable as error:
        raise ServerError("the database has no schema of ours", "run `yikao migrate`") from error
    return {table: len(rows) for table, rows in registry.tables.items()}


def _apply(dsn: str, registry: Registry) -> None:
    with psycopg.connect(dsn) as conn:
        _teams_and_doctors(conn, registry)
        store_rotas(conn, registry)
        for table in _ORDER:
            for row in registry.rows(table):
                conn.execute(SQL[f"registry_{table}"], _defaults(row.values))
        _caregivers(conn, registry)
        _profiles(conn, registry)
        conn.execute(SQL["registry_clear_bindings"])
        for row in registry.rows("bindings"):
            values = row.values
            span = TimestamptzRange(values.get("from"), values.get("until"), "[)")
            slot = values.get("user", ANYBODY)
            conn.execute(SQL["registry_bindings"], {**values, "slot": slot, "valid": span})
        conn.execute(SQL["registry_bump"], {"version": str(uuid4())})


def _teams_and_doctors(conn: Connection, registry: Registry) -> None:
    """Teams first without, then with their duty doctor: each names the other."""
    for row in registry.rows("teams"):
        conn.execute(SQL["registry_teams"], row.values)
    for row in registry.rows("doctors"):
        conn.execute(SQL["registry_doctors"], _defaults(row.values))
        conn.execute(SQL["registry_clear_contacts"], row.values)
        for position, contact in enumerate(row.values["contacts"]):
            key = {"id": row.values["id"], "position": position}
            conn.execute(SQL["registry_contacts"], {**contact, **key})
    for row in registry.rows("teams"):
        conn.execute(SQL["registry_duty"], row.values)


def _caregivers(conn: Connection, registry: Registry) -> None:
    """Store who of the family is told of what; whoever the file leaves out is told nothing more."""
    conn.execute(SQL["registry_clear_caregivers"])
    for row in registry.rows("caregivers"):
        conn.execute(SQL["registry_caregivers"], _defaults(row.values) | row.values["contact"])


def _profiles(conn: Connection, registry: Registry) -> None:
    """Add what the file says of residents' groups and targets, where that is new in the file.

    An unchanged file has no word against what a doctor has set since.
    """
    row = conn.execute(SQL["read_clock"]).fetchone()
    assert row is not None, "a clock always answers"
    now = story_clock().at(row[0].timestamp())
    for entry in registry.rows("residents"):
        if not PROFILE.keys() & entry.values.keys():
            continue
        values = {
            "code": entry.values["id"],
            "groups": sorted(entry.values.get("groups", ())),
            "options": sorted(entry.values.get("options", ())),
            "targets": Jsonb({k: float(v) for k, v in entry.values.items() if k in TARGETS}),
            "now": now,
        }
        for (patient_id,) in conn.execute(SQL["registry_profiles"], values).fetchall():
            key = {"patients": [patient_id], "now": now}
            conn.execute(SQL["queue_evaluations"], key)


def _defaults(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry with its optional fields present."""
    optional = dict.fromkeys(("birth_year", "sex", "model", *HOME)) | {
        "language": "zh",
        "synthetic": False,
    }
    return {**optional, **{key: value for key, value in values.items() if key != "contacts"}}
