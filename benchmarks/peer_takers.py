"""The peers people use today beside us: mq-bridge and Node-RED, set up as their users do.

They get plain messages and insert them. One that is not installed is named and left out;
`peers/README.md` says how each is installed and set up.
"""

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGUSR1
from typing import LiteralString
from urllib.parse import urlencode

import psycopg
from crowd import Crowd, Placed, plain
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from publishing import Outgoing
from servers import Servers
from takers import POLL_S, READY_S, launch

from yikao_ingest.embedded.child import Child

PEERS = "YIKAO_BENCH_PEERS"
PEERS_DEFAULT = Path.home() / ".cache" / "yikao-peers"
HERE = Path(__file__).parent / "peers"
SESSION_S = 86_400
IN_FLIGHT = 500
"""Messages ahead of the acknowledgements, as many as the broker allows, and as many in a batch."""

KEY = ("patient_id", "time", "device_id", "kind")
PEER_TABLE: LiteralString = "CREATE TABLE IF NOT EXISTS {} (LIKE reading, PRIMARY KEY ({}))"
BULK = "INSERT INTO {table} ({columns}) VALUES ({values})"


@dataclass(frozen=True, slots=True)
class MqBridge:
    """mq-bridge: MQTT 5 in, SQLx out, acknowledged when inserted; a route in a Python host.

    `bulk`: by COPY, its fastest way, which drops readings of the batch in which one comes twice;
    otherwise by INSERT … ON CONFLICT DO UPDATE, which keeps each once.
    """

    python: Path
    name: str
    table: str
    bulk: bool = False

    @property
    def tables(self) -> Sequence[str]:
        """Return its table."""
        return (self.table,)

    def prepare(self, dsn: str) -> None:
        """Make its table."""
        _make(dsn, self.table)

    def pack(self, readings: Sequence[Placed], crowd: Crowd) -> list[Outgoing]:
        """Return plain messages of one reading."""
        return plain(readings, self.table)

    def start(self, servers: Servers) -> Child:
        """Start its host, which waits for a signal."""
        route = servers.folder / f"{self.table}.json"
        ready = route.with_suffix(".ready")
        ready.unlink(missing_ok=True)
        route.write_text(json.dumps(self._route(servers)))
        command = (str(self.python), str(HERE / "mq_bridge_route.py"), str(route))
        child = launch(command, servers.folder / f"{self.table}.log", os.environ)
        _await_file(ready, child)
        return child

    def let_go(self, child: Child) -> None:
        """Send the signal."""
        os.kill(child.pid, SIGUSR1)

    def _route(self, servers: Servers) -> dict[str, object]:
        where = conninfo_to_dict(servers.dsn)
        server = urlencode({"host": where["host"], "port": where["port"]})
        mqtt = {
            "url": f"tcp://127.0.0.1:{servers.port}",
            "topic": f"{self.table}/+",
            "client_id": self.table,
            "session_expiry_interval": SESSION_S,
            "max_inflight": IN_FLIGHT,
            "queue_capacity": IN_FLIGHT,
        }
        sqlx = {
            "url": f"postgres://{where['user']}@localhost/{where['dbname']}?{server}",
            "table": self.table,
            **self._way(servers),
        }
        return {"input": {"mqtt": mqtt}, "output": {"sqlx": sqlx}, "batch_size": IN_FLIGHT}

    def _way(self, servers: Servers) -> dict[str, object]:
        if not self.bulk:
            return {"columns": "auto", "key": ",".join(KEY)}
        columns = _columns(servers.dsn)
        query = BULK.format(
            table=self.table,
            columns=", ".join(columns),
            values=", ".join(f"${{payload:{name}}}" for name in columns),
        )
        return {"insert_query": query, "bulk_copy": True}


@dataclass(frozen=True, slots=True)
class NodeRed:
    """Node-RED: an MQTT node, and a function node with a pool of connections; begins at once."""

    modules: Path
    name: str = "Node-RED 4.1"
    table: str = "peer_node_red"

    @property
    def tables(self) -> Sequence[str]:
        """Return its table."""
        return (self.table,)

    def prepare(self, dsn: str) -> None:
        """Make its table."""
        _make(dsn, self.table)

    def pack(self, readings: Sequence[Placed], crowd: Crowd) -> list[Outgoing]:
        """Return plain messages of one reading."""
        return plain(readings, self.table)

    def start(self, servers: Servers) -> Child:
        """Start it; it connects when it is ready."""
        columns = _columns(servers.dsn)
        where = conninfo_to_dict(servers.dsn)
        environ = {
            **os.environ,
            "PEER_MODULES": str(self.modules),
            "PEER_FOLDER": str(servers.folder),
            "PEER_BROKER_PORT": str(servers.port),
            "PEER_TOPIC": f"{self.table}/+",
            "PEER_CLIENT": self.table,
            "PEER_TABLE": self.table,
            "PEER_COLUMNS": ",".join(columns),
            **{f"PG{name.upper()}": str(where[name]) for name in ("host", "port", "user")},
            "PGDATABASE": str(where["dbname"]),
        }
        command = ("node", str(HERE / "node_red.js"))
        return launch(command, servers.folder / f"{self.table}.log", environ)

    def let_go(self, child: Child) -> None:
        """Do nothing: it has begun."""


def peers() -> Iterator[MqBridge | NodeRed]:
    """Yield the peers that are installed; the others are named, loudly."""
    folder = Path(os.environ.get(PEERS) or PEERS_DEFAULT)
    python, modules = folder / "mq-bridge/bin/python", folder / "node-red/node_modules"
    if python.exists():
        yield MqBridge(python, "mq-bridge 1.2", "peer_mq_bridge")
        yield MqBridge(python, "mq-bridge 1.2, COPY", "peer_mq_bridge_copy", bulk=True)
    else:
        _missing("mq-bridge", python)
    if modules.exists():
        yield NodeRed(modules)
    else:
        _missing("Node-RED", modules)


def _missing(name: str, path: Path) -> None:
    print(
        f"NOT MEASURED: {name} is not installed ({path}); benchmarks/peers/README.md says how",
        file=sys.stderr,
    )


def _await_file(file: Path, child: Child) -> None:
    until = time.monotonic() + READY_S
    while not file.exists():
        assert child.poll() is None and time.monotonic() < until, f"{file}: never made"
        time.sleep(POLL_S)


def _make(dsn: str, table: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        key = sql.SQL(", ").join(map(sql.Identifier, KEY))
        conn.execute(sql.SQL(PEER_TABLE).format(sql.Identifier(table), key))


def _columns(dsn: str) -> list[str]:
    """Return the names of our columns."""
    with psycopg.connect(dsn) as conn:
        return [
            column.name
            for column in conn.execute("SELECT * FROM reading LIMIT 0").description or ()
        ]
