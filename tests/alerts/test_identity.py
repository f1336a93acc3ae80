"""Whose reading is it? Asked once, kept apart until a person has answered, crisis rules before."""

from dataclasses import replace

from reading_parts import ANYBODY, RULES, bp, history, t

from yikao_alerts.evaluate import evaluate
from yikao_alerts.history import Profile
from yikao_alerts.identity import Doubt, new_doubts

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
