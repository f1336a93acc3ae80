"""What belongs to nobody yet: seen, claimed by a corrected registry, then as if always so."""

import urllib.request
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import pytest
from clinic import CUFF, METER, NOW, SHARED_CUFF, pressure, registry_text
from fix_database import Clinic
from fix_feed import serving
from fix_watch import SECRET, Watch
from reassign_parts import Bound, moves
from registry_parts import faults_of

from yikao_alerts.feed.operations_view import UNOWNED as SHOWN
from yikao_alerts.feed.settings import FeedSettings
from yikao_devices.cards import digest_of, new_number
from yikao_ingest.cli import main
from yikao_ingest.quarantine_release import Outcome, Release
from yikao_ingest.quarantine_store import chosen
from yikao_ingest.reasons import UNOWNED, Reason
from yikao_ingest.registry import parse_registry
from yikao_ingest.registry_store import apply_registry
from yikao_ingest.settings import DATABASE_URL

NEW = "C4:1D:00:00:00:99"
"""A cuff that somebody bought and nobody registered."""
MINE, LOST = new_number(11), new_number(12)
SECOND = timedelta(seconds=1)
OTHERS = (
    *(Bound(METER, "zhao"), Bound(SHARED_CUFF, "qian", user=1)),
    Bound(SHARED_CUFF, "zhao", user=2),
)
BACKWARDS = "from = 2026-03-02T00:00:00Z\nuntil = 2026-03-01T00:00:00Z\n"
Terminal = Callable[..., str]


@pytest.fixture
def terminal(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    """Run `yikao`; returns what it printed."""
    monkeypatch.setenv(DATABASE_URL, watch.clinic.dsn)

    def run(*arguments: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main([*arguments])
        told = capsys.readouterr()
        assert ended.value.code == 0, told
        return str(told.out)

    return run


def registered(clinic: Clinic, bindings: Iterable[Bound], extra: str = "") -> str:
    text = "".join(each.text() for each in bindings)
    return registry_text((clinic.first, clinic.second), bindings=text) + extra


def applies(clinic: Clinic, text: str, now: datetime = NOW) -> None:
    apply_registry(clinic.dsn, parse_registry(text, "clinic.toml"), "nurse", now)


def releases(watch: Watch) -> Outcome:
    """Release all that can be used by now, and let the evaluator look."""
    store = watch.intake.store
    groups = chosen(watch.clinic.connection, ids=None, reason=None, device=None)
    done = Release(store, store.directory(), watch.intake.rules, "nurse", watch.now).run(groups)
    watch.decides()
    return done


def operations(watch: Watch) -> str:
    """Return the section of the operators' page that says what waits for an owner."""
    settings = FeedSettings(watch.clinic.dsn, SECRET, port=0)
    with serving(settings) as url, urllib.request.urlopen(f"{url}/operations", timeout=10) as page:
        text: str = page.read().decode()
    return text.partition('id="t-unowned"')[2].partition("</section>")[0]


def owners(clinic: Clinic) -> list[tuple[object, ...]]:
    return clinic.rows(
        "SELECT code, time, received_at, place FROM reading JOIN resident USING (patient_id)"
        " ORDER BY time"
    )


def test_what_waits_for_an_owner_is_the_same_everywhere() -> None:
    assert set(SHOWN) == {str(reason) for reason in UNOWNED}


def test_a_cuff_nobody_registered_is_seen_and_claimed_and_is_no_news(
    watch: Watch, terminal: Terminal
) -> None:
    """Two crises of yesterday, of a cuff that is registered today: kept, and nobody is rung."""
    clinic, began = watch.clinic, watch.now
    watch.measures(208, 121, device=NEW)
    watch.until(2)
    watch.measures(206, 119, device=NEW)
    watch.decides()
    assert owners(clinic) == []
    seen = operations(watch)
    assert seen.count(NEW) == 2 and "未登记的设备" in seen
    assert "208" not in seen and "121" not in seen
    assert NEW in terminal("quarantine", "list", "--reason", "unknown_device")

    watch.until(26 * 60)
    gateway = clinic.first.gateway
    device = f'[[devices]]\naddress = "{NEW}"\ngateway = "{gateway}"\n'
    bound = (*OTHERS, Bound(CUFF, "zhao"), Bound(NEW, "qian"))
    applies(clinic, registered(clinic, bound, device), watch.now)
    assert releases(watch).released == 2
    came = [began, began + timedelta(minutes=2)]
    assert owners(clinic) == [("qian", at, at, "home") for at in came]
    assert watch.pages() == []
    assert watch.episodes() == []
    refusals = clinic.rows("SELECT refusals FROM decision ORDER BY decision_id")
    assert "too_old" in str(refusals), "it was looked at, as what it is: long over"
    assert "没有等待认领" in operations(watch)
    history = clinic.rows("SELECT reason, closed_as, closed_by FROM quarantine ORDER BY 1")
    assert history == [("unknown_device", "released", "nurse")] * 2


def station_of(clinic: Clinic, *claims: Bound, cards: str = "") -> str:
    """Return the registry in which the cuff is a station's."""
    text = registered(clinic, (*OTHERS, *claims), cards)
    device = f'address = "{CUFF}"\n'
    assert device in text
    return text.replace(device, f"{device}station = true\n", 1)


def card(number: str, resident: str, until: datetime | None = None) -> str:
    end = "" if until is None else f"until = {until.isoformat()}\n"
    return f'[[cards]]\ndigest = "{digest_of(number)}"\nresident = "{resident}"\n{end}'


def at_station(watch: Watch, systolic: float, number: str | None = None) -> None:
    watch.arrives(pressure(systolic, 80, at=watch.now, place="office", card=number))


def waiting(watch: Watch) -> list[str]:
    return [
        reason
        for (reason,) in watch.clinic.rows(
            "SELECT reason FROM quarantine_open ORDER BY received_at"
        )
    ]


def test_cards_at_a_station_and_what_is_claimed_later(watch: Watch, terminal: Terminal) -> None:
    clinic = watch.clinic
    cards = card(MINE, "zhao") + card(LOST, "qian", until=NOW)
    applies(clinic, station_of(clinic, cards=cards))
    for minute, number in enumerate((MINE, None, LOST, new_number(13))):
        watch.until(minute)
        at_station(watch, 130 + minute, number)
    assert owners(clinic) == [("zhao", NOW, NOW, "office")]
    assert waiting(watch) == [Reason.NO_CARD, Reason.CARD_ENDED, Reason.UNKNOWN_CARD]
    seen = operations(watch)
    assert "站点上没有读卡" in seen and "卡已停用" in seen and "不认识的卡" in seen
    assert "131" not in seen and LOST not in seen

    (number,) = clinic.rows("SELECT quarantine_id FROM quarantine WHERE reason = 'no_card'")
    said = terminal("quarantine", "show", str(number[0]))
    nobodys_at = NOW + timedelta(minutes=1)
    claim = Bound(CUFF, "qian", since=nobodys_at, until=nobodys_at + SECOND)
    lines = [line for line in claim.text().splitlines() if not line.startswith("resident")]
    assert all(line.replace("+00:00", "Z") in said.replace("+00:00", "Z") for line in lines[:2])

    watch.until(30)
    applies(clinic, station_of(clinic, claim, cards=cards), watch.now)
    assert releases(watch).released == 1
    assert owners(clinic)[1:] == [("qian", nobodys_at, nobodys_at, "office")]
    applies(clinic, station_of(clinic, claim, cards=cards + card(new_number(13), "qian")))
    assert releases(watch).released == 1
    assert waiting(watch) == [Reason.CARD_ENDED]


def test_who_held_a_neighbours_card_gets_his_reading_by_a_corrected_registry(watch: Watch) -> None:
    clinic = watch.clinic
    cards = card(MINE, "zhao")
    applies(clinic, station_of(clinic, cards=cards))
    at_station(watch, 151, MINE)
    watch.until(1)
    at_station(watch, 131, MINE)
    claim = Bound(CUFF, "qian", since=NOW, until=NOW + SECOND)
    applies(clinic, station_of(clinic, claim, cards=cards), watch.now)
    tally = moves(clinic, watch.now)
    assert sum(tally.moved.values()) == 1
    assert [(code, place) for code, _, _, place in owners(clinic)] == [
        ("qian", "office"),
        ("zhao", "office"),
    ]
    audit = clinic.rows("SELECT time, outcome FROM reading_reassigned")
    assert audit == [(NOW, "stored")]


def test_a_card_that_the_file_no_longer_names_is_no_card(watch: Watch) -> None:
    clinic = watch.clinic
    applies(clinic, station_of(clinic, cards=card(MINE, "zhao")))
    applies(clinic, station_of(clinic))
    at_station(watch, 130, MINE)
    assert waiting(watch) == [Reason.UNKNOWN_CARD]
    applies(clinic, station_of(clinic, cards=card(MINE, "zhao")))
    assert releases(watch).released == 1


def test_a_crisis_at_a_station_calls_the_doctor_and_is_said_at_home(watch: Watch) -> None:
    """Nobody is spoken to at the station, where somebody else sits by now."""
    clinic = watch.clinic
    applies(clinic, station_of(clinic, cards=card(MINE, "zhao")))
    at_station(watch, 186, MINE)
    watch.decides()
    watch.until(2)
    at_station(watch, 184, MINE)
    watch.decides()
    assert [severity for severity, *_ in clinic.rows("SELECT severity FROM episode")] == [
        "page_now"
    ]
    told = {device for (device,) in clinic.rows("SELECT DISTINCT device FROM command")}
    assert told == {METER}


@pytest.mark.parametrize(
    ("text", "what", "fix"),
    [
        ('digest = "12"\nresident = "zhao"\n', "digest is '12'", "yikao cards new"),
        (f'digest = "{"a" * 64}"\nresident = "nobody"\n', "'nobody' is not among", "[[residents]]"),
        (
            f'digest = "{"a" * 64}"\nresident = "zhao"\n{BACKWARDS}',
            "ends before it begins",
            "Mend from or until",
        ),
    ],
)
def test_a_faulty_card_is_told(plain_clinic: Clinic, text: str, what: str, fix: str) -> None:
    (fault,) = faults_of(station_of(plain_clinic, cards=f"[[cards]]\n{text}"))
    assert what in fault and fix in fault


def test_a_station_belongs_to_nobody_for_good(plain_clinic: Clinic) -> None:
    (fault,) = faults_of(station_of(plain_clinic, Bound(CUFF, "zhao")))
    assert "to one resident for good" in fault and "until = " in fault
    twice = card(MINE, "zhao") + card(MINE, "qian")
    (fault,) = faults_of(station_of(plain_clinic, cards=twice))
    assert "there twice" in fault
