"""What we write for COPY by hand is what PostgreSQL reads and gives back."""

import struct
from datetime import UTC, datetime, timedelta
from uuid import UUID

from fix_database import Clinic
from fix_hypothesis import examples
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_ingest.copy_forms import copied, ledger, words

SQL = load_sql_blocks("yikao_ingest")
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
TIMES = st.integers(-(10**15), 10**16).map(lambda us: EPOCH + timedelta(microseconds=us))
NUMBERS = st.none() | st.integers(1, 2**63 - 1)


@given(
    st.lists(st.tuples(st.uuids(), NUMBERS), max_size=5, unique_by=lambda entry: entry[0]), TIMES
)
@examples(50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_ledger_holds_what_was_entered(
    clinic: Clinic, entries: list[tuple[UUID, int | None]], now: datetime
) -> None:
    clinic.rows("TRUNCATE ingest_ledger")
    with clinic.connection.cursor().copy(SQL["copy_ledger"]) as copy:
        copy.write(ledger(entries, now))
    found = clinic.rows("SELECT reading_id, received_at, message_id, outcome FROM ingest_ledger")
    assert set(found) == {(name, now, number, "stored") for name, number in entries}


@examples(50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")))))
def test_the_flags_come_back(clinic: Clinic, rows: list[list[str]]) -> None:
    clinic.rows("CREATE TEMPORARY TABLE IF NOT EXISTS tagged (number int4, flags text[])")
    clinic.rows("TRUNCATE tagged")
    lines = (struct.pack(">ii", 4, place) + words(flags) for place, flags in enumerate(rows))
    with clinic.connection.cursor().copy("COPY tagged FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(copied(lines, 2))
    found = clinic.rows("SELECT flags, array_lower(flags, 1) FROM tagged ORDER BY number")
    assert found == [(row, 1 if row else None) for row in rows]
