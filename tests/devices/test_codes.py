"""The table of codes: each row's form, and that it says what the export and the docs say."""

import re
from pathlib import Path

import pytest

from yikao_devices.codes import CODES, Code, code_of, glucose_code
from yikao_devices.glucose import TYPE_CONTROL_SOLUTION
from yikao_ingest.export.columns import READ

DOC = Path(__file__).parents[2] / "docs" / "codes.md"
PARTITION = 2
"""Of vital signs and laboratory results ("SCADA") in the nomenclature; each has 65,536 terms."""
UCUM = {"mm[Hg]", "/min", "%", "Cel", "[degF]", "kg", "[lb_av]", "m", "kg/m2", "mmol/L", "mg/dL"}
SPELLED = {"mmhg": "mm[Hg]", "bpm": "/min", "pct": "%", "c": "Cel", "kg": "kg", "m": "m"} | {
    "f": "[degF]",
    "lb": "[lb_av]",
    "kg_m2": "kg/m2",
    "mmol_l": "mmol/L",
    "mg_dl": "mg/dL",
}
each_code = pytest.mark.parametrize("code", CODES, ids=lambda code: code.quantity)


def check_digit(number: str) -> int:
    """Mod 10 as LOINC computes it: every second digit from the right is doubled (Users' Guide)."""
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in number[::-2])
    return -(doubled + sum(map(int, number[-2::-2]))) % 10


def test_the_check_digit_finds_a_wrong_number() -> None:
    assert check_digit("8480") == 6
    assert check_digit("53060") != 9  # in circulation for a ketone, and no LOINC


@each_code
def test_a_row_has_the_form_of_its_systems(code: Code) -> None:
    number, _, digit = code.loinc.partition("-")
    assert re.fullmatch(r"[1-9]\d{2,6}", number)
    assert check_digit(number) == int(digit)
    assert code.mdc is None or code.mdc >> 16 == PARTITION
    assert code.ucum in UCUM
    assert code.source


@each_code
def test_a_row_names_its_unit_and_has_words_in_both_languages(code: Code) -> None:
    assert any(
        code.quantity.endswith(f"_{suffix}") and code.ucum == ucum
        for suffix, ucum in SPELLED.items()
    )
    assert code.en.isascii() and code.en
    assert re.search(r"[\u4e00-\u9fff]", code.zh)
    assert code_of(code.quantity) is code


def test_no_quantity_stands_twice() -> None:
    assert len({code.quantity for code in CODES}) == len(CODES)
    assert len({(code.en, code.ucum) for code in CODES}) == len(CODES)
    assert len({(code.zh, code.ucum) for code in CODES}) == len(CODES)


@pytest.mark.parametrize(
    ("sample_type", "unit", "fasting", "loinc"),
    [
        (1, "mmol_l", False, "14743-9"),
        (1, "mmol_l", True, "14770-2"),
        (1, "mg_dl", True, "41604-0"),
        (2, "mg_dl", False, "2345-7"),
        (8, "mmol_l", True, "14771-0"),
        (9, "mg_dl", False, "99504-3"),
        (9, "mmol_l", True, "105272-9"),
        (None, "mmol_l", False, "15074-8"),
        (0, "mg_dl", False, "2339-0"),
        (15, "mmol_l", True, "15074-8"),
    ],
)
def test_glucose_is_coded_by_sample_and_fasting(
    sample_type: int | None, unit: str, fasting: bool, loinc: str
) -> None:
    code = glucose_code(sample_type, unit, fasting)
    assert code is not None
    assert code.loinc == loinc
    assert code.quantity.endswith(unit)


def test_control_solution_is_nobodys_blood() -> None:
    assert glucose_code(TYPE_CONTROL_SOLUTION, "mmol_l") is None


def test_the_export_codes_its_columns_as_this_table_does() -> None:
    known = {(code.loinc, code.ucum) for code in CODES}
    exported = {(column.loinc, column.ucum) for column in READ if column.loinc}
    assert exported
    assert exported <= known


def test_the_page_shows_the_table() -> None:
    shown = [line for line in DOC.read_text("utf-8").splitlines() if line.startswith("| `")]
    assert shown == [
        f"| `{code.quantity}` | {code.zh} | {code.en} | `{code.ucum}` | {code.loinc} |"
        f" {code.mdc or ''} | {code.source} |".replace("|  |", "| |")
        for code in CODES
    ]
