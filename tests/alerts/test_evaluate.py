"""From a history and the time to findings and refusals: a table of cases, and what always holds."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

import pytest
from alert_parts import RULES, bp, found, history, minutes, says, sugar, t
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.evaluate import SYMPTOM_WINDOW, Evaluation, Finding, Refusal, Why, evaluate
from yikao_alerts.history import Measurement, Symptoms
from yikao_alerts.rules.model import SEVERITIES

Item = Measurement | Symptoms
Found = list[tuple[str, str, str]]
EIGHT, ONE, TWO = t("08:00"), t("08:01"), t("08:02")
BP_01 = ("BP-01", "page_now", "not_needed")
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
        ([bp(180, 80, EIGHT), bp(180, 80, ONE)], [confirmed("BP-03")]),
        ([bp(150, 110, EIGHT), bp(150, 110, ONE)], [confirmed("BP-03")]),
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
        ([sugar(None, EIGHT, flags=("lo",)), says("confusion", ONE)], [GL_01]),
        # A red-flag symptom bypasses the confirmation; others do not.
        ([bp(180, 95, EIGHT), says("severe_headache_or_dizziness", ONE)], [BP_01]),
        ([says("chest_pain", t("07:30")), bp(180, 95, EIGHT)], [BP_01]),
        ([bp(180, 95, EIGHT), says("fast_positive", ONE)], [BP_01]),
        ([bp(180, 95, EIGHT), says("none", ONE)], []),
        ([bp(180, 95, EIGHT), says("cold_sweat", ONE)], []),
        ([bp(179, 95, EIGHT), says("vomiting", ONE)], []),
        ([bp(180, 95, EIGHT), says("vomiting", EIGHT + SYMPTOM_WINDOW)], [BP_01]),
        ([bp(180, 95, EIGHT), says("vomiting", EIGHT + SYMPTOM_WINDOW + minutes(1))], []),
        ([bp(205, 125, EIGHT), says("vomiting", ONE)], [BP_01]),
        ([bp(205, 125, EIGHT), bp(205, 125, ONE)], [BP_04, BP_04, confirmed("BP-03")]),
        # Level 3 needs no value, or confusion beside a low one.
        ([sugar(4.5, EIGHT), says("hypo_needs_help", ONE)], [GL_01]),
        ([says("unconscious", ONE)], [GL_01]),
        ([sugar(2.9, EIGHT), says("confusion", ONE)], [GL_01]),
        ([sugar(3.1, EIGHT), says("confusion", ONE)], [GL_03]),
        # Two families at once.
        ([bp(200, 100, EIGHT), sugar(2.0, ONE)], [BP_04, GL_02]),
    ],
)
def test_what_is_found_at_once(items: list[Item], expected: Found) -> None:
    assert sorted(found(t("08:03"), *items)) == sorted(expected)


def test_a_first_high_reading_waits_and_says_until_when() -> None:
    evaluation = evaluate(history(bp(180, 80, EIGHT)), RULES, TWO)
    (refusal,) = evaluation.refusals
    assert (refusal.rule_id, refusal.why) == ("BP-03", Why.AWAITING_REPEAT)
    assert refusal.until == evaluation.look_again_at == t("08:10:05")
    assert not evaluation.findings


def test_nobody_replies_and_it_counts() -> None:
    (finding,) = evaluate(history(bp(180, 80, EIGHT)), RULES, t("08:10:05")).findings
    assert (finding.rule_id, finding.confirmed) == ("BP-03", "unconfirmed")
    assert finding.waited_until == t("08:10:05")
    assert not finding.ask_again, "it was asked for already"


def test_that_nobody_rang_is_told_with_its_reason() -> None:
    evaluation = evaluate(history(bp(182, 80, EIGHT), bp(176, 80, TWO)), RULES, t("08:03"))
    (refusal,) = evaluation.refusals
    assert (refusal.rule_id, refusal.why) == ("BP-03", Why.NOT_CONFIRMED)
    assert refusal.statistic["systolic"] == 179.0
    assert (evaluation.findings, evaluation.look_again_at) == ((), None)


def test_the_worse_rule_speaks_for_a_reading_and_the_lesser_says_why_it_is_silent() -> None:
    items = [bp(205, 125, EIGHT), says("vomiting", ONE)]
    evaluation = evaluate(history(*items), RULES, TWO)
    assert [(r.rule_id, r.why, r.by) for r in evaluation.refusals] == [
        ("BP-03", Why.COVERED_BY_WORSE, "BP-01"),
        ("BP-04", Why.COVERED_BY_WORSE, "BP-01"),
    ]


def test_what_a_worse_rule_covers_is_still_decided_when_its_wait_ends() -> None:
    items = [bp(205, 100, EIGHT), bp(188, 95, TWO)]
    evaluation = evaluate(history(*items), RULES, t("08:03"))
    assert evaluation.look_again_at == t("08:10:05")
    assert found(t("08:03"), *items) == [BP_04]
    assert confirmed("BP-03") in found(t("08:10:05"), *items)


def test_of_one_reading_that_arrives_twice_the_first_arrival_counts() -> None:
    twice = [bp(205, 100, EIGHT, received=t("11:00")), bp(205, 100, EIGHT)]
    assert found(t("11:00"), *twice) == found(t("11:00"), *reversed(twice)) == [BP_04]


def test_a_third_high_reading_in_the_window_begins_nothing_of_its_own() -> None:
    rows = [bp(186, 100, EIGHT), bp(184, 100, TWO), bp(185, 100, t("08:04"))]
    evaluation = evaluate(history(*rows), RULES, t("08:20"))
    assert [f.confirmed for f in evaluation.findings] == ["confirmed"]
    assert refused(evaluation) == [("BP-03", Why.REPEATS_EARLIER)] * 2
    assert evaluation.look_again_at is None
    recheck = bp(185, 100, t("08:20"))
    again = evaluate(history(*rows, recheck), RULES, t("08:21"))
    assert refused(again)[2:] == [("BP-03", Why.AWAITING_REPEAT)]


def test_a_repeat_that_differs_is_not_asked_about_twice() -> None:
    evaluation = evaluate(history(bp(182, 90, EIGHT), bp(196, 95, TWO)), RULES, t("08:03"))
    assert [(refusal.why, len(refusal.inputs)) for refusal in evaluation.refusals] == [
        (Why.AWAITING_REPEAT, 2),
        (Why.REPEATS_EARLIER, 1),
    ]


def test_an_old_reading_does_not_swallow_the_fresh_one_that_repeats_it() -> None:
    old = bp(185, 100, t("08:00", -1), received=t("10:00"))
    fresh = bp(186, 100, t("10:02"))
    evaluation = evaluate(history(old, fresh), RULES, t("10:03"))
    assert refused(evaluation) == [("BP-03", Why.TOO_OLD), ("BP-03", Why.AWAITING_REPEAT)]
    assert found(t("10:13"), old, fresh) == [unconfirmed("BP-03")]
    far = evaluate(history(old, bp(199, 100, t("10:02"))), RULES, t("10:03"))
    assert sorted(why for _, why in refused(far)) == [Why.AWAITING_REPEAT, Why.TOO_OLD]
    assert t("10:12:05") in {refusal.until for refusal in far.refusals}


def test_an_older_reading_that_comes_late_does_not_put_a_page_off() -> None:
    waiting, older = bp(199, 100, EIGHT), bp(182, 95, t("07:58"), received=t("08:09"))
    assert found(t("08:10:05"), waiting) == [unconfirmed("BP-03")]
    evaluation = evaluate(history(waiting, older), RULES, t("08:09"))
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
    evaluation = evaluate(history(reading), RULES, received)
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
    assert refused(evaluate(history(*rows), RULES, t("11:00"))) == [("BP-03", Why.REPEATS_EARLIER)]


def test_a_late_symptom_is_judged_by_its_age_too() -> None:
    assert found(t("12:00"), says("seizure", EIGHT, received=t("12:00"))) == [
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
        sugar(40.0, EIGHT, plausible=False),
    ],
)
def test_an_implausible_reading_is_asked_for_again_and_pages_nobody(reading: Measurement) -> None:
    assert RULES.implausible(replace(reading, plausible=True)) is not None
    evaluation = evaluate(history(reading, says("vomiting", ONE)), RULES, TWO)
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
    evaluation = evaluate(history(bp(120, 80, EIGHT, flags=("clock_error",))), RULES, ONE)
    assert [f.rule_id for f in evaluation.findings] == ["DQ-04"]


# What always holds, whatever was measured.
_T = TypeVar("_T", Measurement, Symptoms)
systolics = st.sampled_from([110, 150, 170, 179, 180, 181, 186, 195, 199, 200, 210])
diastolics = st.sampled_from([70, 95, 109, 110, 112, 119, 120])
delays = st.sampled_from([5, 5, 5, 65, 300, 600, 1200, 7201, 90_000])
codes = st.sampled_from(["none", "vomiting", "confusion", "seizure", "cold_sweat"])


@st.composite
def readings(draw: st.DrawFn) -> Measurement:
    """A reading that arrives within half an hour, so that waits overlap; some come late."""
    received = EIGHT + timedelta(seconds=30 * draw(st.integers(0, 60)))
    at = received - timedelta(seconds=draw(delays))
    if draw(st.integers(0, 3)) == 0:
        value = draw(st.sampled_from([2.5, 3.0, 3.9, 5.5, 13.9, 16.6, 16.7, 18.0, 33.3]))
        return sugar(value, at, received=received)
    high, low = draw(systolics), draw(diastolics)
    if draw(st.integers(0, 5)) == 0:
        return bp(high / 7.5, low / 7.5, at, received=received, unit="kPa")
    return bp(high, low, at, received=received)


@st.composite
def reports(draw: st.DrawFn) -> Symptoms:
    received = EIGHT + timedelta(seconds=30 * draw(st.integers(0, 60)))
    return says(draw(codes), received - timedelta(seconds=draw(delays)), received=received)


items_of_a_resident = st.lists(readings() | reports(), max_size=7, unique_by=lambda i: i.key)
moments = st.integers(0, 400).map(lambda tenths: EIGHT + timedelta(minutes=tenths / 10))


def arrived(items: list[Item], now: datetime) -> list[Item]:
    """Return what the server has at `now`."""
    return [item for item in items if item.received_at <= now]


def shifted(value: _T, by: timedelta) -> _T:
    return replace(value, at=value.at + by, received_at=value.received_at + by)


@given(st.data(), items_of_a_resident, moments)
def test_the_order_of_arrival_changes_nothing(
    data: st.DataObject, items: list[Item], now: datetime
) -> None:
    once = evaluate(history(*items), RULES, now)
    assert evaluate(history(*data.draw(st.permutations(items))), RULES, now) == once
    assert evaluate(history(*items, *items), RULES, now) == once, "nor do duplicates"


@given(items_of_a_resident, moments, st.integers(-(10**6), 10**6))
def test_shifting_all_times_shifts_the_answer(
    items: list[Item], now: datetime, seconds: int
) -> None:
    by = timedelta(seconds=seconds)
    here = evaluate(history(*items), RULES, now)
    there = evaluate(history(*(shifted(item, by) for item in items)), RULES, now + by)

    def moved(one: Finding) -> Finding:
        until = one.waited_until and one.waited_until + by
        return replace(one, at=one.at + by, waited_until=until)

    def moved_refusal(one: Refusal) -> Refusal:
        return replace(one, at=one.at + by, until=one.until and one.until + by)

    assert there.findings == tuple(moved(f) for f in here.findings)
    assert there.refusals == tuple(moved_refusal(r) for r in here.refusals)


def worst(evaluation: Evaluation, family: str) -> tuple[int, int]:
    """Return how much the worst finding of a family asks for."""
    ranks = [
        (SEVERITIES.index(f.severity), f.level) for f in evaluation.findings if f.family == family
    ]
    return max(ranks, default=(-1, -1))


@given(items_of_a_resident, readings(), st.integers(1, 1200), moments)
def test_an_older_reading_never_cancels_a_page(
    items: list[Item], reading: Measurement, seconds: int, now: datetime
) -> None:
    oldest = min([item.at for item in items] or [now])
    older = replace(reading, key=f"older/{reading.key}", at=oldest - timedelta(seconds=seconds))
    before = evaluate(history(*arrived(items, now)), RULES, now)
    after = evaluate(history(*arrived([*items, older], now)), RULES, now)
    for family in ("bp_high", "glucose_low", "glucose_high"):
        assert worst(after, family) >= worst(before, family)


@given(items_of_a_resident, st.sampled_from([(200, 70), (240, 119), (150, 120)]), moments)
def test_a_fresh_crisis_always_pages_at_once(
    items: list[Item], pressures: tuple[int, int], now: datetime
) -> None:
    crisis = replace(bp(*pressures, now - minutes(1)), key="crisis")
    evaluation = evaluate(history(*arrived(items, now), crisis), RULES, now)
    about = [f for f in evaluation.findings if f.trigger == "crisis" and f.family]
    assert any(f.severity == "page_now" for f in about)


@given(items_of_a_resident, moments, st.integers(1, 1200))
def test_nothing_more_is_found_before_the_time_at_which_to_look_again(
    items: list[Item], now: datetime, seconds: int
) -> None:
    past = history(*arrived(items, now))
    evaluation = evaluate(past, RULES, now)
    again = evaluation.look_again_at
    later = now + timedelta(seconds=seconds)
    if again is None or later < again:
        assert evaluate(past, RULES, later).findings == evaluation.findings


@given(items_of_a_resident, moments)
def test_every_high_reading_is_accounted_for(items: list[Item], now: datetime) -> None:
    items = arrived(items, now)
    evaluation = evaluate(history(*items), RULES, now)
    severe = {
        item.key
        for item in items
        if isinstance(item, Measurement) and RULES.rule("BP-03").met_by(item)
    }
    parts = (*evaluation.findings, *evaluation.refusals)
    assert severe <= {part.trigger for part in parts if part.rule_id == "BP-03"}
    for refusal in evaluation.refusals:
        assert refusal.until is None or refusal.until > now
