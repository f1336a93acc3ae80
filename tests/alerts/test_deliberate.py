"""Pages that are due, tasks for next day and when to look again: each once, never to nobody."""

from dataclasses import replace
from datetime import datetime
from itertools import islice

import pytest
from alert_parts import CARE, HOME, POLICIES, RULES, Desk, bp, look, minutes, t

from yikao_alerts.deliberate import (
    PageDue,
    PageKnown,
    Task,
    look_again_at,
    page_id,
    pages_due,
    tasks,
)
from yikao_alerts.episodes import ACTIVE, Change, Episode, Event, State
from yikao_alerts.escalation import calls
from yikao_alerts.roster import ROLES, Care, Doctor

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
    return PageKnown(step, loop, 0, "sent")


def failed(step: int, *positions: int, loop: int = 0) -> list[PageKnown]:
    return [PageKnown(step, loop, position, "failed") for position in positions]


def test_one_page_when_it_opens_and_when_to_look_again() -> None:
    assert due("22:00") == (["0.0 wang"], "22:10")
    assert due("22:00", sent(0)) == ([], "22:10")


def test_the_next_steps_and_the_repetitions() -> None:
    assert due("22:09", sent(0)) == ([], "22:10")
    assert due("22:10", sent(0)) == (["1.0 li"], "22:20")
    assert due("22:20", sent(0), sent(1)) == (["1.1 li"], "22:30")


@pytest.mark.parametrize("state", sorted(set(State) - {State.OPEN}))
def test_only_an_open_episode_pages(state: State) -> None:
    assert due("23:00", episode=replace(OPEN, state=state)) == ([], None)


def test_a_severity_without_steps_pages_nobody() -> None:
    assert due("23:00", episode=replace(OPEN, severity="this_week")) == ([], None)


def test_what_was_missed_is_not_made_up_for_each_doctor_is_called_once() -> None:
    assert due("22:55") == (["0.0 wang", "1.4 li"], "23:00")
    assert due("22:55", sent(0)) == (["1.4 li"], "23:00")
    assert due("22:55", sent(0), sent(1), sent(1, 1)) == (["1.4 li"], "23:00")
    assert due("22:55", sent(0), sent(1), sent(1, 4)) == ([], "23:00")


def test_an_unreachable_doctor_hands_the_turn_on_at_once() -> None:
    assert due("22:01", *failed(0, 0)) == ([], "22:10"), "there is a second contact"
    trying = [*failed(0, 0), PageKnown(0, 0, 1, "due")]
    assert due("22:01", *trying) == ([], "22:10")
    assert due("22:01", *failed(0, 0, 1)) == (["1.0 li"], "22:10")


def test_after_an_early_call_the_next_comes_after_ten_minutes_not_after_twenty() -> None:
    early = [*failed(0, 0, 1), sent(1)]
    assert due("22:09", *early) == ([], "22:10")
    assert due("22:10", *early) == (["1.1 li"], "22:20")


def test_when_nobody_can_be_reached_it_goes_on_trying_at_its_pace() -> None:
    dead = [*failed(0, 0, 1), *failed(1, 0)]
    assert due("22:00:30", *dead) == ([], "22:10")
    assert due("22:10", *dead) == (["1.1 li"], "22:20")
    assert due("22:11", *dead, *failed(1, 0, loop=1)) == ([], "22:20")


def test_a_doctor_without_any_contact_is_passed_over() -> None:
    silent = replace(CARE, own_doctor=replace(OWN, contacts=()))
    assert due("22:00", care=silent) == (["1.0 li"], "22:10")
    assert due("22:10", sent(1), care=silent) == (["1.1 li"], "22:20")
    nobody = replace(silent, duty_doctor=replace(DUTY, contacts=()))
    assert due("22:30", care=nobody) == ([], "22:40")


def test_one_person_in_both_roles_is_called_once_at_a_time() -> None:
    alone = replace(CARE, duty_doctor=OWN)
    assert due("22:10", care=alone) == (["1.0 wang"], "22:20")
    assert due("22:10", sent(0), care=alone) == (["1.0 wang"], "22:20")


def test_each_role_of_the_steps_is_somebody() -> None:
    assert [CARE.who(role) for role in ROLES] == [OWN, DUTY]
    assert {step.who for policy in POLICIES.values() for step in policy.steps} <= set(ROLES)


def test_at_night_what_is_for_today_waits_and_says_until_when() -> None:
    held = replace(OPEN, severity="today")
    assert due("23:00", episode=held) == ([], "07:00")


def _first(now: str, *known: PageKnown, late: bool = False) -> PageDue:
    pages, _ = pages_due(OPEN, POLICIES, CARE, list(known), t(now), late=late)
    return pages[0]


def test_the_same_page_has_the_same_id_and_another_call_another() -> None:
    page = _first("22:00")
    assert page.page_id == _first("22:03").page_id == page_id(7, 1, (0, 0), "wang", 0)
    assert page.page_id != _first("22:10", sent(0)).page_id
    again = replace(OPEN, round=2)
    assert page.page_id != pages_due(again, POLICIES, CARE, [], SINCE)[0][0].page_id
    assert (page.contact, page.round, page.episode_id) == (OWN.contacts[0], 1, 7)


def test_what_the_page_says() -> None:
    assert _first("22:00").body == "【红】医靠 #7 待处理（未复测），已等 0 分钟。请打开链接："
    second = _first("22:12", sent(0), late=True)
    assert second.body == (
        "[RED] Yikao #7 needs you (not repeated) (late data, call to check), "
        "waiting 12 min, call no. 2. Open:"
    )
    assert len(second.body) < 200


def test_a_worse_level_counts_its_calls_and_minutes_anew() -> None:
    worse = replace(OPEN, round=2, level_since=t("23:00"), confirmed="confirmed")
    (page,) = pages_due(worse, POLICIES, CARE, [], t("23:00"))[0]
    assert page.body == "【红】医靠 #7 待处理，已等 0 分钟。请打开链接："


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
    assert (desk.active[0].state, desk.timer) == (State.OPEN, t("08:20:05"))
    desk.answer()
    assert (desk.active[0].state, desk.timer) == (State.ANSWERED, t("08:30:05"))
    assert {State.SUSPECTED, State.OPEN, State.ANSWERED} == ACTIVE


@pytest.mark.parametrize(
    ("tier", "expected"),
    [
        (0, [("22:00", "wang"), ("22:10", "li"), ("22:20", "li")]),
        (1, [("22:00", "wang"), ("22:00", "li"), ("22:10", "li")]),
        (5, [("22:00", "wang"), ("22:00", "li"), ("22:10", "li")]),
    ],
)
def test_an_escalated_episode_calls_the_next_step_with_the_first(
    tier: int, expected: list[tuple[str, str]]
) -> None:
    called = islice(calls(POLICIES["page_now"], SINCE, HOME, tier), 3)
    roles = {"own_doctor": "wang", "duty_doctor": "li"}
    shown = [(f"{c.due_at.astimezone(HOME):%H:%M}", roles[c.who]) for c in called]
    assert shown == expected


def test_escalated_an_unreachable_doctor_has_nobody_to_hand_on_to() -> None:
    again = replace(OPEN, tier=1, round=2)
    assert due("22:00", episode=again) == (["0.0 wang", "1.0 li"], "22:10")
    known = [*failed(0, 0, 1), sent(1)]
    assert due("22:00", *known, episode=again) == ([], "22:10")
    assert due("22:10", *known, episode=again) == (["1.1 li"], "22:20")


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
