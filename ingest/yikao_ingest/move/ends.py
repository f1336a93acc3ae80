"""The two ends of a move: both quiet, both of this version's schema, the target otherwise empty."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import psycopg
from psycopg import Connection, sql

from yikao_alerts.working import CONNECT_TIMEOUT_S, WATCHED
from yikao_ingest.embedded.errors import EmbeddedError, FolderInUseError
from yikao_ingest.embedded.postgres import EmbeddedPostgres
from yikao_ingest.migrate import MigrationError, migrate, schema_current
from yikao_ingest.move.errors import MoveError
from yikao_ingest.move.units import SQL, one
from yikao_ingest.settings import DATABASE_URL, default_data_dir
from yikao_ingest.store import LOCK

PROGRESS: Final = "move_progress"
META: Final = "schema_meta"
MIGRATIONS: Final = "schema_migration"
OWN: Final = frozenset((PROGRESS, META, MIGRATIONS, "upkeep_task", "upkeep_packed"))
"""What each end knows of itself."""
COMPUTED: Final = frozenset(("reading_daily", "reading_hourly", "rollup_touched"))
"""What each end makes of its readings by itself, in the way of its kind of storage."""
STOP_SERVING: Final = (
    "stop `yikao serve`, or the roles that use it, and run this again; gateways keep their readings"
    " until the new server has them"
)


@contextmanager
def source_dsn(data: Path | None, now: datetime) -> Iterator[str]:
    """Give the database to move: the embedded one in `data`, started for the block and brought to
    this version's schema.

    Without `data` it is the one that is set, else the embedded one in its usual place.
    """
    url = os.environ.get(DATABASE_URL)
    if data is None and url:
        yield url
        return
    folder = data or default_data_dir(os.environ)
    if not (folder / "pg" / "data").is_dir():
        raise MoveError(f"no embedded database in {folder}", "name its folder with --data")
    postgres = EmbeddedPostgres(folder / "pg")
    try:
        dsn = postgres.start()
        _migrate(dsn, now, "source")
        yield dsn
    except FolderInUseError as error:
        raise MoveError(error.message, STOP_SERVING) from error
    except EmbeddedError as error:
        raise MoveError(error.message, error.remedy) from error
    finally:
        postgres.stop()


@contextmanager
def opened(dsn: str) -> Iterator[Connection]:
    """Have a connection to one end for the block, its texts shaped as the other's."""
    with psycopg.connect(
        dsn, autocommit=True, client_encoding="UTF8", connect_timeout=CONNECT_TIMEOUT_S, **WATCHED
    ) as conn:
        conn.execute(SQL["settle_texts"])
        yield conn


def prepare(source: Connection, target: Connection, target_dsn: str, now: datetime) -> str:
    """Make both ends ready; return what names the source.

    No ingest starts at either end while these connections last. Refuses with `MoveError` ends that
    are the same, at work, not ours or, for the target, in use.
    """
    identity = str(one(source, SQL["identity"]))
    if identity == one(target, SQL["identity"]):
        raise MoveError("source and target are the same database", "name another with --to")
    if not schema_current(source):
        raise MoveError("the source has not this version's schema", "run `yikao migrate` on it")
    for conn, end in ((source, "source"), (target, "target")):
        if not one(conn, SQL["take_ingest_lock"], {"key": LOCK}):
            raise MoveError(f"ingest is at work on the {end}", STOP_SERVING)
    known = one(target, SQL["has"], {"table": MIGRATIONS})
    if not known and (strange := target.execute(SQL["tables"]).fetchall()):
        raise MoveError(
            f"the target holds other data: the table {strange[0][0]}", "make an empty database"
        )
    _migrate(target_dsn, now, "target")
    _check_progress(target, identity)
    return identity


def _migrate(dsn: str, now: datetime, end: str) -> None:
    try:
        migrate(dsn, now)
    except MigrationError as error:
        raise MoveError(f"the {end}'s schema stays as it is", str(error)) from error
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        reason = str(error).partition("\n")[0]
        remedy = "give its user the right to make schemas and extensions"
        raise MoveError(f"the {end}'s schema stays as it is, {reason}", remedy) from error


def _check_progress(target: Connection, identity: str) -> None:
    """Begin a move, or go on with one from the same source; refuse a target that holds data."""
    if one(target, SQL["has"], {"table": PROGRESS}):
        if one(target, SQL["progress_source"]) != identity:
            raise MoveError("the target holds half a move from another database", "empty it first")
        return
    for table in tables_of(target):
        if one(target, sql.SQL(SQL["holds_rows"]).format(sql.Identifier(table))):
            remedy = "make an empty database, or drop this one's tables"
            raise MoveError(f"the target holds other data: rows in {table}", remedy)
    with target.transaction():
        target.execute(SQL["make_progress"])
        beginning = {"unit": "", "source": identity, "rows": 0, "digest": ""}
        target.execute(SQL["note_progress"], beginning)


def tables_of(conn: Connection) -> list[str]:
    """Return the tables that are moved, by name."""
    return [name for (name,) in conn.execute(SQL["tables"]) if name not in OWN | COMPUTED]
