"""Somebody asks to be called: whatever else happens, it is heard, and takes nothing from others."""

from datetime import timedelta

from alert_parts import Desk, bp, minutes, says, t
from hypothesis import given
from hypothesis import strategies as st
from reading_parts import RULES, look
from test_evaluate_properties import EIGHT, Item, arrivals, arrived, items_of_a_resident
from test_evaluate_properties import residents as people

from yikao_alerts.episodes import Event, State
from yikao_alerts.findings import Finding
from yikao_alerts.history import Symptoms
from yikao_alerts.resident import Resident
from yikao_devices.symptoms import CALL_ME

LATE = timedelta(days=7)


@st.composite
def presses(draw: st.DrawFn) -> Symptoms:
    """A press of the button, heard at once or after an outage."""
    received = EIGHT + draw(arrivals())
    ago = draw(st.sampled_from([timedelta(seconds=2), minutes(20), timedelta(hours=30), LATE]))
    return says(CALL_ME, received - ago, received=received)


def help_of(findings: tuple[Finding, ...]) -> list[tuple[str, str, str]]:
    return [(f.rule_id, f.severity, f.trigger) for f in findings if f.family == "help"]


@given(items_of_a_resident, presses(), people)
def test_a_call_is_for_now_whatever_else_was_measured(
    items: list[Item], press: Symptoms, who: Resident
) -> None:
    said = look(t("12:00", 3), *items, press, resident=who)
    assert help_of(said.findings) == [("HELP-01", "page_now", press.key)]


@given(items_of_a_resident, st.lists(presses(), max_size=3, unique_by=lambda s: s.key), people)
def test_an_added_call_changes_nothing_of_all_else(
    items: list[Item], pressed: list[Symptoms], who: Resident
) -> None:
    """Above all it cancels no page: the findings and the re-checks stay as they were."""
    now = t("09:10")
    here = arrived(items, now)
    before = look(now, *here, resident=who)
    after = look(now, *here, *arrived(list(pressed), now), resident=who)
    assert [f for f in after.findings if f.family != "help"] == list(before.findings)
    assert after.refusals == before.refusals
    assert after.courses == before.courses
    assert after.look_again_at == before.look_again_at


def test_who_only_asks_to_be_called_is_not_called_ill() -> None:
    """A crisis at home goes on being measured; the call is an episode of its own beside it."""
    desk = Desk(t("22:00"))
    desk.arrives(bp(206, 118, t("22:00")))
    desk.arrives(says(CALL_ME, t("22:05")))
    assert {(e.family, e.state) for e in desk.active} == {
        ("bp_high", State.OPEN),
        ("help", State.OPEN),
    }
    assert Event.ESCALATED not in desk.events
    assert [words[:5] for words in desk.heard if "回电" in words] == ["22:05"]


def test_each_call_counts_and_the_chain_goes_on_as_it_was() -> None:
    desk = Desk(t("22:00"))
    for minute in range(10):
        desk.arrives(says(CALL_ME, t("22:00") + minutes(minute)))
    assert desk.events == [Event.FOUND, *[Event.JOINED] * 9]
    assert {page.round for _, page in desk.pages} == {1}


def test_only_a_call_after_the_answer_calls_anew() -> None:
    desk = Desk(t("22:00"))
    desk.arrives(says(CALL_ME, t("22:00")))
    desk.passes_until(t("22:06"))
    desk.take()
    desk.arrives(says(CALL_ME, t("22:04"), received=t("22:07")))
    assert [e.state for e in desk.active] == [State.ANSWERED]
    desk.arrives(says(CALL_ME, t("22:09")))
    assert [e.state for e in desk.active] == [State.OPEN]
    assert desk.events[-1] is Event.CALLED_AGAIN


def test_the_rule_is_of_a_family_of_its_own() -> None:
    (rule,) = [rule for rule in RULES.rules if rule.family == "help"]
    assert (rule.id, rule.severity, rule.human_only) == ("HELP-01", "page_now", True)
    assert rule.id in RULES.late.never
    assert rule.id in RULES.suppress.never
