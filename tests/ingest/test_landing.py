"""Whether readings land straight or past others: what stands in the tables is the same."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from clinic import NOW, pressure
from fix_database import Clinic, Intake
from fix_hypothesis import examples
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from yikao_devices import wire
from yikao_ingest import landing
from yikao_ingest.landing import CAREFUL_FOR, STRAIGHT_FROM

MANY = 2 * STRAIGHT_FROM
TABLES = {
    "reading": "patient_id, time, device_id, kind, systolic_mmhg, received_at",
    "ingest_ledger": "reading_id, outcome",
    "reading_conflict": "reading_id, time, stored, arrived",
    "patient_latest": "patient_id, kind, time",
    "eval_queue": "patient_id",
    "daily_progress": "patient_id, touched_at",
}
EMPTY = "TRUNCATE ingest_message, eval_queue, daily_progress, " + ", ".join(list(TABLES)[:4])


def series(count: int) -> list[wire.Item]:
    return [pressure(100 + n % 60, 70, at=NOW - timedelta(minutes=n)) for n in range(count)]


def state(clinic: Clinic) -> dict[str, Any]:
    """Return what stands in the tables."""
    return {
        table: clinic.rows(f"SELECT {columns} FROM {table} ORDER BY {columns}")  # type: ignore[arg-type]
        for table, columns in TABLES.items()
    }


def closed(clinic: Clinic, until: datetime) -> None:
    """Have Zhao's days closed up to a time."""
    clinic.rows(
        "INSERT INTO daily_progress (patient_id, through_day, closed_until) VALUES (%s, %s, %s)",
        *(clinic.patient("zhao"), until.date(), until),
    )


def test_many_new_ones_land_and_take_the_days_back(ingest: Intake) -> None:
    closed(ingest.clinic, NOW - timedelta(minutes=10))
    (told,) = ingest.receives(ingest.clinic.first.send(*series(MANY)))
    assert len(told.stored) == MANY
    assert ingest.clinic.one("SELECT count(*) FROM reading") == MANY
    assert ingest.outcomes() == {"stored": MANY}
    touched = ingest.clinic.one("SELECT touched_at FROM daily_progress")
    assert touched == NOW - timedelta(minutes=MANY - 1)


@pytest.mark.parametrize("there", [1, STRAIGHT_FROM, MANY])
def test_those_that_were_there_are_told_apart(ingest: Intake, there: int) -> None:
    items = series(MANY)
    ingest.receives(ingest.clinic.first.send(*items[:there]))
    other = pressure(190, 110, at=NOW, reading_id=UUID(int=1))
    for _ in range(2):
        (told,) = ingest.receives(ingest.clinic.first.send(*items[1:], other))
        assert len(told.stored) == MANY
    assert ingest.clinic.one("SELECT count(*) FROM reading") == MANY
    assert ingest.outcomes() == {"stored": MANY, "conflict": 1}


def test_after_a_repetition_the_next_batches_go_the_longer_way(ingest: Intake) -> None:
    items = series(MANY)
    ingest.receives(ingest.clinic.first.send(*items))
    ingest.receives(ingest.clinic.first.send(*items))
    way = ingest.store._landing
    assert way._careful == CAREFUL_FOR
    for _ in range(CAREFUL_FOR):
        ingest.receives(ingest.clinic.first.send(*items[:1]))
    assert way._careful == 0


readings = st.builds(
    lambda number, minute, systolic: pressure(
        systolic, 70, at=NOW - timedelta(minutes=minute), reading_id=UUID(int=number)
    ),
    st.integers(1, 30),
    st.integers(0, 12),
    st.integers(100, 102),
)
batches = st.lists(st.lists(readings, min_size=1, max_size=12), min_size=1, max_size=4)


@examples(15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=batches)
def test_both_ways_end_in_the_same_tables(ingest: Intake, sent: Sequence[list[wire.Item]]) -> None:
    ends = []
    for straight_from in (1, 1_000):
        ingest.clinic.rows(EMPTY)  # type: ignore[arg-type]
        closed(ingest.clinic, NOW)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(landing, "STRAIGHT_FROM", straight_from)
            patch.setattr(landing, "CAREFUL_FOR", 0)
            for items in sent:
                ingest.receives(ingest.clinic.first.send(*items))
        ends.append(state(ingest.clinic))
    assert ends[0] == ends[1]
