"""The transaction by which readings become durable, on each kind of database."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from clinic import (
    CUFF,
    MINUTE,
    NOW,
    SHARED_CUFF,
    event,
    glucose,
    pressure,
    refused,
    symptoms,
)
from fix_database import REFUSED, Clinic, Intake
from fix_hypothesis import examples
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from yikao_devices import wire
from yikao_ingest.store import DatabaseAwayError, DataRefusedError, Store

DAY = timedelta(days=1)


def test_a_batch_of_everything(ingest: Intake) -> None:
    clinic = ingest.clinic
    high, sugar, report = pressure(186, 112), glucose(), symptoms("vomiting", at=NOW - MINUTE)
    unusable, odd = refused(), pressure(400, 90, at=NOW - MINUTE)
    message = clinic.first.send(high, sugar, report, event(), unusable, odd)
    (told,) = ingest.receives(message)
    assert len(told.stored) == 4
    assert {r.code for r in told.rejected} == {"frame_refused", "implausible"}
    zhao = clinic.patient("zhao")
    row = clinic.rows(
        "SELECT patient_id, kind, time, systolic_mmhg, diastolic_mmhg, pulse_bpm, unit, flags,"
        " device_time, received_at FROM reading WHERE kind = 'blood_pressure'"
    )
    assert row == [(zhao, "blood_pressure", NOW, 186, 112, 70, "mmHg", [], None, NOW)]
    assert clinic.one("SELECT glucose_mmol_l FROM reading WHERE kind = 'glucose'") == 6.1
    assert clinic.rows("SELECT patient_id, symptoms FROM symptom_report") == [(zhao, ["vomiting"])]
    assert clinic.rows("SELECT device, code FROM device_event") == [(CUFF, "battery_low")]
    assert clinic.rows("SELECT reason, patient_id FROM quarantine ORDER BY 1") == [
        ("frame_refused", None),
        ("implausible", zhao),
    ]
    assert clinic.rows("SELECT kind, time FROM patient_latest ORDER BY 1") == [
        ("blood_pressure", NOW),
        ("glucose", NOW),
    ]
    assert clinic.rows("SELECT patient_id FROM eval_queue") == [(zhao,)]
    assert clinic.rows("SELECT gateway_id, payload FROM ingest_message") == [
        ("gw-1", message.payload)
    ]


def test_values_come_back_as_they_were_sent(ingest: Intake) -> None:
    reading = pressure(
        186.4,
        112.3,
        mean_mmhg=136.0,
        unit="kPa",
        systolic_kpa=24.85,
        diastolic_kpa=14.97,
        mean_kpa=18.1,
        device=SHARED_CUFF,
        user=2,
        record=77,
        flags=("body_movement", "irregular_pulse"),
        clocks=wire.Clocks(NOW + MINUTE, "2026-03-02T11:59:00", -60.5),
    )
    ingest.receives(ingest.clinic.second.send(reading))
    assert ingest.clinic.rows(
        "SELECT systolic_mmhg, diastolic_mmhg, mean_mmhg, systolic_kpa, diastolic_kpa, mean_kpa,"
        " unit, user_slot, record, flags, device_time, device_offset_s, hub_time FROM reading"
    ) == [
        (
            *(186.4, 112.3, 136.0, 24.85, 14.97, 18.1, "kPa", 2, 77),
            ["body_movement", "irregular_pulse"],
            *("2026-03-02T11:59:00", -60.5, NOW + MINUTE),
        )
    ]


def test_a_repetition_is_stored_once_and_receipted_each_time(ingest: Intake) -> None:
    reading, other = pressure(), glucose()
    first = ingest.clinic.first
    told = ingest.receives(first.send(reading, reading), first.send(reading))
    told += ingest.receives(first.send(reading, other))
    assert [one.stored for one in told] == [
        (reading.reading_id, reading.reading_id),
        (reading.reading_id,),
        (reading.reading_id, other.reading_id),
    ]
    assert len(ingest.readings()) == 2
    assert ingest.outcomes() == {"stored": 2}
    # Nothing new for this resident the second time but the meter's.
    assert ingest.clinic.one("SELECT count(*) FROM eval_queue") == 2


def test_a_repetition_asks_for_no_evaluation(ingest: Intake) -> None:
    ingest.receives(ingest.clinic.first.send(pressure()))
    ingest.clinic.rows("DELETE FROM eval_queue")
    ingest.receives(ingest.clinic.first.send(pressure()))
    assert ingest.clinic.one("SELECT count(*) FROM eval_queue") == 0


@pytest.mark.parametrize("together", [True, False])
def test_another_record_under_the_same_key_is_kept_beside(ingest: Intake, together: bool) -> None:
    one, other = pressure(128, 82), pressure(186, 112)
    messages = [ingest.clinic.first.send(reading) for reading in (one, other)]
    batches = [messages] if together else [messages[:1], messages[1:]]
    told = [receipt for batch in batches for receipt in ingest.receives(*batch)]
    assert [word.stored for word in told] == [(one.reading_id,), (other.reading_id,)]
    ((stored, arrived),) = ingest.clinic.rows(
        "SELECT stored->>'systolic_mmhg', arrived->>'systolic_mmhg' FROM reading_conflict"
    )
    assert {float(stored), float(arrived)} == {128, 186}
    assert ingest.outcomes() == {"stored": 1, "conflict": 1}


def test_a_meters_low_and_high_are_not_the_same(ingest: Intake) -> None:
    readings = [glucose(None, flags=(word,)) for word in ("lo", "hi")]
    ingest.receives(*map(ingest.clinic.first.send, readings))
    assert ingest.clinic.one("SELECT count(*) FROM reading_conflict") == 1


def test_the_same_record_under_a_new_id_is_a_repetition(ingest: Intake) -> None:
    ingest.receives(*(ingest.clinic.first.send(glucose(6.1, record=n)) for n in (1, 2)))
    assert ingest.outcomes() == {"stored": 2}
    assert len(ingest.readings()) == 1
    assert ingest.clinic.one("SELECT count(*) FROM reading_conflict") == 0


def test_late_readings_find_their_month(ingest: Intake) -> None:
    times = [NOW - age * DAY for age in (0, 31, 62, 400, 1500)]
    ingest.receives(ingest.clinic.first.send(*(pressure(at=at) for at in times)))
    stored = ingest.clinic.rows("SELECT time FROM reading ORDER BY time DESC")
    assert [row[0] for row in stored] == times
    # And once more, over a connection that did not make the months itself.
    ingest.store.close()
    ingest.store = Store(ingest.clinic.dsn)
    ingest.receives(ingest.clinic.first.send(*(glucose(at=at) for at in times)))
    assert ingest.clinic.one("SELECT count(*) FROM reading") == 2 * len(times)


def test_latest_is_the_newest_whatever_the_order(ingest: Intake) -> None:
    for hours in (2, 0, 1):
        ingest.receives(ingest.clinic.first.send(pressure(at=NOW - hours * 60 * MINUTE)))
    assert ingest.clinic.one("SELECT time FROM patient_latest") == NOW


def poison(ingest: Intake) -> wire.BloodPressureReading:
    """Have the database refuse a reading, and return it."""
    ingest.refuse()
    return pressure(at=NOW - 7 * MINUTE, record=REFUSED)


@pytest.mark.parametrize("place", range(3))
def test_what_the_database_refuses_is_set_aside_and_the_rest_lands(
    ingest: Intake, place: int
) -> None:
    items = [pressure(at=NOW - n * MINUTE) for n in range(3)]
    items[place] = poison(ingest)
    first = ingest.clinic.first
    good = first.send(glucose())
    mixed = first.send(*items)
    told, other = ingest.receives(mixed, good)
    assert [rejection.code for rejection in told.rejected] == ["database_refused"]
    assert told.rejected[0].reading_id == items[place].reading_id
    assert set(told.stored) == {item.reading_id for item in items} - {items[place].reading_id}
    assert told.refused_message is None
    assert len(other.stored) == 1
    assert len(ingest.readings()) == 3
    ((reason, payload),) = ingest.clinic.rows("SELECT reason, payload FROM quarantine")
    assert (reason, payload) == ("database_refused", wire.encode_item(items[place]))


def test_words_of_a_decoder_with_nul_in_them_are_kept(ingest: Intake) -> None:
    first = ingest.clinic.first
    frame = refused("broken \0 frame")
    unknown = b'{"kind":"a\\u0000b","reading_id":"00000000-0000-0000-0000-000000000001"}'
    long = b'{"kind":"%s"}' % (b"k" * 10_000)
    (told,) = ingest.receives(first.send(frame, unknown, long))
    assert [rejection.code for rejection in told.rejected] == ["frame_refused", "item_unreadable"]
    details = [row[0] for row in ingest.clinic.rows("SELECT detail FROM quarantine ORDER BY 1")]
    assert "broken \N{REPLACEMENT CHARACTER} frame" in details
    assert max(map(len, details)) <= 500


def test_a_topic_and_a_key_name_with_nul_in_them_do_no_harm(ingest: Intake) -> None:
    stranger = replace(ingest.clinic.first.send(pressure()), topic="v1/a\0/b/event")
    odd = replace(ingest.clinic.first.send(pressure()), key_id="k\0")
    assert len(ingest.receives(stranger, odd)) == 2
    assert len(ingest.readings()) == 1
    assert ingest.clinic.one("SELECT count(*) FROM quarantine") == 1


def test_a_bad_batch_stores_nothing_of_itself(ingest: Intake) -> None:
    judged = ingest.judge(ingest.clinic.first.send(pressure(), poison(ingest)))
    with pytest.raises(DataRefusedError):
        ingest.store.save(judged, NOW)
    assert ingest.readings() == []
    assert ingest.outcomes() == {}


def test_what_was_in_quarantine_becomes_a_row_once_it_can_be_used(ingest: Intake) -> None:
    """A receipt may be lost between the quarantine and the registration of the device."""
    clinic, item = ingest.clinic, pressure()
    clinic.rows("UPDATE device SET address = 'elsewhere' WHERE address = %s", CUFF)
    (told,) = ingest.receives(clinic.first.send(item, symptoms("vomiting")))
    assert {rejection.code for rejection in told.rejected} == {"unknown_device"}
    clinic.rows("UPDATE device SET address = %s WHERE address = 'elsewhere'", CUFF)
    (told,) = ingest.receives(clinic.first.send(item, symptoms("vomiting")))
    assert len(told.stored) == 2
    assert len(ingest.readings()) == 1
    assert clinic.one("SELECT count(*) FROM symptom_report") == 1
    assert ingest.outcomes() == {"stored": 1, "symptom": 1}
    # And what is stored never goes back.
    clinic.rows("UPDATE device SET address = 'elsewhere' WHERE address = %s", CUFF)
    ingest.receives(clinic.first.send(item))
    assert ingest.outcomes() == {"stored": 1, "symptom": 1}


def test_an_unknown_gateway_is_kept_and_visible(ingest: Intake) -> None:
    stranger = replace(ingest.clinic.first.send(pressure()), topic="v1/north/gw-7/reading/x")
    (told,) = ingest.receives(stranger)
    assert (told.refused_message, told.code) == (stranger.message_id, "unknown_gateway")
    assert ingest.clinic.rows("SELECT gateway_id, reason, payload FROM quarantine") == [
        ("gw-7", "unknown_gateway", stranger.payload)
    ]


def test_a_lost_connection_is_no_fault_of_the_data(ingest: Intake) -> None:
    judged = ingest.judge(ingest.clinic.first.send(pressure()))
    ingest.clinic.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with pytest.raises(DatabaseAwayError):
        ingest.store.save(judged, NOW)
    with pytest.raises(DatabaseAwayError):
        ingest.store.directory()
    assert not ingest.readings()


def test_one_ingest_is_active_until_its_connection_ends(plain_clinic: Clinic) -> None:
    one, other = Store(plain_clinic.dsn), Store(plain_clinic.dsn)
    assert one.take_lock()
    assert not other.take_lock()
    one.close()
    plain_clinic.until(other.take_lock)
    other.close()


def test_no_database_is_told_as_away() -> None:
    with pytest.raises(DatabaseAwayError):
        Store("host=127.0.0.1 port=9 dbname=none user=none")


SAME_KEY = [(0, 120.0), (0, 186.0), (1, 120.0), (2, 120.0), (2, 90.0), (400_000, 120.0)]
READINGS = [pressure(value, 60, at=NOW - minutes * MINUTE) for minutes, value in SAME_KEY]
ITEMS: list[wire.Item] = [*READINGS, glucose(), symptoms("vomiting"), event(), pressure(400, 90)]
DELIVERY = st.lists(st.sampled_from(range(len(ITEMS))), min_size=1, max_size=6)
DELIVERIES = st.lists(DELIVERY, max_size=8)


def cleared(ingest: Intake) -> None:
    ingest.clinic.rows(
        "TRUNCATE reading_kept, ingest_ledger, reading_conflict, quarantine, symptom_report,"
        " device_event, patient_latest, eval_queue, ingest_message"
    )


def what_is_stored(ingest: Intake) -> object:
    """Return all that is kept; of two records under one key either may be the row."""
    rows = ingest.clinic.rows
    kept = rows("SELECT time, kind, systolic_mmhg, glucose_mmol_l FROM reading")
    kept += rows(
        "SELECT time, kind, (arrived->>'systolic_mmhg')::float8, NULL FROM reading_conflict"
    )
    return (
        sorted(map(str, kept)),
        rows("SELECT time, kind FROM reading ORDER BY 1, 2"),
        rows("SELECT reading_id FROM ingest_ledger ORDER BY 1"),
        rows("SELECT reading_id FROM symptom_report"),
        rows("SELECT reading_id FROM device_event"),
        rows("SELECT reading_id, reason FROM quarantine"),
        rows("SELECT kind, time FROM patient_latest ORDER BY 1"),
    )


def deliver(ingest: Intake, deliveries: Sequence[Sequence[int]], batch: int) -> None:
    messages = [ingest.clinic.first.send(*(ITEMS[i] for i in one)) for one in deliveries]
    for start in range(0, len(messages), batch):
        ingest.receives(*messages[start : start + batch])


@given(DELIVERIES, st.randoms(use_true_random=False), st.integers(1, 4))
@examples(20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_order_and_any_repetition_stores_the_same(
    ingest: Intake, deliveries: list[list[int]], random: object, batch: int
) -> None:
    everything = [[n] for n in range(len(ITEMS))]
    cleared(ingest)
    deliver(ingest, everything, len(everything))
    expected = what_is_stored(ingest)
    shuffled = deliveries + everything
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    cleared(ingest)
    deliver(ingest, shuffled + deliveries, batch)
    assert what_is_stored(ingest) == expected


def test_the_database_is_asked_for_its_time(plain_clinic: Clinic) -> None:
    store = Store(plain_clinic.dsn)
    before = plain_clinic.one("SELECT extract(epoch FROM clock_timestamp())::float8")
    assert before <= store.read_clock() <= before + 60
    store.close()


@pytest.mark.parametrize("hub", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-12:00"])
def test_a_time_that_could_not_be_read_back_is_not_stored(ingest: Intake, hub: str) -> None:
    raw = wire.encode_item(pressure())
    odd = raw.replace(b'"t_hub":"2026-03-02T04:00:00Z"', f'"t_hub":"{hub}"'.encode())
    assert odd != raw
    (told,) = ingest.receives(ingest.clinic.first.send(odd))
    assert [refused.code for refused in told.rejected] == ["item_unreadable"]
    assert ingest.clinic.rows("SELECT hub_time FROM reading") == []
