"""For the quarantine's tests: what is in it, what a release makes of it, and all that is stored."""

from datetime import timedelta

from clinic import CUFF, NOW, Signer
from fix_database import Clinic, Intake
from psycopg import sql

from yikao_ingest.quarantine_release import Outcome, Progress, Release
from yikao_ingest.quarantine_store import chosen
from yikao_ingest.reasons import Reason

LATER = NOW + timedelta(days=3)
"""When somebody has mended the cause and releases."""
TABLES = (
    *("reading_kept", "reading_conflict", "ingest_message", "ingest_ledger", "quarantine"),
    *("symptom_report", "help_call", "device_event", "patient_latest", "eval_queue"),
    "reading_released",
)


def unregister(clinic: Clinic, device: str = CUFF) -> None:
    """Take a device out of the registry."""
    clinic.rows("UPDATE device SET address = 'elsewhere' WHERE address = %s", device)


def register(clinic: Clinic, device: str = CUFF) -> None:
    """Put it back."""
    clinic.rows("UPDATE device SET address = %s WHERE address = 'elsewhere'", device)


def rekey(clinic: Clinic, signer: Signer) -> None:
    """Give a gateway the public key of a signer."""
    key = "UPDATE gateway SET public_key = %s WHERE gateway_id = %s"
    clinic.rows(key, signer.public_text, signer.gateway)


def waiting(
    ingest: Intake,
    ids: list[int] | None = None,
    reason: Reason | None = None,
    device: str | None = None,
) -> list[tuple[int, ...]]:
    """Return what a release would look at."""
    return chosen(ingest.clinic.connection, ids=ids, reason=reason, device=device)


def release(ingest: Intake, progress: Progress = lambda *_: None) -> Outcome:
    """Release all that can be used by now, at `LATER`."""
    directory = ingest.store.directory()
    return Release(ingest.store, directory, ingest.rules, "op", LATER).run(
        waiting(ingest), progress
    )


def closed(ingest: Intake) -> list[tuple[object, ...]]:
    """Return how each entry was closed, by whom and when, in order of their numbers."""
    return ingest.clinic.rows(
        "SELECT closed_as, closed_by, closed_at FROM quarantine ORDER BY quarantine_id"
    )


def everything(ingest: Intake) -> dict[str, list[str]]:
    """Return every row of every table that readings come into."""
    found = {}
    for table in TABLES:
        rows = sql.SQL("SELECT to_jsonb(t)::text FROM {} t ORDER BY 1").format(
            sql.Identifier(table)
        )
        found[table] = [row[0] for row in ingest.clinic.connection.execute(rows).fetchall()]
    return found
