"""What goes into the quarantine and what does not, however it comes, on each kind of database."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from clinic import CUFF, NOW, Signer, pressure
from fix_database import Intake
from fix_hypothesis import examples
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from quarantine_parts import release

from yikao_devices import wire
from yikao_ingest.accept import Incoming
from yikao_ingest.reasons import Reason
from yikao_ingest.setting_aside import KEPT_BYTES

LONG_BYTES = 1_000_000
EMPTY = (
    "TRUNCATE reading_kept, ingest_ledger, reading_conflict, quarantine, ingest_message,"
    " patient_latest, eval_queue"
)

Sent = tuple[int | None, float]
"""An item: the number of its id, None for one that cannot be read; and its systolic pressure, over
`IMPOSSIBLE` of one that is refused."""
IMPOSSIBLE = 330
sent_items = st.tuples(st.sampled_from((None, 1, 2, 3, 4)), st.sampled_from((120.0, 400.0, 500.0)))
sent_messages = st.lists(sent_items, min_size=1, max_size=4)
sent_batches = st.lists(st.lists(sent_messages, min_size=1, max_size=3), min_size=1, max_size=3)


def raw(number: int | None, systolic: float) -> bytes:
    """Return an item as it is sent; of one number all were measured at one time."""
    at = NOW - timedelta(minutes=number or 0)
    item = pressure(systolic, 80, at=at, reading_id=UUID(int=number or 0))
    known = str(item.reading_id).encode()
    return wire.encode_item(item).replace(known, b"nobody" if number is None else known)


def expected(batches: Sequence[Sequence[Sequence[Sent]]]) -> tuple[list[bytes], dict[UUID, str]]:
    """Return what is in quarantine and what the ledger says, by the rules one by one.

    What is refused of a batch comes first, and only under an id that nothing came under before;
    what can be used takes the place of what could not.
    """
    aside: list[bytes] = []
    ledger: dict[UUID, str] = {}
    for batch in batches:
        items = [item for message in batch for item in message]
        for number, systolic in items:
            if number is None:
                aside.append(raw(number, systolic))
            elif systolic > IMPOSSIBLE and UUID(int=number) not in ledger:
                aside.append(raw(number, systolic))
                ledger[UUID(int=number)] = "quarantined"
        usable = [number for number, systolic in items if number and systolic < IMPOSSIBLE]
        ledger |= {UUID(int=number): "stored" for number in usable}
    return sorted(aside), ledger


@examples(20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=sent_batches)
def test_each_is_set_aside_once(ingest: Intake, batches: list[list[list[Sent]]]) -> None:
    ingest.clinic.rows(EMPTY)
    for batch in batches:
        ingest.receives(*(ingest.clinic.first.send(*(raw(*one) for one in m)) for m in batch))
    entries = ingest.clinic.rows("SELECT payload FROM quarantine")
    ledger = ingest.clinic.rows("SELECT reading_id, outcome FROM ingest_ledger")
    assert (sorted(row[0] for row in entries), dict(ledger)) == expected(batches)


def test_all_that_is_known_of_each_is_kept(ingest: Intake) -> None:
    clinic = ingest.clinic
    odd = pressure(400, 90)
    message = clinic.first.send(pressure(), odd)
    forged = Incoming(message.topic, message.payload, "k2", "A" * 86, uuid4().hex)
    ingest.receives(message, forged)
    (number,) = clinic.rows("SELECT message_id FROM ingest_message")
    zhao = clinic.patient("zhao")
    assert clinic.rows(
        "SELECT received_at, gateway_id, topic, reason, payload, reading_id, patient_id,"
        " measured_at, message_id, key_id, signature FROM quarantine ORDER BY reason"
    ) == [
        (
            *(NOW, "gw-1", message.topic, "bad_signature", message.payload),
            *(None, None, None, None, "k2", "A" * 86),
        ),
        (
            *(NOW, "gw-1", message.topic, "implausible", wire.encode_item(odd)),
            *(odd.reading_id, zhao, NOW, number[0], None, None),
        ),
    ]


def test_whose_value_cannot_be_is_looked_at_once(ingest: Intake) -> None:
    message = ingest.clinic.first.send(pressure(400, 90))
    ingest.receives(message, message)
    ingest.receives(message)
    assert ingest.clinic.rows("SELECT patient_id FROM eval_queue") == [
        (ingest.clinic.patient("zhao"),)
    ]


@pytest.mark.parametrize(
    ("signer", "reason"),
    [(None, Reason.TOO_LONG), (Signer("nobody-knows"), Reason.UNKNOWN_GATEWAY)],
)
def test_of_what_is_far_too_long_the_beginning_is_kept(
    ingest: Intake, signer: Signer | None, reason: Reason
) -> None:
    sender = signer or ingest.clinic.first
    message = sender.sign(sender.send(pressure(device=CUFF)).payload.ljust(LONG_BYTES), "event")
    ingest.receives(message)
    ((why, detail, payload),) = ingest.clinic.rows("SELECT reason, detail, payload FROM quarantine")
    assert (why, payload) == (reason, message.payload[:KEPT_BYTES])
    assert f"of {LONG_BYTES} bytes the first {KEPT_BYTES} are kept" in detail


def test_what_is_far_too_long_is_so_when_it_is_judged_again(ingest: Intake) -> None:
    ingest.receives(ingest.clinic.first.sign(b" " * LONG_BYTES, "event"))
    assert release(ingest).stayed == {Reason.TOO_LONG: 1}
