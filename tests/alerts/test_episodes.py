"""The life of an episode: each pair of the table, and stories that read like a chart."""

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from alert_parts import ANYBODY, RULES, Desk, bp, found, history, minutes, says, sugar, t

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
from yikao_alerts.history import Measurement

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
    kept = {Event.JOINED, Event.WORSENED, Event.ESCALATED, Event.DOWNGRADED}
    kept |= {Event.HANDED_OVER, Event.REOPENED}
    by_people = {Event.TAKEN, Event.ACKNOWLEDGED, Event.SNOOZED}
    assert out_of_open == kept | by_people, "only people end it"
    assert all(TRANSITIONS[State.OPEN, event] is State.OPEN for event in kept)
    assert all(TRANSITIONS[State.OPEN, event] is State.ANSWERED for event in by_people)


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
    for clock, high in (("08:22", 150), ("08:23", 148), ("08:42", 146)):
        desk.arrives(bp(high, 90, t(clock)))
        assert desk.active[0].state is State.WATCHING, "one low round is no recovery"
    desk.arrives(bp(148, 88, t("08:43")))
    assert desk.episodes[0].state is State.RESOLVED
    assert desk.episodes[0].normal_rounds == 2
    assert desk.rang == ["08:02 wang", "08:04 wang"]


def test_while_a_re_check_runs_single_low_readings_end_nothing(desk: Desk) -> None:
    desk.arrives(bp(186, 112, EIGHT))
    desk.arrives(bp(184, 110, t("08:02")))
    desk.answer()
    desk.arrives(bp(150, 90, t("08:22")))
    desk.arrives(bp(150, 90, t("08:38")))
    assert desk.active[0].state is State.WATCHING, "two readings, and the second round is not over"
    desk.arrives(bp(175, 90, t("08:40")), bp(174, 90, t("08:41")))
    desk.passes_until(t("08:50"))
    assert desk.active[0].state is State.WATCHING, "the mean of the second round is not below 160"


def test_after_the_rounds_readings_in_a_row_end_it(desk: Desk) -> None:
    desk.arrives(bp(205, 100, EIGHT))
    desk.answer()
    for clock, high in (("08:20", 165), ("08:40", 150), ("09:00", 165)):
        desk.arrives(bp(high, 90, t(clock)))
    desk.passes_until(t("09:20"))
    assert (desk.active[0].state, desk.active[0].severity) == (State.ANSWERED, "today")
    desk.arrives(bp(150, 90, t("10:00")))
    assert desk.active[0].state is State.ANSWERED, "one low reading is no recovery"
    desk.arrives(bp(150, 90, t("10:14")))
    assert desk.active[0].state is State.ANSWERED, "nor are two that are 14 minutes apart"
    desk.arrives(bp(150, 90, t("10:15")))
    assert desk.active == []
    assert desk.episodes[0].normal_rounds == 2


def test_a_symptom_in_between_begins_the_count_anew(desk: Desk) -> None:
    desk.arrives(sugar(19.0, EIGHT), sugar(18.0, t("08:05")))
    desk.answer()
    desk.arrives(sugar(9.0, t("10:30")))
    desk.arrives(says("cold_sweat", t("11:00")))
    desk.arrives(sugar(9.0, t("13:00")))
    assert desk.active[0].state is State.ANSWERED
    desk.arrives(says("none", t("13:10")))
    desk.arrives(sugar(9.0, t("15:10")))
    assert desk.episodes[0].state is State.RESOLVED


def test_worse_after_the_answer_opens_again_with_a_new_round(desk: Desk) -> None:
    desk.arrives(bp(186, 112, EIGHT))
    desk.arrives(bp(184, 110, t("08:02")))
    desk.answer()
    desk.arrives(bp(204, 112, t("08:25")))
    (episode,) = desk.active
    assert (episode.state, episode.round, episode.rule_id) == (State.OPEN, 2, "BP-04")
    assert episode.level_since == desk.now
    assert desk.events[-1] is Event.WORSENED
    desk.passes_until(t("08:36"))
    assert desk.rang[:2] == ["08:02 wang", "08:25 wang"]
    assert "08:35 li" in desk.rang


def test_the_same_level_after_the_answer_pages_nobody(desk: Desk) -> None:
    desk.arrives(sugar(19.0, EIGHT), sugar(20.0, t("08:05")))
    desk.answer()
    for clock, value in (("09:00", 22.0), ("09:30", 19.0), ("10:00", 21.0)):
        desk.arrives(sugar(value, t(clock)))
    desk.passes_until(t("12:00"))
    assert desk.active[0].state is State.ANSWERED
    assert set(desk.events) == {Event.FOUND, Event.ACKNOWLEDGED, Event.JOINED}
    assert desk.rang == ["08:05 wang"]
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
    for clock in ("08:20", "08:21", "08:40", "08:41"):
        desk.arrives(bp(130, 80, t(clock)))
    assert desk.events[-1] is Event.DOWNGRADED, "nobody has answered yet"
    desk.answer()
    assert desk.events[-2:] == [Event.ACKNOWLEDGED, Event.NORMAL_AGAIN]


def test_an_answer_ages_out_after_a_day(desk: Desk) -> None:
    desk.arrives(sugar(None, EIGHT, flags=("hi",)))
    desk.passes_until(t("08:05"))
    desk.answer()
    assert desk.timer is not None
    assert next_look_at(desk.active[0]) == t("08:05", 1) == desk.now + ANSWERED_MAX
    desk.passes_until(t("08:04:59", 1))
    assert [e.state for e in desk.active] == [State.ANSWERED]
    desk.passes_until(t("08:05", 1))
    assert desk.episodes[0].state is State.EXPIRED
    assert desk.rang == ["08:00 wang", "08:02 wang"]


def test_later_evidence_puts_the_ageing_off(desk: Desk) -> None:
    desk.arrives(sugar(None, EIGHT, flags=("hi",)))
    desk.answer()
    desk.arrives(sugar(None, t("20:00"), flags=("hi",)))
    assert next_look_at(desk.active[0]) == t("20:00", 1)


def test_a_new_crisis_after_the_end_is_a_new_episode(desk: Desk) -> None:
    desk.arrives(bp(205, 112, EIGHT))
    desk.answer()
    desk.close()
    desk.passes_until(t("08:30"))
    assert desk.active == [], "what was found once does not open it again"
    desk.arrives(bp(206, 112, t("08:50")))
    assert [(e.episode_id, e.round) for e in desk.active] == [(2, 1)]
    assert desk.rang == ["08:00 wang", "08:50 wang"]


def test_closing_while_a_repeat_is_awaited_raises_no_new_suspicion(desk: Desk) -> None:
    desk.arrives(bp(205, 112, EIGHT))
    desk.answer()
    desk.close()
    desk.look()
    desk.passes_until(t("08:30"))
    assert desk.events == [Event.FOUND, Event.ACKNOWLEDGED, Event.WATCHED, Event.CLOSED]


def test_families_live_beside_each_other(desk: Desk) -> None:
    desk.arrives(bp(205, 112, EIGHT), sugar(2.5, EIGHT))
    assert [e.family for e in desk.active] == ["bp_high", "glucose_low"]
    desk.answer()
    desk.arrives(sugar(4.5, t("08:15")), bp(190, 112, t("08:16")))
    desk.arrives(sugar(5.5, t("08:30")))
    assert [(e.family, e.state) for e in desk.episodes] == [
        ("bp_high", State.WATCHING),
        ("glucose_low", State.RESOLVED),
    ]


def test_today_becomes_now(desk: Desk) -> None:
    desk.arrives(sugar(3.5, t("23:00")))
    assert desk.rang == [], "held for the night"
    desk.arrives(sugar(2.8, t("23:19")))
    assert (desk.active[0].severity, desk.active[0].round) == ("page_now", 2)
    assert desk.rang == ["23:19 wang"]


def test_a_repeat_that_comes_after_the_page_joins(desk: Desk) -> None:
    desk.arrives(bp(186, 112, EIGHT))
    desk.passes_until(t("08:15"))
    assert desk.rang == ["08:10 wang", "08:12 wang"]
    desk.arrives(bp(150, 90, t("08:04"), received=t("08:20")))
    assert [e.state for e in desk.active] == [State.OPEN], "only a person takes a page back"
    assert desk.events == [Event.SUSPICION, Event.FOUND]


def test_the_same_evaluation_twice_changes_nothing() -> None:
    past = history(bp(205, 112, EIGHT), bp(182, 90, t("08:15")), sugar(2.5, EIGHT))
    evaluation = evaluate(past, ANYBODY, RULES, t("08:16"))
    once = changes(evaluation, Known({}, frozenset()), past, RULES)
    assert [change.event for change in once] == [Event.FOUND, Event.JOINED, Event.FOUND]
    known = Known(
        {change.episode.family: replace(change.episode, episode_id=1) for change in once},
        frozenset(identity(finding) for finding in evaluation.findings),
    )
    assert changes(evaluation, known, past, RULES) == []


def test_one_finding_that_is_there_twice_has_its_effect_once() -> None:
    past = history(bp(205, 112, EIGHT))
    evaluation = evaluate(past, ANYBODY, RULES, t("08:01"))
    doubled = replace(evaluation, findings=evaluation.findings * 2)
    done = changes(doubled, Known({}, frozenset()), past, RULES)
    assert [change.event for change in done] == [Event.FOUND]


def test_an_episode_whose_rule_is_gone_still_ages_out() -> None:
    past = history(bp(120, 80, EIGHT), bp(120, 80, t("08:30")))
    gone = replace(
        _answered(), rule_id="XX-99", last_evidence_at=t("07:00"), answered_at=t("07:00")
    )
    assert normal_rounds(gone, past, RULES, t("09:00")) == 0
    known = Known({gone.family: gone}, frozenset())
    for now, events in ((t("09:00"), []), (t("07:00", 1), [Event.TIMED_OUT])):
        done = changes(evaluate(past, ANYBODY, RULES, now), known, past, RULES)
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
    assert normal_rounds(_answered(), past, RULES, t("09:00")) == rounds


def test_a_reading_in_kpa_can_be_normal_again() -> None:
    past = history(*(bp(21.2, 13.2, t(clock), unit="kPa") for clock in ("08:20", "08:40")))
    assert normal_rounds(_answered(), past, RULES, t("09:00")) == 2
    high = history(bp(21.3, 13.2, t("08:20"), unit="kPa"))
    assert normal_rounds(_answered(), high, RULES, t("09:00")) == 0


def test_two_low_sugars_apart_resolve_and_hi_does_not() -> None:
    low = replace(_answered(), family="glucose_low", rule_id="GL-02")

    def rounds(*items: Measurement) -> int:
        return normal_rounds(low, history(*items), RULES, t("09:00"))

    assert rounds(sugar(4.0, t("08:15")), sugar(72, t("08:30"), unit="mg/dL")) == 2
    assert rounds(sugar(3.9, t("08:15"))) == 0
    assert rounds(sugar(None, t("08:15"), flags=("hi",))) == 0


@pytest.mark.parametrize(
    ("rows", "now", "rounds"),
    [
        ([("09:00", 150)], "09:10", 0),  # one of two, and they may still be measuring
        ([("09:00", 150)], "09:31", 1),
        ([("09:00", 150), ("09:01", 152)], "09:01", 1),
        ([("09:00", 150), ("09:01", 172)], "09:10", 0),  # its mean is 161
        ([("09:00", 150), ("09:01", 152), ("19:00", 150), ("19:01", 150)], "19:01", 2),
        ([("09:00", 165), ("09:40", 150), ("19:00", 150)], "20:00", 2),
    ],
)
def test_where_a_rule_asks_for_sittings_their_means_count(
    rows: list[tuple[str, float]], now: str, rounds: int
) -> None:
    repeated = replace(_answered(), rule_id="BP-05", severity="today")
    past = history(*(bp(high, 80, t(clock)) for clock, high in rows))
    assert normal_rounds(repeated, past, RULES, t(now)) == rounds


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
        disposition="called",
    )


def test_the_example_is_what_the_rules_say() -> None:
    assert found(EIGHT + timedelta(seconds=6), bp(205, 112, EIGHT))[0][0] == _answered().rule_id
