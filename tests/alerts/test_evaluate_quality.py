"""Data quality: impossible values, unclear units, old news, wrong clocks, other people."""

from dataclasses import replace
from datetime import datetime

import pytest
from reading_parts import ANYBODY, CUFF, RULES, bp, history, look, other, says, sugar, t

from yikao_alerts.evaluate import Evaluation, evaluate
from yikao_alerts.findings import Why
from yikao_alerts.history import MANUAL, History, Measurement, Profile, Symptoms, history_of
from yikao_alerts.quality import PROFILE_MIN, distance

EIGHT, SOON_AFTER = t("08:00"), t("08:02")
OTHER_CUFF = "C0:FF:EE:00:00:09"


def technical(evaluation: Evaluation) -> list[tuple[str, str]]:
    return [(f.rule_id, f.confirmed) for f in evaluation.findings if f.family is None]


# DQ-01: what cannot be.
@pytest.mark.parametrize(
    ("reading", "odd"),
    [
        (bp(60, 40, EIGHT), False),
        (bp(59, 40, EIGHT), True),
        (bp(280, 120, EIGHT), False),
        (bp(281, 120, EIGHT), True),
        (bp(120, 29, EIGHT), True),
        (bp(200, 180, EIGHT), False),
        (bp(200, 181, EIGHT), True),
        (bp(100, 100, EIGHT), True),
        (bp(120, 80, EIGHT, pulse=24), True),
        (bp(120, 80, EIGHT, pulse=25), False),
        (bp(120, 80, EIGHT, pulse=230), False),
        (bp(120, 80, EIGHT, pulse=231), True),
        (bp(7.9, 5.3, EIGHT, unit="kPa"), True),
        (bp(8.0, 5.3, EIGHT, unit="kPa"), False),
        (sugar(0.5, EIGHT), True),
        (sugar(0.6, EIGHT), False),
        (sugar(33.3, EIGHT), False),
        (sugar(33.4, EIGHT), True),
        (sugar(10, EIGHT, unit="mg/dL"), True),
        (sugar(600, EIGHT, unit="mg/dL"), False),
        (sugar(601, EIGHT, unit="mg/dL"), True),
        (other("spo2", 101, EIGHT), True),
        (other("weight", 19, EIGHT), True),
    ],
)
def test_what_cannot_be_is_asked_for_again(reading: Measurement, odd: bool) -> None:
    assert (RULES.implausible(reading) is not None) is odd
    if odd:
        held = replace(reading, plausible=False)
        assert ("DQ-01", "not_needed") in technical(look(SOON_AFTER, held))


def test_three_impossible_readings_in_a_row_are_for_the_nurse() -> None:
    odd = [bp(290, 120, t(f"08:0{n}"), plausible=False) for n in range(4)]
    told = technical(look(t("08:09"), *odd[:3]))
    assert told.count(("DQ-01", "three_in_a_row")) == 1
    assert ("DQ-01", "three_in_a_row") not in technical(look(t("08:09"), *odd[:2]))
    between = [*odd[:2], bp(120, 80, t("08:01:30")), odd[3]]
    assert ("DQ-01", "three_in_a_row") not in technical(look(t("08:09"), *between))
    sweet = [odd[0], sugar(5.0, t("08:00:30")), *odd[1:3]]
    assert ("DQ-01", "three_in_a_row") in technical(look(t("08:09"), *sweet)), "another device"


# DQ-02: which unit?
def in_doubt(
    *items: Measurement | Symptoms, habit: str | None = "mg/dL", now: datetime = SOON_AFTER
) -> Evaluation:
    past = history(*items)
    held = replace(past, unit_habit={"glucose": habit} if habit else {})
    return evaluate(held, ANYBODY, RULES, now)


@pytest.mark.parametrize(
    ("value", "source", "habit", "doubted"),
    [
        (19.9, MANUAL, "mg/dL", False),
        (20.0, MANUAL, "mg/dL", True),
        (33.3, MANUAL, "mg/dL", True),
        (25.0, MANUAL, "mmol/L", False),
        (25.0, MANUAL, None, False),
        (25.0, "device", "mg/dL", False),
    ],
)
def test_a_typed_value_that_may_be_in_the_other_unit(
    value: float, source: str, habit: str | None, doubted: bool
) -> None:
    said = in_doubt(sugar(value, EIGHT, source=source), habit=habit)
    assert (("DQ-02", "not_needed") in technical(said)) is doubted


def test_an_unclear_value_is_judged_in_both_units_and_the_worse_is_told_as_unclear() -> None:
    said = in_doubt(sugar(25.0, EIGHT, source=MANUAL))
    (finding,) = (f for f in said.findings if f.family)
    assert (finding.rule_id, finding.severity) == ("GL-02", "page_now"), "25 mg/dL"
    assert finding.unit_unclear
    assert finding.statistic == {"glucose": 25.0}, "nothing was converted"
    later = in_doubt(sugar(25.0, EIGHT, source=MANUAL), now=t("08:30"))
    assert [f.rule_id for f in later.findings if f.unit_unclear][:1] == ["GL-02"]
    silent = [(r.rule_id, r.why, r.by) for r in later.refusals]
    assert ("GL-05", Why.COVERED_BY_WORSE, "GL-02") in silent, "25 mmol/L"


@pytest.mark.parametrize(
    ("value", "rule"), [(45, "GL-02"), (120, None), (350, "GL-05"), (600, "GL-06")]
)
def test_a_value_far_too_high_for_its_unit_is_judged_in_the_other(
    value: float, rule: str | None
) -> None:
    typed = sugar(value, EIGHT, source=MANUAL, plausible=False)
    said = in_doubt(typed, now=t("08:21"))
    assert {"DQ-01", "DQ-02"} <= {rule for rule, _ in technical(said)}
    clinical = [f for f in said.findings if f.family and f.confirmed in ("unconfirmed",)]
    assert [f.rule_id for f in clinical] == ([rule] if rule else [])
    assert all(f.unit_unclear for f in clinical)


def test_an_unclear_value_refutes_nothing() -> None:
    first, typed = sugar(310, EIGHT, unit="mg/dL"), sugar(25, t("08:05"), source=MANUAL)
    said = in_doubt(first, typed, now=t("08:21"))
    assert ("GL-05", "unconfirmed") in [(f.rule_id, f.confirmed) for f in said.findings]


@pytest.mark.parametrize(
    ("high", "low", "doubted", "rules"),
    [
        (16.0, 10.7, True, []),
        (24.5, 14.0, True, ["BP-03"]),
        (27.0, 14.0, True, ["BP-03", "BP-04"]),
        (185, 100, True, ["BP-03"]),
    ],
)
def test_a_pressure_without_a_unit(
    high: float, low: float, doubted: bool, rules: list[str]
) -> None:
    said = look(t("08:11"), bp(high, low, EIGHT, unit=""))
    assert (("DQ-02", "not_needed") in technical(said)) is doubted
    told = [f for f in said.findings if f.family]
    assert {f.rule_id for f in told} <= set(rules)
    assert bool(told) is bool(rules)
    assert all(f.unit_unclear for f in told)


# DQ-03: how old was it?
@pytest.mark.parametrize(
    ("received", "late"), [("08:15", False), ("08:15:01", True), ("23:00", True)]
)
def test_what_arrives_late_is_told(received: str, late: bool) -> None:
    reading = bp(120, 80, EIGHT, received=t(received))
    assert (("DQ-03", "not_needed") in technical(look(t(received), reading))) is late


def test_what_is_for_this_week_may_be_a_day_old() -> None:
    come = t("12:00", 3)
    sits = bp(130, 80, EIGHT, context="seated", received=come)
    stands = bp(105, 75, SOON_AFTER, context="standing", received=come)
    assert [f.rule_id for f in look(come, sits, stands).findings if f.family] == ["BP-14"]


# DQ-04: which clock was wrong?
@pytest.mark.parametrize(
    ("at", "flags", "wrong"),
    [
        (EIGHT, (), False),
        (EIGHT, ("clock_error",), True),
        (t("08:02"), (), False),
        (t("08:02:01"), (), True),
        (datetime.fromisoformat("2019-12-31T23:59:00+08:00"), (), True),
    ],
)
def test_a_wrong_clock_is_told(at: datetime, flags: tuple[str, ...], wrong: bool) -> None:
    reading = bp(120, 80, at, received=EIGHT, flags=flags)
    assert (("DQ-04", "not_needed") in technical(look(EIGHT, reading))) is wrong


def test_a_reading_of_unknown_time_confirms_and_never_cancels() -> None:
    first = bp(190, 100, EIGHT)
    low, high = bp(150, 90, SOON_AFTER, doubt_s=86_400), bp(189, 99, SOON_AFTER, doubt_s=86_400)
    assert [f.confirmed for f in look(t("08:03"), first, high).findings] == ["confirmed"]
    waiting = look(t("08:03"), first, low)
    assert [r.why for r in waiting.refusals] == [Why.AWAITING_REPEAT]
    assert [f.confirmed for f in look(t("08:11"), first, low).findings] == ["unconfirmed"]
    sure = bp(150, 90, t("08:05"), doubt_s=2)
    assert look(t("08:11"), first, low, sure).findings == ()


# DQ-05: somebody else?
OWN = Profile(120, (130.0, 80.0, 70.0), ((100.0, 30.0, 0.0), (30.0, 64.0, 0.0), (0.0, 0.0, 49.0)))


def with_profile(profile: Profile, *items: Measurement) -> History:
    return replace(history(*items), profile=profile)


def test_the_distance_from_the_own_profile() -> None:
    assert distance(OWN, bp(130, 80, EIGHT, pulse=70)) == pytest.approx(0.0)
    assert distance(OWN, bp(130, 80, EIGHT, pulse=84)) == pytest.approx(4.0)
    # Independent solution of the 2x2 block: 20 above the mean of the systolic alone.
    assert distance(OWN, bp(150, 80, EIGHT, pulse=70)) == pytest.approx(400 * 64 / 5500)
    assert distance(OWN, bp(20.0, 10.7, EIGHT, pulse=70, unit="kPa")) == pytest.approx(4.6, abs=0.1)
    assert distance(replace(OWN, n=PROFILE_MIN - 1), bp(150, 80, EIGHT)) is None
    flat = replace(OWN, covariance=((100.0, 80.0, 0.0), (80.0, 64.0, 0.0), (0.0, 0.0, 49.0)))
    assert distance(flat, bp(150, 80, EIGHT)) is None
    no_pulse = replace(bp(150, 80, EIGHT), values={"systolic": 150.0, "diastolic": 80.0})
    assert distance(OWN, no_pulse) is None


@pytest.mark.parametrize(("pulse", "asked"), [(98, False), (99, True)])
def test_a_reading_unlike_ones_own_is_asked_about(pulse: float, asked: bool) -> None:
    past = with_profile(OWN, bp(130, 80, EIGHT, pulse=pulse))
    said = evaluate(past, ANYBODY, RULES, SOON_AFTER)
    assert (("DQ-05", "not_needed") in technical(said)) is asked


def test_a_reading_that_may_be_anothers_still_pages() -> None:
    past = with_profile(OWN, bp(210, 125, EIGHT))
    said = evaluate(past, ANYBODY, RULES, SOON_AFTER)
    assert {"DQ-05", "BP-04"} <= {f.rule_id for f in said.findings}


# DQ-07: another cuff?
def test_a_new_device_is_told_once() -> None:
    readings = [bp(120, 80, t(f"08:0{n}"), device=OTHER_CUFF) for n in range(2)]
    known = history_of([bp(120, 80, t("07:00")), *readings], [], devices={CUFF})
    said = evaluate(known, ANYBODY, RULES, t("08:09"))
    assert [(f.rule_id, f.severity, f.trigger) for f in said.findings] == [
        ("DQ-07", "info", readings[0].key)
    ]
    first_ever = history_of(readings, [])
    assert evaluate(first_ever, ANYBODY, RULES, t("08:09")).findings == ()


def test_a_report_alone_says_nothing_of_quality() -> None:
    assert look(SOON_AFTER, says("vomiting", EIGHT)).findings == ()
