"""Whose reading is it? Asked once, kept apart until a person has answered, crisis rules before."""

from dataclasses import replace

import pytest
from reading_parts import ANYBODY, RULES, bp, history, t

from yikao_alerts.evaluate import evaluate
from yikao_alerts.history import Profile
from yikao_alerts.identity import Doubt, Whose, answered, aside, new_doubts, own

MINE, THEIRS = bp(131, 81, t("08:00"), pulse=70), bp(205, 125, t("08:05"), pulse=110)
PROFILE = Profile(40, (130.0, 80.0, 70.0), ((25.0, 0, 0), (0, 16.0, 0), (0, 0, 16.0)))
PAST = replace(history(MINE, THEIRS), profile=PROFILE)
NOW = t("08:06")
DOUBT = Doubt(THEIRS.key, THEIRS.at, NOW)


def test_what_is_unlike_the_own_readings_is_asked_about_once() -> None:
    findings = evaluate(PAST, ANYBODY, RULES, NOW).findings
    assert new_doubts(findings, {}, RULES, NOW) == [DOUBT]
    assert new_doubts(findings, {THEIRS.key: DOUBT}, RULES, NOW) == []


def test_a_crisis_pages_whoever_it_is() -> None:
    rules = [f.rule_id for f in evaluate(PAST, ANYBODY, RULES, NOW).findings]
    assert {"DQ-05", "BP-04"} <= set(rules)


@pytest.mark.parametrize(
    ("answer", "apart"), [(None, True), (Whose.OTHER, True), (Whose.OWN, False)]
)
def test_without_an_answer_it_stays_out_of_means(answer: Whose | None, apart: bool) -> None:
    doubt = replace(DOUBT, answer=answer)
    assert (THEIRS.key in aside([doubt])) is apart


def test_anothers_reading_no_longer_speaks_for_the_resident() -> None:
    assert own(PAST, [DOUBT]) is PAST, "not before somebody has answered"
    assert own(PAST, [answered(DOUBT, Whose.OWN, "nurse-1", NOW)]) is PAST
    left = own(PAST, [answered(DOUBT, Whose.OTHER, "nurse-1", NOW)])
    assert left.measurements == (MINE,)
    assert left.profile is PROFILE


def test_an_answer_can_be_put_right() -> None:
    first = answered(DOUBT, Whose.OTHER, "nurse-1", NOW)
    assert (first.answer, first.answered_by, first.answered_at) == (Whose.OTHER, "nurse-1", NOW)
    again = answered(first, Whose.OWN, "dr-li", t("09:00"))
    assert (again.answer, again.answered_by) == (Whose.OWN, "dr-li")
