"""Somebody at home asks to be called: from the gateway's item to a doctor's phone and back home."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
from clinic import CUFF, NOW, QIAN, SHARED_CUFF, ZHAO, Signer, directory, event
from fix_watch import Watch

from yikao_alerts.rules import load_rules
from yikao_devices import wire
from yikao_devices.symptoms import CALL_ME
from yikao_ingest.accept import Accepted, AcceptedCall, Quarantined, judge
from yikao_ingest.directory import Directory
from yikao_ingest.reasons import Reason
from yikao_ingest.replaying import Span, replay

OWN, DUTY = "wang", "li"
ONE, TWO = Signer("gw-1"), Signer("gw-2")


def call(watch: Watch, ago_min: float = 0, device: str = CUFF) -> None:
    """Let the button at Zhao's home be pressed so long ago; it is heard now."""
    at = watch.now - timedelta(minutes=ago_min)
    number = watch.clinic.one("SELECT gen_random_uuid()")
    item = msgspec.structs.replace(event(CALL_ME, at=at, device=device), reading_id=number)
    watch.arrives(item)


def judged(signer: Signer, item: wire.Item, known: Directory) -> Accepted | Quarantined:
    (verdict,) = judge(signer.send(item), known, load_rules(), NOW).items
    return verdict


def test_a_press_is_that_of_whoever_has_the_device() -> None:
    known = directory(ONE, TWO)
    press = judged(ONE, event(CALL_ME), known)
    assert isinstance(press, AcceptedCall)
    assert press.patients == {ZHAO}


def test_a_press_that_may_be_of_several_is_that_of_each() -> None:
    """A cuff with a slot for each says nothing of who pressed; nor does the gateway itself."""
    known = directory(ONE, TWO)
    for device in (SHARED_CUFF, "gw-2"):
        press = judged(TWO, event(CALL_ME, device=device), known)
        assert isinstance(press, AcceptedCall)
        assert press.patients == {ZHAO, QIAN}


def test_a_press_where_nobody_lives_is_kept_for_the_operator() -> None:
    empty = replace(directory(ONE, TWO), devices={})
    press = judged(ONE, event(CALL_ME, device="gw-1"), empty)
    assert isinstance(press, Quarantined)
    assert press.reason is Reason.NO_BINDING


def told(watch: Watch) -> list[tuple[Any, ...]]:
    return watch.clinic.rows("SELECT device, do_what, text_zh FROM command ORDER BY created_at")


def test_a_press_calls_the_doctor_and_is_confirmed_at_home(any_watch: Watch) -> None:
    """Also of a resident who has never measured anything."""
    watch = any_watch
    call(watch)
    assert watch.decides() == 1
    assert watch.clinic.rows("SELECT rule_id, family, severity, state FROM episode") == [
        ("HELP-01", "help", "page_now", "open")
    ]
    assert [page[:2] for page in watch.pages()] == [(0, OWN)]
    ((device, do, text),) = told(watch)
    assert (device, do) == (CUFF, "show")
    assert "医生" in text
    assert "120" in text
    events = "SELECT device, code FROM device_event"
    assert watch.clinic.rows(events) == [(CUFF, CALL_ME)], "operations see it too"


def test_ten_presses_are_one_episode_that_counts_them(watch: Watch) -> None:
    for minute in range(10):
        watch.until(minute / 2)
        call(watch)
        watch.decides()
    assert watch.episodes() == [("HELP-01", "open", "not_needed")]
    assert watch.clinic.one("SELECT count(*) FROM finding") == 10
    rounds = {row[0] for row in watch.clinic.rows("SELECT round FROM page")}
    assert rounds == {1}, "the chain goes on as it was"


def test_a_press_after_the_answer_calls_anew(watch: Watch) -> None:
    call(watch)
    watch.decides()
    watch.until(3)
    watch.answers(OWN)
    watch.decides()
    call(watch, ago_min=1)
    watch.decides()
    assert [state for _, state, _ in watch.episodes()] == ["answered"], "made before the answer"
    watch.until(20)
    call(watch)
    watch.decides()
    assert [state for _, state, _ in watch.episodes()] == ["open"]
    assert watch.pages()[-1][:2] == (20, OWN)
    assert len(told(watch)) == 2, "whoever calls again is heard again"


def test_a_press_is_heard_beside_an_open_crisis_and_after_it_was_closed(watch: Watch) -> None:
    watch.measures(210, 125)
    watch.decides()
    watch.until(1)
    call(watch)
    watch.decides()
    assert [(rule, state) for rule, state, _ in watch.episodes()] == [
        ("BP-04", "open"),
        ("HELP-01", "open"),
    ]
    watch.answers(OWN)
    watch.closes(OWN)
    watch.until(30)
    call(watch)
    watch.decides()
    assert [rule for rule, _, _ in watch.episodes()] == ["BP-04", "HELP-01", "HELP-01"]


def test_a_press_that_comes_hours_late_is_still_for_now(watch: Watch) -> None:
    """The home was off line all night: whoever called has waited long enough."""
    call(watch, ago_min=5 * 60)
    watch.decides()
    assert watch.clinic.rows("SELECT severity, state FROM episode") == [("page_now", "open")]
    assert [page[:2] for page in watch.pages()] == [(0, OWN)]
    assert told(watch), "the confirmation is as fresh as its arrival"


def test_the_same_press_sent_again_changes_nothing(watch: Watch) -> None:
    item = event(CALL_ME)
    for _ in range(3):
        watch.arrives(item)
        watch.decides()
    assert watch.clinic.one("SELECT count(*) FROM help_call") == 1
    assert len(watch.pages()) == 1


def test_a_decision_about_a_call_can_be_computed_again(watch: Watch) -> None:
    call(watch)
    watch.measures(186, 112)
    watch.decides()
    watch.until(4)
    call(watch)
    watch.decides()
    checked = list(replay(watch.clinic.dsn, Span(), verify=True))
    assert len(checked) == 2
    assert not any(each.differences for each in checked)
