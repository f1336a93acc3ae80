"""A fault in a TOML file is told with its line, and never with a wrong one."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yikao_devices.toml_lines import Fault, FaultyFileError, Lines, parse_toml

TEXT = '''\
version = 1
"mmol/L" = 3.9
story = """
[not.a.table]
key = "not a key"
"""
steps = [
  { at = "]" },  # a bracket ] in a comment
  [1, 2],
]
plain = \'\'\'one line\'\'\'
after = 2

[late]
late_min = 15

[protocol."A B"]
gap_s = 60

[[rule]]
id = "A"
any = [{ field = "x" }]

[[rule]]
id = "[["
[rule.normal]
rounds = 2
'''


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("", 0, "version"), 1),
        (("", 0, "mmol/L"), 2),
        (("", 0, "story"), 3),
        (("", 0, "key"), 0),
        (("not.a.table", 0, "key"), 0),
        (("", 0, "steps"), 7),
        (("", 0, "plain"), 11),
        (("", 0, "after"), 12),
        (("", 0, "late"), 14),  # the table that is the key's value
        (("late", 0, "late_min"), 15),
        (("late", 0, "call_h"), 14),  # missing: the table's header
        (("protocol.A B", 0, "gap_s"), 18),
        (("rule", 0, ""), 20),
        (("rule", 0, "any"), 22),
        (("rule", 0, "id"), 21),
        (("rule", 1, "id"), 25),
        (("rule", 1, "kind"), 24),
        (("rule", 1, "normal"), 26),
        (("rule.normal", 1, "rounds"), 27),
        (("rule", 2, "id"), 0),
        (("nothing", 0, "x"), 0),
    ],
)
def test_where_each_thing_stands(place: tuple[str, int, str], line: int) -> None:
    values, lines = parse_toml(TEXT, "file.toml")
    assert values == tomllib.loads(TEXT)
    assert lines.of(*place) == line
    _, windows = parse_toml(TEXT.replace("\n", "\r\n"), "file.toml")
    assert windows == lines
    _, marked = parse_toml("\ufeff" + TEXT, "file.toml")
    assert marked == lines


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = 1\nb = \n", 2),
        ("a = 1\na = 2\n", 2),
        ("[a]\nx 1\n", 2),
        ("a = [1,", 0),
        ('a = """', 0),
        ("a = 2026-13-01", 1),
        (f"a = {'9' * 5000}", 0),
        (f"a = {'[' * 5000}", 0),
    ],
)
def test_what_is_no_toml_is_refused_with_the_line_where_it_is_known(text: str, line: int) -> None:
    with pytest.raises(FaultyFileError) as caught:
        parse_toml(text, "file.toml")
    (fault,) = caught.value.faults
    assert fault.line == line
    assert caught.value.path == "file.toml"
    assert "not valid TOML" in fault.what
    assert "double quotes" in str(caught.value)


def test_faults_are_told_in_the_order_of_their_lines() -> None:
    faults = [Fault(9, "c", "Do c"), Fault(0, "a", "Do a"), Fault(2, "b", "Do b")]
    error = FaultyFileError("f", faults)
    assert str(error) == "f: a. Do a\nf: line 2: b. Do b\nf: line 9: c. Do c"
    assert isinstance(error, ValueError)


names = st.text("abcdefgh_-", min_size=1, max_size=4)
between = st.sampled_from(
    ["", "# [x]", "  # y = 1", 't = "[[z]]"', "u = [\n  [1],\n]", 'v = """\n[w]\nkey = 1\n"""']
)


@given(st.lists(st.tuples(names, between), max_size=5, unique_by=lambda pair: pair[0]))
def test_whatever_stands_between_each_key_is_found_in_its_line(
    tables: list[tuple[str, str]],
) -> None:
    text, expected = "", {}
    for name, filler in tables:
        text += f"[table-{name}]\n{filler}\nkey = 1\n"
        expected[f"table-{name}", 0, "key"] = text.count("\n")
    _, lines = parse_toml(text, "file.toml")
    assert {place: lines.of(*place) for place in expected} == expected


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        _, lines = parse_toml(text, "file.toml")
    except FaultyFileError as error:
        assert len(error.faults) == 1
    else:
        assert isinstance(lines, Lines)
