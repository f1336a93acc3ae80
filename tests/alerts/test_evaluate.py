"""From a history and the time to findings and refusals: a table of cases, and what always holds."""

from dataclasses import replace
from datetime import datetime

import pytest
from reading_parts import ANYBODY, RULES, bp, found, history, minutes, says, sugar, t

from yikao_alerts.evaluate import SYMPTOM_WINDOW, Evaluation, Why, evaluate
from yikao_alerts.history import Measurement, Symptoms

Item = Measurement | Symptoms
Found = list[tuple[str, str, str]]
EIGHT, ONE, TWO = t("08:00"), t("08:01"), t("08:02")
BP_01 = ("BP-01", "page_now", "not_needed")
BP_02 = ("BP-02", "page_now", "not_needed")
BP_04 = ("BP-04", "page_now", "unconfirmed")
GL_01 = ("GL-01", "page_now", "not_needed")
GL_02 = ("GL-02", "page_now", "unconfirmed")
GL_03 = ("GL-03", "today", "unconfirmed")
GL_06 = ("GL-06", "page_now", "unconfirmed")


def confirmed(rule: str, severity: str = "page_now") -> tuple[str, str, str]:
    return rule, severity, "confirmed"


def unconfirmed(rule: str, severity: str = "page_now") -> tuple[str, str, str]:
    return rule, severity, "unconfirmed"


def refused(evaluation: Evaluation) -> list[tuple[str, Why]]:
    return [(refusal.rule_id, refusal.why) for refusal in evaluation.refusals]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        # The table of limits: alone, and confirmed by a second reading.
        ([bp(179, 109, EIGHT)], []),
        ([bp(180, 80, EIGHT)], []),
        ([bp(185, 80, EIGHT), bp(185, 80, ONE)], [confirmed("BP-03")]),
        ([bp(150, 115, EIGHT), bp(150, 115, ONE)], [confirmed("BP-03")]),
        ([bp(199, 119, EIGHT)], []),
        ([bp(200, 100, EIGHT)], [BP_04]),
        ([bp(160, 120, EIGHT)], [BP_04]),
        ([sugar(4.0, EIGHT)], []),
        ([sugar(3.9, EIGHT)], [GL_03]),
        ([sugar(3.0, EIGHT)], [GL_03]),
        ([sugar(2.9, EIGHT)], [GL_02]),
        ([sugar(70, EIGHT, unit="mg/dL")], [GL_03]),
        ([sugar(53, EIGHT, unit="mg/dL")], [GL_02]),
        ([sugar(16.6, EIGHT)], []),
        ([sugar(16.7, EIGHT), sugar(16.7, TWO)], [confirmed("GL-05")]),
        ([sugar(300, EIGHT, unit="mg/dL"), sugar(300, TWO, unit="mg/dL")], [confirmed("GL-05")]),
        ([sugar(33.3, EIGHT)], [GL_06]),
        # A meter's LO and HI, which come without a number.
        ([sugar(None, EIGHT, flags=("lo",))], [GL_02]),
        ([sugar(None, EIGHT, flags=("hi",))], [GL_06]),
        ([sugar(None, EIGHT, flags=("lo",)), says("confusion", ONE)], [GL_01, GL_02]),
        # A red-flag symptom bypasses the confirmation; others do not.
        ([bp(180, 95, EIGHT), says("severe_headache_or_dizziness", ONE)], [BP_01]),
        ([says("chest_pain", t("07:30")), bp(180, 95, EIGHT)], [BP_01, BP_02]),
        ([bp(180, 95, EIGHT), says("fast_positive", ONE)], [BP_01, BP_02]),
        ([bp(180, 95, EIGHT), says("none", ONE)], []),
        ([bp(180, 95, EIGHT), says("cold_sweat", ONE)], []),
        ([bp(179, 95, EIGHT), says("vomiting", ONE)], []),
        ([bp(180, 95, EIGHT), says("vomiting", EIGHT + SYMPTOM_WINDOW)], [BP_01]),
        ([bp(180, 95, EIGHT), says("vomiting", EIGHT + SYMPTOM_WINDOW + minutes(1))], []),
        ([bp(205, 125, EIGHT), says("vomiting", ONE)], [BP_01, BP_04]),
        ([bp(205, 125, EIGHT), bp(205, 125, ONE)], [BP_04, BP_04, confirmed("BP-03")]),
        # Level 3 needs no value, or confusion beside a low one.
        ([sugar(4.5, EIGHT), says("hypo_needs_help", ONE)], [GL_01]),
        ([says("unconscious", ONE)], [GL_01, BP_02]),
        ([sugar(2.9, EIGHT), says("confusion", ONE)], [GL_01, GL_02]),
        # A new symptom after a low reading is worse news of the same.
        (
            [sugar(3.1, EIGHT), says("confusion", ONE)],
            [GL_03, ("GL-03", "today", "recheck_symptom")],
        ),
        # Two families at once.
        ([bp(200, 100, EIGHT), sugar(2.0, ONE)], [BP_04, GL_02]),
    ],
)
def test_what_is_found_at_once(items: list[Item], expected: Found) -> None:
    assert sorted(found(t("08:03"), *items)) == sorted(expected)


def test_a_first_high_reading_waits_and_says_until_when() -> None:
    evaluation = evaluate(history(bp(180, 80, EIGHT)), ANYBODY, RULES, TWO)
    (refusal,) = evaluation.refusals
    assert (refusal.rule_id, refusal.why) == ("BP-03", Why.AWAITING_REPEAT)
    assert refusal.until == evaluation.look_again_at == t("08:10:05")
    assert not evaluation.findings


def test_nobody_replies_and_it_counts() -> None:
    (finding,) = evaluate(history(bp(180, 80, EIGHT)), ANYBODY, RULES, t("08:10:05")).findings
    assert (finding.rule_id, finding.confirmed) == ("BP-03", "unconfirmed")
    assert finding.waited_until == t("08:10:05")
    assert not finding.ask_again, "it was asked for already"


def test_that_nobody_rang_is_told_with_its_reason() -> None:
    evaluation = evaluate(history(bp(180, 80, EIGHT), bp(170, 80, TWO)), ANYBODY, RULES, t("08:03"))
    (refusal,) = evaluation.refusals
    assert (refusal.rule_id, refusal.why) == ("BP-03", Why.NOT_CONFIRMED)
    assert refusal.statistic["systolic"] == 175.0
    assert (evaluation.findings, evaluation.look_again_at) == ((), None)


def test_the_worse_rule_speaks_for_a_reading_and_the_lesser_says_why_it_is_silent() -> None:
    low = evaluate(history(sugar(2.9, EIGHT)), ANYBODY, RULES, TWO)
    assert [(r.rule_id, r.why, r.by) for r in low.refusals] == [
        ("GL-03", Why.COVERED_BY_WORSE, "GL-02")
    ]
    high = evaluate(history(bp(205, 125, EIGHT)), ANYBODY, RULES, TWO)
    assert [(r.rule_id, r.why, r.by) for r in high.refusals] == [
        ("BP-03", Why.COVERED_BY_WORSE, "BP-04")
    ]


def test_what_nothing_may_keep_away_is_told_beside_the_worse() -> None:
    items = [bp(205, 125, EIGHT), says("vomiting", ONE)]
    assert {"BP-01", "BP-04"} <= RULES.suppress.never
    assert found(TWO, *items) == [BP_01, BP_04]


def test_what_a_worse_rule_covers_is_still_decided_when_its_wait_ends() -> None:
    items = [bp(205, 100, EIGHT), bp(188, 95, TWO)]
    evaluation = evaluate(history(*items), ANYBODY, RULES, t("08:03"))
    assert evaluation.look_again_at == t("08:10:05")
    assert found(t("08:03"), *items) == [BP_04]
    assert confirmed("BP-03") in found(t("08:10:05"), *items)


def test_of_one_reading_that_arrives_twice_the_first_arrival_counts() -> None:
    twice = [bp(205, 100, EIGHT, received=t("11:00")), bp(205, 100, EIGHT)]
    assert BP_04 in found(t("11:00"), *twice)
    assert found(t("11:00"), *twice) == found(t("11:00"), *reversed(twice))


def test_a_third_high_reading_in_the_window_begins_nothing_of_its_own() -> None:
    rows = [bp(186, 100, EIGHT), bp(184, 100, TWO), bp(185, 100, t("08:04"))]
    evaluation = evaluate(history(*rows), ANYBODY, RULES, t("08:20"))
    assert [f.confirmed for f in evaluation.findings] == ["confirmed"]
    assert refused(evaluation) == [("BP-03", Why.REPEATS_EARLIER)] * 2
    assert {refusal.until for refusal in evaluation.refusals} == {None}, "nothing is awaited"
    recheck = bp(185, 100, t("08:20"))
    again = evaluate(history(*rows, recheck), ANYBODY, RULES, t("08:21"))
    assert refused(again)[2:] == [("BP-03", Why.AWAITING_REPEAT)]


def test_a_repeat_that_differs_is_not_asked_about_twice() -> None:
    evaluation = evaluate(history(bp(182, 90, EIGHT), bp(196, 95, TWO)), ANYBODY, RULES, t("08:03"))
    assert [(refusal.why, len(refusal.inputs)) for refusal in evaluation.refusals] == [
        (Why.AWAITING_REPEAT, 2),
        (Why.REPEATS_EARLIER, 1),
    ]


def test_an_old_reading_does_not_swallow_the_fresh_one_that_repeats_it() -> None:
    old = bp(185, 95, t("08:00", -1), received=t("10:00"))
    fresh = bp(186, 95, t("10:02"))
    evaluation = evaluate(history(old, fresh), ANYBODY, RULES, t("10:03"))
    assert refused(evaluation) == [("BP-03", Why.TOO_OLD), ("BP-03", Why.AWAITING_REPEAT)]
    assert found(t("10:13"), old, fresh) == [unconfirmed("BP-03")]
    far = evaluate(history(old, bp(199, 100, t("10:02"))), ANYBODY, RULES, t("10:03"))
    assert sorted(why for _, why in refused(far)) == [Why.AWAITING_REPEAT, Why.TOO_OLD]
    assert t("10:12:05") in {refusal.until for refusal in far.refusals}


def test_an_older_reading_that_comes_late_does_not_put_a_page_off() -> None:
    waiting, older = bp(199, 100, EIGHT), bp(182, 95, t("07:58"), received=t("08:09"))
    assert found(t("08:10:05"), waiting) == [unconfirmed("BP-03")]
    evaluation = evaluate(history(waiting, older), ANYBODY, RULES, t("08:09"))
    assert evaluation.look_again_at == t("08:10:05")
    assert found(t("08:10:05"), waiting, older) == [unconfirmed("BP-03")]


# How old news may wake somebody (DQ-03).
@pytest.mark.parametrize(
    ("received", "expected", "late"),
    [
        (t("08:15"), [BP_04], False),
        (t("08:15:01"), [BP_04], True),
        (t("10:00"), [BP_04], True),
        (t("10:00:01"), [unconfirmed("BP-04", "today")], True),
        (t("08:00", 1), [unconfirmed("BP-04", "today")], True),
        (t("08:00:01", 1), [], True),
    ],
)
def test_the_age_of_a_reading_decides(received: datetime, expected: Found, late: bool) -> None:
    reading = bp(205, 100, EIGHT, received=received)
    assert found(received, reading) == expected
    evaluation = evaluate(history(reading), ANYBODY, RULES, received)
    marks = [f.late for f in evaluation.findings if f.rule_id == "BP-04"]
    assert marks in ([late], [])
    assert ("DQ-03" in {f.rule_id for f in evaluation.findings}) is late
    assert (("BP-04", Why.TOO_OLD) in refused(evaluation)) is not expected


@pytest.mark.parametrize(
    ("received", "expected"),
    [(t("09:00"), [GL_03]), (t("11:00"), [GL_03]), (t("09:00", 1), [])],
)
def test_what_is_for_today_stays_for_today(received: datetime, expected: Found) -> None:
    assert found(received, sugar(3.5, EIGHT, received=received)) == expected


def test_a_late_pair_is_confirmed_and_asks_for_a_call() -> None:
    rows = [bp(186, 100, EIGHT, received=t("11:00")), bp(184, 100, TWO, received=t("11:00"))]
    assert found(t("11:00"), *rows) == [confirmed("BP-03", "today")]
    assert refused(evaluate(history(*rows), ANYBODY, RULES, t("11:00"))) == [
        ("BP-03", Why.REPEATS_EARLIER)
    ]


def test_a_late_symptom_is_judged_by_its_age_too() -> None:
    assert found(t("12:00"), says("hypo_needs_help", EIGHT, received=t("12:00"))) == [
        ("GL-01", "today", "not_needed")
    ]


# Data quality.
@pytest.mark.parametrize(
    "reading",
    [
        bp(300, 120, EIGHT, plausible=False),
        bp(100, 120, EIGHT, plausible=False),
        bp(210, 120, EIGHT, pulse=240, plausible=False),
        sugar(0.3, EIGHT, plausible=False),
        sugar(0.5, EIGHT, plausible=False),
        sugar(605, EIGHT, unit="mg/dL", plausible=False),
    ],
)
def test_an_implausible_reading_is_asked_for_again_and_pages_nobody(reading: Measurement) -> None:
    assert RULES.implausible(replace(reading, plausible=True)) is not None
    evaluation = evaluate(history(reading, says("vomiting", ONE)), ANYBODY, RULES, TWO)
    (finding,) = evaluation.findings
    assert (finding.rule_id, finding.severity, finding.family) == ("DQ-01", "technical", None)
    assert finding.ask_again
    assert not evaluation.refusals


def test_an_implausible_reading_confirms_nothing() -> None:
    items = [bp(185, 100, EIGHT), bp(185, 200, TWO, plausible=False)]
    assert found(t("08:03"), *items) == []
    assert found(t("08:11"), *items) == [unconfirmed("BP-03")]


@pytest.mark.parametrize("flag", ["hi", "lo"])
def test_a_meters_own_limit_mark_is_plausible(flag: str) -> None:
    assert RULES.implausible(sugar(None, EIGHT, flags=(flag,))) is None
    assert RULES.implausible(sugar(34.0, EIGHT, flags=(flag,))) is None


def test_a_wrong_device_clock_is_told() -> None:
    evaluation = evaluate(history(bp(120, 80, EIGHT, flags=("clock_error",))), ANYBODY, RULES, ONE)
    assert [f.rule_id for f in evaluation.findings] == ["DQ-04"]
