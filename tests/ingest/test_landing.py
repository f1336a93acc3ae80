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
from upkeep_parts import compress, is_plain

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
EMPTY = (
    "TRUNCATE ingest_message, eval_queue, daily_progress, reading_kept, ingest_ledger,"
    " reading_conflict, patient_latest"
)


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


@pytest.mark.parametrize("together", [False, True])
def test_what_comes_late_lands_among_compressed_ones_as_among_others(
    ingest: Intake, together: bool
) -> None:
    """Half a year late: many new ones; one again, by its id and by its key; and a conflict."""
    clinic, old = ingest.clinic, NOW - timedelta(days=180)
    first, hour = clinic.first, timedelta(hours=1)
    before = [pressure(120, 70, at=old - n * hour) for n in range(MANY)]
    ingest.receives(first.send(*before))
    assert bool(compress(clinic)) != is_plain(clinic)
    late = [pressure(130, 70, at=old + n * hour / 2 - hour / 4) for n in range(MANY)]
    again = [before[0], pressure(120, 70, at=before[1].measured_at, reading_id=UUID(int=1))]
    conflict = pressure(186, 112, at=before[2].measured_at)
    sent = [first.send(*late), first.send(*again, conflict)]
    for batch in [sent] if together else [sent[:1], sent[1:]]:
        assert all(told.refused_message is None for told in ingest.receives(*batch))
    # Straight, unless some were there: then what was copied is taken back, out of those too.
    assert ingest.store._landing._careful == (CAREFUL_FOR if together else 0)
    stored = {one.measured_at: one.systolic_mmhg for one in (*before, *late)}
    assert ingest.readings() == sorted(stored.items())
    assert ingest.outcomes() == {"stored": 2 * MANY + 1, "conflict": 1}
    assert clinic.rows(
        "SELECT reading_id, time, stored->'systolic_mmhg', arrived->'systolic_mmhg'"
        " FROM reading_conflict"
    ) == [(conflict.reading_id, conflict.measured_at, 120, 186)]
    assert clinic.one("SELECT count(*) FROM quarantine") == 0


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
