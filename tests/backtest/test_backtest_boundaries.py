"""Every boundary case of the rule table, from a line of a file through the real command.

Each case is a resident of one file. `expected`: the rules that ask for somebody today or now.
"""

from pathlib import Path

import pytest
from backtest_parts import Row, as_csv, at, pressure, sugar, told

KPA = {"unit": "kPa"}
MG_DL = {"unit": "mg/dL"}
ASKING = {"page_now", "today"}


def repeated(
    systolic: object, diastolic: object, symptoms: str = "", **more: object
) -> list[tuple[float, dict[str, object]]]:
    """Two equal pressures two minutes apart: confirmed."""
    reading = {"systolic_mmhg": systolic, "diastolic_mmhg": diastolic, **more}
    kind = {"kind": "blood_pressure"}
    return [(8.0, {**kind, **reading, "symptoms": symptoms}), (8 + 2 / 60, {**kind, **reading})]


def once(
    systolic: object, diastolic: object, **more: object
) -> list[tuple[float, dict[str, object]]]:
    """One pressure, and a calm one at once after it: not confirmed."""
    calm = {"kind": "blood_pressure", "systolic_mmhg": 120, "diastolic_mmhg": 78}
    if more.get("unit") == "kPa":
        calm |= {"systolic_mmhg": 16.0, "diastolic_mmhg": 10.4, "unit": "kPa"}
    first = {"kind": "blood_pressure", "systolic_mmhg": systolic, "diastolic_mmhg": diastolic}
    return [(8.0, first | more), (8 + 2 / 60, calm), (8 + 4 / 60, calm)]


def one(kind: str, **values: object) -> list[tuple[float, dict[str, object]]]:
    """One reading of another kind."""
    return [(8.0, {"kind": kind, **values})]


PREGNANT = "pregnant"
CASES = {
    "179/109": (repeated(179, 109), set()),
    "150/110": (repeated(150, 110), {"BP-03"}),
    "180/80 twice": (repeated(180, 80), {"BP-03"}),
    "180/80 once": (once(180, 80), set()),
    "180/95 red flag": (once(180, 95, symptoms="blurred_vision"), {"BP-01"}),
    "199/119": (once(199, 119), set()),
    "200/100": (once(200, 100), {"BP-04"}),
    "160/120": (once(160, 120), {"BP-04"}),
    "205/125 red flag": (repeated(205, 125, "eye_pain"), {"BP-01", "BP-03", "BP-04"}),
    "125/75 hard flag": (repeated(125, 75, "seizure"), {"BP-02", "GL-01"}),
    "24.0 kPa": (repeated(24.0, 10.7, **KPA), {"BP-03"}),
    "23.9 kPa": (repeated(23.9, 14.6, **KPA), set()),
    "89/60 once": (once(89, 60), set()),
    "89/60 twice": (repeated(89, 60), {"BP-12"}),
    "90/60 twice": (repeated(90, 60), set()),
    "88/48 symptom": (once(88, 48, symptoms="near_syncope"), {"BP-11"}),
    "pregnant 139/89": (repeated(139, 89), set()),
    "pregnant 140/80": (repeated(140, 80), {"BP-20"}),
    "pregnant 142/88 symptom": (once(142, 88, symptoms="epigastric_pain"), {"BP-21"}),
    "pregnant 160/100": (once(160, 100), {"BP-19"}),
    "pregnant 150/110": (once(150, 110), {"BP-19"}),
    "pulse 130": (once(120, 80, pulse_bpm=130), set()),
    "pulse 131": (once(120, 80, pulse_bpm=131), {"PR-01"}),
    "pulse 40": (once(120, 80, pulse_bpm=40), {"PR-01"}),
    "pulse 41": (once(120, 80, pulse_bpm=41), set()),
    "glucose 4.0": (one("glucose", glucose=4.0), set()),
    "glucose 3.9": (one("glucose", glucose=3.9), {"GL-03"}),
    "glucose 3.0": (one("glucose", glucose="3.0"), {"GL-03"}),
    "glucose 2.9": (one("glucose", glucose=2.9), {"GL-02"}),
    "glucose 2.9 confused": (
        one("glucose", glucose=2.9, symptoms="confusion"),
        {"GL-01", "GL-02"},
    ),
    "glucose 4.5 needs help": (one("glucose", glucose=4.5, symptoms="hypo_needs_help"), {"GL-01"}),
    "glucose 16.6": (one("glucose", glucose=16.6), set()),
    "glucose 16.7": (one("glucose", glucose=16.7), {"GL-05"}),
    "glucose 33.3": (one("glucose", glucose=33.3), {"GL-06"}),
    "glucose HI": (one("glucose", flags="hi"), {"GL-06"}),
    "70 mg/dL": (one("glucose", glucose=70, **MG_DL), {"GL-03"}),
    "69 mg/dL": (one("glucose", glucose=69, **MG_DL), {"GL-03"}),
    "54 mg/dL": (one("glucose", glucose=54, **MG_DL), {"GL-03"}),
    "53 mg/dL": (one("glucose", glucose=53, **MG_DL), {"GL-02"}),
    "299 mg/dL": (one("glucose", glucose=299, **MG_DL), set()),
    "300 mg/dL": (one("glucose", glucose=300, **MG_DL), {"GL-05"}),
    "600 mg/dL": (one("glucose", glucose=600, **MG_DL), {"GL-06"}),
    "ketone 0.5": (one("ketone", ketone_mmol_l=0.5), set()),
    "ketone 0.6": (one("ketone", ketone_mmol_l=0.6), {"GL-15"}),
    "ketone 1.5": (one("ketone", ketone_mmol_l=1.5), {"GL-15"}),
    "ketone 1.6": (one("ketone", ketone_mmol_l=1.6), {"GL-08"}),
    "spo2 91": (one("spo2", spo2_pct=91), {"SP-01"}),
    "39.1 degrees": (one("temperature", temperature_c=39.1), {"TP-01"}),
    "a symptom alone": (one("symptom", symptoms="unconscious"), {"BP-02", "GL-01"}),
}


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Return for each resident of the file the rules that ask for somebody."""
    folder = tmp_path_factory.mktemp("boundaries")
    rows: list[Row] = [
        {"resident": name, "measured_at": at(hour), **values}
        for name, (readings, _) in CASES.items()
        for hour, values in readings
    ]
    file, people = folder / "readings.csv", folder / "people.csv"
    file.write_text(as_csv(rows), "utf-8")
    lines = [f"{name},{int(name.startswith(PREGNANT))}" for name in CASES]
    people.write_text("\n".join(["resident,pregnant", *lines]), "utf-8")
    answer = told(file, "--residents", people)
    found: dict[str, set[str]] = {name: set() for name in CASES}
    for each in answer["findings"]:
        if each["severity"] in ASKING and not each["confirmed"].startswith("recheck"):
            found[each["resident"]].add(each["rule"])
    return found


@pytest.mark.parametrize("name", CASES)
def test_a_boundary_case_asks_for_what_the_table_says(
    name: str, asking: dict[str, set[str]]
) -> None:
    expected = CASES[name][1]
    if name.startswith(PREGNANT):
        # What is told besides of somebody who is not pregnant is not asked here.
        assert {rule for rule in asking[name] if rule in {"BP-19", "BP-20", "BP-21"}} == expected
    else:
        assert asking[name] == expected


def test_the_boundary_of_3_9_is_the_rule_sets_own(tmp_path: Path) -> None:
    file = tmp_path / "readings.csv"
    rows = [sugar("a", at(8), 3.9), sugar("b", at(8), 70, unit="mg/dL"), sugar("c", at(8), 3.8)]
    file.write_text(as_csv(rows), "utf-8")
    rules = {f["resident"] for f in told(file, "--rules", "international")["findings"]}
    assert rules == {"c"}


def test_a_pressure_without_a_unit_that_may_be_kpa_is_doubted(tmp_path: Path) -> None:
    file = tmp_path / "readings.csv"
    file.write_text(
        as_csv([pressure("a", at(8), 27, 16.5), pressure("b", at(8), 127, 80)]), "utf-8"
    )
    found = {(f["resident"], f["rule"]) for f in told(file)["findings"]}
    assert ("a", "DQ-02") in found
    assert not {rule for who, rule in found if who == "b"}
