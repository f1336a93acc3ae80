"""From files to a rule set: folders, single files, sets that say only what differs."""

import re
from importlib import resources
from pathlib import Path

import pytest
from alert_parts import JUNK, written
from fix_hypothesis import examples
from hypothesis import given
from hypothesis import strategies as st
from rule_file_parts import GOOD

from yikao_alerts.rules import SHIPPED, RuleSet, load_rules, parse_rules
from yikao_alerts.rules.file import rules_of
from yikao_alerts.rules.sentences import over_text, upgrade_text, who_text
from yikao_devices.toml_lines import FaultyFileError


def texts_of(name: str) -> list[tuple[str, str]]:
    folder = resources.files("yikao_alerts.rules").joinpath(name)
    files = (entry for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return sorted((entry.name, entry.read_text("utf-8")) for entry in files)


CN = texts_of("cn")
ABROAD = texts_of("international")
LINES = [(number, line) for number, (_, text) in enumerate(CN) for line in range(text.count("\n"))]
a_few = examples(25)
"""A whole set is read for each example."""
OVER = 'based_on = "cn"\nversion = "x"\n'


def read_or_refused(texts: list[tuple[str, str]]) -> RuleSet | None:
    """Return the set, which can be told in words, or None where it was refused with reasons."""
    try:
        rules = rules_of("cn", texts)
    except FaultyFileError as error:
        assert error.faults
        assert all(fault.what and fault.fix for fault in error.faults)
        return None
    for rule in rules.rules:
        for language in ("zh", "en"):
            assert rule.limits_text(language)
            assert who_text(rule.who, language)
            over_text(rule, language)
            assert all(upgrade_text(up, language) for up in rule.upgrades)
    return rules


def with_line(place: tuple[int, int], line: str | None) -> list[tuple[str, str]]:
    """Return the shipped files with another line, or without it."""
    which, number = place
    name, text = CN[which]
    lines = text.splitlines()
    lines[number : number + 1] = [] if line is None else line.split("\n")
    return [*CN[:which], (name, "\n".join(lines) + "\n"), *CN[which + 1 :]]


def line_at(place: tuple[int, int]) -> str:
    return CN[place[0]][1].splitlines()[place[1]]


def test_the_shipped_sets_are_what_their_files_say() -> None:
    assert SHIPPED == ("cn", "international")
    assert rules_of("cn", CN) == load_rules("cn")
    assert rules_of("international", ABROAD) == load_rules("international")


@a_few
@given(st.sampled_from(LINES), st.sampled_from(JUNK))
def test_whatever_stands_for_a_value_of_the_shipped_files_is_read_or_refused(
    place: tuple[int, int], value: str
) -> None:
    which, number = place
    name, text = CN[which]
    changed = (name, written(text, number, value) + "\n")
    read_or_refused([*CN[:which], changed, *CN[which + 1 :]])


@a_few
@given(st.sampled_from(LINES))
def test_a_line_that_is_lost_is_missed_or_makes_no_rule_worse_than_silent(
    place: tuple[int, int],
) -> None:
    rules = read_or_refused(with_line(place, None))
    assert rules is None or rules.digest != load_rules("cn").digest


@a_few
@given(st.sampled_from(LINES))
def test_a_line_that_is_there_twice_is_read_or_refused(place: tuple[int, int]) -> None:
    read_or_refused(with_line(place, f"{line_at(place)}\n{line_at(place)}"))


@a_few
@given(st.sampled_from(LINES), st.data())
def test_a_slip_of_the_pen_is_read_or_refused(place: tuple[int, int], data: st.DataObject) -> None:
    line = line_at(place)
    at = data.draw(st.integers(0, len(line)))
    typed = data.draw(
        st.sampled_from(['"', "[", "]", "{", "}", "=", ",", "0", "9", "-", "x", "\t"])
    )
    kept = at + data.draw(st.integers(0, 1))
    read_or_refused(with_line(place, line[:at] + typed + line[kept:]))


BOTH = re.compile(r"(mmHg|\"mmol/L\") = (-?[\d.]+)")
WITH_TWO_UNITS = [place for place in LINES if BOTH.search(line_at(place).partition("#")[0])]


@a_few
@given(st.sampled_from(WITH_TWO_UNITS), st.sampled_from([0.5, 1.2, 2.0, 10.0]))
def test_a_number_that_is_changed_in_one_unit_only_is_refused(
    place: tuple[int, int], factor: float
) -> None:
    line = line_at(place)
    found = BOTH.search(line)
    assert found is not None
    if "kPa" not in line and "mg/dL" not in line:
        return
    changed = f"{found[1]} = {float(found[2]) * factor:g}"
    assert read_or_refused(with_line(place, line.replace(found[0], changed, 1))) is None


def test_the_line_and_the_file_of_a_fault_are_told() -> None:
    which = next(n for n, (name, _) in enumerate(CN) if name == "pulse.toml")
    number = CN[which][1].splitlines().index("level = 3")
    with pytest.raises(FaultyFileError) as caught:
        rules_of("cn", with_line((which, number), "level = -3"))
    told = str(caught.value)
    assert told.startswith(f"cn: pulse.toml, line {number + 1}: PR-01: level cannot be -3. Write")


@given(st.integers(0, GOOD.count("\n")), st.sampled_from(["", "# signed", " "]))
def test_any_change_of_the_text_changes_the_digest(line: int, added: str) -> None:
    lines = GOOD.splitlines()
    changed = "\n".join([*lines[:line], added, *lines[line:]]) + "\n"
    rules = parse_rules(changed, "rules.toml")
    assert rules.digest != parse_rules(GOOD, "rules.toml").digest
    assert rules.rules == parse_rules(GOOD, "rules.toml").rules


def test_the_same_text_has_the_same_digest_wherever_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(GOOD, "utf-8")
    assert load_rules(str(file)) == load_rules(str(tmp_path)) == parse_rules(GOOD, "elsewhere.toml")


def test_a_folder_is_read_as_one_set(tmp_path: Path) -> None:
    for name, text in CN:
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "notes.txt").write_text("no rule", "utf-8")
    assert load_rules(str(tmp_path)) == load_rules("cn")


def test_what_is_twice_in_two_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(GOOD, "utf-8")
    (tmp_path / "b.toml").write_text(GOOD, "utf-8")
    with pytest.raises(FaultyFileError) as caught:
        load_rules(str(tmp_path))
    told = {(fault.file, fault.what) for fault in caught.value.faults}
    assert ("b.toml", "version is there twice") in told
    assert ("b.toml", "late is there twice") in told
    assert ("b.toml", "protocol TWICE is there twice") in told
    assert ("b.toml", "A: there twice for blood_pressure") in told


@pytest.mark.parametrize("name", ["nowhere", "empty", "binary", "long"])
def test_what_is_no_rule_set_is_refused_with_the_way_out(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "long").write_bytes(b"#" * 1_000_001)
    with pytest.raises(FaultyFileError) as caught:
        load_rules(str(tmp_path / name))
    (fault,) = caught.value.faults
    assert "cn" in fault.fix or "at most" in fault.fix


def test_a_set_that_says_only_what_differs() -> None:
    changed = OVER + (
        '[[rule]]\nid = "BP-04"\nkind = "blood_pressure"\nsource = "our clinic"\n'
        'any = [{ field = "systolic", op = "ge", mmHg = 210, kPa = 28.0 }]\n'
        '[late]\ncall_h = 3\nsource = "our clinic"\n'
    )
    rules, base = parse_rules(changed, "ours.toml"), load_rules("cn")
    assert [rule.id for rule in rules.rules if rule not in base.rules] == ["BP-04"]
    assert rules.rule("BP-04").limits_text("en") == "systolic ≥ 210 mmHg (28 kPa)"
    assert rules.rule("BP-04").patient_zh == base.rule("BP-04").patient_zh
    assert rules.late.call_after.total_seconds() == 3 * 3600
    assert rules.late.late_after == base.late.late_after
    assert (rules.profile, rules.version) == (base.profile, "x")
    assert rules.digest != parse_rules(changed + "\n", "ours.toml").digest


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('based_on = "international"\n', "based_on cannot be 'international'"),
        (OVER + "[late]\ncall_h = 3\n", "late: no source"),
        (OVER + '[[rule]]\nid = "BP-04"\nkind = "blood_pressure"\nlevel = 9\n', "BP-04: no source"),
        (
            OVER + '[[rule]]\nid = "BP-04"\nkind = "blood_pressure"\nlevel = 4\nsource = "D"\n',
            "BP-04: BP-01 has the same family and level",
        ),
        (OVER + '[[rule]]\nid = "X"\nkind = "glucose"\nsource = "D"\n', "X: severity is missing"),
        (
            OVER + '[suppress]\nnever = ["BP-99"]\nsource = "D"\n',
            "suppress: there is no rule BP-99",
        ),
        (
            OVER + '[recheck.RECHECK_20]\nresolve_rounds = 4\nsource = "D"\n',
            "RECHECK_20: resolve_rounds is more than rounds_max",
        ),
        (
            OVER + '[recheck.RECHECK_GLU_15]\ndowngrade_rounds = 2\nsource = "D"\n',
            "RECHECK_GLU_15: downgrade after how long?",
        ),
        (
            OVER + '[recheck.RECHECK_20]\nstatistic = "MEDIAN"\nsource = "D"\n',
            "RECHECK_20: there is no protocol 'MEDIAN'",
        ),
        (
            OVER + '[[rule]]\nid = "BP-12"\nkind = "blood_pressure"\nsource = "D"\n'
            'any = [{ field = "systolic", op = "lt", mmHg = 50, kPa = 6.7 }]\n',
            "BP-12: only implausible readings reach its systolic",
        ),
        (OVER + '[template.T]\nsource = "D"\n', "T: rule_id is missing"),
    ],
)
def test_what_differs_is_checked_as_well(text: str, what: str) -> None:
    with pytest.raises(FaultyFileError, match=re.escape(what)):
        parse_rules(text, "ours.toml")
