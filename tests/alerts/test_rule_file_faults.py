"""A faulty rule file is refused as a whole: each fault with its line and how to mend it."""

import pytest
from alert_parts import JUNK, written
from rule_file_parts import GOOD, refused

from yikao_alerts.rules import parse_rules
from yikao_devices.toml_lines import FaultyFileError

C_KIND = 'family = "control"\nkind = "blood_pressure"\nseverity = "this_week"\nlevel = 1'
EVIDENCE_A = 'source = "D"\nevidence = "D"\n\n[[rule]]\nid = "B"'

KEYS: list[tuple[str, str, int, str, str]] = [
    # what is replaced, by what; the line that is named, what is said, how to mend it
    ('version = "1"\n', "", 0, "version is missing", "text"),
    ('profile = "TEST"', 'profile = ""', 2, "profile cannot be ''", "text"),
    ("[late]", "[latest]", 4, "unknown key latest", "late"),
    ("late_min = 15", 'late_min = "15"', 5, "late_min cannot be '15'", "number"),
    ("late_min = 15", "late_min = true", 5, "late_min cannot be True", "number"),
    ("late_min = 15", "late_min = nan", 5, "late_min cannot be nan", "number"),
    ("call_h = 2", "call_h = 0.1", 4, "times do not rise", "each longer"),
    ("information_h = 24\n", "", 4, "information_h is missing", "number"),
    ("[suppress]", "[late.x]", 0, "suppress is missing", "key = value"),
    ('never = ["A"]', "never = [1]", 12, "never cannot be [1]", "ids of rules"),
    ('never = ["A"]', 'never = ["Z"]', 12, "there is no rule Z", "id of a rule"),
    ('["page_now"]', '["info"]', 14, "never_mutes cannot be", "today, page_now"),
    ("window_min = 10\n", "", 17, "window_min is missing", "number"),
    ("gap_s = 60", "gap_s = 0", 19, "gap_s cannot be 0", "1 to 3600"),
    ("differ_mmhg = 10", 'differ_mmhg = "10"', 20, "differ_mmhg cannot be", "number"),
    ("mean_of_two_or_three", "median", 21, "statistic cannot be 'median'", "second"),
    ('three"\nsource = "D"', 'three"', 17, "source is missing", "text"),
    ('id = "A"\n', "", 24, "rule 1: id or kind is missing", 'id = "..."'),
    ('family = "bp_high"', 'family = "bp"', 26, "family cannot be 'bp'", "bp_high"),
    ('kind = "blood_pressure"', 'kind = "height"', 27, "kind cannot be 'height'", "glucose"),
    ('severity = "page_now"', 'severity = "red"', 28, "severity cannot be 'red'", "page_now"),
    ("level = 2", "level = 2.5", 29, "level cannot be 2.5", "whole number"),
    ("level = 2", "level = -1", 29, "level cannot be -1", "whole number"),
    ("any = [{ field", "any = [7, { field", 30, "any cannot be", "tables"),
    (", rounds = 2", "", 32, "normal: rounds is missing", "whole number"),
    ("rounds = 2", "rounds = 0", 32, "rounds cannot be 0", "1 to 10"),
    (", apart_min = 15", "", 32, "apart_min is missing", "number"),
    ("rounds = 2", 'of = "days", rounds = 2', 32, "of cannot be 'days'", "sessions"),
    ("normal = {", "normal = {} #", 32, "rounds is missing", "whole number"),
    ("normal = {", "normal = 5 #", 32, "normal cannot be 5", "key = value"),
    ('addressee = "chain_crisis"', 'addressee = "boss"', 33, "cannot be 'boss'", "chain_crisis"),
    ('name_en = "a"\n', "", 24, "name_en is missing", "text"),
    ('patient_en = "a"', f'patient_en = "{"a" * 501}"', 37, "patient_en cannot be", "500"),
    (EVIDENCE_A, EVIDENCE_A[13:], 24, "A: source is missing", "text"),
    ('evidence = "D"\n\n', 'evidence = "C"\n\n', 39, "evidence cannot be 'C'", "V, M, D"),
    ('name_zh = "甲"', 'colour = "red"\nname_zh = "甲"', 34, "unknown key colour", "name_zh"),
    ('name_zh = "甲"', 'shift = 5\nname_zh = "甲"', 34, "unknown key shift", "with_symptoms"),
    ('name_zh = "甲"', 'ask_again = "yes"\nname_zh = "甲"', 34, "ask_again cannot be", "true"),
    ('unless_flags = ["hi"]', 'unless_flags = "hi"', 47, "unless_flags cannot be 'hi'", "list"),
    ('unless_flags = ["hi"]', 'unless_flags = ["HI"]', 47, "cannot be ['HI']", "hi, lo"),
    ("quarantine = true", 'alone_symptoms = ["cough"]', 48, "cannot be ['cough']", "seizure"),
    ("quarantine = true", 'with_symptoms = ["none"]', 48, "cannot be ['none']", "seizure"),
    ("quarantine = true", 'contexts = ["asleep"]', 48, "cannot be ['asleep']", "fasting"),
    ("quarantine = true", 'contexts = ["standing"]', 48, "cannot be ['standing']", "fasting"),
    ("quarantine = true", 'who = { groups_any = ["x"] }', 48, "groups_any cannot be", "diabetes"),
    ("quarantine = true", "who = { age = 3 }", 48, "who: unknown key age", "age_at_least"),
    ('form = "mean"', 'form = "median"', 57, "form cannot be 'median'", "on_reading, drop"),
    ("days = 7\n", "", 55, "a mean of how many days", "days or average"),
    ("days = 7", "days = 0", 62, "days cannot be 0", "1 to 366"),
    ("level = 2", "level = ", 29, "not valid TOML", "double quotes"),
    ("[[rule]]", "[[rules]]", 24, "unknown key rules", "rule"),
    ("[protocol.TWICE]", "[protocol]\nTWICE = 1\n[protocol.X]", 18, "no protocol", "TWICE]"),
    ("level = 1", 'level = 1\nupgrades = [{ severity = "info" }]', 62, "cannot be 'info'", "today"),
]
NUMBERS: list[tuple[str, str, int, str, str]] = [
    ('"systolic", op', '"pressure", op', 30, "limit on 'pressure'", "systolic"),
    ('op = "ge"', 'op = ">="', 30, "with '>='", "ge, gt, le, lt"),
    ('op = "ge"', "op = []", 30, "with []", "ge, gt, le, lt"),
    (", kPa = 24.0", "", 30, "limit on systolic", "mmHg, kPa"),
    ("kPa = 24.0", "psi = 3.5", 30, "limit on systolic", "mmHg, kPa"),
    ("mmHg = 180", "mmHg = inf", 30, "limit on systolic", "number"),
    ("kPa = 24.0", "kPa = 42.0", 30, "are not the same", "180 mmHg are 24 kPa"),
    ("kPa = 24.0", "kPa = 24.0, below = { mmHg = 180, kPa = 24.0 }", 30, "upside down", "lower"),
    ("kPa = 24.0", "kPa = 24.0, below = { mmHg = 200 }", 30, "limit on systolic", "mmHg, kPa"),
    ("kPa = 24.0", "kPa = 24.0, below = 5", 30, "limit on systolic is 5", "mmHg, kPa"),
    ("kPa = 24.0", 'kPa = 24.0, contexts = ["fasting"]', 30, "contexts cannot be", "standing"),
    ("kPa = 24.0", 'kPa = 24.0, target = "height"', 30, "target cannot be", "target_systolic"),
    ("kPa = 24.0", 'kPa = 24.0, target = "spo2_min_pct"', 30, "cannot be 'spo2", "target_systolic"),
    ("kPa = 24.0", "kPa = 24.0, margin = 5", 30, "margin cannot be 5", "beside a target"),
    ('op = "lt", mmHg = 160', 'op = "lt", mmHg = 190', 32, "are not the same", "190 mmHg are"),
    ('"systolic", op = "lt", mmHg', '"glucose", op = "lt", mmHg', 32, "'glucose'", "systolic"),
    ('"mg/dL" = 600', '"mg/dL" = 333', 46, "are not the same", "33.3 mmol/L are 600 mg/dL"),
]
SENSE: list[tuple[str, str, int, str, str]] = [
    ('family = "bp_high"\n', "", 24, "severity and family disagree", "family"),
    (
        'severity = "technical"',
        'severity = "page_now"',
        44,
        "data quality never pages",
        "technical",
    ),
    ('kind = "glucose"', 'kind = "glucose"\nfamily = "control"', 44, "family disagree", "never to"),
    ('"chain_crisis"', '"chain_week"', 33, "does not call chain_week", '"chain_crisis"'),
    ("normal = {", "# {", 24, "how does it end?", "human_only"),
    ("ends = {", "# {", 55, "how does it end?", "ends = {...}"),
    ("normal = {", "ends = { quiet_days = 2 }\nnormal = {", 32, "ends in two ways", "either"),
    ("ends = { all", "normal = { rounds = 1, apart_min = 0, all", 65, "single readings", "ends ="),
    ("mmHg = 130, kPa = 17.3", "mmHg = 140, kPa = 18.7", 65, "normal again", "of ends away"),
    ("ends = { all = [", "ends = {} # [", 65, "ends says nothing", "quiet_days"),
    ("ends = { all = [", "ends = { any_reading = false } # [", 65, "says nothing", "quiet_days"),
    ("normal = {", "ends = { level_below = 0.1 } # {", 32, "only a mean ends", "quiet_days"),
    (
        'op = "lt", mmHg = 160, kPa = 21.3',
        'op = "lt", mmHg = 185, kPa = 24.7',
        32,
        "normal again",
        "away",
    ),
    ('patient_zh = "甲"\n', "", 24, "nothing is said at home", "patient_zh"),
    ('any = [{ field = "glucose"', "# ", 41, "it can never fire", "at least one"),
    ('any = [{ field = "glucose"', 'with_symptoms = ["fall"] # ', 46, "no limit", "alone_symptoms"),
    ('unless_flags = ["hi"]', 'unless_flags = ["hi"]\nflags = ["hi"]', 47, "forbidden", "once"),
    ("quarantine = true", 'order = ["diastolic", "systolic"]', 48, "order is not two", "low"),
    ('protocol = "TWICE"', 'protocol = "ONCE"', 31, "no protocol 'ONCE'", "TWICE"),
    ('protocol = "TWICE"', 'protocol = "TWICE"\nflags = ["hi"]', 31, "not at flags", "its own"),
    ("days = 7", 'protocol = "TWICE"\ndays = 7', 62, "not at the form mean", "its own"),
    ('protocol = "TWICE"', 'recheck = "R"', 31, "there is no recheck 'R'", "[recheck.R]"),
    ("days = 7", 'average = "W"', 62, "there is no average 'W'", "[average.W]"),
    ("min_days = 3", "min_days = 8", 63, "min_days is more than days", "fewer"),
    ("min_days = 3", 'and_part = "evening"', 63, "one of and_part", "both"),
    ("days = 7", "who = { age_at_least = 65, age_below = 60 }\ndays = 7", 62, "nobody", "ages"),
    (
        "days = 7",
        'who = { groups_any = ["copd"], groups_none = ["copd"] }\ndays = 7',
        62,
        "nobody",
        "groups",
    ),
    (
        "unless_flags",
        'times = [{ count = 2, of = "readings" }]\nunless_flags',
        47,
        "within which",
        "hours",
    ),
    (
        "unless_flags",
        'times = [{ count = 3, of = "readings", within_h = 2, apart_h = 2 }]\nunless_flags',
        47,
        "never within 2 h",
        "longer",
    ),
    (
        "unless_flags",
        'times = [{ count = 3, of = "in_session", within_h = 2 }]\nunless_flags',
        47,
        "its own length",
        "out",
    ),
    (
        "level = 1",
        'level = 1\nupgrades = [{ severity = "today" }]',
        62,
        "without a condition",
        "who",
    ),
    (
        "level = 2",
        'level = 2\nupgrades = [{ severity = "today", symptoms = ["fall"] }]',
        30,
        "no more than page_now",
        "higher",
    ),
    (
        "level = 1",
        'level = 1\nupgrades = [{ severity = "today", recheck = "no_recheck" }]',
        62,
        "minutes and recheck",
        "minutes",
    ),
    (
        "level = 1",
        'level = 1\nupgrades = [{ severity = "today", recheck = "low_twice" }]',
        62,
        "no re-check",
        "recheck =",
    ),
    (
        "level = 2",
        'level = 2\ndowngrades = [{ severity = "today", who = {} }]',
        30,
        "nobody has agreed",
        "options_all",
    ),
    ('id = "C"', 'id = "A"', 56, "there twice for blood_pressure", "own"),
    (C_KIND, C_KIND.replace("control", "bp_high").replace("1", "2"), 61, "same family", "worse"),
]


@pytest.mark.parametrize(("old", "new", "line", "what", "fix"), [*KEYS, *NUMBERS, *SENSE])
def test_each_fault_is_told_with_its_line_and_how_to_mend_it(
    old: str, new: str, line: int, what: str, fix: str
) -> None:
    assert old in GOOD
    told = refused(GOOD.replace(old, new, 3 if "[[rule" in old else 1))
    assert any(at == line and what in said and fix in mend for at, said, mend in told), told


def test_the_example_is_good_and_all_faults_are_told_at_once() -> None:
    assert [rule.id for rule in parse_rules(GOOD, "rules.toml").rules] == ["A", "C", "B"]
    bad = GOOD.replace("late_min = 15\n", "").replace("level = 2", 'level = "2"')
    bad = bad.replace('evidence = "D"\n\n', 'evidence = "?"\n\n', 1).replace('name_en = "b"\n', "")
    told = refused(bad)
    assert [line for line, _, _ in told] == sorted(line for line, _, _ in told)
    assert len(told) == 4


def test_a_protocol_of_pressures_is_not_for_glucose() -> None:
    bad = GOOD.replace('unless_flags = ["hi"]', 'protocol = "TWICE"').replace(
        "quarantine = true\n", 'patient_zh = "乙"\npatient_en = "b"\n'
    )
    assert [what for _, what, _ in refused(bad)] == ["B: TWICE compares pressures"]


def test_a_file_with_a_byte_order_mark_is_read() -> None:
    assert parse_rules("\ufeff" + GOOD, "rules.toml").rules == parse_rules(GOOD, "x").rules


@pytest.mark.parametrize("value", JUNK)
def test_whatever_stands_for_a_value_is_read_or_refused_and_never_an_error(value: str) -> None:
    for line in range(len(GOOD.splitlines())):
        try:
            parse_rules(written(GOOD, line, value), "rules.toml")
        except FaultyFileError as error:
            assert error.faults
