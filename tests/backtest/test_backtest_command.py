"""The command as a person uses it: files in, findings, summary, trace and report out."""

import hashlib
import json
import random
from pathlib import Path

import pytest
from backtest_parts import DAY, Row, as_csv, at, command, pressure, sugar, told

from yikao_alerts.backtest.vocabulary import COLUMNS


def month(who: str, systolic: float, seed: int) -> list[Row]:
    """Two pressures each morning and evening for ten weeks, and a crisis in the last one."""
    draw = random.Random(seed)
    rows = []
    for day in range(70):
        for hour in (7.0, 19.0):
            for minute in (0, 2):
                high = round(systolic + draw.gauss(0, 7))
                when = at(hour + minute / 60, day)
                rows.append(pressure(who, when, high, round(high * 0.6), pulse_bpm=72))
    return [*rows, pressure(who, at(21, 66), 192, 112), pressure(who, at(21.05, 66), 190, 110)]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three residents over ten weeks."""
    file = tmp_path_factory.mktemp("command") / "readings.csv"
    rows = [*month("a", 128, 1), *month("b", 142, 2), *month("c", 155, 3)]
    file.write_text(as_csv(rows), "utf-8")
    return file


def test_the_output_names_rules_code_and_input_and_counts_what_is_asked(file: Path) -> None:
    answer = told(file)
    summary = answer["summary"]
    assert answer["input"]["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert summary["rules"]["digest"] and summary["code_version"]
    assert summary["patient_weeks"] == 30.0
    assert summary["pages"]["count"] == 3
    assert summary["pages"]["per_100_patient_weeks"] == 10.0
    assert summary["by_rule"]["BP-03"]["pages"]["count"] == 3
    high = {f["resident"] for f in answer["findings"] if f["rule"] == "BP-06"}
    assert high >= {"b", "c"}
    assert summary["naive_135_alert_days"]["count"] > 100


def test_a_finding_says_who_what_when_and_on_what_it_rests(file: Path) -> None:
    page = next(f for f in told(file)["findings"] if f["rule"] == "BP-03")
    assert page["resident"] == "a" and page["severity"] == "page_now"
    assert page["confirmed"] == "confirmed" and page["lane"] == "acute"
    assert page["inputs"][0].startswith("blood_pressure/a/2026-05-07T13:00")
    assert page["at"] == page["found_at"] == "2026-05-07T21:03:00+08:00"


def test_the_order_of_rows_and_copies_change_nothing_but_the_input(
    file: Path, tmp_path: Path
) -> None:
    head, *lines = file.read_text("utf-8").splitlines()
    random.Random(4).shuffle(lines)
    other = tmp_path / "shuffled.csv"
    other.write_text("\n".join([head, *lines, *lines[:200]]) + "\n", "utf-8")
    one, two = told(file), told(other)
    assert one["findings"] == two["findings"]
    assert two["summary"].pop("copies") == 200
    one["summary"].pop("copies")
    assert one["summary"] == two["summary"]


def test_json_lines_say_the_same_as_csv(file: Path, tmp_path: Path) -> None:
    head, *lines = file.read_text("utf-8").splitlines()
    columns = head.split(",")
    objects = []
    for line in lines:
        cells = dict(zip(columns, line.split(","), strict=True))
        item: dict[str, object] = {key: cell for key, cell in cells.items() if cell}
        item |= {key: float(str(item[key])) for key in item if key.endswith("mmhg")}
        objects.append(json.dumps(item | {"flags": []}))
    other = tmp_path / "readings.jsonl"
    other.write_text("\n".join(objects), "utf-8")
    assert told(file)["findings"] == told(other)["findings"]


def test_processes_find_what_one_finds(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from yikao_alerts.backtest import parts, run
    from yikao_alerts.backtest.job import Job
    from yikao_alerts.rules import load_rules

    one = run.backtest_file(file, Job((load_rules(),)))
    monkeypatch.setattr(parts, "STRETCH_BYTES", 20_000)
    monkeypatch.setattr(parts, "BUCKET_BYTES", 10_000)
    stretches = list(parts.stretches(file, DAY.tzinfo, 20_000))  # type: ignore[arg-type]
    assert len(stretches) > 2
    two = run.backtest_file(file, Job((load_rules(),), jobs=2))
    assert one.findings == two.findings


def test_the_trace_has_a_level_a_shift_and_a_label_for_each_day(file: Path) -> None:
    trace = told(file, "--trace")["trace"]
    assert set(trace) == {"a", "b", "c"}
    days = trace["c"]
    assert days["first_day"] == "2026-03-02"
    assert len(days["level_mmhg"]) == len(days["shift_mmhg"]) == len(days["label"]) == 70
    assert abs(days["level_mmhg"][-1] - 155) < 6
    assert days["label"][-1] == "red" and trace["a"]["label"][60] == "green"


def test_times_without_a_zone_are_in_the_given_one(tmp_path: Path) -> None:
    file = tmp_path / "readings.csv"
    rows = [sugar("a", "2026-03-02 08:00:00", 2.8), sugar("b", "2026-03-02T08:00", 2.8)]
    file.write_text(as_csv(rows), "utf-8")
    times = {f["at"] for f in told(file, "--zone", "Europe/Berlin")["findings"]}
    assert "2026-03-02T08:00:00+01:00" in times


def test_against_another_set_it_says_what_is_new_and_gone(tmp_path: Path) -> None:
    file = tmp_path / "readings.csv"
    file.write_text(as_csv([sugar("a", at(8), 3.9), sugar("b", at(8), 2.5)]), "utf-8")
    answer = told(file, "--rules", "international", "--against", "cn")
    against = answer["summary"]["against"]
    gone = [d for d in against["differences"] if d["rule"] == "GL-03"]
    assert [(d["change"], d["resident"]) for d in gone] == [("gone", "a")]
    assert against["gone"] == len([d for d in against["differences"] if d["change"] == "gone"])


REFUSED = {
    "an unknown column": ("resident,measured_at,kind,name\na,2026-03-02T08:00,weight,x\n", "name"),
    "a missing column": ("resident,kind\na,weight\n", "measured_at"),
    "a column twice": ("resident,measured_at,kind,kind\n", "twice"),
    "an unknown kind": (as_csv([{**sugar("a", at(8), 5), "kind": "sugar"}]), "line 2"),
    "an unknown unit": (as_csv([sugar("a", at(8), 5, unit="mmol")]), "mmol/L or mg/dL"),
    "an unknown flag": (as_csv([sugar("a", at(8), 5, flags="hi;high")]), "'high'"),
    "an unknown symptom": (as_csv([sugar("a", at(8), 5, symptoms="cough")]), "'cough'"),
    "an unknown source": (as_csv([sugar("a", at(8), 5, source="phone")]), "'phone'"),
    "a context of another kind": (as_csv([sugar("a", at(8), 5, context="standing")]), "standing"),
    "no number": (as_csv([sugar("a", at(8), "5,5")]), "line 2"),
    "no value": (as_csv([sugar("a", at(8), "")]), "has no glucose"),
    "one pressure alone": (as_csv([pressure("a", at(8), 120, "")]), "diastolic_mmhg"),
    "a value of another kind": (as_csv([sugar("a", at(8), 5, weight_kg=70)]), "weight_kg"),
    "a time that is none": (as_csv([sugar("a", "02.03.2026 08:00", 5)]), "2026-03-01T07:30"),
    "a day without a time": (as_csv([sugar("a", "2026-03-02", 5)]), "line 2"),
    "the 30th of February": (as_csv([sugar("a", "2026-02-30T08:00", 5)]), "line 2"),
    "too few cells": ("resident,measured_at,kind\na,2026-03-02T08:00\n", "2 cells"),
    "nothing": ("resident,measured_at,kind\n", "no readings"),
    "an empty file": ("", "is missing"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_a_faulty_file_is_refused_with_its_line_and_what_to_write(
    fault: str, tmp_path: Path
) -> None:
    text, said = REFUSED[fault]
    file, out = tmp_path / "readings.csv", tmp_path / "out.json"
    file.write_text(text, "utf-8")
    done = command(file, "--json", out)
    assert done.returncode == 2
    assert said in done.stderr and "Traceback" not in done.stderr
    assert not out.exists()


def test_every_fault_is_told_up_to_a_bound(tmp_path: Path) -> None:
    file = tmp_path / "readings.csv"
    file.write_text(as_csv([sugar("a", at(8), "x") for _ in range(300)]), "utf-8")
    lines = command(file).stderr.splitlines()
    assert lines[0].startswith(f"{file}: line 2: ") and "line 51" in lines[49]
    assert len(lines) == 51 and "and more" in lines[50]


def test_a_residents_file_is_checked_as_well(tmp_path: Path) -> None:
    file, people = tmp_path / "readings.csv", tmp_path / "people.csv"
    file.write_text(as_csv([sugar("a", at(8), 5)]), "utf-8")
    people.write_text("resident,birth_year,insulin\na,1946,maybe\nb,46,1\na,1950,0\n", "utf-8")
    done = command(file, "--residents", people)
    assert done.returncode == 2
    assert "line 2" in done.stderr and "line 3" in done.stderr


def test_what_is_not_there_is_told_without_a_traceback(tmp_path: Path) -> None:
    file = tmp_path / "readings.csv"
    file.write_text(as_csv([sugar("a", at(8), 5)]), "utf-8")
    none = tmp_path / "none.csv"
    for wrong, named in (
        ((none,), str(none)),
        ((tmp_path,), str(tmp_path)),
        ((file, "--residents", none), str(none)),
        ((file, "--zone", "Nowhere/City"), "Nowhere/City"),
        ((file, "--zone", "Asia"), "Asia"),
        ((file, "--rules", "x"), "x"),
    ):
        done = command(*wrong)
        assert done.returncode == 2 and "Traceback" not in done.stderr
        assert named in done.stderr


def test_every_column_is_in_the_guide() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "backtest.md").read_text("utf-8")
    assert not [column for column in COLUMNS if f"`{column}`" not in guide]
