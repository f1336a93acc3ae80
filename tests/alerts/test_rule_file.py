"""The rule set: its numbers are the signed ones, and a faulty file is refused, with the line.

Source of the numbers: the rule table; blood pressure in mmHg and kPa, glucose in mmol/L and mg/dL.
"""

from datetime import timedelta
from importlib import resources

import pytest
from alert_parts import JUNK, RULES, written
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.history import BLOOD_PRESSURE, GLUCOSE
from yikao_alerts.limits import Limit
from yikao_alerts.rules import load_rules, parse_rules
from yikao_alerts.rules.check import EVIDENCE, FAMILIES, FLAGS
from yikao_alerts.rules.model import PAGING, SEVERITIES, Rule
from yikao_devices.symptoms import NONE, SYMPTOMS
from yikao_devices.toml_lines import FaultyFileError

SHIPPED = resources.files("yikao_alerts.rules").joinpath("cn.toml").read_text("utf-8")

Number = tuple[str, str, float, float]
"""Field, comparison, and the number in the first and the second unit of its kind."""
SEVERE: list[Number] = [("systolic", "ge", 180, 24.0), ("diastolic", "ge", 110, 14.7)]
NUMBERS: dict[tuple[str, str], tuple[str, list[Number]]] = {
    ("BP-01", BLOOD_PRESSURE): ("page_now", SEVERE),
    ("BP-03", BLOOD_PRESSURE): ("page_now", SEVERE),
    ("BP-04", BLOOD_PRESSURE): (
        "page_now",
        [("systolic", "ge", 200, 26.7), ("diastolic", "ge", 120, 16.0)],
    ),
    ("GL-01", GLUCOSE): ("page_now", [("glucose", "lt", 3.0, 54)]),
    ("GL-02", GLUCOSE): ("page_now", [("glucose", "lt", 3.0, 54)]),
    ("GL-03", GLUCOSE): ("today", [("glucose", "le", 3.9, 70)]),
    ("GL-05", GLUCOSE): ("page_now", [("glucose", "ge", 16.7, 300)]),
    ("GL-06", GLUCOSE): ("page_now", [("glucose", "ge", 33.3, 600)]),
    ("DQ-01", BLOOD_PRESSURE): (
        "technical",
        [
            ("systolic", "lt", 60, 8.0),
            ("systolic", "gt", 280, 37.3),
            ("diastolic", "lt", 30, 4.0),
            ("diastolic", "gt", 180, 24.0),
            ("pulse", "lt", 25, 25),
            ("pulse", "gt", 230, 230),
        ],
    ),
    ("DQ-01", GLUCOSE): ("technical", [("glucose", "lt", 0.6, 11), ("glucose", "gt", 33.3, 600)]),
    ("DQ-03", "any"): ("technical", []),
    ("DQ-04", "any"): ("technical", []),
}
RED_FLAGS = {
    "altered_consciousness",
    "severe_headache_or_dizziness",
    "vomiting",
    "blurred_vision",
    "eye_pain",
    "palpitations",
    "chest_pain_or_tightness",
    "breathless_cannot_lie_flat",
    "weakness_numbness",
    "speech_difficulty",
    "back_pain",
    "seizure",
}


def numbers(limit: Limit) -> Number:
    first, *second = limit.values.values()
    return limit.field, limit.op, first, *(second or [first])


def by_id(rule_id: str) -> Rule:
    return RULES.rule(rule_id)


def test_the_shipped_numbers_are_the_signed_ones() -> None:
    shipped = {(r.id, r.kind): (r.severity, [numbers(each) for each in r.any]) for r in RULES.rules}
    assert shipped == NUMBERS


def test_what_is_beside_the_numbers() -> None:
    assert by_id("BP-01").with_symptoms >= RED_FLAGS
    assert by_id("GL-01").alone_symptoms == {"hypo_needs_help", "unconscious", "seizure"}
    assert "confusion" in by_id("GL-01").with_symptoms
    assert by_id("GL-02").flags == {"lo"}
    assert by_id("GL-06").flags == {"hi"}
    assert {r.id for r in RULES.rules if r.human_only} == {"BP-01", "GL-01", "GL-06"}
    assert {r.id for r in RULES.rules if r.protocol} == {"BP-03", "GL-05"}
    assert by_id("DQ-04").flags == {"clock_error"}
    for rule in RULES.rules:
        if rule.quarantine and rule.kind == GLUCOSE:
            assert rule.unless_flags == {"hi", "lo"}
        assert (rule.order == ("diastolic", "systolic")) is (
            rule.quarantine and rule.kind == BLOOD_PRESSURE
        )


def test_the_protocols() -> None:
    pressure, sugar = by_id("BP-03").protocol, by_id("GL-05").protocol
    assert pressure is not None
    assert sugar is not None
    minute = timedelta(minutes=1)
    assert (pressure.name, pressure.window, pressure.gap) == ("CONFIRM_BP", 10 * minute, minute)
    assert (pressure.statistic, pressure.differ_mmhg) == ("mean_of_two_or_three", 10)
    assert (sugar.name, sugar.window, sugar.gap) == ("CONFIRM_GLU_HIGH", 20 * minute, minute)
    assert (sugar.statistic, sugar.differ_mmhg) == ("second", None)


@pytest.mark.parametrize(
    ("rules", "limits", "rounds", "apart_min"),
    [
        (
            ("BP-03", "BP-04"),
            {("systolic", "lt", 160, 21.3), ("diastolic", "lt", 100, 13.3)},
            2,
            15,
        ),
        (("GL-02", "GL-03"), {("glucose", "ge", 4.0, 72)}, 2, 15),
        (("GL-05",), {("glucose", "lt", 13.9, 250)}, 2, 120),
    ],
)
def test_what_is_normal_again(
    rules: tuple[str, ...], limits: set[Number], rounds: int, apart_min: int
) -> None:
    for rule_id in rules:
        normal = RULES.normal(rule_id)
        assert normal is not None
        assert {numbers(each) for each in normal.limits} == limits
        assert (normal.rounds, normal.apart) == (rounds, timedelta(minutes=apart_min))


def test_the_ages_of_late_data() -> None:
    late = RULES.late
    assert late.late_after == timedelta(minutes=15)
    assert (late.call_after, late.information_after) == (timedelta(hours=2), timedelta(hours=24))


def test_every_rule_can_be_explained() -> None:
    assert load_rules() is RULES
    assert (RULES.profile, bool(RULES.version)) == ("CN_PRIMARY_CARE", True)
    for rule in RULES.rules:
        assert rule.source
        assert rule.evidence in EVIDENCE
        assert rule.severity in SEVERITIES
        assert rule.name("zh") != rule.name("en")
        assert (rule.family in FAMILIES) is (rule.severity in PAGING)
        assert (rule.normal is not None or rule.human_only) is (rule.severity in PAGING)
        if rule.family or rule.ask_again:
            assert rule.patient_zh
            assert rule.patient_en
        for language in ("zh", "en"):
            assert isinstance(rule.limits_text(language), str)
    assert by_id("BP-03").limits_text("en") == (
        "systolic ≥ 180 mmHg (24 kPa) or diastolic ≥ 110 mmHg (14.7 kPa)"
    )


def test_the_worst_comes_first_and_levels_of_a_family_differ() -> None:
    ranks = [(SEVERITIES.index(rule.severity), rule.level) for rule in RULES.rules]
    assert ranks == sorted(ranks, reverse=True)
    for family in FAMILIES:
        levels = [rule.level for rule in RULES.rules if rule.family == family]
        assert len(levels) == len(set(levels)) > 0


def test_symptoms_of_the_rules_can_be_reported_and_none_is_no_symptom() -> None:
    for rule in RULES.rules:
        assert rule.with_symptoms | rule.alone_symptoms <= SYMPTOMS - {NONE}
    assert {"hi", "lo", "clock_error", "irregular_pulse"} <= set(FLAGS)
    assert not {"too_high", "too_low"} & set(FLAGS)


@given(st.integers(0, len(SHIPPED.splitlines())), st.sampled_from(["", "# signed", " "]))
def test_any_change_of_the_text_changes_the_digest(line: int, added: str) -> None:
    lines = SHIPPED.splitlines()
    changed = "\n".join([*lines[:line], added, *lines[line:]]) + "\n"
    try:
        rules = parse_rules(changed, "cn.toml")
    except FaultyFileError:
        return
    assert rules.digest != RULES.digest
    assert rules.rules == RULES.rules


def test_the_same_text_has_the_same_digest() -> None:
    assert parse_rules(SHIPPED, "elsewhere.toml") == RULES


# A file that is refused.
GOOD = """\
version = "1"
profile = "TEST"

[late]
late_min = 15
call_h = 2
information_h = 24
source = "D"

[protocol.TWICE]
window_min = 10
gap_s = 60
differ_mmhg = 10
statistic = "mean_of_two_or_three"
source = "D"

[[rule]]
id = "A"
family = "bp_high"
kind = "blood_pressure"
severity = "page_now"
level = 2
any = [{ field = "systolic", op = "ge", mmHg = 180, kPa = 24.0 }]
protocol = "TWICE"
normal = { systolic_below = { mmHg = 160, kPa = 21.3 }, rounds = 2, apart_min = 15 }
name_zh = "甲"
name_en = "a"
patient_zh = "甲"
patient_en = "a"
source = "D"
evidence = "D"

[[rule]]
id = "B"
kind = "glucose"
severity = "technical"
level = 0
any = [{ field = "glucose", op = "gt", "mmol/L" = 33.3, "mg/dL" = 600 }]
unless_flags = ["hi"]
quarantine = true
name_zh = "乙"
name_en = "b"
source = "D"
evidence = "D"
"""


def refused(text: str) -> list[tuple[int, str, str]]:
    with pytest.raises(FaultyFileError) as caught:
        parse_rules(text, "rules.toml")
    assert all(str(fault) in str(caught.value) for fault in caught.value.faults)
    return [(fault.line, fault.what, fault.fix) for fault in caught.value.faults]


FAULTS: list[tuple[str, str, int, str, str]] = [
    # what is replaced, by what; the line that is named, what is said, how to mend it
    ('version = "1"\n', "", 0, "version is missing", "text"),
    ('profile = "TEST"', 'profile = ""', 2, "profile cannot be ''", "text"),
    ("[late]", "[latest]", 0, "late is missing", "key = value"),
    ("[late]", "[latest]", 4, "unknown key latest", "late"),
    ("late_min = 15", 'late_min = "15"', 5, "late_min cannot be '15'", "number"),
    ("late_min = 15", "late_min = true", 5, "late_min cannot be True", "number"),
    ("late_min = 15", "late_min = nan", 5, "late_min cannot be nan", "number"),
    ("call_h = 2", "call_h = 0.1", 4, "times do not rise", "each longer"),
    ("information_h = 24\n", "", 4, "information_h is missing", "number"),
    ("window_min = 10\n", "", 10, "window_min is missing", "number"),
    ("gap_s = 60", "gap_s = 0", 12, "gap_s cannot be 0", "1 to 3600"),
    ("differ_mmhg = 10", 'differ_mmhg = "10"', 13, "differ_mmhg cannot be", "number"),
    ("mean_of_two_or_three", "median", 14, "statistic cannot be 'median'", "second"),
    ('three"\nsource = "D"', 'three"', 10, "source is missing", "text"),
    ('id = "A"\n', "", 17, "rule 1: id is missing", "text"),
    ('family = "bp_high"', 'family = "bp"', 19, "family cannot be 'bp'", "bp_high"),
    ('family = "bp_high"\n', "", 17, "severity and family disagree", "family"),
    ('kind = "blood_pressure"', 'kind = "weight"', 20, "kind cannot be 'weight'", "glucose"),
    ('severity = "page_now"', 'severity = "red"', 21, "severity cannot be 'red'", "page_now"),
    ('severity = "page_now"', 'severity = "info"', 19, "severity and family disagree", "page_now"),
    ("level = 2", "level = 2.5", 22, "level cannot be 2.5", "whole number"),
    ("level = 2", "level = -1", 22, "level cannot be -1", "whole number"),
    ('"systolic", op', '"pressure", op', 23, "limit on 'pressure'", "systolic"),
    ('op = "ge"', 'op = ">="', 23, "with '>='", "ge, gt, le, lt"),
    (", kPa = 24.0", "", 23, "limit on systolic", "mmHg, kPa"),
    ("kPa = 24.0", "psi = 3.5", 23, "limit on systolic", "mmHg, kPa"),
    ("mmHg = 180", "mmHg = inf", 23, "limit on systolic", "number"),
    ("any = [{ field", "any = [7, { field", 23, "any cannot be", "tables"),
    ('protocol = "TWICE"', 'protocol = "ONCE"', 24, "no protocol 'ONCE'", "TWICE"),
    ('protocol = "TWICE"', 'protocol = "TWICE"\nflags = ["hi"]', 24, "not at flags", "its own"),
    (", rounds = 2", "", 25, "normal: rounds is missing", "whole number"),
    ("rounds = 2", "rounds = 0", 25, "rounds cannot be 0", "1 to 10"),
    (", apart_min = 15", "", 25, "apart_min is missing", "number"),
    ("systolic_below", "systolic_under", 25, "unknown key systolic_under", "FIELD_below"),
    ("systolic_below", "glucose_below", 25, "unknown key glucose_below", "FIELD_below"),
    ("mmHg = 160, ", "", 25, "limit on systolic", "mmHg, kPa"),
    ("systolic_below = { mmHg = 160, kPa = 21.3 }, ", "", 25, "normal has no limit", "FIELD"),
    ("normal = {", "normal = {} #", 25, "rounds is missing", "whole number"),
    ("normal = {", "normal = 5 #", 25, "normal cannot be 5", "key = value"),
    ("normal = {", "# {", 17, "how does it end?", "human_only"),
    ('protocol = "TWICE"', "human_only = true", 17, "how does it end?", "or human_only"),
    ('name_en = "a"\n', "", 17, "name_en is missing", "text"),
    ('patient_zh = "甲"\n', "", 17, "nothing is said at home", "patient_zh"),
    ('patient_en = "a"', f'patient_en = "{"a" * 501}"', 29, "patient_en cannot be", "500"),
    ('source = "D"\nevidence = "D"\n\n', 'evidence = "D"\n\n', 17, "A: source is missing", "text"),
    ('evidence = "D"\n\n', 'evidence = "C"\n\n', 31, "evidence cannot be 'C'", "V, M, D"),
    ('name_zh = "甲"', 'colour = "red"\nname_zh = "甲"', 26, "unknown key colour", "name_zh"),
    ('name_zh = "甲"', 'ask_again = "yes"\nname_zh = "甲"', 26, "ask_again cannot be", "true"),
    ('unless_flags = ["hi"]', 'unless_flags = "hi"', 39, "unless_flags cannot be 'hi'", "list"),
    ('unless_flags = ["hi"]', 'unless_flags = ["HI"]', 39, "cannot be ['HI']", "hi, lo"),
    ("quarantine = true", 'alone_symptoms = ["cough"]', 40, "cannot be ['cough']", "seizure"),
    ("quarantine = true", 'with_symptoms = ["none"]', 40, "cannot be ['none']", "seizure"),
    ("quarantine = true", 'order = ["diastolic", "systolic"]', 40, "order is not two", "low"),
    ('any = [{ field = "glucose"', "# ", 33, "it can never fire", "at least one"),
    ('id = "B"\nkind = "glucose"', 'id = "A"\nkind = "blood_pressure"', 34, "there twice", "own"),
    ("[[rule]]", "[[rules]]", 0, "rule is missing", "list of tables"),
    (
        "[protocol.TWICE]",
        "[protocol]\nTWICE = 1\n[protocol.X]",
        11,
        "no protocol",
        "[protocol.TWICE]",
    ),
    ("level = 2", "level = ", 22, "not valid TOML", "double quotes"),
]


@pytest.mark.parametrize(("old", "new", "line", "what", "fix"), FAULTS)
def test_each_fault_is_told_with_its_line_and_how_to_mend_it(
    old: str, new: str, line: int, what: str, fix: str
) -> None:
    assert old in GOOD
    told = refused(GOOD.replace(old, new, 2 if "[[rule" in old else 1))
    assert any(at == line and what in said and fix in mend for at, said, mend in told), told


def test_the_example_is_good_and_all_faults_are_told_at_once() -> None:
    assert [rule.id for rule in parse_rules(GOOD, "rules.toml").rules] == ["A", "B"]
    bad = GOOD.replace("late_min = 15\n", "").replace("level = 2", 'level = "2"')
    bad = bad.replace('evidence = "D"\n\n', 'evidence = "?"\n\n').replace('name_en = "b"\n', "")
    told = refused(bad)
    assert [line for line, _, _ in told] == sorted(line for line, _, _ in told)
    assert len(told) == 4


def test_a_protocol_of_pressures_is_not_for_glucose() -> None:
    bad = GOOD.replace('unless_flags = ["hi"]', 'protocol = "TWICE"').replace(
        "quarantine = true\n", ""
    )
    assert [what for _, what, _ in refused(bad)] == ["B: TWICE compares pressures"]


def test_a_file_with_a_byte_order_mark_is_read() -> None:
    assert parse_rules("\ufeff" + GOOD, "rules.toml").rules == parse_rules(GOOD, "x").rules


def read_or_refused(text: str) -> None:
    try:
        parse_rules(text, "rules.toml")
    except FaultyFileError as error:
        assert error.faults


@pytest.mark.parametrize("value", JUNK)
def test_whatever_stands_for_a_value_is_read_or_refused_and_never_an_error(value: str) -> None:
    for line in range(len(GOOD.splitlines())):
        read_or_refused(written(GOOD, line, value))


@given(st.integers(0, len(SHIPPED.splitlines()) - 1), st.sampled_from(JUNK))
def test_whatever_somebody_makes_of_the_shipped_file_is_read_or_refused(
    line: int, value: str
) -> None:
    read_or_refused(written(SHIPPED, line, value))
