"""The transaction by which readings become durable: ledger, rows, conflicts, quarantine, queue.

One batch, one transaction. Everything in it may come again: a repeated id stops at the ledger, a
repeated record at the natural key. Only after the commit is anybody told.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg import sql

from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_alerts.store import CHANGED, EVALUATE
from yikao_alerts.working import CONNECT_TIMEOUT_S, WATCHED
from yikao_ingest.accept import (
    AcceptedCall,
    AcceptedEvent,
    AcceptedReading,
    AcceptedSymptoms,
    Judged,
    Quarantined,
)
from yikao_ingest.directory import Binding, Card, Device, Directory, Gateway
from yikao_ingest.errors import ServerError
from yikao_ingest.landing import Landing
from yikao_ingest.migrate import Mode
from yikao_ingest.partitions import months, names_between, partition
from yikao_ingest.setting_aside import set_aside, storable
from yikao_ingest.signature import PUBLIC_KEY_BYTES, decode_base64url
from yikao_ingest.staging import Sheet, sheet_of

SQL: Final = load_sql_blocks("yikao_ingest")
LOCK: Final = 0x79696B69
"""Advisory lock of the one active ingest; a second waits for it as hot standby."""

_MESSAGE_TYPES: Final = ("int8", "timestamptz", "text", "bytea", "text", "bytea")
_MAKE_PARTITION: Final = (
    "CREATE TABLE IF NOT EXISTS {} PARTITION OF reading_kept FOR VALUES FROM ({}) TO ({})"
)


class DatabaseAwayError(Exception):
    """The database does not answer; the same batch is tried again when it does."""


class DataRefusedError(Exception):
    """The database refuses something in the batch: it has to be found and set aside."""


@contextmanager
def _ours() -> Iterator[None]:
    """Turn the driver's exceptions into ours."""
    try:
        yield
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        raise DataRefusedError(type(error).__name__) from error
    except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError) as error:
        raise DatabaseAwayError(str(error).partition("\n")[0]) from error


class Store:
    """Ingest's connection to the database; for one thread.

    Refuses with `DatabaseAwayError` a database that does not answer, and with `ServerError` one
    without our schema.
    """

    def __init__(self, dsn: str) -> None:
        with _ours():
            self._conn = psycopg.connect(
                dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, **WATCHED
            )
        try:
            with _ours():
                self._prepare()
        except BaseException:
            self._conn.close()
            raise

    def _prepare(self) -> None:
        self._conn.execute(SQL["prepare_session"])
        try:
            self._mode = Mode(self._one("mode"))
        except (psycopg.errors.UndefinedTable, ValueError) as error:
            raise ServerError(
                "the database has no schema of ours", "run `yikao migrate`"
            ) from error
        self._partitions = {row[0] for row in self._conn.execute(SQL["partitions"])}
        self._conn.execute(SQL["make_staging"])
        self._landing = Landing(self._conn)

    def close(self) -> None:
        """Let go of the connection."""
        self._conn.close()

    def read_clock(self) -> float:
        """Return the database's clock in Unix seconds."""
        return float(self._guarded("read_clock").timestamp())

    def take_lock(self) -> bool:
        """Return whether this process is now the active ingest."""
        return bool(self._guarded("take_ingest_lock", {"key": LOCK}))

    def registry_version(self) -> str:
        """Return what changes with each change of the registry."""
        return str(self._guarded("registry_version"))

    def directory(self) -> Directory:
        """Return the registry as it is now, all of it as of one moment."""
        with _ours(), self._conn.transaction():
            self._conn.execute(SQL["one_moment"])
            bindings: dict[int, list[Binding]] = {}
            for device_id, *fields in self._conn.execute(SQL["directory_bindings"]):
                bindings.setdefault(device_id, []).append(Binding(*fields))
            devices = {
                row[1]: Device(row[0], row[1], row[2], tuple(bindings.get(row[0], ())), row[3])
                for row in self._conn.execute(SQL["directory_devices"])
            }
            gateways = {
                row[0]: Gateway(
                    row[0], row[1], decode_base64url(row[2], PUBLIC_KEY_BYTES) or b"", row[3]
                )
                for row in self._conn.execute(SQL["directory_gateways"])
            }
            cards = {
                digest: Card(*fields)
                for digest, *fields in self._conn.execute(SQL["directory_cards"])
            }
        return Directory(gateways, devices, cards)

    @contextmanager
    def together(self) -> Iterator[psycopg.Connection[Any]]:
        """Have all that is stored in the block become durable together, or none of it.

        Gives the connection, for what else belongs to it.
        """
        with _ours(), self._conn.transaction():
            yield self._conn

    def save(self, batch: Sequence[Judged], now: datetime, sheet: Sheet | None = None) -> None:
        """Store a batch in one transaction.

        sheet: of the batch, where it was made before.

        Refuses with `DataRefusedError` what the database will not take, having stored nothing, and
        with `DatabaseAwayError` when it is not known whether anything was stored: the batch is
        saved again then, which does no harm.
        """
        sheet = sheet or sheet_of(batch)
        with _ours():
            try:
                self._commit(batch, sheet, now)
            except psycopg.errors.CheckViolation as error:
                if not _has_no_month(error):
                    raise
                # The retention dropped it since; late readings have it made again.
                self._partitions.clear()
                self._commit(batch, sheet, now)

    def _commit(self, batch: Sequence[Judged], sheet: Sheet | None, now: datetime) -> None:
        if self._mode is Mode.PLAIN and sheet is not None:
            self._ensure_partitions(sheet)
        with self._conn.transaction():
            patients = self._save(batch, sheet, now)
            if patients:
                values = {"patients": sorted(patients), "now": now}
                self._conn.execute(SQL["queue_evaluations"], values)
                self._notify(EVALUATE, "")
            self._notify(CHANGED, "readings")

    def _save(self, batch: Sequence[Judged], sheet: Sheet | None, now: datetime) -> set[int]:
        """Store a batch and return the residents to look at."""
        message_ids = self._messages(batch, now)
        patients = set_aside(self._conn, batch, message_ids, now)
        for judged, message_id in zip(batch, message_ids, strict=True):
            for item in judged.items:
                if isinstance(item, AcceptedReading):
                    continue  # in the sheet
                if isinstance(item, AcceptedSymptoms):
                    patients |= self._symptoms(item, message_id, now)
                elif not isinstance(item, Quarantined):
                    patients |= self._event(judged, item, message_id, now)
        if sheet is not None:
            patients |= self._landing.store(sheet, message_ids, now)
        return patients

    def _messages(self, batch: Sequence[Judged], now: datetime) -> list[int | None]:
        """Keep signed messages as they came, and return their numbers; one that was refused as a
        whole has none, it is in quarantine instead."""
        kept = [judged for judged in batch if not judged.whole and judged.origin is not None]
        rows = self._conn.execute(SQL["message_ids"], {"count": len(kept)}).fetchall()
        numbers = iter([int(row[0]) for row in rows])
        found: list[int | None] = []
        with self._conn.cursor().copy(SQL["copy_messages"]) as copy:
            copy.set_types(_MESSAGE_TYPES)
            for judged in batch:
                if judged.whole or judged.origin is None:
                    found.append(None)
                    continue
                found.append(next(numbers))
                incoming, gateway = judged.incoming, judged.origin.gateway
                proof = (storable(incoming.key_id), judged.signature)
                copy.write_row((found[-1], now, gateway, judged.kept, *proof))
        return found

    def _ensure_partitions(self, sheet: Sheet) -> None:
        """Make the months of these readings, where plain PostgreSQL does not have them yet.

        In a transaction of its own: making one locks all readings, for this moment only.
        """
        times = [one.item.measured_at for one in sheet.readings]
        if self._partitions.issuperset(names_between(min(times), max(times))):
            return
        for month in months(times):
            name, start, end = partition(month)
            if name in self._partitions:
                continue
            names = (sql.Identifier(name), sql.Literal(start), sql.Literal(end))
            # The upkeep, or another ingest, may make the same month at this very moment.
            already = (psycopg.errors.DuplicateTable, psycopg.errors.UniqueViolation)
            with suppress(*already), self._conn.transaction():
                self._conn.execute(sql.SQL(_MAKE_PARTITION).format(*names))
            self._partitions.add(name)

    def _ledger(
        self, reading_id: object, message_id: int | None, outcome: str, now: datetime
    ) -> bool:
        """Enter an id; return whether it is new, or was of no use before."""
        values = {
            "reading_id": reading_id,
            "received_at": now,
            "message_id": message_id,
            "outcome": outcome,
        }
        return self._conn.execute(SQL["ledger_one"], values).fetchone() is not None

    def _symptoms(self, item: AcceptedSymptoms, message_id: int | None, now: datetime) -> set[int]:
        report = item.item
        if not self._ledger(report.reading_id, message_id, "symptom", now):
            return set()
        values = {
            "reading_id": report.reading_id,
            "patient_id": item.patient_id,
            "time": report.measured_at,
            "received_at": now,
            "symptoms": list(report.symptoms),
        }
        self._conn.execute(SQL["insert_symptoms"], values)
        return {item.patient_id}

    def _event(
        self,
        judged: Judged,
        item: AcceptedEvent | AcceptedCall,
        message_id: int | None,
        now: datetime,
    ) -> frozenset[int]:
        """Store an event; return who it may be that asks to be called."""
        event = item.item
        if not self._ledger(event.reading_id, message_id, "event", now):
            return frozenset()
        assert judged.origin is not None, "an accepted item has an origin"
        values = {
            "reading_id": event.reading_id,
            "gateway_id": judged.origin.gateway,
            "device": event.device,
            "code": event.code,
            "time": event.measured_at,
            "received_at": now,
        }
        self._conn.execute(SQL["insert_device_event"], values)
        if not isinstance(item, AcceptedCall):
            return frozenset()
        self._conn.execute(SQL["insert_help_call"], values | {"patients": sorted(item.patients)})
        return item.patients

    def execute(self, statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Run one named statement by itself and return its rows."""
        with _ours():
            cursor = self._conn.execute(SQL[statement], values)
            return cursor.fetchall() if cursor.description else []

    def _guarded(self, statement: str, values: dict[str, Any] | None = None) -> Any:
        rows = self.execute(statement, values or {})
        return rows[0][0] if rows else None

    def _one(self, statement: str) -> Any:
        row = self._conn.execute(SQL[statement]).fetchone()
        return row[0] if row else None

    def _notify(self, channel: str, payload: str) -> None:
        self._conn.execute(SQL["notify"], {"channel": channel, "payload": payload})


def _has_no_month(error: psycopg.errors.CheckViolation) -> bool:
    """Return whether a reading found no partition: of a rule that is broken there is a name."""
    return error.diag.constraint_name is None
