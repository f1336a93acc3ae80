"""The page at home: what it says in both languages, and what its buttons do."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import pytest
from gateway_parts import CUFF, METER, event
from page_parts import GATEWAY, PageHome, page_home

from yikao_devices.models import Conversation
from yikao_devices.symptoms import CALL_ME, SYMPTOM_WORDS
from yikao_devices.wire import DeviceEvent, Rejection, SymptomReport
from yikao_gateway.page.forms import CHOICES
from yikao_gateway.page.household import LATE, SAID_SHOWN
from yikao_gateway.page.html import Html, tag
from yikao_gateway.page.http import Response
from yikao_gateway.page.words import LANGUAGES, load_words
from yikao_gateway.visits.pairing_mode import OPEN_S

GLOSSARY = Path(__file__).parents[2] / "docs" / "glossary.md"
PLACES = re.compile(r"{\w+}")


@pytest.fixture
def home(tmp_path: Path) -> object:
    with page_home(tmp_path, "en") as made:
        yield made


def told(response: Response, status: int) -> str:
    assert response.status.value == status
    return response.body.decode()


def goes_to(response: Response, path: str) -> None:
    assert (response.status.value, response.headers["Location"]) == (303, path)


def test_both_languages_have_the_same_texts_with_the_same_places() -> None:
    zh, en = (load_words(language).texts for language in LANGUAGES)
    assert zh.keys() == en.keys()
    for key, text in zh.items():
        assert sorted(PLACES.findall(text)) == sorted(PLACES.findall(en[key])), key


def codes_under(title: str) -> set[str]:
    section = GLOSSARY.read_text("utf-8").partition(f"## {title}\n")[2].partition("\n## ")[0]
    codes = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
    assert codes
    return codes


@pytest.mark.parametrize("title", ["What went wrong in a visit", "Troubles of the gateway"])
def test_lay_people_are_told_of_every_trouble_and_what_to_do(title: str) -> None:
    texts = load_words("zh").texts
    wanted = codes_under(title)
    assert {code for code in wanted if f"wrong.{code}" not in texts} == set()
    assert {code for code in wanted if f"do.{code}" not in texts} == set()


def test_every_kind_of_device_has_a_name() -> None:
    assert {f"kind.{each.value}" for each in Conversation} <= load_words("zh").texts.keys()


def test_text_never_becomes_markup() -> None:
    made = tag("p", "<b>&", Html("<i></i>"), title='"><script>', hidden=True, id=None)
    assert made == '<p title="&quot;&gt;&lt;script&gt;" hidden>&lt;b&gt;&amp;<i></i></p>'


def test_a_prompt_stands_on_the_page_with_the_time_that_is_left(home: PageHome) -> None:
    assert "No message now" in home.seen()
    home.prompted(minutes=14.5, en="Measure <now>")
    page = home.seen()
    assert "Please measure again" in page and "Measure &lt;now&gt;" in page
    assert 'data-left="870">14:30<' in page and "Measure before 08:14" in page
    home.times.passes(870)
    page = home.seen()
    assert "No measurement came before 08:14" in page and "data-left" not in page


def test_what_was_said_before_stands_below_the_newest(home: PageHome) -> None:
    home.prompted(minutes=20, do="show", en="Sit and rest.")
    home.prompted(minutes=15)
    page = home.seen()
    assert page.index("Please measure again") < page.index("Sit and rest. (until 08:20)")


def test_whether_the_centre_has_what_was_measured(home: PageHome) -> None:
    assert "Nothing measured yet" in home.seen()
    item = event(1)
    home.outbox.add(item, home.times.now)
    page = home.seen()
    assert "1 not sent yet" in page
    home.times.passes(LATE.total_seconds() + 1)
    assert "1 not sent since 08:00" in home.seen()
    home.outbox.settle([item.reading_id], [], home.times.now)
    page = home.seen()
    assert "The centre has all measurements" in page and "Last one received: 08:10" in page
    home.times.passes(timedelta(days=1).total_seconds())
    assert "yesterday 08:10" in home.seen()
    home.times.passes(timedelta(days=30).total_seconds())
    assert "2/3 08:10" in home.seen()


def test_devices_say_what_is_wrong_and_what_to_do(home: PageHome) -> None:
    assert "No device has been read" in home.seen()
    home.has_read(problem="stale_bond", battery_low=True)
    home.household.alarms.set("radio_unavailable", on=True)
    page = home.seen()
    for words in ("It has forgotten this gateway", "Battery low", "Bluetooth does not work"):
        assert words in page
    assert "Last read: 07:52" in page and "Last read: yesterday 06:00" in page
    home.has_read(problem="brand_new_code")
    assert "Something is wrong (brand_new_code)" in home.seen()


def test_the_doctor_is_called_after_a_second_press_only(home: PageHome) -> None:
    assert "Shall the doctor call you?" in home.seen("/call")
    assert home.items() == []
    goes_to(home.posts("/call"), "/")
    (item,) = home.items()
    assert isinstance(item, DeviceEvent)
    assert (item.device, item.code, item.measured_at) == (GATEWAY, CALL_ME, home.times.now)
    assert home.woken == [home.times.now]
    assert "we are asking the doctor to call you" in home.seen()
    home.outbox.settle([item.reading_id], [], home.times.now)
    assert "the centre has your request" in home.seen()
    home.times.passes(SAID_SHOWN.total_seconds())
    assert "your request" not in home.seen()


def test_a_call_that_does_not_reach_anybody_is_told(home: PageHome) -> None:
    home.posts("/call")
    (item,) = home.items()
    home.outbox.settle([], [Rejection(item.reading_id, "no_binding")], home.times.now)
    assert "your request was not taken" in home.seen()
    with home.outbox._database.write() as cursor:
        cursor.execute("UPDATE item SET state = 'damaged'")
    assert "your request was not taken" in home.seen()


def test_every_symptom_can_be_told_for_the_device_one_uses(home: PageHome) -> None:
    assert "nobody knows who you are" in home.seen("/feel")
    home.has_read()
    page = home.seen("/feel")
    assert set(CHOICES) == SYMPTOM_WORDS.keys() - {CALL_ME}
    for code in CHOICES:
        assert f'value="{code}"' in page and SYMPTOM_WORDS[code].en in page.replace("&#39;", "'")
    goes_to(home.posts("/feel", symptom=("chest_pain", "cold_sweat"), device=CUFF), "/")
    (item,) = home.items()
    assert isinstance(item, SymptomReport)
    assert (item.device, item.symptoms) == (CUFF, ("chest_pain", "cold_sweat"))
    assert "what you feel is on its way" in home.seen()


@pytest.mark.parametrize(
    ("symptoms", "device", "says"),
    [
        ((), CUFF, "choose at least one"),
        (("toothache",), CUFF, "choose at least one"),
        ((CALL_ME,), CUFF, "choose at least one"),
        (("none", "headache"), CUFF, "stands alone"),
        (("headache",), "C4:1D:00:00:00:99", "Which device do you use?"),
        (("headache",), "", "Which device do you use?"),
    ],
)
def test_a_report_that_cannot_be_meant_is_asked_again(
    home: PageHome, symptoms: tuple[str, ...], device: str, says: str
) -> None:
    home.has_read()
    page = told(home.posts("/feel", symptom=symptoms, device=device), 422)
    assert 'role="alert"' in page and says in page
    assert home.items() == []


def test_the_nurse_opens_pairing_and_enters_the_digits(home: PageHome) -> None:
    pairing = home.household.pairing

    async def story() -> None:
        asking = asyncio.create_task(pairing.ask(METER, home.times.monotonic_s))
        await asyncio.sleep(0)
        assert "Glucose meter ending 0002 asks for six digits" in home.seen()
        assert "The six digits that Glucose meter ending 0002 shows" in home.seen("/passkey")
        told(home.posts("/passkey", address=METER, digits="12345"), 422)
        told(home.posts("/passkey", address=METER, digits="１２３４５６"), 422)
        told(home.posts("/passkey", address=CUFF, digits="012345"), 409)
        goes_to(home.posts("/passkey", address=METER, digits="012345"), "/#pairing")
        assert await asking == 12345

    home.has_read()
    goes_to(home.posts("/pairing", do="open"), "/#pairing")
    assert pairing.is_open(home.times.monotonic_s)
    assert "Waiting for the new device" in home.seen() and "2:00" in home.seen()
    assert "does not wait any more" in home.seen("/passkey")
    asyncio.run(story())
    pairing.has_paired(METER, home.times.monotonic_s)
    assert "Glucose meter ending 0002 is paired" in home.seen()


def test_pairing_ends_by_itself_and_by_a_button(home: PageHome) -> None:
    home.posts("/pairing", do="open")
    home.household.pairing.show("C4:1D:00:00:00:77", 42)
    assert "Type on New device ending 0077: 000042" in home.seen()
    home.posts("/pairing", do="close")
    assert "Start pairing" in home.seen()
    home.posts("/pairing", do="open")

    async def asks_too_late() -> None:
        asking = asyncio.create_task(home.household.pairing.ask(METER, home.times.monotonic_s))
        await asyncio.sleep(0)
        home.times.passes(OPEN_S)
        told(home.posts("/passkey", address=METER, digits="012345"), 409)
        asking.cancel()

    asyncio.run(asks_too_late())
    assert "Start pairing" in home.seen()


def test_the_language_is_the_homes_until_somebody_chooses(home: PageHome) -> None:
    assert '<html lang="en">' in home.seen()
    response = home.posts("/language", language="zh")
    goes_to(response, "/")
    cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    page = told(home.gets("/", cookie=cookie.partition(";")[0]), 200)
    assert '<html lang="zh-CN">' in page and "现在没有新的提示" in page
    assert '<html lang="en">' in told(home.gets("/", cookie="language=fr"), 200)
    told(home.posts("/language", language="fr"), 404)


def test_looking_changes_nothing_and_what_is_not_there_is_said(home: PageHome) -> None:
    home.has_read()
    for path in ("/", "/call", "/feel", "/passkey", "/page.css", "/page.js", "/icon.svg"):
        assert home.gets(path).status.value == 200
    assert home.items() == [] and home.woken == []
    for response in (home.gets("/pairing"), home.gets("/../outbox"), home.posts("/none")):
        assert "no such page" in told(response, 404)


def test_no_clinical_value_stands_on_the_page(home: PageHome) -> None:
    home.has_read()
    home.outbox.add(event(1), home.times.now)
    assert not re.search(r"mmHg|mmol|\b1[0-9]{2}/[0-9]{2}\b", home.seen())
