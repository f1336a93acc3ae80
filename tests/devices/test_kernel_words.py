"""The small parts of the kernel: names, topics, messages, catalogue, story clock."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, ValidationError

from yikao_devices import gatt, topics, wire
from yikao_devices.describe import describe
from yikao_devices.models import (
    CATALOGUE,
    GENERIC_CUFF,
    GENERIC_METER,
    model_named,
    recognise,
)
from yikao_devices.racp import Count
from yikao_devices.story_clock import Clock, ClockSpecError, parse_clock
from yikao_devices.symptoms import NONE, SYMPTOM_WORDS, SYMPTOMS

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
SOME_ID = UUID("5f0d3c3e-4f0b-5d0c-9a54-79696b616f31")


@given(st.integers(0, 0xFFFF))
def test_short_and_full_uuid(short: int) -> None:
    assert gatt.uuid16(gatt.uuid128(short)) == short
    assert gatt.uuid16(gatt.uuid128(short).upper()) == short


def test_a_vendors_uuid_has_no_short_form() -> None:
    assert gatt.uuid16("ecbe3980-c9a2-11e1-b1bd-0002a5d5c51b") is None


@pytest.mark.parametrize(
    ("name", "services", "model"),
    [
        ("BM85", frozenset[int](), "beurer-bm85"),
        ("Elite 900 v2", frozenset({gatt.BLOOD_PRESSURE_SERVICE}), "beurer-bm85"),
        (None, frozenset({gatt.BLOOD_PRESSURE_SERVICE}), "generic-cuff"),
        ("Contour", frozenset({gatt.GLUCOSE_SERVICE}), "generic-meter"),
        ("Headphones", frozenset({gatt.BATTERY_SERVICE}), None),
        (None, frozenset[int](), None),
    ],
)
def test_recognition(name: str | None, services: frozenset[int], model: str | None) -> None:
    found = recognise(name, services)
    assert (found.name if found else None) == model


def test_every_model_is_found_by_its_name() -> None:
    assert [model_named(model.name) for model in CATALOGUE] == list(CATALOGUE)
    assert model_named("nobody") is None
    assert {GENERIC_CUFF, GENERIC_METER} <= set(CATALOGUE)


def test_topics_both_ways() -> None:
    text = topics.topic("centre", "gw-1", topics.item_channel("glucose"))
    assert text == "v1/centre/gw-1/reading/glucose"
    assert topics.parse_topic(text) == topics.Origin("centre", "gw-1", "reading/glucose")
    assert topics.item_channel("event") == topics.EVENT


@pytest.mark.parametrize("text", ["", "v1/a/b", "v2/a/b/event", "v1//b/event", "v1/a/b/"])
def test_what_is_no_topic_of_ours(text: str) -> None:
    assert topics.parse_topic(text) is None


def test_an_item_is_checked_while_it_is_read() -> None:
    event = wire.DeviceEvent(SOME_ID, "C4", NOON, 0.0, wire.Clocks(NOON), "battery_low")
    assert wire.decode_item(wire.encode_item(event)) == event
    assert wire.kind_of(event) == "event"
    with pytest.raises(ValidationError):
        wire.decode_item(wire.encode_item(event).replace(b"battery_low", b"Battery low!"))


def test_a_bad_item_costs_no_other_in_its_message() -> None:
    message = wire.Message("gw", 1, NOON, (Raw(b'{"kind":"new"}'), Raw(b"{}")))
    assert len(wire.decode_message(wire.encode(message)).items) == 2
    with pytest.raises(ValidationError):
        wire.decode_message(wire.encode(wire.Message("gw", 1, NOON, ())))
    with pytest.raises(ValidationError):
        wire.decode_message(wire.encode(wire.Message("a/b", 1, NOON, (Raw(b"{}"),))))


def test_a_description_names_what_is_there() -> None:
    assert describe(Count(3)) == {"records": 3}


def test_every_symptom_has_words_in_both_languages() -> None:
    assert NONE in SYMPTOMS
    assert all(words.zh and words.en for words in SYMPTOM_WORDS.values())
    assert all(code.replace("_", "").isalpha() and code.islower() for code in SYMPTOMS)


@given(
    st.floats(1.7e9, 1.9e9),
    st.floats(1.7e9, 1.9e9),
    st.floats(0.01, 3600.0),
    st.floats(0.0, 1e5),
)
def test_processes_with_one_spec_agree(
    story_s: float, real_s: float, speed: float, later_s: float
) -> None:
    clock = Clock(round(story_s, 3), real_s, speed)
    other = parse_clock(clock.spec())
    apart = abs(clock.at(real_s + later_s) - other.at(real_s + later_s))
    assert apart <= timedelta(milliseconds=1)


def test_the_story_runs_at_its_speed() -> None:
    clock = parse_clock("2026-03-02T21:50:00+08:00@1000*60")
    assert clock.at(1001.0) == datetime(2026, 3, 2, 13, 51, tzinfo=UTC)
    assert clock.real_seconds(timedelta(hours=1)) == 60.0
    assert clock.real_time(datetime(2026, 3, 2, 13, 52, tzinfo=UTC)) == 1002.0
    assert parse_clock(None) == Clock()


@pytest.mark.parametrize(
    "spec",
    [
        "noon",
        "2026-03-02T21:50:00+08:00@0",
        "2026-03-02T21:50:00@0*1",
        "2026-03-02T21:50:00+08:00@0*0",
        "2026-03-02T21:50:00+08:00@0*-1",
        "2026-03-02T21:50:00+08:00@0*1e9",
        "2026-03-02T21:50:00+08:00@0*nan",
    ],
)
def test_a_clock_that_cannot_run_is_refused(spec: str) -> None:
    with pytest.raises(ClockSpecError, match="YIKAO_CLOCK"):
        parse_clock(spec)
