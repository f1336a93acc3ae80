"""Every reason is told in both languages, belongs to somebody, and is the same the second time."""

import json
import tomllib
from collections.abc import Iterable
from dataclasses import replace
from importlib import resources

import pytest
from clinic import NOW, Signer, directory, event, glucose, pressure, refused, symptoms
from fix_database import Intake
from fix_hypothesis import examples
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from quarantine_parts import everything, release

from yikao_alerts.rules import RuleSet
from yikao_devices import wire
from yikao_devices.symptoms import CALL_ME
from yikao_ingest.accept import AGE_MAX, FUTURE_MAX, Judged, Quarantined, judge
from yikao_ingest.directory import Directory
from yikao_ingest.quarantine import Entry, judge_again
from yikao_ingest.reasons import (
    LANGUAGES,
    OF_MESSAGES,
    OWNERS,
    Owner,
    Reason,
    owner_name,
    sentence,
)

SIGNER = Signer("gw-1")
SENTENCE_MAX = 200
STOPS = {"zh": "。", "en": "."}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", Reason)
def test_a_reason_says_what_happened_and_what_to_do(reason: Reason, language: str) -> None:
    told = sentence(reason, language)
    stop = STOPS[language]
    # What happened, and what to do: two sentences at least, or two halves of one.
    assert told.endswith(stop)
    assert told.count(stop) + told.count("，") >= 2
    assert len(told) <= SENTENCE_MAX
    assert owner_name(OWNERS[reason], language)


def test_there_is_nothing_that_nobody_tells() -> None:
    for language in LANGUAGES:
        file = resources.files("yikao_ingest").joinpath("text", f"quarantine.{language}.toml")
        texts = tomllib.loads(file.read_text("utf-8"))
        assert texts["reason"].keys() == set(Reason)
        assert texts["owner"].keys() == set(Owner)
        assert len(set(texts["reason"].values())) == len(Reason)
    assert OWNERS.keys() == set(Reason)
    assert set(OWNERS.values()) == set(Owner)


def test_of_messages_are_the_reasons_for_which_one_is_refused_as_a_whole(rules: RuleSet) -> None:
    known = directory(SIGNER)
    good = SIGNER.send(pressure())
    bad = [
        Signer("gw-1").send(pressure()),
        SIGNER.send(pressure(), gateway="gw-2"),
        SIGNER.sign(b"{", "event"),
        SIGNER.sign(b" " * (wire.MESSAGE_BYTES_MAX + 1), "event"),
    ]
    found = {reason_of(judge(message, known, rules, NOW)) for message in bad}
    found |= {reason_of(judge(good, Directory(), rules, NOW))}
    withdrawn = replace(known.gateways[SIGNER.gateway], withdrawn=True)
    gone = replace(known, gateways={SIGNER.gateway: withdrawn})
    found |= {reason_of(judge(good, gone, rules, NOW))}
    assert found == OF_MESSAGES - {Reason.UNKNOWN_TOPIC, Reason.UNSIGNED}


def reason_of(judged: Judged) -> Reason:
    (item,) = judged.items
    assert isinstance(item, Quarantined)
    return item.reason


UNUSABLE = [
    refused(),
    pressure(device="unknown"),
    symptoms("vomiting", device="unknown"),
    event(CALL_ME, device="unknown"),
    pressure(400, 90),
    pressure(unit="kPa"),
    pressure(at=NOW + 2 * FUTURE_MAX),
    glucose(at=NOW - 2 * AGE_MAX),
    glucose(None),
]
FIELDS = st.sampled_from(["kind", "reading_id", "device", "measured_at", "unit", "t_dev", "user"])
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
JUNK = st.dictionaries(FIELDS, VALUES, max_size=5).map(lambda value: json.dumps(value).encode())


def spoilt(item: bytes, field: str, value: object) -> bytes:
    return json.dumps({**json.loads(item), field: value}).encode()


KNOWN = st.sampled_from(UNUSABLE).map(wire.encode_item)
ITEMS = st.one_of(KNOWN, JUNK, st.binary(max_size=20), st.builds(spoilt, KNOWN, FIELDS, VALUES))


def entries_of(judged: Judged) -> Iterable[Entry]:
    """Yield what is put into quarantine of a message, as it is read from there."""
    assert judged.origin is not None
    for number, item in enumerate(judged.items):
        if isinstance(item, Quarantined):
            yield Entry(
                number,
                NOW,
                judged.origin.gateway,
                judged.incoming.topic,
                item.reason,
                item.detail,
                item.payload,
                item.reading_id,
                item.patient_id,
                item.measured_at,
                judged.incoming.key_id if judged.whole else None,
                judged.incoming.signature if judged.whole else None,
            )


@given(st.lists(ITEMS, min_size=1, max_size=4))
def test_judged_again_by_the_same_registry_nothing_changes(
    rules: RuleSet, items: list[bytes]
) -> None:
    known = directory(SIGNER)
    entries = list(entries_of(judge(SIGNER.send(*items), known, rules, NOW)))
    if entries:
        again = judge_again(entries, known, rules)
        assert again.usable is None
        assert [(entry, verdict) for entry, verdict in again.still] == [
            (entry, entry.as_before) for entry in entries
        ]


@given(st.lists(ITEMS, min_size=1, max_size=4))
@examples(12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_released_by_the_same_registry_no_row_changes(ingest: Intake, items: list[bytes]) -> None:
    ingest.receives(ingest.clinic.first.send(*items))
    before = everything(ingest)
    assert release(ingest).released == 0
    assert everything(ingest) == before
