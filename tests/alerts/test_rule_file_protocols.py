"""The protocols of the shipped set: how a reading is confirmed, re-checked, and when it is over."""

from datetime import timedelta

import pytest

from yikao_alerts.limits import Limit
from yikao_alerts.rules import load_rules

RULES = load_rules("cn")
MINUTE = timedelta(minutes=1)

Number = tuple[str, str, float, float]


def numbers(limits: tuple[Limit, ...]) -> set[Number]:
    told = set()
    for limit in limits:
        first, *second = limit.values.values()
        told.add((limit.field, limit.op, first, *(second or [first])))
    return told  # type: ignore[return-value]


def pressure(op: str, systolic: tuple[float, float], diastolic: tuple[float, float]) -> set[Number]:
    return {("systolic", op, *systolic), ("diastolic", op, *diastolic)}


CALM = pressure("lt", (160, 21.3), (100, 13.3))


@pytest.mark.parametrize(
    ("rule_id", "name", "window_min", "gap_s", "statistic", "differ"),
    [
        ("BP-03", "CONFIRM_BP", 10, 60, "mean_of_two_or_three", 10),
        ("BP-12", "CONFIRM_BP", 10, 60, "mean_of_two_or_three", 10),
        ("BP-16", "CONFIRM_BP", 10, 60, "mean_of_two_or_three", 10),
        ("BP-20", "CONFIRM_BP", 10, 60, "mean_of_two_or_three", 10),
        ("GL-05", "CONFIRM_GLU_HIGH", 20, 60, "second", None),
        ("PR-01", "CONFIRM_PULSE", 10, 300, "second", None),
        ("SP-01", "CONFIRM_SPO2", 10, 120, "second", None),
        ("SP-01b", "CONFIRM_SPO2", 10, 120, "second", None),
        ("TP-01", "CONFIRM_TEMPERATURE", 30, 900, "second", None),
    ],
)
def test_confirmation(
    rule_id: str, name: str, window_min: int, gap_s: int, statistic: str, differ: float | None
) -> None:
    protocol = RULES.rule(rule_id).protocol
    assert protocol is not None
    assert protocol is RULES.protocols[name]
    assert (protocol.window, protocol.gap) == (window_min * MINUTE, timedelta(seconds=gap_s))
    assert (protocol.statistic, protocol.differ_mmhg) == (statistic, differ)
    assert protocol.near_mmhg == (5 if differ else None)
    assert RULES.rule(rule_id).ask_again


def test_nothing_else_waits() -> None:
    waiting = {rule.id for rule in RULES.rules if rule.protocol}
    pressure_rules = {"BP-03", "BP-05", "BP-12", "BP-16", "BP-20"}
    assert waiting == pressure_rules | {"GL-05", "PR-01", "SP-01", "SP-01b", "TP-01"}
    beside = {r.id for r in RULES.rules if r.ask_again and not r.protocol and r.family}
    assert beside == {"BP-04", "BP-14", "BP-19", "GL-02", "GL-03", "GL-06", "GL-15", "WT-01"}


def test_every_20_minutes() -> None:
    recheck = RULES.rechecks["RECHECK_20"]
    assert {r.id for r in RULES.rules if r.recheck == recheck.name} == {"BP-03", "BP-04"}
    assert (recheck.kind, recheck.statistic) == ("blood_pressure", "CONFIRM_BP")
    assert (recheck.every, recheck.rounds_max, recheck.silent) == (20 * MINUTE, 3, 30 * MINUTE)
    assert numbers(recheck.downgrade) == pressure("lt", (180, 24.0), (110, 14.7))
    assert numbers(recheck.resolve) == CALM
    assert (recheck.downgrade_rounds, recheck.resolve_rounds) == (2, 2)
    assert numbers(recheck.escalate) == pressure("ge", (200, 26.7), (120, 16.0))
    assert numbers(recheck.still) == pressure("ge", (180, 24.0), (110, 14.7))
    assert (recheck.still_after, recheck.still_rounds) == (60 * MINUTE, 0)
    assert recheck.next_day_task


def test_every_15_minutes() -> None:
    recheck = RULES.rechecks["RECHECK_GLU_15"]
    assert {r.id for r in RULES.rules if r.recheck == recheck.name} == {"GL-02", "GL-03"}
    assert (recheck.kind, recheck.statistic) == ("glucose", None)
    assert (recheck.every, recheck.rounds_max, recheck.silent) == (15 * MINUTE, 3, 20 * MINUTE)
    assert numbers(recheck.resolve) == {("glucose", "ge", 4.0, 72)}
    assert numbers(recheck.resolve_once) == {("glucose", "ge", 5.6, 101)}
    assert numbers(recheck.still) == {("glucose", "lt", 3.9, 70)}
    assert (recheck.resolve_rounds, recheck.still_rounds, recheck.still_after) == (2, 2, None)
    assert not (recheck.downgrade or recheck.escalate or recheck.next_day_task)


@pytest.mark.parametrize(
    ("rules", "limits", "of", "rounds", "apart_min"),
    [
        (("BP-03", "BP-04"), CALM, "readings", 2, 15),
        (("BP-05",), CALM, "sessions", 2, 0),
        (("BP-12",), {("systolic", "ge", 100, 13.3)}, "sessions", 2, 0),
        (("PR-01",), {("pulse", "ge", 51, 51), ("pulse", "le", 110, 110)}, "readings", 2, 5),
        (("PR-02",), {("pulse", "ge", 51, 51), ("pulse", "le", 110, 110)}, "sessions", 2, 0),
        (("PR-03",), {("pulse", "le", 100, 100)}, "sessions", 2, 0),
        (("GL-02", "GL-03"), {("glucose", "ge", 4.0, 72)}, "readings", 2, 15),
        (("GL-05", "GL-07"), {("glucose", "lt", 13.9, 250)}, "readings", 2, 120),
        (("GL-08", "GL-15"), {("ketone", "lt", 0.6, 0.6)}, "readings", 2, 120),
        (("SP-01", "SP-01b"), {("spo2", "ge", 94, 94)}, "readings", 2, 15),
        (
            ("TP-01",),
            {("temperature", "lt", 38.0, 38.0), ("temperature", "gt", 35.0, 35.0)},
            "readings",
            2,
            60,
        ),
    ],
)
def test_what_is_normal_again(
    rules: tuple[str, ...], limits: set[Number], of: str, rounds: int, apart_min: int
) -> None:
    for rule_id in rules:
        normal = RULES.normal(rule_id)
        assert normal is not None
        assert numbers(normal.limits) == limits
        assert (normal.of, normal.rounds) == (of, rounds)
        assert normal.apart == apart_min * MINUTE


def test_what_only_people_end() -> None:
    assert {rule.id for rule in RULES.rules if rule.human_only} == {
        *("BP-01", "BP-02", "BP-11", "BP-14", "BP-16", "BP-19", "BP-20", "BP-21"),
        *("PR-04", "GL-01", "GL-06", "GL-08", "GL-12", "GL-12b", "HELP-01"),
    }


@pytest.mark.parametrize(
    ("rule_id", "limits"),
    [
        ("BP-06", pressure("lt", (130, 17.3), (80, 10.7))),
        ("BP-07", pressure("lt", (145, 19.3), (90, 12.0))),
        ("BP-13", {("systolic", "ge", 115, 15.3)}),
        ("BP-17", pressure("lt", (130, 17.3), (80, 10.7))),
        ("GL-09", {("glucose", "le", 7.0, 126)}),
        ("GL-10", {("glucose", "lt", 10.0, 180)}),
    ],
)
def test_which_mean_ends_an_entry(rule_id: str, limits: set[Number]) -> None:
    ends = RULES.rule(rule_id).ends
    assert ends is not None
    assert numbers(ends.limits) == limits
    assert ends.level_below == (0.16 if rule_id == "BP-06" else None)


def test_what_else_ends_an_entry() -> None:
    quiet = {rule.id for rule in RULES.rules if rule.ends and rule.ends.quiet_days == 14}
    assert quiet == {"BP-09", "BP-10", "BP-13b", "GL-04", "GL-13"}
    silence = RULES.rule("DQ-06").ends
    assert silence is not None and silence.any_reading
