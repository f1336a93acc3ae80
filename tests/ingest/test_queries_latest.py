"""What stands beside a resident's latest time is what was measured then, whoever wrote it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from clinic import CUFF, MINUTE, NOW, SHARED_CUFF, glucose, pressure
from fix_database import Clinic, Intake
from fix_hypothesis import examples
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from reassign_parts import DEFAULT, Bound, corrects, moves
from upkeep_parts import cuff, does, put

from yikao_devices import wire
from yikao_ingest import landing
from yikao_ingest.queries.people import latest

VALUES = """device_id, unit, systolic_mmhg, diastolic_mmhg, pulse_bpm, glucose_mmol_l,
    glucose_mg_dl, meal, flags, received_at"""
STANDING = f"SELECT patient_id, kind, time, values_at, {VALUES} FROM patient_latest ORDER BY 1, 2"
STORED = f"""
    SELECT DISTINCT ON (patient_id, kind) patient_id, kind, time, time, {VALUES}
    FROM reading ORDER BY patient_id, kind, time DESC, device_id
"""
EMPTIED = """
    DELETE FROM reading; DELETE FROM reading_conflict; DELETE FROM patient_latest;
    DELETE FROM ingest_ledger; DELETE FROM reassign_due
"""
OLD_UPSERT = """
    INSERT INTO patient_latest (patient_id, kind, time, received_at) VALUES (%s, %s, %s, %s)
    ON CONFLICT (patient_id, kind) DO UPDATE
    SET time = EXCLUDED.time, received_at = EXCLUDED.received_at
    WHERE patient_latest.time < EXCLUDED.time
"""
BOTH = (Bound(CUFF, "zhao"), Bound(SHARED_CUFF, "zhao"))


def right(clinic: Clinic) -> list[Any]:
    """Return what stands there; it is what the newest readings say."""
    standing = clinic.rows(STANDING)
    assert standing == clinic.rows(STORED)
    return standing


def systolic(clinic: Clinic) -> list[float | None]:
    return [each.systolic for each in does(clinic, lambda conn: latest(conn, "team"))]


def sends(ingest: Intake, *items: wire.Item, now: datetime = NOW) -> None:
    """Let each item come from the gateway of its device."""
    for item in items:
        signer = ingest.clinic.first if item.device == CUFF else ingest.clinic.second
        ingest.receives(signer.send(item), now=now)


def test_a_newer_one_replaces_the_values_and_a_late_one_does_not(ingest: Intake) -> None:
    assert systolic(ingest.clinic) == []
    for at, value, expected in (
        *((NOW - MINUTE, 150, 150), (NOW, 130, 130)),
        *((NOW - 40 * timedelta(days=1), 180, 130), (NOW + MINUTE, 141, 141)),
    ):
        sends(ingest, pressure(value, 80, at=at))
        right(ingest.clinic)
        assert systolic(ingest.clinic) == [expected]
    sends(ingest, pressure(99, 50, at=NOW + MINUTE))
    right(ingest.clinic)
    assert ingest.outcomes()["conflict"] == 1
    assert systolic(ingest.clinic) == [141]


def test_every_value_and_every_kind_stands_there(ingest: Intake) -> None:
    high = glucose(None, flags=("hi",), meal="fasting", at=NOW - MINUTE)
    ingest.receives(ingest.clinic.first.send(pressure(120, 80, flags=("body_movement",)), high))
    first, second = right(ingest.clinic)
    assert [first[1], second[1]] == ["blood_pressure", "glucose"]
    found = does(ingest.clinic, lambda conn: latest(conn, "team"))
    assert [each.flags for each in found] == [["body_movement"], ["hi"]]
    assert (found[1].meal, found[1].glucose) == ("fasting", None)


def test_a_record_that_comes_again_with_another_time_moves_nothing(ingest: Intake) -> None:
    sent = pressure(120, 80)
    again = pressure(120, 80, at=NOW + MINUTE, reading_id=sent.reading_id)
    sends(ingest, sent, again)
    assert [row[2] for row in right(ingest.clinic)] == [NOW]


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_devices_at_one_moment_the_lower_number_stands(ingest: Intake, order: int) -> None:
    corrects(ingest.clinic, BOTH)
    sends(ingest, *[pressure(120, 80), pressure(130, 85, device=SHARED_CUFF)][::order])
    ((_, _, _, _, device, *_),) = right(ingest.clinic)
    assert device == ingest.clinic.one("SELECT min(device_id) FROM reading")


def test_after_a_correction_both_have_what_is_theirs(ingest: Intake) -> None:
    clinic = ingest.clinic
    corrects(clinic, BOTH)
    sends(ingest, pressure(120, 80), pressure(130, 85, device=SHARED_CUFF))
    sends(ingest, pressure(140, 90, at=NOW - MINUTE))
    # What is left at that moment is the other device's.
    corrects(clinic, [Bound(CUFF, "qian"), Bound(SHARED_CUFF, "zhao")])
    moves(clinic)
    assert {row[0] for row in right(clinic)} == {clinic.patient("zhao"), clinic.patient("qian")}
    assert systolic(clinic) == [120, 130]
    corrects(clinic, DEFAULT)
    moves(clinic)
    right(clinic)


def test_what_programs_of_before_write_is_looked_up(clinic: Clinic) -> None:
    zhao = clinic.patient("zhao")
    for at, value in ((NOW, 150.0), (NOW + MINUTE, 140.0)):
        put(clinic, cuff(zhao, at, value))
        clinic.rows(OLD_UPSERT, zhao, "blood_pressure", at, at)
        right(clinic)
        assert systolic(clinic) == [value]
    clinic.rows("UPDATE patient_latest SET time = %s", NOW + 2 * MINUTE)
    assert systolic(clinic) == []


readings = st.builds(
    lambda number, minute, value, device: pressure(
        value, 70, at=NOW - MINUTE * minute, device=device, reading_id=UUID(int=number)
    ),
    st.integers(1, 30),
    st.integers(0, 5),
    st.integers(100, 110),
    st.sampled_from([CUFF, SHARED_CUFF]),
)
batches = st.lists(readings, min_size=1, max_size=12)
registries = st.sampled_from([DEFAULT, BOTH])


@examples(15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(batches, st.sampled_from([1, 1_000]), registries), max_size=4))
def test_whatever_comes_and_is_corrected_the_values_are_the_newest(
    ingest: Intake, steps: list[tuple[list[wire.Item], int, tuple[Bound, ...]]]
) -> None:
    ingest.clinic.connection.execute(EMPTIED)
    for number, (items, straight_from, bindings) in enumerate(steps):
        now = NOW + timedelta(hours=number)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(landing, "STRAIGHT_FROM", straight_from)
            patch.setattr(landing, "CAREFUL_FOR", 0)
            by_gateway = {CUFF: ingest.clinic.first, SHARED_CUFF: ingest.clinic.second}
            for device, signer in by_gateway.items():
                if mine := [item for item in items if item.device == device]:
                    ingest.receives(signer.send(*mine), now=now)
        right(ingest.clinic)
        corrects(ingest.clinic, bindings, now)
        moves(ingest.clinic, now)
        right(ingest.clinic)
