"""The life of an episode: each pair of the table, and stories that read like a chart."""

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from alert_parts import RULES, Desk, bp, found, history, minutes, says, sugar, t

from yikao_alerts.episodes import (
    ACTIVE,
    ANSWERED_MAX,
    TRANSITIONS,
    Episode,
    Event,
    ImpossibleTransitionError,
    Known,
    State,
    changes,
    identity,
    next_look_at,
    normal_rounds,
    step,
)
from yikao_alerts.evaluate import evaluate

EIGHT = t("08:00")


@pytest.fixture
def desk() -> Desk:
    return Desk(t("07:00"))


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_each_pair_is_in_the_table_or_impossible(state: State, event: Event) -> None:
    if (state, event) in TRANSITIONS:
        assert step(state, event) is TRANSITIONS[state, event]
    else:
        with pytest.raises(ImpossibleTransitionError, match=str(state)):
            step(state, event)


def test_the_table_as_a_whole() -> None:
    ends = set(State) - ACTIVE - {State.NONE}
    assert not {state for state, _ in TRANSITIONS} & ends, "nothing happens to what has ended"
    assert State.NONE not in TRANSITIONS.values(), "nothing is undone"
    assert set(TRANSITIONS.values()) == set(State) - {State.NONE}, "every state can be reached"
    assert {event for _, event in TRANSITIONS} == set(Event), "every event can happen"
    out_of_open = {event for state, event in TRANSITIONS if state is State.OPEN}
    assert out_of_open == {Event.JOINED, Event.WORSENED, Event.ACKNOWLEDGED}, "only people end it"


def test_suspected_then_dismissed(desk: Desk) -> None:
    desk.arrives(bp(183, 98, EIGHT))
    assert [e.state for e in desk.active] == [State.SUSPECTED]
    desk.arrives(bp(175, 96, t("08:02")))
    desk.passes_until(t("12:00"))
    assert desk.events == [Event.SUSPICION, Event.NOT_CONFIRMED]
    assert desk.episodes[0].state is State.DISMISSED
    assert desk.episodes[0].confirmed == "not_confirmed"
    assert desk.rang == []


def test_suspected_open_answered_normal_twice_resolved(desk: Desk) -> None:
    desk.arrives(bp(186, 112, EIGHT))
    desk.arrives(bp(184, 110, t("08:02")))
    assert desk.events == [Event.SUSPICION, Event.FOUND]
    assert desk.rang == ["08:02 wang"]
    desk.passes_until(t("08:05"))
    desk.answer()
    desk.arrives(bp(150, 90, t("08:20")))
    assert desk.active[0].state is State.ANSWERED, "one low reading is no recovery"
    desk.arrives(bp(148, 88, t("08:34")))
    assert desk.active[0].state is State.ANSWERED, "nor are two that are 14 minutes apart"
    desk.arrives(bp(146, 86, t("08:35")))
    assert desk.episodes[0].state is State.RESOLVED
    assert desk.episodes[0].normal_rounds == 2
    assert desk.rang == ["08:02 wang"]


def test_a_rise_in_between_begins_the_count_anew(desk: Desk) -> None:
    desk.arrives(bp(205, 100, EIGHT))
    desk.answer()
    for clock, high in (("08:20", 150), ("08:40", 165), ("09:00", 150)):
        desk.arrives(bp(high, 90, t(clock)))
        assert desk.active[0].state is State.ANSWERED
    desk.arrives(bp(150, 90, t("09:20")))
    assert desk.active == []


def test_a_symptom_in_between_begins_the_count_anew(desk: Desk) -> None:
    desk.arrives(bp(205, 100, EIGHT))
    desk.answer()
    desk.arrives(bp(150, 90, t("08:20")))
    desk.arrives(says("cold_sweat", t("08:30")))
    desk.arrives(bp(150, 90, t("08:50")))
    assert desk.active[0].state is State.ANSWERED
    desk.arrives(says("none", t("08:55")))
    desk.arrives(bp(150, 90, t("09:10")))
    assert desk.episodes[0].state is State.RESOLVED


def test_worse_after_the_answer_opens_again_with_a_new_round(desk: Desk) -> None:
    desk.arrives(bp(186, 112, EIGHT))
    desk.arrives(bp(184, 110, t("08:02")))
    desk.answer()
    desk.arrives(bp(204, 112, t("09:00")))
    (episode,) = desk.active
    assert (episode.state, episode.round, episode.rule_id) == (State.OPEN, 2, "BP-04")
    assert episode.level_since == desk.now
    assert desk.events[-1] is Event.WORSENED
    desk.passes_until(t("09:11"))
    assert desk.rang == ["08:02 wang", "09:00 wang", "09:10 li"]


def test_the_same_level_after_the_answer_pages_nobody(desk: Desk) -> None:
    desk.arrives(bp(205, 112, EIGHT))
    desk.answer()
    for clock, high in (("09:00", 225), ("09:30", 190), ("10:00", 206)):
        desk.arrives(bp(high, 112, t(clock)))
    desk.passes_until(t("12:00"))
    assert desk.active[0].state is State.ANSWERED
    assert set(desk.events) == {Event.FOUND, Event.ACKNOWLEDGED, Event.JOINED}
    assert desk.rang == ["08:00 wang"]
    assert desk.active[0].last_evidence_at == t("10:00")


def test_a_confirmation_joins_and_takes_the_tag_away(desk: Desk) -> None:
    desk.arrives(bp(205, 112, EIGHT))
    assert desk.active[0].confirmed == "unconfirmed"
    desk.arrives(bp(203, 112, t("08:02")))
    assert desk.active[0].confirmed == "confirmed"
    assert (desk.active[0].rule_id, desk.active[0].round) == ("BP-04", 1)


def test_a_red_flag_ends_only_by_a_person(desk: Desk) -> None:
    desk.arrives(bp(186, 112, EIGHT), says("vomiting", t("08:01")))
    desk.answer()
    for clock in ("08:30", "08:50", "09:10", "09:30"):
        desk.arrives(bp(130, 80, t(clock)))
    assert [e.state for e in desk.active] == [State.ANSWERED]
    desk.close()
    assert desk.episodes[0].state is State.RESOLVED
    assert desk.events[-1] is Event.CLOSED


def test_an_older_red_flag_keeps_its_person_when_a_fresh_rule_takes_over(desk: Desk) -> None:
    late = t("11:00")
    desk.arrives(bp(186, 112, EIGHT, received=late), says("vomiting", t("08:01"), received=late))
    assert [(e.rule_id, e.severity) for e in desk.active] == [("BP-01", "today")]
    desk.arrives(bp(205, 112, t("11:05")))
    assert [(e.rule_id, e.severity) for e in desk.active] == [("BP-04", "page_now")]
    desk.answer()
    for clock in ("11:30", "11:50", "12:10"):
        desk.arrives(bp(130, 80, t(clock)))
    assert [e.state for e in desk.active] == [State.ANSWERED]


def test_unanswered_never_ends_by_itself(desk: Desk) -> None:
    desk.arrives(bp(205, 112, EIGHT))
    for clock in ("08:20", "08:40", "09:00"):
        desk.arrives(bp(130, 80, t(clock)))
    desk.passes_until(t("08:00", 3))
    assert [e.state for e in desk.active] == [State.OPEN]


def test_normal_before_the_answer_counts_once_somebody_answers(desk: Desk) -> None:
    desk.arrives(bp(205, 112, EIGHT))
    for clock in ("08:20", "08:40"):
        desk.arrives(bp(130, 80, t(clock)))
    desk.answer()
    assert desk.events[-2:] == [Event.ACKNOWLEDGED, Event.NORMAL_AGAIN]


def test_an_answer_ages_out_after_a_day(desk: Desk) -> None:
    desk.arrives(bp(205, 112, EIGHT))
    desk.passes_until(t("08:05"))
    desk.answer()
    assert desk.timer is not None
    assert next_look_at(desk.active[0]) == t("08:05", 1) == desk.now + ANSWERED_MAX
    desk.passes_until(t("08:04:59", 1))
    assert [e.state for e in desk.active] == [State.ANSWERED]
    desk.passes_until(t("08:05", 1))
    assert desk.episodes[0].state is State.EXPIRED
    assert desk.rang == ["08:00 wang"]


def test_later_evidence_puts_the_ageing_off(desk: Desk) -> None:
    desk.arrives(bp(205, 112, EIGHT))
    desk.answer()
    desk.arrives(bp(206, 112, t("20:00")))
    assert next_look_at(desk.active[0]) == t("20:00", 1)


def test_a_new_crisis_after_the_end_is_a_new_episode(desk: Desk) -> None:
    desk.arrives(bp(205, 112, EIGHT))
    desk.answer()
    desk.close()
    desk.passes_until(t("08:30"))
    assert desk.active == [], "what was found once does not open it again"
    desk.arrives(bp(206, 112, t("09:00")))
    assert [(e.episode_id, e.round) for e in desk.active] == [(2, 1)]
    assert desk.rang == ["08:00 wang", "09:00 wang"]


def test_closing_while_a_repeat_is_awaited_raises_no_new_suspicion(desk: Desk) -> None:
    desk.arrives(bp(205, 112, EIGHT))
    desk.answer()
    desk.close()
    desk.look()
    desk.passes_until(t("08:30"))
    assert desk.events == [Event.FOUND, Event.ACKNOWLEDGED, Event.CLOSED]


def test_families_live_beside_each_other(desk: Desk) -> None:
    desk.arrives(bp(205, 112, EIGHT), sugar(2.5, EIGHT))
    assert [e.family for e in desk.active] == ["bp_high", "glucose_low"]
    desk.answer()
    desk.arrives(sugar(4.5, t("08:20")))
    desk.arrives(sugar(5.5, t("08:35")))
    assert [(e.family, e.state) for e in desk.episodes] == [
        ("bp_high", State.ANSWERED),
        ("glucose_low", State.RESOLVED),
    ]


def test_today_becomes_now(desk: Desk) -> None:
    desk.arrives(sugar(3.5, t("23:00")))
    assert desk.rang == [], "held for the night"
    desk.arrives(sugar(2.8, t("23:20")))
    assert (desk.active[0].severity, desk.active[0].round) == ("page_now", 2)
    assert desk.rang == ["23:20 wang"]


def test_a_repeat_that_comes_after_the_page_joins(desk: Desk) -> None:
    desk.arrives(bp(186, 112, EIGHT))
    desk.passes_until(t("08:15"))
    assert desk.rang == ["08:10 wang"]
    desk.arrives(bp(150, 90, t("08:04"), received=t("08:20")))
    assert [e.state for e in desk.active] == [State.OPEN], "only a person takes a page back"
    assert desk.events == [Event.SUSPICION, Event.FOUND]


def test_the_same_evaluation_twice_changes_nothing() -> None:
    past = history(bp(205, 112, EIGHT), bp(182, 90, t("08:30")), sugar(2.5, EIGHT))
    evaluation = evaluate(past, RULES, t("08:31"))
    once = changes(evaluation, Known({}, frozenset()), past, RULES)
    assert [change.event for change in once] == [Event.FOUND, Event.FOUND]
    known = Known(
        {change.episode.family: replace(change.episode, episode_id=1) for change in once},
        frozenset(identity(finding) for finding in evaluation.findings),
    )
    assert changes(evaluation, known, past, RULES) == []


def test_one_finding_that_is_there_twice_has_its_effect_once() -> None:
    past = history(bp(205, 112, EIGHT))
    evaluation = evaluate(past, RULES, t("08:01"))
    doubled = replace(evaluation, findings=evaluation.findings * 2)
    done = changes(doubled, Known({}, frozenset()), past, RULES)
    assert [change.event for change in done] == [Event.FOUND]


def test_an_episode_whose_rule_is_gone_still_ages_out() -> None:
    past = history(bp(120, 80, EIGHT), bp(120, 80, t("08:30")))
    gone = replace(
        _answered(), rule_id="XX-99", last_evidence_at=t("07:00"), answered_at=t("07:00")
    )
    assert normal_rounds(gone, past, RULES) == 0
    known = Known({gone.family: gone}, frozenset())
    for now, events in ((t("09:00"), []), (t("07:00", 1), [Event.TIMED_OUT])):
        done = changes(evaluate(past, RULES, now), known, past, RULES)
        assert [change.event for change in done] == events


@pytest.mark.parametrize(
    ("rows", "rounds"),
    [
        ([], 0),
        ([("08:10", 150)], 0),  # too soon after the crisis
        ([("08:15", 150)], 1),
        ([("08:15", 150), ("08:20", 150)], 1),
        ([("08:15", 150), ("08:30", 150)], 2),
        ([("08:15", 160), ("08:30", 150)], 1),  # 160 is not below 160
        ([("08:15", 150), ("08:30", 150), ("08:31", 161)], 0),
        ([("07:00", 150), ("07:30", 150)], 0),  # before it
    ],
)
def test_normal_rounds(rows: list[tuple[str, float]], rounds: int) -> None:
    past = history(*(bp(high, 80, t(clock)) for clock, high in rows))
    assert normal_rounds(_answered(), past, RULES) == rounds


def test_a_reading_in_kpa_can_be_normal_again() -> None:
    past = history(*(bp(21.2, 13.2, t(clock), unit="kPa") for clock in ("08:20", "08:40")))
    assert normal_rounds(_answered(), past, RULES) == 2
    high = history(bp(21.3, 13.2, t("08:20"), unit="kPa"))
    assert normal_rounds(_answered(), high, RULES) == 0


def test_two_low_sugars_apart_resolve_and_hi_does_not() -> None:
    low = replace(_answered(), family="glucose_low", rule_id="GL-02")
    assert (
        normal_rounds(
            low, history(sugar(4.0, t("08:15")), sugar(72, t("08:30"), unit="mg/dL")), RULES
        )
        == 2
    )
    assert normal_rounds(low, history(sugar(3.9, t("08:15"))), RULES) == 0
    assert normal_rounds(low, history(sugar(None, t("08:15"), flags=("hi",))), RULES) == 0


def _answered() -> Episode:
    """Return an answered crisis of eight o'clock."""
    return Episode(
        1,
        "bp_high",
        State.ANSWERED,
        "BP-04",
        "page_now",
        3,
        "unconfirmed",
        measured_at=EIGHT,
        opened_at=EIGHT,
        level_since=EIGHT,
        round=1,
        last_evidence_at=EIGHT,
        answered_at=EIGHT + minutes(5),
    )


def test_the_example_is_what_the_rules_say() -> None:
    assert found(EIGHT + timedelta(seconds=6), bp(205, 112, EIGHT))[0][0] == _answered().rule_id
