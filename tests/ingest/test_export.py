"""Readings as open data, out of the house and in again."""

import csv
import importlib
import io
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from clinic import MINUTE, NOW, SHARED_CUFF, glucose, pressure
from fix_database import Clinic, Intake
from fix_hypothesis import examples
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from yikao_alerts.rules import RuleSet
from yikao_ingest.cli import main
from yikao_ingest.export.columns import columns
from yikao_ingest.settings import DATABASE_URL

OMRON = "Measurement Date,Timezone,SYS(mmHg),DIA(mmHg),Pulse(bpm),Device\n"


class Yikao:
    """The command at a terminal; `code` is what it has to end with."""

    def __init__(self, read: Callable[[], Any]) -> None:
        self._read = read

    def __call__(self, *arguments: str | Path, code: int = 0) -> SimpleNamespace:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        told = self._read()
        out, err = told.out, told.err
        assert ended.value.code == code, (out, err)
        return SimpleNamespace(out=out, err=err, all=out + err)


@pytest.fixture
def yikao(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Yikao:
    """The command, on the clinic's database."""
    monkeypatch.setenv(DATABASE_URL, clinic.dsn)
    return Yikao(capsys.readouterr)


@pytest.fixture
def stocked(clinic: Clinic, rules: RuleSet) -> Clinic:
    """A clinic whose two residents have a few readings, in every unit."""
    intake = Intake(clinic, rules)
    kpa = {"unit": "kPa", "systolic_kpa": 18.0, "diastolic_kpa": 11.2, "user": 2}
    intake.receives(
        clinic.first.send(
            pressure(128, 82, flags=("irregular_pulse", "cuff_loose")),
            glucose(5.5, at=NOW - MINUTE, unit="mg/dL", glucose_mg_dl=99.0, meal="fasting"),
            glucose(None, at=NOW - 2 * MINUTE, record=2, flags=("hi",)),
        ),
        clinic.second.send(
            pressure(135.0, 84.0, at=NOW - 3 * MINUTE, device=SHARED_CUFF, **kpa),
            pressure(150, 95, at=NOW - MINUTE, device=SHARED_CUFF, user=1),
        ),
    )
    intake.store.close()
    return clinic


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_resident_as_csv(stocked: Clinic, yikao: Yikao, tmp_path: Path) -> None:
    file = tmp_path / "zhao.csv"
    told = yikao("export", "--resident", "zhao", "--format", "csv", "--out", file)
    assert "4 readings written" in told.err
    rows = rows_of(file.read_bytes().decode())
    assert [row["time_utc"] for row in rows] == [
        *("2026-03-02T03:57:00Z", "2026-03-02T03:58:00Z"),
        *("2026-03-02T03:59:00Z", "2026-03-02T04:00:00Z"),
    ]
    assert rows[0]["time_local"] == "2026-03-02T11:57:00+08:00"
    assert (rows[0]["systolic_mmhg"], rows[0]["systolic_kpa"], rows[0]["unit"]) == (
        *("135", "18"),
        "kPa",
    )
    assert (rows[1]["flags"], rows[1]["glucose_mmol_l"]) == ("hi", "")
    assert (rows[2]["glucose_mg_dl"], rows[2]["meal"]) == ("99", "fasting")
    assert rows[3]["flags"] == "irregular_pulse;cuff_loose"
    assert {row["source"] for row in rows} == {"device"}
    told_columns = json.loads((tmp_path / "zhao.csv.columns.json").read_text("utf-8"))
    told = {column["name"]: column for column in told_columns["columns"]}
    assert list(told) == list(rows[0])
    assert told["systolic_mmhg"]["ucum"] == "mm[Hg]"
    assert told["glucose_mmol_l"]["loinc"] == "15074-8"
    assert not list(tmp_path.glob("*.part"))


def test_a_team_and_a_period_as_ndjson(stocked: Clinic, yikao: Yikao) -> None:
    everything = ("export", "--team", "team", "--format", "ndjson", "--out", "-")
    items = [json.loads(line) for line in yikao(*everything).out.splitlines()]
    assert [item["resident"] for item in items] == ["qian"] + 4 * ["zhao"]
    assert items[0]["systolic_mmhg"] == 150.0
    assert "glucose_mmol_l" not in items[0]
    assert items[-1]["flags"] == ["irregular_pulse", "cuff_loose"]
    begin, end = (NOW - 2 * MINUTE).isoformat(), NOW.isoformat()
    some = yikao(*everything, "--since", begin, "--until", end).out.splitlines()
    assert len(some) == 3


def test_no_name_leaves_unless_it_is_asked_for(stocked: Clinic, yikao: Yikao) -> None:
    stocked.rows("UPDATE resident SET phone = '+8613800138000'")
    for form in ("csv", "ndjson"):
        plain = ("export", "--team", "team", "--format", form, "--out", "-")
        assert "赵奶奶" not in yikao(*plain).out
        assert "138001" not in yikao(*plain).out
        named = yikao(*plain, "--with-names").out
        assert "赵奶奶" in named
        assert "+8613800138000" in named


def test_what_cannot_be_exported_is_refused(stocked: Clinic, yikao: Yikao, tmp_path: Path) -> None:
    csv_to = ("export", "--format", "csv", "--out")
    assert "no resident nobody" in yikao(*csv_to, "-", "--resident", "nobody", code=1).err
    assert "no team none" in yikao(*csv_to, "-", "--team", "none", code=1).all
    missing = tmp_path / "none" / "file.csv"
    assert "cannot be written" in yikao(*csv_to, missing, "--team", "team", code=1).err
    assert "is no time" in yikao(*csv_to, "-", "--team", "team", "--since", "soon", code=1).err


def test_the_page_explains_every_column() -> None:
    page = (Path(__file__).parents[2] / "docs" / "open-data.md").read_text("utf-8")
    for column in columns(with_names=True):
        unit = f"`{column.ucum}`" if column.ucum else ""
        row = f"| `{column.name}` | {column.meaning} | {unit} | {column.loinc} |"
        assert row.replace("  |", " |") in page


def test_without_pyarrow_it_says_what_to_install(
    stocked: Clinic, yikao: Yikao, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    told = yikao("export", "--team", "team", "--format", "parquet", "--out", "-", code=1)
    assert "pip install 'yikao[parquet]'" in told.err


def test_parquet_has_units_and_codes_in_it(stocked: Clinic, yikao: Yikao, tmp_path: Path) -> None:
    file = tmp_path / "team.parquet"
    yikao("export", "--team", "team", "--format", "parquet", "--out", file)
    parquet: Any = importlib.import_module("pyarrow.parquet")
    table = parquet.read_table(file)
    assert table.num_rows == 5
    assert table.schema.field("systolic_mmhg").metadata[b"loinc"] == b"8480-6"
    assert table.column("time_utc")[-1].as_py() == NOW
    assert table.column("flags")[-1].as_py() == ["irregular_pulse", "cuff_loose"]


def test_an_imported_file_adds_nothing_the_second_time(
    stocked: Clinic, yikao: Yikao, tmp_path: Path
) -> None:
    file = tmp_path / "赵奶奶.csv"
    file.write_text(
        OMRON + "2026/03/01 08:40,Asia/Tokyo,135,83,73,HEM-7141T1\n"
        "2026/03/01 08:42,Asia/Tokyo,131,82,71,HEM-7141T1\n",
        "utf-8",
    )
    arguments = ("import", file, "--as", "omron", "--resident", "zhao", "--by", "wang")
    assert "2 new, 0 already there" in yikao(*arguments).out
    assert "0 new, 2 already there" in yikao(*arguments, "--source", "manual").out
    first = stocked.rows(
        "SELECT source, kind, time, systolic_mmhg, device, file_line, imported_by,"
        " length(file_sha256), length(file_name_sha256) FROM imported_reading ORDER BY time LIMIT 1"
    )
    at = datetime(2026, 2, 28, 23, 40, tzinfo=UTC)
    assert first == [("imported", "blood_pressure", at, 135.0, "HEM-7141T1", 2, "wang", 32, 32)]
    assert stocked.one("SELECT count(*) FROM reading") == 5
    assert stocked.one("SELECT count(*) FROM eval_queue") == 2
    out = yikao("export", "--resident", "zhao", "--format", "csv", "--out", "-").out
    sources = [row["source"] for row in rows_of(out)]
    assert sources == 2 * ["imported"] + 4 * ["device"]


def test_a_faulty_file_changes_nothing_unless_its_lines_are_left_out(
    stocked: Clinic, yikao: Yikao, tmp_path: Path
) -> None:
    file = tmp_path / "omron.csv"
    lines = ["2026/03/01 08:40,,135,83,73,", "2026/03/01 08:42,,13,82,71,", "soon,,131,82,71,"]
    file.write_text(OMRON + "\n".join(lines), "utf-8")
    arguments = ("import", file, "--as", "omron", "--resident", "zhao")
    told = yikao(*arguments, code=2).err
    assert "line 3: blood_pressure 13, 82, 71 mmHg cannot be (DQ-01)" in told
    assert "line 4: time 'soon' is not of the form" in told
    assert stocked.one("SELECT count(*) FROM imported_reading") == 0
    told = yikao(*arguments, "--skip-faulty")
    assert "line 3: " in told.err
    assert "1 new, 0 already there, 2 faulty lines left out" in told.out
    assert "no resident nobody" in yikao(*arguments[:-1], "nobody", code=1).err
    assert "cannot be read" in yikao("import", tmp_path, *arguments[2:], code=1).err
    many = tmp_path / "many.csv"
    many.write_text(OMRON + "soon,,131,82,71,\n" * 60, "utf-8")
    assert "and 10 more from here on" in yikao("import", many, *arguments[2:], code=2).err
    mapping = tmp_path / "mapping.toml"
    mapping.write_text("name = 3", "utf-8")
    told = yikao(*arguments, "--mapping", mapping, code=2).err
    assert "mapping.toml: line 1: name is not right" in told


def test_a_guess_is_called_one(stocked: Clinic, yikao: Yikao, tmp_path: Path) -> None:
    file = tmp_path / "ihealth.csv"
    file.write_bytes("测量时间,高压(mmHg),低压(mmHg)\n2026-03-01 07:05,135,83\n".encode("gb18030"))
    told = yikao("import", file, "--as", "ihealth", "--resident", "zhao")
    assert "九安 iHealth were never seen" in told.err


ITEMS = st.lists(
    st.one_of(
        st.builds(
            lambda at, high, low, kpa: (
                pressure(high, low, at=at)
                if not kpa
                else pressure(
                    round(high * 0.12, 1) * 7.50062,
                    round(low * 0.12, 1) * 7.50062,
                    at=at,
                    unit="kPa",
                    systolic_kpa=round(high * 0.12, 1),
                    diastolic_kpa=round(low * 0.12, 1),
                )
            ),
            st.integers(0, 10**6).map(lambda s: NOW - timedelta(seconds=s)),
            st.integers(120, 250),
            st.integers(40, 110),
            st.booleans(),
        ),
        st.builds(
            lambda at, value, meal, lo: glucose(
                None if lo else value / 10, at=at, meal=meal, flags=("lo",) if lo else ()
            ),
            st.integers(0, 10**6).map(lambda s: NOW - timedelta(seconds=s)),
            st.integers(10, 300),
            st.sampled_from([None, "fasting", "after_meal"]),
            st.booleans(),
        ),
    ),
    max_size=8,
)
VALUES = (
    *("kind", "time_utc", "unit", "meal", "pulse_bpm", "systolic_kpa", "diastolic_kpa"),
    "glucose_mmol_l",
)


@examples(5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(items=ITEMS)
def test_what_went_out_comes_in_again(
    plain_clinic: Clinic,
    rules: RuleSet,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    items: list[Any],
) -> None:
    monkeypatch.setenv(DATABASE_URL, plain_clinic.dsn)
    yikao = Yikao(capsys.readouterr)
    plain_clinic.rows("TRUNCATE reading_kept, imported_reading, ingest_ledger")
    if items:
        intake = Intake(plain_clinic, rules)
        intake.receives(plain_clinic.first.send(*items))
        intake.store.close()
    file = tmp_path / "zhao.csv"
    out = ("export", "--resident", "zhao", "--format", "csv", "--out", file)
    again = ("import", file, "--as", "csv", "--resident", "zhao")
    yikao(*out)
    sent = rows_of(file.read_text("utf-8"))
    assert f"{len(sent)} new" in yikao(*again).out
    plain_clinic.rows("DELETE FROM reading")
    yikao(*out)
    back = rows_of(file.read_text("utf-8"))
    assert [[row[name] for name in VALUES] for row in back] == [
        [row[name] for name in VALUES] for row in sent
    ]
    assert {row["source"] for row in back} <= {"imported"}
    assert "0 new" in yikao(*again).out
