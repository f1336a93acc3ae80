"""Pages that are due, tasks for next day and when to look again: each once, never to nobody."""

from dataclasses import replace
from datetime import datetime

import pytest
from alert_parts import CARE, HOME, POLICIES, RULES, Desk, bp, look, minutes, t

from yikao_alerts.compose import PageFacts, compose
from yikao_alerts.deliberate import (
    PageDue,
    PageKnown,
    Task,
    look_again_at,
    page_id,
    pages_due,
    tasks,
)
from yikao_alerts.episodes import Change, Episode, Event, State
from yikao_alerts.roster import LADDER, Care, Contact, Doctor

SINCE = t("22:00")
OPEN = Episode(
    7,
    "bp_high",
    State.OPEN,
    "BP-04",
    "page_now",
    3,
    "unconfirmed",
    measured_at=SINCE,
    opened_at=SINCE - minutes(10),
    level_since=SINCE,
    round=1,
    last_evidence_at=SINCE,
)
OWN, DUTY = CARE.own_doctor, CARE.duty_doctor


def due(
    now: str, *known: PageKnown, episode: Episode = OPEN, care: Care = CARE
) -> tuple[list[str], str | None]:
    """Return what is due as `step.loop doctor`, and when the next is."""
    pages, following = pages_due(episode, POLICIES, care, list(known), t(now))
    shown = [f"{page.step}.{page.loop} {page.doctor.doctor_id}" for page in pages]
    next_at = f"{following.astimezone(SINCE.tzinfo):%H:%M}" if following else None
    return shown, next_at


def sent(step: int, loop: int = 0) -> PageKnown:
    own = step < 2
    return PageKnown(step, loop, step if own else 0, "sent", "wang" if own else "li", SINCE)


def failed(step: int, *positions: int, loop: int = 0) -> list[PageKnown]:
    who = "wang" if step < 2 else "li"
    return [PageKnown(step, loop, position, "failed", who, SINCE) for position in positions]


def test_one_page_when_it_opens_and_when_to_look_again() -> None:
    assert due("22:00") == (["0.0 wang"], "22:02")
    assert due("22:00", sent(0)) == ([], "22:02")


def test_the_next_steps_and_the_repetitions() -> None:
    known = [sent(0), sent(1)]
    assert due("22:02", sent(0)) == (["1.0 wang"], "22:05")
    assert due("22:04", *known) == ([], "22:05")
    assert due("22:05", *known) == (["2.0 li"], "22:10")
    assert due("22:20", *known, sent(2), sent(3)) == (["4.0 li"], "22:30")
    assert due("22:30", *known, sent(2), sent(3), sent(4)) == (["4.1 li"], "22:40")


@pytest.mark.parametrize("state", sorted(set(State) - {State.OPEN}))
def test_only_an_open_episode_pages(state: State) -> None:
    assert due("23:00", episode=replace(OPEN, state=state)) == ([], None)


def test_a_severity_without_steps_pages_nobody() -> None:
    assert due("23:00", episode=replace(OPEN, severity="this_week")) == ([], None)


def test_what_was_missed_is_not_made_up_for_each_doctor_is_called_once_by_each_kind() -> None:
    assert due("22:55") == (["0.0 wang", "1.0 wang", "4.3 li"], "23:00")
    assert due("22:55", sent(0), sent(1)) == (["4.3 li"], "23:00")
    assert due("22:55", sent(0), sent(1), sent(2), sent(4)) == (["4.3 li"], "23:00")
    assert due("22:55", sent(0), sent(1), sent(2), sent(4, 3)) == ([], "23:00")


def test_an_unreachable_doctor_hands_the_turn_on_at_once() -> None:
    assert due("22:01", *failed(0, 0)) == ([], "22:02"), "there is a second contact"
    trying = [*failed(0, 0), PageKnown(0, 0, 1, "due", "wang", SINCE)]
    assert due("22:01", *trying) == ([], "22:02")
    nowhere = failed(0, 0, 1)
    assert due("22:01", *nowhere) == (["1.0 wang"], "22:02")
    assert due("22:01", *nowhere, *failed(1, 0, 1)) == (["2.0 li"], "22:02")


def test_a_call_that_began_with_a_later_contact_has_those_before_it_left() -> None:
    assert due("22:03", sent(0), *failed(1, 1)) == ([], "22:05")
    assert due("22:03", sent(0), *failed(1, 1, 0)) == (["2.0 li"], "22:05")


def test_who_was_called_before_the_rota_changed_has_no_contact_left() -> None:
    gone = [PageKnown(0, 0, 0, "failed", "zhao", SINCE)]
    assert due("22:01", *gone) == (["1.0 wang"], "22:02")


def test_after_an_early_call_the_next_move_up() -> None:
    early = [*failed(0, 0, 1), *failed(1, 0, 1), sent(2)]
    assert due("22:01", *early) == ([], "22:02")
    assert due("22:02", *early) == (["3.0 li"], "22:05")
    assert due("22:05", *early, sent(3)) == (["4.0 li"], "22:10")
    assert due("22:10", *early, sent(3), sent(4)) == (["4.1 li"], "22:20")


def test_when_nobody_can_be_reached_it_goes_on_trying_at_its_pace() -> None:
    dead = [*failed(0, 0, 1), *failed(1, 0, 1), *failed(2, 0), *failed(3, 0), *failed(4, 0)]
    assert due("22:00:30", *dead) == ([], "22:02")
    assert due("22:02", *dead) == (["4.1 li"], "22:05")
    assert due("22:03", *dead, *failed(4, 0, loop=1)) == ([], "22:05")


def test_a_doctor_without_any_contact_is_passed_over() -> None:
    silent = replace(CARE, own_doctor=replace(OWN, contacts=()))
    assert due("22:00", care=silent) == (["0.0 li"], "22:02")
    only = replace(CARE, duty_doctor=replace(DUTY, contacts=()))
    assert due("22:05", sent(0), sent(1), care=only) == (["2.0 wang"], "22:10")
    nobody = replace(silent, duty_doctor=replace(DUTY, contacts=()))
    assert due("22:00", care=nobody) == ([], "22:02")
    assert due("22:30", care=nobody) == ([], "22:40")


def test_one_person_in_all_roles_is_called_once_at_a_time() -> None:
    alone = replace(CARE, duty_doctor=OWN)
    assert due("22:05", sent(0), sent(1), care=alone) == (["2.0 wang"], "22:10")


def test_the_roles_of_the_steps_are_known() -> None:
    assert {step.who for policy in POLICIES.values() for step in policy.steps} <= set(LADDER)


def test_at_night_what_is_for_today_waits_and_says_until_when() -> None:
    held = replace(OPEN, severity="today")
    assert due("23:00", episode=held) == ([], "07:00")


def test_what_is_for_today_of_several_residents_is_due_at_the_same_moment() -> None:
    evening = replace(OPEN, severity="today")
    night = replace(evening, episode_id=8, level_since=t("03:17", 1))
    outs = []
    for episode, looked_at in ((evening, t("07:00", 1)), (night, t("07:00:41", 1))):
        (page,), _ = pages_due(episode, POLICIES, CARE, [], looked_at)
        outs.append(page.due_at)
    assert outs == [t("07:01", 1)] * 2
    (late,), _ = pages_due(evening, POLICIES, CARE, [], t("08:12", 1))
    assert late.due_at == t("08:12", 1), "nothing is held for the next"


def _first(now: str, *known: PageKnown, late: bool = False) -> PageDue:
    pages, _ = pages_due(OPEN, POLICIES, CARE, list(known), t(now), late=late)
    return pages[0]


def test_the_same_page_has_the_same_id_and_another_call_another() -> None:
    page = _first("22:00")
    assert page.page_id == _first("22:03").page_id == page_id(7, 1, (0, 0), "wang", 0)
    assert page.page_id != _first("22:05", sent(0), sent(1)).page_id
    again = replace(OPEN, round=2)
    assert page.page_id != pages_due(again, POLICIES, CARE, [], SINCE)[0][0].page_id
    assert (page.contact, page.round, page.episode_id) == (OWN.contacts[0], 1, 7)


def test_what_the_page_says() -> None:
    first = _first("22:00")
    assert first.facts == PageFacts(
        7, "page_now", 0, 1, True, False, "bp_high", "BP-04", SINCE.astimezone(HOME)
    )
    assert first.body == compose(first.facts, "zh")
    third = _first("22:12", sent(0), sent(1), late=True)
    assert (third.facts.minutes, third.facts.count, third.facts.late) == (12, 3, True)
    assert third.body == compose(third.facts, "en")


def test_by_telephone_the_page_is_a_script() -> None:
    phone = replace(OWN, contacts=(*OWN.contacts, Contact(2, "voice", "+8613800000000")))
    care = replace(CARE, own_doctor=phone)
    (page,), _ = pages_due(OPEN, POLICIES, care, [sent(0)], t("22:02"))
    assert page.contact.channel == "voice"
    assert page.body == compose(page.facts, "zh", "voice") != compose(page.facts, "zh")


def test_a_surname_is_said_only_where_the_centre_allows_it() -> None:
    assert _first("22:00").facts.who == ""
    open_care = replace(CARE, page_privacy="surname", name="张秀英")
    (page,), _ = pages_due(OPEN, POLICIES, open_care, [], SINCE)
    assert page.facts.who == "张**"


def test_a_worse_level_counts_its_calls_and_minutes_anew() -> None:
    worse = replace(OPEN, round=2, level_since=t("23:00"), confirmed="confirmed")
    (page,) = pages_due(worse, POLICIES, CARE, [], t("23:00"))[0]
    assert (page.facts.minutes, page.facts.count, page.facts.unconfirmed) == (0, 1, False)


def test_when_to_look_again_is_the_earliest_of_all() -> None:
    evaluation = look(t("08:01"), bp(186, 100, t("08:00")))
    answered = replace(OPEN, state=State.ANSWERED, answered_at=t("07:00"), last_evidence_at=SINCE)
    assert look_again_at(evaluation, [], []) == t("08:10:05")
    assert look_again_at(evaluation, [answered], [t("08:05"), None]) == t("08:05")
    calm = look(t("08:01"))
    assert look_again_at(calm, [], [None]) is None
    aged = replace(answered, last_evidence_at=t("06:00"))
    assert look_again_at(calm, [aged], []) == t("07:00", 1)


def test_every_active_state_is_looked_at_again() -> None:
    """An episode that nobody looks at again is one that is forgotten."""
    desk = Desk(t("07:00"))
    desk.arrives(bp(186, 112, t("08:00")))
    assert (desk.active[0].state, desk.timer) == (State.SUSPECTED, t("08:10:05"))
    desk.passes_until(t("08:11"))
    assert (desk.active[0].state, desk.timer) == (State.OPEN, t("08:12:05"))
    desk.answer()
    assert (desk.active[0].state, desk.timer) == (State.WATCHING, t("08:30:05"))


def test_escalated_the_next_is_called_with_the_first_by_every_kind() -> None:
    again = replace(OPEN, tier=1, round=2)
    assert due("22:00", episode=again) == (["0.0 wang", "1.0 wang", "2.0 li"], "22:05")


def test_escalated_an_unreachable_doctor_has_nobody_to_hand_on_to() -> None:
    again = replace(OPEN, tier=1, round=2)
    known = [*failed(0, 0, 1), *failed(1, 1, 0), sent(2)]
    assert due("22:00", *known, episode=again) == ([], "22:05")
    assert due("22:05", *known, episode=again) == (["3.0 li"], "22:15")
    nobody = [*failed(0, 0, 1), *failed(1, 1, 0), *failed(2, 0)]
    assert due("22:00", *nobody, episode=again) == (["3.0 li"], "22:05")


def test_escalated_for_today_it_still_lets_the_doctor_sleep() -> None:
    again = replace(OPEN, severity="today", tier=1)
    assert due("23:00", episode=again) == ([], "07:00")


@pytest.mark.parametrize(
    ("event", "rule_id", "now", "day"),
    [
        (Event.NORMAL_AGAIN, "BP-03", t("22:42"), 1),
        (Event.DOWNGRADED, "BP-04", t("22:42"), 1),
        (Event.NORMAL_AGAIN, "BP-03", t("10:00"), 1),
        (Event.NORMAL_AGAIN, "BP-03", t("02:00"), 0),  # the morning after that night
        (Event.NORMAL_AGAIN, "BP-03", t("05:00"), 1),
        (Event.NORMAL_AGAIN, "GL-02", t("22:42"), None),
        (Event.NORMAL_AGAIN, "GL-05", t("22:42"), None),
        (Event.CLOSED, "BP-03", t("22:42"), None),  # whoever closed it decided that
        (Event.JOINED, "BP-03", t("22:42"), None),
    ],
)
def test_whoever_had_a_crisis_sees_the_doctor_next_day(
    event: Event, rule_id: str, now: datetime, day: int | None
) -> None:
    done = [Change(event, State.ANSWERED, replace(OPEN, rule_id=rule_id), None)]
    evidence = {"what": "next_day_visit", "episode_id": 7}
    wanted = [] if day is None else [Task(rule_id, "today", t("08:00", day).date(), evidence)]
    assert tasks(done, RULES, now, HOME) == wanted


def test_a_page_goes_in_the_doctors_language() -> None:
    english = replace(CARE, own_doctor=Doctor("smith", "en", OWN.contacts))
    (page,) = pages_due(OPEN, POLICIES, english, [], SINCE)[0]
    assert page.body.startswith("[RED]")
