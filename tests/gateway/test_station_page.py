"""A station's page: hold your card, measure now, and nothing about whoever was there before."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from gateway_parts import CUFF
from page_parts import PageHome, page_home

from yikao_devices.cards import Misread, grouped, new_number
from yikao_devices.wire import BloodPressureReading, Clocks
from yikao_gateway.household.station import CHOICE_MAX, SHOWN, Step
from yikao_gateway.page.words import LANGUAGES, load_words

LI = new_number(1)


@pytest.fixture
def station(tmp_path: Path) -> Iterator[PageHome]:
    with page_home(tmp_path, "en", station=True) as made:
        yield made


def measured(station: PageHome, systolic: float = 187) -> BloodPressureReading:
    """Let the cuff measure, as an intake of it would hand it over."""
    station.times.passes(40)
    at = station.times.now - timedelta(seconds=1)
    item = BloodPressureReading(
        reading_id=uuid4(),
        device=CUFF,
        measured_at=at,
        doubt_s=2.0,
        clocks=Clocks(t_hub=station.times.now),
        systolic_mmhg=systolic,
        diastolic_mmhg=93,
        unit="mmHg",
    )
    assert station.household.station is not None
    (placed,) = station.household.station.placed([item])
    station.outbox.add(placed, station.times.now)
    assert isinstance(placed, BloodPressureReading)
    return placed


def test_it_invites_in_both_languages_and_has_a_field_for_the_reader(station: PageHome) -> None:
    page = station.seen()
    assert "Hold your card before the reader" in page and "请把您的卡放到扫码器前" in page
    assert '<input id="card" name="card"' in page and "autofocus" in page


def test_a_card_is_asked_to_measure_until_its_time_is_over(station: PageHome) -> None:
    answer = station.posts("/card", card=grouped(LI))
    assert (answer.status.value, answer.headers["Location"]) == (303, "/")
    page = station.seen()
    assert f"Card {LI[-4:]} read, please measure" in page and 'data-left="300"' in page
    station.times.passes(CHOICE_MAX.total_seconds())
    assert "Time is over" in station.seen()
    station.times.passes(SHOWN.total_seconds())
    assert "Hold your card before the reader" in station.seen()


def test_a_card_can_be_cancelled(station: PageHome) -> None:
    station.posts("/card", card=LI)
    station.posts("/card", do="cancel")
    assert "Hold your card before the reader" in station.seen()
    assert measured(station).card is None


@pytest.mark.parametrize(
    ("scanned", "said"),
    [
        ("https://u.wechat.com/kFz8x", "That is no measuring card"),
        ("6901028075831", "Digits are missing"),
        (LI[:-1] + "9", "One digit is wrong"),
    ],
)
def test_a_wrong_scan_is_told_for_a_while(station: PageHome, scanned: str, said: str) -> None:
    station.posts("/card", card=scanned)
    page = station.seen()
    assert said in page and scanned not in page
    station.times.passes(SHOWN.total_seconds())
    assert said not in station.seen()


def test_whoever_comes_next_reads_nothing_of_who_was_there(station: PageHome) -> None:
    """No value ever, the card's last digits for a minute, its number never."""
    station.posts("/card", card=LI)
    assert measured(station).card == LI
    page = station.seen()
    assert "measured and kept" in page
    assert not {"187", "93 ", LI} & set(page.split())
    assert LI not in page and "187" not in page
    station.times.passes(SHOWN.total_seconds())
    assert LI[-4:] not in station.seen()


def test_what_the_server_says_to_one_person_is_not_shown_to_the_next(station: PageHome) -> None:
    station.prompted(en="Your pressure is high", zh="您的血压偏高")
    assert "pressure is high" not in station.seen()


def test_a_measurement_without_a_card_is_told(station: PageHome) -> None:
    assert measured(station).card is None
    assert "nobody knows whose it is" in station.seen()


def test_a_stations_pages_are_not_a_homes(station: PageHome, tmp_path: Path) -> None:
    for path in ("/call", "/feel"):
        assert station.gets(path).status.value == 404
        assert station.posts(path).status.value == 404
    (tmp_path / "home").mkdir()
    with page_home(tmp_path / "home") as home:
        assert home.posts("/card", card=LI).status.value == 404
        assert 'id="card"' not in home.seen()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_step_and_every_wrong_scan_has_its_words(language: str) -> None:
    texts = load_words(language).texts
    wanted = {f"station.{each.value}{do}" for each in Step for do in ("", "_do")}
    wanted |= {f"misread.{each.value}" for each in Misread}
    assert wanted <= texts.keys()
