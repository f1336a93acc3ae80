"""Writes down what a gateway is to do differently: one revision after the other, each complete."""

from collections.abc import Mapping, Set
from datetime import datetime
from typing import Any, Final

import msgspec
import psycopg
from msgspec import ValidationError, structs

from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_devices.wire_configuration import Configuration, decode_configuration, faulty_field
from yikao_ingest.errors import ServerError

SQL: Final = load_sql_blocks("yikao_ingest", "sql/gateways.sql")
NAMES: Final = tuple(name for name in Configuration.__struct_fields__ if name != "revision")
"""What may be wished."""


def next_wish(
    newest: Configuration | None,
    answered: int,
    changes: Mapping[str, Any],
    unset: Set[str],
    now: datetime,
) -> Configuration:
    """Return the next revision: the newest wish, changed. A log level that is over is left out.

    answered: the revision the gateway last spoke of, which a restored database may not know. Raises
    `ServerError` for what no gateway would take.
    """
    values = structs.asdict(newest) if newest else {}
    if newest and newest.log_until is not None and newest.log_until <= now:
        unset = unset | {"log_level", "log_until"}
    values = {name: value for name, value in values.items() if name not in unset}
    revision = max(newest.revision if newest else 0, answered) + 1
    try:
        wish = msgspec.convert({**values, **changes, "revision": revision}, Configuration)
    except ValidationError as error:
        raise ServerError(
            f"no gateway takes that, {error}", "write a value within bounds"
        ) from error
    if field := faulty_field(wish):
        raise ServerError(f"{field} is missing", "write --log-level and --for together")
    return wish


def configure(
    conn: psycopg.Connection,
    gateway_id: str,
    changes: Mapping[str, Any],
    unset: Set[str],
    by: str,
    now: datetime,
) -> Configuration:
    """Store what a gateway is to do from now on, and return it; the active ingest sends it."""
    key = {"gateway_id": gateway_id}
    with conn.transaction():
        if conn.execute(SQL["lock_gateway"], key).fetchone() is None:
            raise ServerError(
                f"no gateway is called {gateway_id}", "see `yikao gateway show --all`"
            )
        row = conn.execute(SQL["newest_wish"], key).fetchone()
        newest = decode_configuration(row[0].encode()) if row else None
        answered = conn.execute(SQL["newest_answered"], key).fetchone()
        wish = next_wish(newest, answered[0] if answered else 0, changes, unset, now)
        wished = msgspec.json.encode(wish).decode()
        conn.execute(
            SQL["insert_wish"],
            key
            | {
                "revision": wish.revision,
                "wished": wished,
                "by": by,
                "now": now,
            },
        )
    return wish
