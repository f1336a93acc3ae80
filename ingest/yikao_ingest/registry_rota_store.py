"""Puts centres, rotas and holidays of the registry into the database.

The layers of a rota that the file names and the table of holidays are replaced as a whole, because
they are one statement each. What people said on top of a rota is not the file's, and stays.
"""

from collections.abc import Mapping
from typing import Any, Final

from psycopg import Connection

from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_ingest.registry import Registry
from yikao_ingest.registry_rota import HAND_OVER, LAYER_KEYS

SQL: Final = load_sql_blocks("yikao_ingest", "sql/registry_rota.sql")


def store_rotas(conn: Connection, registry: Registry) -> None:
    """Store them, after teams and doctors; the centres first without, then with their rota."""
    for row in registry.rows("centres"):
        conn.execute(SQL["centres"], {"page_privacy": "none", **row.values})
    rotas = [row.values for row in registry.rows("rotas")]
    for rota in rotas:
        conn.execute(SQL["rotas"], rota)
        conn.execute(SQL["clear_layers"], rota)
    for rota in rotas:
        for position, layer in enumerate(rota["layers"]):
            _layer(conn, rota["id"], position, layer)
    for row in registry.rows("centres"):
        _centre(conn, row.values)
    for row in registry.rows("teams"):
        conn.execute(SQL["teams"], {"centre": None, "rota": None, **row.values})
    conn.execute(SQL["clear_holidays"])
    for row in registry.rows("holidays"):
        conn.execute(SQL["holidays"], row.values)


def _layer(conn: Connection, rota_id: str, position: int, layer: Mapping[str, Any]) -> None:
    turns = {"shift_days": 1, "hand_over": HAND_OVER} if "members" in layer else {}
    values = {**dict.fromkeys(LAYER_KEYS), **turns, **layer, "id": rota_id, "position": position}
    conn.execute(SQL["layers"], values)
    for place, doctor in enumerate(layer.get("members", ())):
        key = {"id": rota_id, "layer": position, "position": place}
        conn.execute(SQL["members"], {**key, "doctor": doctor})


def _centre(conn: Connection, centre: Mapping[str, Any]) -> None:
    conn.execute(SQL["duty_rotas"], {"duty_rota": None, **centre})
    conn.execute(SQL["clear_specialists"], centre)
    for one in centre.get("specialists", ()):
        conn.execute(SQL["specialists"], {**one, "id": centre["id"]})
