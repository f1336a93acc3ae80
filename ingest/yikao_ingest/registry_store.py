"""Puts a registry into the database, in one transaction: all of it, or nothing.

What the file no longer names stays: residents and readings are never deleted here. Bindings are
replaced as a whole, because they are a statement about times; where it is another one than before,
readings change hands (`reassign_pass.py`). Groups and targets are added to,
dated and signed: an old decision keeps those it was made with.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

import psycopg
from psycopg import Connection
from psycopg.types.json import Jsonb
from psycopg.types.range import TimestamptzRange

from yikao_alerts.clock import story_clock
from yikao_alerts.resident import TARGETS
from yikao_ingest.directory import ANYBODY, Binding
from yikao_ingest.errors import ServerError
from yikao_ingest.reassign import disputed
from yikao_ingest.reassign_read import SQL as REASSIGN
from yikao_ingest.reassign_read import Work, work_of
from yikao_ingest.registry import Registry
from yikao_ingest.registry_fields import HOME, PROFILE
from yikao_ingest.registry_rota_store import store_rotas
from yikao_ingest.store import SQL

_ORDER: Final = ("devices", "residents")
_LOCK: Final = 0x79696B72
"""Advisory lock of whoever applies a registry."""
_MOST: Final = 1_000_000
"""Devices in a registry, with room to spare."""


def apply_registry(
    dsn: str, registry: Registry, by: str = "registry", now: datetime | None = None
) -> Mapping[str, int]:
    """Store the registry; return how many entries each table now has from it.

    Devices of which it says otherwise whose they were are noted, with who says so: what they
    measured is moved by `reassign_pass.py`. now: the database's clock, unless it is given.

    Refuses with `ServerError` a database without our schema.
    """
    with _our_schema(), psycopg.connect(dsn) as conn:
        _apply(conn, registry, by, now or _read_clock(conn))
    return {table: len(rows) for table, rows in registry.tables.items()}


def preview(dsn: str, registry: Registry) -> tuple[list[Work], Mapping[int, str]]:
    """Return the devices whose readings would be looked at, and what the registry calls everybody
    who has had one; nothing is stored."""
    works = []
    with _our_schema(), psycopg.connect(dsn) as conn, conn.transaction(force_rollback=True):
        now = _read_clock(conn)
        _apply(conn, registry, "", now)
        for row in conn.execute(REASSIGN["due"], {"now": now, "most": _MOST}).fetchall():
            key = {"device_id": row[0]}
            bindings = conn.execute(REASSIGN["bindings_of"], key).fetchall()
            holders = conn.execute(REASSIGN["holders_of"], key).fetchall()
            works.append(work_of(row, bindings, holders))
        who = {"patients": sorted({holder for work in works for holder in work.holders})}
        return works, dict(conn.execute(REASSIGN["codes"], who).fetchall())


@contextmanager
def _our_schema() -> Iterator[None]:
    try:
        yield
    except psycopg.errors.UndefinedTable as error:
        raise ServerError("the database has no schema of ours", "run `yikao migrate`") from error


def _read_clock(conn: Connection) -> datetime:
    row = conn.execute(SQL["read_clock"]).fetchone()
    assert row is not None, "a clock always answers"
    return story_clock().at(row[0].timestamp())


def _apply(conn: Connection, registry: Registry, by: str, now: datetime) -> None:
    conn.execute(REASSIGN["one_at_a_time"], {"lock": _LOCK})
    _teams_and_doctors(conn, registry)
    store_rotas(conn, registry)
    _gateways(conn, registry)
    for table in _ORDER:
        for row in registry.rows(table):
            conn.execute(SQL[f"registry_{table}"], _defaults(row.values))
    _caregivers(conn, registry)
    _profiles(conn, registry, now)
    _cards(conn, registry)
    version = {"version": str(uuid4())}
    conn.execute(REASSIGN["note_change"], version | {"by": by, "now": now})
    _bindings(conn, registry, version | {"now": now})
    conn.execute(SQL["registry_bump"], version)


def _bindings(conn: Connection, registry: Registry, change: Mapping[str, Any]) -> None:
    """Replace the bindings, and have looked at whatever they say otherwise than before."""
    before = _by_device(conn)
    conn.execute(REASSIGN["note_holders"])
    conn.execute(SQL["registry_clear_bindings"])
    for row in registry.rows("bindings"):
        values = row.values
        span = TimestamptzRange(values.get("from"), values.get("until"), "[)")
        slot = values.get("user", ANYBODY)
        conn.execute(SQL["registry_bindings"], {**values, "slot": slot, "valid": span})
    after = _by_device(conn)
    spans = {d: disputed(before.get(d, ()), after.get(d, ())) for d in before.keys() | after.keys()}
    asked = [(device_id, span) for device_id, span in spans.items() if span is not None]
    values = {
        "devices": [device_id for device_id, _ in asked],
        "since": [span.since for _, span in asked],
        "until": [span.until for _, span in asked],
    }
    conn.execute(REASSIGN["ask"], {**values, **change})
    conn.execute(REASSIGN["note_holders"])


def _cards(conn: Connection, registry: Registry) -> None:
    """Store whose cards they are; one that the file does not name is never valid."""
    conn.execute(SQL["registry_clear_cards"])
    for row in registry.rows("cards"):
        span = TimestamptzRange(row.values.get("from"), row.values.get("until"), "[)")
        conn.execute(SQL["registry_cards"], {**row.values, "valid": span})


def _by_device(conn: Connection) -> dict[int, list[Binding]]:
    """Return the bindings as they are stored."""
    found: dict[int, list[Binding]] = {}
    for device_id, *fields in conn.execute(SQL["directory_bindings"]):
        found.setdefault(device_id, []).append(Binding(*fields))
    return found


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


def _gateways(conn: Connection, registry: Registry) -> None:
    """Store the gateways. Refuses another key than the one that a gateway brought itself.

    One that the file does not name stays, also where there is none yet.
    """
    for row in registry.rows("gateways"):
        values = {"public_key": "", **row.values}
        stored = conn.execute(SQL["registry_gateways"], values).fetchone()
        assert stored is not None, "it is returned"
        if values["public_key"] not in ("", stored[0]):
            raise ServerError(
                f"{values['id']} has enrolled itself with another key than the file's",
                "leave public_key out; for a new machine `yikao gateway invite` it",
            )


def _caregivers(conn: Connection, registry: Registry) -> None:
    """Store who of the family is told of what; whoever the file leaves out is told nothing more."""
    conn.execute(SQL["registry_clear_caregivers"])
    for row in registry.rows("caregivers"):
        conn.execute(SQL["registry_caregivers"], _defaults(row.values) | row.values["contact"])


def _profiles(conn: Connection, registry: Registry, now: datetime) -> None:
    """Add what the file says of residents' groups and targets, where that is new in the file.

    An unchanged file has no word against what a doctor has set since.
    """
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
        "station": False,
    }
    return {**optional, **{key: value for key, value in values.items() if key != "contacts"}}
