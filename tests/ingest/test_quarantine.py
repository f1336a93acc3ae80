"""Out of quarantine after a fix: each entry once, with its own times, or not at all."""

import threading
from collections import Counter
from datetime import timedelta

import pytest
from clinic import CUFF, MINUTE, NOW, Signer, event, glucose, pressure, refused, symptoms
from fix_database import DEADLINE_S, REFUSED, Intake
from quarantine_parts import (
    LATER,
    closed,
    everything,
    register,
    rekey,
    release,
    unregister,
    waiting,
)

from yikao_devices import wire
from yikao_devices.symptoms import CALL_ME
from yikao_ingest.quarantine_store import discard
from yikao_ingest.reasons import Reason
from yikao_ingest.store import DatabaseAwayError

RELEASED = ("released", "op", LATER)
OPEN = (None, None, None)


def test_a_device_that_is_registered_late_loses_nothing(ingest: Intake) -> None:
    clinic, zhao = ingest.clinic, ingest.clinic.patient("zhao")
    at = NOW - 30 * MINUTE
    unregister(clinic)
    message = clinic.first.send(
        pressure(at=at), glucose(), symptoms("vomiting", at=at), event(), event(CALL_ME)
    )
    ingest.receives(message)
    clinic.rows("DELETE FROM eval_queue")
    register(clinic)
    outcome = release(ingest)
    assert (outcome.released, outcome.stayed) == (4, {})
    for table in ("reading WHERE kind = 'blood_pressure'", "symptom_report"):
        rows = clinic.rows("SELECT patient_id, time, received_at FROM " + table)
        assert rows == [(zhao, at, NOW)]
    assert clinic.rows("SELECT patient_id, time, received_at FROM help_call") == [(zhao, NOW, NOW)]
    # To the rules they come only now; what was in order when it came is none of them.
    assert clinic.rows(
        "SELECT patient_id, time, kind, address, at FROM reading_released"
        " LEFT JOIN device USING (device_id) ORDER BY time, kind"
    ) == [
        (zhao, at, "blood_pressure", CUFF, LATER),
        (zhao, at, "symptom", None, LATER),
        (zhao, NOW, "symptom", None, LATER),
    ]
    assert clinic.one("SELECT count(*) FROM device_event") == 2
    assert ingest.outcomes() == {"stored": 2, "symptom": 1, "event": 2}
    assert closed(ingest) == [RELEASED] * 4
    # Each belongs to the message that its gateway had signed; whose they are waits since now.
    assert clinic.rows(
        "SELECT DISTINCT payload, signature"
        " FROM ingest_ledger JOIN ingest_message USING (message_id)"
    ) == [(message.payload, ingest.judge(message)[0].signature)]
    assert clinic.rows("SELECT DISTINCT patient_id, queued_at FROM eval_queue") == [(zhao, LATER)]


def test_the_second_time_nothing_changes(ingest: Intake) -> None:
    unregister(ingest.clinic)
    ingest.receives(ingest.clinic.first.send(pressure(), refused()))
    register(ingest.clinic)
    assert release(ingest).released == 1
    after = everything(ingest)
    assert release(ingest).stayed == {Reason.FRAME_REFUSED: 1}
    assert everything(ingest) == after


def test_what_still_cannot_be_used_stays_and_says_why(ingest: Intake) -> None:
    clinic = ingest.clinic
    unregister(clinic)
    ingest.receives(clinic.first.send(pressure(400, 90), pressure(at=NOW + timedelta(hours=1))))
    assert clinic.rows("SELECT DISTINCT reason FROM quarantine") == [("unknown_device",)]
    register(clinic)
    # By now that hour is over; when it came, it was not.
    outcome = release(ingest)
    assert outcome.released == 0
    assert outcome.stayed == {Reason.IMPLAUSIBLE: 1, Reason.FUTURE: 1}
    zhao = clinic.patient("zhao")
    assert clinic.rows("SELECT reason, patient_id FROM quarantine_open ORDER BY 1") == [
        ("future", zhao),
        ("implausible", zhao),
    ]
    # The evaluator looks at what cannot be, too.
    assert clinic.rows("SELECT patient_id, queued_at FROM eval_queue") == [(zhao, LATER)]
    assert ingest.outcomes() == {"quarantined": 2}


def test_a_message_is_read_once_its_gateways_key_is_right(ingest: Intake) -> None:
    clinic, renewed = ingest.clinic, Signer("gw-1")
    ingest.receives(renewed.send(pressure(), refused(), b'{"kind":"?"}'))
    assert release(ingest).stayed == {Reason.BAD_SIGNATURE: 1}
    rekey(clinic, renewed)
    outcome = release(ingest)
    assert (outcome.released, outcome.stayed) == (1, {})
    assert clinic.rows("SELECT time, received_at FROM reading") == [(NOW, NOW)]
    assert clinic.rows("SELECT time, at FROM reading_released") == [(NOW, LATER)]
    assert clinic.rows("SELECT reason, received_at FROM quarantine_open ORDER BY 1") == [
        ("frame_refused", NOW),
        ("item_unreadable", NOW),
    ]
    after = everything(ingest)
    release(ingest)
    assert everything(ingest) == after


def test_a_message_whose_signature_was_not_kept_has_to_come_again(ingest: Intake) -> None:
    renewed = Signer("gw-1")
    message = renewed.send(pressure())
    ingest.receives(message)
    ingest.clinic.rows("UPDATE quarantine SET key_id = NULL, signature = NULL")
    rekey(ingest.clinic, renewed)
    assert release(ingest).stayed == {Reason.BAD_SIGNATURE: 1}
    assert len(waiting(ingest)) == 1


def test_what_came_again_meanwhile_waits_no_more(ingest: Intake) -> None:
    clinic = ingest.clinic
    unregister(clinic)
    message = clinic.first.send(pressure())
    ingest.receives(message)
    register(clinic)
    assert len(waiting(ingest)) == 1
    ingest.receives(message, now=NOW + MINUTE)
    assert waiting(ingest) == []
    assert len(ingest.readings()) == 1
    assert clinic.one("SELECT count(*) FROM reading_released") == 0


def test_another_record_under_the_key_of_a_reading_is_kept_beside_it(ingest: Intake) -> None:
    clinic = ingest.clinic
    ingest.receives(clinic.first.send(pressure(128, 82)))
    unregister(clinic)
    ingest.receives(clinic.first.send(pressure(186, 112)), now=NOW + MINUTE)
    register(clinic)
    assert release(ingest).released == 1
    assert ingest.outcomes() == {"stored": 1, "conflict": 1}
    assert ingest.readings() == [(NOW, 128)]
    assert clinic.one("SELECT count(*) FROM reading_released") == 0
    assert clinic.rows("SELECT received_at FROM reading_conflict") == [(NOW + MINUTE,)]


def test_what_the_database_refuses_is_refused_again(ingest: Intake) -> None:
    clinic = ingest.clinic
    ingest.refuse()
    poison = pressure(at=NOW - MINUTE, record=REFUSED)
    unregister(clinic)
    ingest.receives(clinic.first.send(pressure(), poison, glucose(at=NOW - MINUTE)))
    register(clinic)
    outcome = release(ingest)
    assert (outcome.released, outcome.stayed) == (1, {Reason.DATABASE_REFUSED: 1})
    after = everything(ingest)
    assert release(ingest).stayed == {Reason.DATABASE_REFUSED: 1}
    assert everything(ingest) == after


def test_an_item_whose_message_nobody_knows_is_stored_by_itself(ingest: Intake) -> None:
    """So it is with items without an id in entries of older versions: a new one may read them."""
    clinic = ingest.clinic
    ingest.receives(clinic.first.send(b'{"kind":"?"}'))
    readable = wire.encode_item(pressure())
    clinic.rows("UPDATE quarantine SET payload = %s, message_id = NULL", readable)
    assert release(ingest).released == 1
    assert len(ingest.readings()) == 1
    kept = "SELECT payload FROM ingest_message JOIN ingest_ledger USING (message_id)"
    assert clinic.rows(kept) == [(readable,)]


def quarantine_of_three_messages(ingest: Intake) -> None:
    unregister(ingest.clinic)
    for hours in range(3):
        at = NOW - timedelta(hours=hours)
        items = pressure(at=at), refused(), symptoms("vomiting", at=at)
        ingest.receives(ingest.clinic.first.send(*items))
    register(ingest.clinic)


def test_killed_between_two_messages_the_rest_is_done_next_time(ingest: Intake) -> None:
    quarantine_of_three_messages(ingest)

    def killed(done: int, total: int) -> None:
        assert total == 9
        if done >= 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        release(ingest, killed)
    assert len(ingest.readings()) == 1
    assert release(ingest).released == 4
    assert len(ingest.readings()) == 3
    assert ingest.outcomes() == {"stored": 3, "symptom": 3, "quarantined": 3}
    assert ingest.clinic.one("SELECT count(*) FROM ingest_message") == 6
    assert Counter(closed(ingest)) == {OPEN: 3, RELEASED: 6}


def test_killed_in_the_middle_of_a_message_it_was_never_touched(ingest: Intake) -> None:
    quarantine_of_three_messages(ingest)
    before = everything(ingest)
    ended: list[BaseException] = []

    def run() -> None:
        try:
            release(ingest)
        except DatabaseAwayError as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    # It stores the readings, and then waits for the queue.
    with ingest.clinic.connection.transaction():
        ingest.clinic.rows("LOCK TABLE eval_queue IN SHARE MODE")
        thread.start()
        ingest.clinic.until(
            lambda: ingest.clinic.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_locks"
                " WHERE relation = 'eval_queue'::regclass AND NOT granted"
            )
        )
    thread.join(DEADLINE_S)
    assert len(ended) == 1
    assert everything(ingest) == before


def test_discarded_is_kept_and_says_who_when_and_why(ingest: Intake) -> None:
    clinic = ingest.clinic
    unregister(clinic)
    ingest.receives(clinic.first.send(pressure(), glucose(record=2), refused()))
    first, second = (n for group in waiting(ingest) for n in group)
    assert discard(clinic.connection, [first], "op", " a test ", LATER) == [first]
    # Once and for all: neither a second time, nor by a release.
    assert discard(clinic.connection, [first], "else", "no", LATER + MINUTE) == []
    register(clinic)
    assert release(ingest).stayed == {Reason.FRAME_REFUSED: 1}
    assert waiting(ingest) == [(second,)]
    assert clinic.rows(
        "SELECT closed_as, closed_by, closed_at, closed_because, reason FROM quarantine"
        " WHERE closed_at IS NOT NULL"
    ) == [("discarded", "op", LATER, "a test", "unknown_device")]
    assert ingest.readings() == [(NOW, 6.1)]


def test_what_is_meant_can_be_said_in_three_ways(ingest: Intake) -> None:
    clinic = ingest.clinic
    unregister(clinic)
    ingest.receives(
        clinic.first.send(pressure(), refused()), clinic.first.send(refused(device="X"))
    )
    one, two, three = (n for group in waiting(ingest) for n in group)
    # What came in one message is released together.
    assert waiting(ingest) == [(one, two), (three,)]
    assert waiting(ingest, ids=[two, three]) == [(two,), (three,)]
    assert waiting(ingest, reason=Reason.UNKNOWN_DEVICE) == [(one,)]
    assert waiting(ingest, device=CUFF) == [(one, two)]
    assert waiting(ingest, device=CUFF, reason=Reason.FRAME_REFUSED) == [(two,)]
    assert waiting(ingest, device='"') == []


def test_what_is_released_is_noted_whenever_it_came(ingest: Intake) -> None:
    """When a reading came is kept to the millisecond, and it is known again by that."""
    unregister(ingest.clinic)
    came = NOW + timedelta(microseconds=123_456)
    measured = NOW - timedelta(microseconds=654_321)
    ingest.receives(ingest.clinic.first.send(pressure(at=measured)), now=came)
    register(ingest.clinic)
    assert release(ingest).released == 1
    assert ingest.clinic.rows("SELECT time, at FROM reading_released") == [(measured, LATER)]
