"""A corrected registry: what was measured goes to whoever had the device, with all that follows."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from clinic import CUFF, METER, MINUTE, NOW, SHARED_CUFF, glucose, pressure, symptoms
from fix_database import Clinic, Intake
from msgspec.structs import replace
from reassign_parts import DEFAULT, Bound, corrects, moves

from yikao_devices import wire
from yikao_ingest.migrate import Mode
from yikao_ingest.pipeline import settle
from yikao_ingest.reassign_pass import AGAIN

SPLIT = NOW - timedelta(hours=3)
QIANS = (
    *(Bound(CUFF, "zhao", until=SPLIT), Bound(CUFF, "qian", since=SPLIT)),
    Bound(METER, "zhao"),
    Bound(SHARED_CUFF, "qian"),
)


def whose(clinic: Clinic) -> list[tuple[str, datetime]]:
    return clinic.rows(
        "SELECT code, time FROM reading JOIN resident USING (patient_id) ORDER BY time, code"
    )


def test_readings_go_to_whoever_had_the_device(clinic: Clinic, ingest: Intake) -> None:
    times = [SPLIT + MINUTE * minutes for minutes in (-10, -1, 0, 1, 10)]
    ingest.receives(clinic.first.send(*(pressure(at=at) for at in times), glucose(at=SPLIT)))
    before = clinic.rows("SELECT to_jsonb(r) - 'patient_id' FROM reading r ORDER BY time, kind")
    clinic.rows("DELETE FROM eval_queue")
    corrects(clinic, QIANS)
    tally = moves(clinic)
    zhao, qian = clinic.patient("zhao"), clinic.patient("qian")
    assert tally.moved == {(zhao, qian): 3}
    pressures = [("zhao", at) for at in times[:2]] + [("qian", at) for at in times[2:]]
    assert whose(clinic) == sorted([*pressures, ("zhao", SPLIT)], key=lambda each: each[::-1])
    assert clinic.rows("SELECT to_jsonb(r) - 'patient_id' FROM reading r ORDER BY time, kind") == (
        before
    )
    assert clinic.rows(
        "SELECT from_patient_id, to_patient_id, time, outcome, applied_by, at"
        " FROM reading_reassigned JOIN registry_change USING (version) ORDER BY reassigned_id"
    ) == [(zhao, qian, at, "stored", "chen", NOW) for at in times[2:]]
    latest = "SELECT patient_id, kind, time FROM patient_latest ORDER BY 1, 2"
    assert clinic.rows(latest) == [
        (zhao, "blood_pressure", times[1]),
        (zhao, "glucose", SPLIT),
        (qian, "blood_pressure", times[4]),
    ]
    assert {row[0] for row in clinic.rows("SELECT patient_id FROM eval_queue")} == {zhao, qian}


def test_who_has_lost_everything_has_no_latest_and_what_comes_back_is_as_it_was(
    clinic: Clinic, ingest: Intake
) -> None:
    ingest.receives(clinic.first.send(pressure(at=SPLIT)))
    before = clinic.rows("SELECT * FROM patient_latest"), clinic.rows("SELECT * FROM reading")
    corrects(clinic, QIANS)
    moves(clinic)
    latest = clinic.rows("SELECT code FROM patient_latest JOIN resident USING (patient_id)")
    assert latest == [("qian",)]
    corrects(clinic, DEFAULT)
    moves(clinic)
    after = clinic.rows("SELECT * FROM patient_latest"), clinic.rows("SELECT * FROM reading")
    assert after == before
    assert clinic.one("SELECT count(*) FROM reading_reassigned") == 2


def test_a_report_of_symptoms_follows_the_device_it_came_through(
    clinic: Clinic, ingest: Intake
) -> None:
    own = symptoms("palpitations", at=SPLIT)
    theirs = replace(symptoms("dizziness", at=SPLIT, device=SHARED_CUFF), user=2)
    stays = symptoms("none", at=SPLIT - MINUTE)
    ingest.receives(clinic.first.send(b"{}", stays, pressure(at=SPLIT), own))
    ingest.receives(clinic.second.send(theirs))
    corrects(clinic, QIANS)
    tally = moves(clinic)
    zhao, qian = clinic.patient("zhao"), clinic.patient("qian")
    assert tally.reports == {(zhao, qian): 2}
    found = dict(clinic.rows("SELECT reading_id, patient_id FROM symptom_report"))
    assert found == {own.reading_id: qian, theirs.reading_id: qian, stays.reading_id: zhao}
    audit = "SELECT reading_id FROM reading_reassigned WHERE outcome = 'symptom'"
    assert {row[0] for row in clinic.rows(audit)} == {own.reading_id, theirs.reading_id}


def test_of_what_nobody_claims_nothing_moves(clinic: Clinic, ingest: Intake) -> None:
    ingest.receives(clinic.first.send(pressure(at=SPLIT - MINUTE), pressure(at=SPLIT)))
    corrects(clinic, (Bound(CUFF, "qian", since=SPLIT), Bound(METER, "zhao")))
    tally = moves(clinic)
    assert tally.unclaimed == 1
    assert whose(clinic) == [("zhao", SPLIT - MINUTE), ("qian", SPLIT)]


def test_an_unchanged_registry_asks_for_nothing(clinic: Clinic) -> None:
    corrects(clinic, DEFAULT)
    assert clinic.rows("SELECT * FROM reassign_due") == []
    assert clinic.one("SELECT count(*) FROM registry_change") == 2
    # Nor does a device that only ever had one resident.
    corrects(clinic, [one for one in DEFAULT if one.device != CUFF])
    assert clinic.rows("SELECT * FROM reassign_due") == []


def test_what_ingest_had_judged_before_and_stored_after_the_move_is_not_left_behind(
    clinic: Clinic, ingest: Intake
) -> None:
    late = ingest.judge(clinic.first.send(pressure(at=SPLIT)))
    corrects(clinic, QIANS)
    moves(clinic)
    settle(ingest.store, late, NOW)
    assert whose(clinic) == [("zhao", SPLIT)]
    assert moves(clinic, NOW + AGAIN[0] - MINUTE / 60).seen == 0
    moves(clinic, NOW + AGAIN[0])
    assert whose(clinic) == [("qian", SPLIT)]
    # Once more, and the device is looked at no longer.
    assert clinic.one("SELECT DISTINCT due_at FROM reassign_due") == NOW + AGAIN[-1]
    moves(clinic, NOW + AGAIN[-1])
    assert clinic.rows("SELECT * FROM reassign_due") == []


def test_in_pieces_that_go_on_where_the_last_one_ended(clinic: Clinic, ingest: Intake) -> None:
    times = [SPLIT + MINUTE * n for n in range(7)]
    ingest.receives(clinic.first.send(*(pressure(at=at) for at in times)))
    corrects(clinic, QIANS)
    moves(clinic, most=2, pieces=2)
    assert [code for code, _ in whose(clinic)] == ["qian"] * 4 + ["zhao"] * 3
    assert clinic.one("SELECT max(reached) FROM reassign_due") == times[3]
    # A correction of the correction begins anew.
    corrects(clinic, DEFAULT)
    tally = moves(clinic, most=2)
    assert tally.moved == {(clinic.patient("qian"), clinic.patient("zhao")): 4}
    assert [code for code, _ in whose(clinic)] == ["zhao"] * 7


def test_two_at_work_do_not_disturb_each_other(clinic: Clinic, ingest: Intake) -> None:
    ingest.receives(clinic.first.send(*(pressure(at=SPLIT + MINUTE * n) for n in range(20))))
    corrects(clinic, QIANS)
    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(lambda _: moves(clinic, most=1).moved.total(), range(2)))
    rest = moves(clinic).moved.total()
    assert sum(done) + rest == 20
    assert {code for code, _ in whose(clinic)} == {"qian"}


def test_a_device_that_fails_is_put_off_and_others_are_not(clinic: Clinic, ingest: Intake) -> None:
    ingest.receives(clinic.first.send(pressure(at=SPLIT), glucose(at=SPLIT)))
    clinic.rows("ALTER TABLE reading_reassigned ADD CONSTRAINT broken CHECK (kind = 'glucose')")
    corrects(clinic, (Bound(CUFF, "qian"), Bound(METER, "qian"), Bound(SHARED_CUFF, "zhao")))
    moves(clinic)
    assert sorted(code for code, _ in whose(clinic)) == ["qian", "zhao"]
    clinic.rows("ALTER TABLE reading_reassigned DROP CONSTRAINT broken")
    moves(clinic, NOW + MINUTE)
    assert [code for code, _ in whose(clinic)] == ["qian", "qian"]


def test_a_doubt_is_answered_by_the_registry(clinic: Clinic, ingest: Intake) -> None:
    ingest.receives(clinic.first.send(pressure(at=SPLIT)))
    clinic.rows(
        "INSERT INTO reading_doubt (patient_id, reading_key, measured_at, asked_at)"
        " VALUES (%s, %s, %s, %s)",
        *(clinic.patient("zhao"), f"blood_pressure/{CUFF}/{SPLIT.isoformat()}", SPLIT, SPLIT),
    )
    answer = "SELECT answer, answered_by FROM reading_doubt"
    corrects(clinic, QIANS)
    moves(clinic)
    assert clinic.rows(answer) == [("other", "registry")]
    corrects(clinic, DEFAULT)
    moves(clinic)
    assert clinic.rows(answer) == [(None, None)]


def test_compressed_readings_move_like_others(clinic: Clinic, ingest: Intake) -> None:
    old = NOW - timedelta(days=400)
    items: list[wire.Item] = [pressure(at=old + MINUTE * n) for n in range(50)]
    ingest.receives(clinic.first.send(*items))
    if clinic.one("SELECT value FROM schema_meta WHERE key = 'mode'") == Mode.TIMESCALE:
        clinic.rows("SELECT compress_chunk(c) FROM show_chunks('reading_kept') c")
    corrects(clinic, (Bound(CUFF, "qian", since=old + MINUTE * 10), Bound(METER, "zhao")))
    moves(clinic)
    assert [code for code, _ in whose(clinic)] == ["zhao"] * 10 + ["qian"] * 40


@pytest.mark.parametrize("anybody", [True, False])
def test_two_of_one_second_under_one_resident_are_a_reading_and_a_conflict(
    clinic: Clinic, ingest: Intake, anybody: bool
) -> None:
    for slot, systolic in ((1, 128), (2, 140)):
        item = pressure(systolic, at=SPLIT, device=SHARED_CUFF, user=slot)
        ingest.receives(clinic.second.send(item), now=NOW + MINUTE * slot)
    users = (None,) if anybody else (1, 2)
    corrects(clinic, [Bound(SHARED_CUFF, "zhao", user=user) for user in users])
    tally = moves(clinic)
    assert (tally.moved.total(), tally.conflicts) == (1, 1)
    kept = "SELECT systolic_mmhg FROM reading"
    assert clinic.rows(kept) == [(128.0,)]
    assert clinic.rows(
        "SELECT patient_id, stored ->> 'systolic_mmhg', arrived ->> 'systolic_mmhg',"
        " arrived ->> 'patient_id' = patient_id::text FROM reading_conflict"
    ) == [(clinic.patient("zhao"), "128", "140", True)]
    corrects(clinic, DEFAULT)
    moves(clinic)
    assert clinic.rows(kept + " ORDER BY 1") == [(128.0,), (140.0,)]
    assert clinic.rows("SELECT * FROM reading_conflict") == []
