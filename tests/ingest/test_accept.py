"""What may enter: each reason, one bad item that costs no other, and bytes that nobody foresaw."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from clinic import (
    MINUTE,
    NOW,
    QIAN,
    SHARED_CUFF,
    TENANT,
    ZHAO,
    Signer,
    base64url,
    directory,
    event,
    glucose,
    pressure,
    refused,
    symptoms,
)
from fix_hypothesis import examples
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.rules import load_rules
from yikao_devices import topics, wire
from yikao_ingest.accept import (
    AGE_MAX,
    FUTURE_MAX,
    AcceptedEvent,
    AcceptedReading,
    AcceptedSymptoms,
    Incoming,
    Judged,
    Quarantined,
    identify,
    judge,
)
from yikao_ingest.reasons import OWNERS, Reason
from yikao_ingest.receipts import receipt
from yikao_ingest.signature import SIGNATURE_BYTES, decode_base64url, genuine

RULES = load_rules()
FIRST, SECOND, STRANGER = Signer("gw-1"), Signer("gw-2"), Signer("gw-9")
REGISTRY = directory(FIRST, SECOND)
DEEP = b"[" * 100_000


def verdict(incoming: Incoming, now: datetime = NOW) -> Judged:
    return judge(incoming, REGISTRY, RULES, now)


def only(incoming: Incoming, now: datetime = NOW) -> object:
    (item,) = verdict(incoming, now).items
    return item


def reason(incoming: Incoming, now: datetime = NOW) -> Reason | None:
    item = only(incoming, now)
    return item.reason if isinstance(item, Quarantined) else None


def payload_with(field: str, value: object) -> bytes:
    """Return a good message with one field of it changed."""
    message = msgspec.json.decode(FIRST.send(pressure()).payload)
    return msgspec.json.encode(message | {field: value})


def item_with(field: str, value: object) -> bytes:
    """Return a good reading with one field of it changed."""
    item = msgspec.json.decode(wire.encode_item(pressure()))
    return msgspec.json.encode(item | {field: value})


def signed(payload: bytes) -> Incoming:
    return FIRST.sign(payload, "reading/blood_pressure")


def test_a_good_reading_becomes_its_residents_row() -> None:
    reading = pressure()
    assert only(FIRST.send(reading)) == AcceptedReading(ZHAO, 11, reading)


def test_each_user_slot_belongs_to_its_resident() -> None:
    owners = {
        user: only(SECOND.send(pressure(device=SHARED_CUFF, user=user))).patient_id  # type: ignore[attr-defined]
        for user in (1, 2)
    }
    assert owners == {1: QIAN, 2: ZHAO}


def test_symptoms_and_events_are_accepted() -> None:
    report, happening, own = symptoms("chest_pain_or_tightness"), event(), event(device="gw-1")
    items = verdict(FIRST.send(report, happening, own)).items
    assert items == (AcceptedSymptoms(ZHAO, report), AcceptedEvent(happening), AcceptedEvent(own))


IMPLAUSIBLE = pressure(400, 90)
WHOLE = [
    (Reason.UNKNOWN_TOPIC, replace(FIRST.send(pressure()), topic="v2/north/gw-1/reading/x")),
    (Reason.UNKNOWN_GATEWAY, STRANGER.send(pressure())),
    (Reason.UNKNOWN_GATEWAY, replace(FIRST.send(pressure()), topic="v1/south/gw-1/reading/x")),
    (Reason.UNSIGNED, replace(FIRST.send(pressure()), signature="")),
    (Reason.UNSIGNED, replace(FIRST.send(pressure()), signature="ü" * 86)),
    (Reason.BAD_SIGNATURE, replace(SECOND.send(pressure()), topic="v1/north/gw-1/reading/x")),
    (Reason.TOO_LONG, signed(b" " * (wire.MESSAGE_BYTES_MAX + 1))),
    (Reason.UNREADABLE, signed(b"")),
    (Reason.UNREADABLE, signed(b"\xff\xfe")),
    (Reason.UNREADABLE, signed(DEEP)),
    (Reason.UNREADABLE, signed(payload_with("items", [])[:-1] + b',"x":' + DEEP)),
    (Reason.UNREADABLE, signed(payload_with("items", []))),
    (Reason.UNREADABLE, signed(payload_with("items", [{}] * (wire.ITEMS_MAX + 1)))),
    (Reason.UNREADABLE, signed(payload_with("boot", 10**18))),
    (Reason.UNREADABLE, signed(payload_with("sent_at", "2026-03-02T04:00:00"))),
    (Reason.UNREADABLE, signed(payload_with("v", 2))),
    (Reason.WRONG_GATEWAY, FIRST.send(pressure(), gateway="gw-2")),
]
ITEMS = [
    (Reason.ITEM_UNREADABLE, item_with("systolic_mmhg", "high")),
    (Reason.ITEM_UNREADABLE, item_with("kind", "temperature")),
    (Reason.ITEM_UNREADABLE, item_with("measured_at", "2026-03-02T04:00:00")),
    (Reason.ITEM_UNREADABLE, item_with("user", 256)),
    (Reason.UNKNOWN_DEVICE, pressure(device="C4:1D:00:00:00:99")),
    (Reason.UNKNOWN_DEVICE, pressure(device=SHARED_CUFF, user=1)),
    (Reason.UNKNOWN_DEVICE, event(device="C4:1D:00:00:00:99")),
    (Reason.NO_BINDING, pressure(device="gw-1")),
    (Reason.STATION_UNCLEAR, pressure(place="office")),
    (Reason.FRAME_REFUSED, refused()),
    (Reason.IMPLAUSIBLE, IMPLAUSIBLE),
    (Reason.IMPLAUSIBLE, pressure(90, 120)),
    (Reason.FUTURE, pressure(at=NOW + FUTURE_MAX + timedelta(seconds=1))),
    (Reason.FUTURE, event(at=datetime(9999, 12, 31, tzinfo=UTC))),
    (Reason.ANCIENT, pressure(at=NOW - AGE_MAX - timedelta(seconds=1))),
    (Reason.UNITS_DISAGREE, pressure(unit="kPa")),
    (Reason.UNITS_DISAGREE, pressure(systolic_kpa=20.0)),
    (Reason.UNITS_DISAGREE, glucose(unit="mg/dL")),
    (Reason.UNITS_DISAGREE, glucose(None, glucose_mg_dl=100.0)),
    (Reason.UNITS_DISAGREE, glucose(None)),
]


@pytest.mark.parametrize(("expected", "incoming"), WHOLE)
def test_a_message_refused_as_a_whole(expected: Reason, incoming: Incoming) -> None:
    judged = verdict(incoming)
    assert (reason(incoming), judged.whole) == (expected, True)
    told = receipt(judged, NOW)
    if expected is Reason.UNKNOWN_TOPIC:
        assert told is None
        return
    assert told is not None
    assert (told.refused_message, told.code) == (incoming.message_id, str(expected))


@pytest.mark.parametrize(("expected", "item"), ITEMS)
def test_a_refused_item_costs_no_other(expected: Reason, item: wire.Item | bytes) -> None:
    good = pressure(at=NOW - MINUTE)
    judged = verdict(FIRST.send(item, good))
    bad, accepted = judged.items
    assert isinstance(bad, Quarantined)
    assert (bad.reason, accepted) == (expected, AcceptedReading(ZHAO, 11, good))
    raw = item if isinstance(item, bytes) else wire.encode_item(item)
    assert bad.payload == raw
    told = receipt(judged, NOW)
    assert told is not None
    assert told.stored == (good.reading_id,)
    assert told.rejected == (wire.Rejection(UUID(str(bad.reading_id)), str(expected)),)
    assert told.refused_message is None


def test_every_reason_is_tested_and_has_somebody_who_acts() -> None:
    tested = {expected for expected, _ in WHOLE + ITEMS}
    # At a station: test_whose.py.
    tested |= {Reason.NO_CARD, Reason.UNKNOWN_CARD, Reason.CARD_ENDED}
    # After an enrolment: test_enrolment_decisions.py.
    tested |= {Reason.GATEWAY_WITHDRAWN}
    # A device that belonged to nobody, and what only the database can say.
    assert set(Reason) - tested == {Reason.DATABASE_REFUSED}
    assert set(OWNERS) == set(Reason)


def test_a_device_that_belongs_to_nobody() -> None:
    assert reason(SECOND.send(pressure(device=SHARED_CUFF))) is Reason.NO_BINDING
    assert reason(SECOND.send(pressure(device=SHARED_CUFF, user=3))) is Reason.NO_BINDING


def test_nothing_is_said_of_a_resident_whose_device_another_gateway_names() -> None:
    item = only(FIRST.send(pressure(device=SHARED_CUFF, user=1)))
    assert isinstance(item, Quarantined)
    assert item.patient_id is None


def test_bounds_of_time_are_inclusive() -> None:
    for at in (NOW + FUTURE_MAX, NOW - AGE_MAX):
        assert reason(FIRST.send(pressure(at=at))) is None


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_beyond_the_calendar_is_refused_and_not_kept(at: str) -> None:
    item = only(FIRST.send(item_with("measured_at", at)))
    assert isinstance(item, Quarantined)
    assert (item.patient_id, item.measured_at) == (ZHAO, None)


def test_hi_and_lo_stand_for_a_number() -> None:
    for word in ("hi", "lo"):
        assert reason(FIRST.send(glucose(None, flags=(word,)))) is None
        assert reason(FIRST.send(glucose(None, unit="mg/dL", flags=(word,)))) is None


@pytest.mark.parametrize("mg_dl", [20.0, 54.0, 70.0, 300.0, 600.0])
def test_a_conversion_as_rounded_agrees(mg_dl: float) -> None:
    reading = glucose(round(mg_dl / 18.0182, 2), unit="mg/dL", glucose_mg_dl=mg_dl)
    assert reason(FIRST.send(reading)) is None


def test_items_without_a_readable_id_are_covered_by_the_message() -> None:
    nameless = item_with("reading_id", 7)
    good = glucose()
    incoming = FIRST.send(nameless, good)
    told = receipt(verdict(incoming), NOW)
    assert told is not None
    assert (told.stored, told.rejected) == ((good.reading_id,), ())
    assert (told.refused_message, told.code) == (incoming.message_id, "item_unreadable")


def test_the_word_of_a_gateway_is_identified_as_its_readings_are() -> None:
    status = FIRST.status("online", 3)
    sender = identify(status, REGISTRY)
    assert not isinstance(sender, Quarantined)
    assert (sender.gateway.gateway_id, sender.channel) == ("gw-1", topics.STATUS)
    forged = replace(status, topic=topics.topic(TENANT, "gw-2", topics.STATUS))
    stranger = identify(forged, REGISTRY)
    assert isinstance(stranger, Quarantined)
    assert stranger.reason is Reason.BAD_SIGNATURE


def test_any_flipped_bit_of_payload_or_signature_is_refused() -> None:
    incoming = FIRST.send(pressure())
    signature = decode_base64url(incoming.signature, SIGNATURE_BYTES)
    assert signature is not None
    assert genuine(FIRST.public_bytes, signature, incoming.payload)
    for place in range(len(incoming.payload)):
        flipped = replace(incoming, payload=flip(incoming.payload, place))
        assert reason(flipped) is Reason.BAD_SIGNATURE
    for place in range(SIGNATURE_BYTES):
        flipped = replace(incoming, signature=base64url(flip(signature, place)))
        assert reason(flipped) is Reason.BAD_SIGNATURE


def test_a_signature_has_one_spelling() -> None:
    incoming = FIRST.send(pressure())
    text = incoming.signature
    others = {text + "==", text + "=", text.replace("-", "+").replace("_", "/"), f" {text}"}
    # The last character has four bits that say nothing.
    others |= {text[:-1] + chr(ord(text[-1]) + step) for step in (-1, 1)}
    for other in others - {text}:
        assert reason(replace(incoming, signature=other)) in (
            Reason.UNSIGNED,
            Reason.BAD_SIGNATURE,
        )


def flip(data: bytes, place: int, bit: int = 0) -> bytes:
    return data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]


def covered(judged: Judged) -> bool:
    """Return whether the receipt covers every item whose id can be read, and the rest by name."""
    told = receipt(judged, NOW)
    if judged.origin is None:
        return told is None
    assert told is not None
    named = {*told.stored, *(rejection.reading_id for rejection in told.rejected)}
    wanted = {
        item.reading_id if isinstance(item, Quarantined) else item.item.reading_id
        for item in judged.items
    }
    nameless = None in wanted
    assert (told.refused_message == judged.incoming.message_id) is nameless
    # It can be sent, too.
    assert wire.decode_receipt(wire.encode(told)) == told
    return named == wanted - {None}


GOOD = [pressure(), pressure(186, 112, at=NOW - MINUTE), glucose(), symptoms("vomiting"), event()]
GOOD_PAYLOAD = FIRST.send(*GOOD).payload
EDITS = st.lists(
    st.tuples(st.integers(0, len(GOOD_PAYLOAD) - 1), st.integers(0, 5), st.binary(max_size=6)),
    max_size=4,
)


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
@examples(150)
def test_random_bytes_are_refused_and_receipted(payload: bytes) -> None:
    assert covered(verdict(signed(payload)))
    assert covered(verdict(FIRST.send(payload)) if is_json(payload) else verdict(signed(payload)))


def is_json(payload: bytes) -> bool:
    try:
        msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


@given(EDITS)
@examples(300)
def test_damaged_messages_are_judged_item_by_item(edits: list[tuple[int, int, bytes]]) -> None:
    payload = GOOD_PAYLOAD
    for place, length, new in edits:
        payload = payload[:place] + new + payload[place + length :]
    judged = verdict(signed(payload))
    assert covered(judged)
    assert judged.whole or len(judged.items) == len(wire.decode_message(payload).items)


@given(st.text(max_size=40), st.text(max_size=90), st.text(max_size=40))
@examples(150)
def test_any_topic_and_properties_are_judged(topic: str, signature: str, mid: str) -> None:
    incoming = Incoming(topic, GOOD_PAYLOAD, "", signature, mid)
    assert covered(verdict(incoming))
    assert covered(verdict(replace(incoming, topic=f"v1/{TENANT}/{topic}/event")))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = st.sampled_from((*wire.BloodPressureReading.__struct_fields__, "kind"))


@given(FIELDS, JSON)
@examples(300)
def test_any_value_in_any_field_costs_only_its_item(field: str, value: object) -> None:
    try:
        item = item_with(field, value)
    except (msgspec.EncodeError, OverflowError):
        return
    judged = verdict(FIRST.send(item, *GOOD))
    assert covered(judged)
    assert [type(one) for one in judged.items[1:]] == [
        AcceptedReading,
        AcceptedReading,
        AcceptedReading,
        AcceptedSymptoms,
        AcceptedEvent,
    ]
