"""Whose it is at a station: by the card, else by a person's word, else nobody's."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from clinic import CUFF, MINUTE, NOW, QIAN, ZHAO, Signer, directory, event, pressure, symptoms
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.rules import RuleSet
from yikao_devices import wire
from yikao_devices.cards import digest_of, new_number
from yikao_ingest.accept import AcceptedEvent, AcceptedReading, Quarantined, judge
from yikao_ingest.directory import ANYBODY, Binding, Card, Directory
from yikao_ingest.reasons import UNOWNED, Reason
from yikao_ingest.whose import Nobody, whose

SIGNER = Signer("gw-1")
HOUR = timedelta(hours=1)
MINE, ENDED, STRANGE = (new_number(n) for n in (1, 2, 3))
CARDS = {
    digest_of(MINE): Card(ZHAO, None, None),
    digest_of(ENDED): Card(QIAN, NOW - 2 * HOUR, NOW - HOUR),
}


def station(*bindings: Binding, station: bool = True) -> Directory:
    """Return a registry in which the cuff is a station's."""
    known = directory(SIGNER)
    cuff = replace(known.devices[CUFF], bindings=bindings, station=station)
    return replace(known, devices={**known.devices, CUFF: cuff}, cards=CARDS)


def measured(card: str | None = None, at: datetime = NOW, **more: object) -> wire.Reading:
    return pressure(at=at, place="office", card=card, **more)


def owner(item: wire.Item, known: Directory) -> int | Reason:
    assert isinstance(item, wire.Reading | wire.SymptomReport | wire.DeviceEvent)
    found = whose(item, known.devices[CUFF], known)
    return found.reason if isinstance(found, Nobody) else found


@pytest.mark.parametrize(
    ("card", "at", "expected"),
    [
        (MINE, NOW, ZHAO),
        (ENDED, NOW - 2 * HOUR, QIAN),
        (ENDED, NOW - HOUR - MINUTE, QIAN),
        (ENDED, NOW - HOUR, Reason.CARD_ENDED),
        (ENDED, NOW - 3 * HOUR, Reason.CARD_ENDED),
        (STRANGE, NOW, Reason.UNKNOWN_CARD),
        (None, NOW, Reason.NO_CARD),
    ],
)
def test_a_card_says_whose_it_is_when_it_was_measured(
    card: str | None, at: datetime, expected: int | Reason
) -> None:
    assert owner(measured(card, at), station()) == expected


def test_a_binding_for_that_very_time_goes_before_the_card() -> None:
    claimed = station(Binding(ANYBODY, QIAN, NOW, NOW + MINUTE))
    for card in (None, MINE, ENDED, STRANGE):
        assert owner(measured(card), claimed) == QIAN
    assert owner(measured(None, NOW + MINUTE), claimed) == Reason.NO_CARD


def test_where_gateway_and_registry_disagree_it_is_nobodys() -> None:
    """Else it would go to whoever had the cuff at home before."""
    at_home = station(Binding(ANYBODY, ZHAO, None, None), station=False)
    assert owner(measured(), at_home) == Reason.STATION_UNCLEAR
    assert owner(measured(MINE), at_home) == Reason.STATION_UNCLEAR
    assert owner(pressure(), at_home) == ZHAO
    assert owner(pressure(), station()) == Reason.STATION_UNCLEAR


def test_at_a_station_nobody_knows_who_feels_ill(rules: RuleSet) -> None:
    assert owner(symptoms("chest_pain"), station()) == Reason.NO_BINDING
    battery = event()
    (item,) = judge(SIGNER.send(battery), station(), rules, NOW).items
    assert item == AcceptedEvent(battery)


def test_what_is_nobodys_keeps_its_time_and_its_bytes(rules: RuleSet) -> None:
    lost, found = measured(at=NOW - HOUR), measured(MINE)
    nobodys, zhaos = judge(SIGNER.send(lost, found), station(), rules, NOW).items
    assert isinstance(nobodys, Quarantined)
    assert nobodys.reason in UNOWNED
    assert (nobodys.measured_at, nobodys.patient_id) == (NOW - HOUR, None)
    assert nobodys.payload == wire.encode_item(lost)
    assert zhaos == AcceptedReading(ZHAO, 11, found)


@given(
    st.sampled_from([None, MINE, ENDED, STRANGE]),
    st.integers(-300, 5).map(lambda minutes: NOW + minutes * MINUTE),
    st.booleans(),
)
def test_a_reading_of_a_station_is_its_cards_or_nobodys(
    card: str | None, at: datetime, registered: bool
) -> None:
    found = owner(measured(card, at), station(station=registered))
    holders = {MINE: ZHAO, ENDED: QIAN}
    assert found in UNOWNED or (registered and found == holders.get(card or ""))
