"""What `yikao-sim town` writes: the same every time, complete, and read by the back-test."""

import csv
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from yikao_alerts.backtest.block import read_block
from yikao_alerts.backtest.parts import columns_of
from yikao_alerts.backtest.people import read_people
from yikao_sim.cli import main

CHINA = ZoneInfo("Asia/Shanghai")
ORDER = ["town", "--residents", "30", "--days", "60", "--seed", "8", "--diabetes", "0.5", "--quiet"]


def files(folder: Path, *more: str) -> dict[str, Path]:
    paths = {name: folder / f"{name}.csv" for name in ("readings", "truth", "residents")}
    options = ["--csv", str(paths["readings"]), "--truth", str(paths["truth"])]
    assert main([*ORDER, *options, "--residents-file", str(paths["residents"]), *more]) == 0
    return paths


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_same_order_writes_the_same_files(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    once, again = files(tmp_path / "a"), files(tmp_path / "b")
    for name, path in once.items():
        assert path.read_bytes() == again[name].read_bytes()


def test_the_back_test_reads_every_line(tmp_path: Path) -> None:
    paths = files(tmp_path)
    head, _, rest = paths["readings"].read_bytes().partition(b"\n")
    block = read_block(rest, columns_of(head, paths["readings"]), CHINA)
    assert not block.faults
    assert block.rows.size == rest.count(b"\n")
    people = read_people(paths["residents"])
    assert len(people) == 30
    assert 5 < sum("diabetes" in person.groups for person in people.values()) < 25


def test_readings_stand_in_order_and_arrive_after_they_are_made(tmp_path: Path) -> None:
    readings = rows(files(tmp_path)["readings"])
    order = [(row["resident"], row["measured_at"]) for row in readings]
    assert order == sorted(order)
    assert len(set(order)) == len(order)
    for row in readings:
        at, arrived = (datetime.fromisoformat(row[name]) for name in ("measured_at", "received_at"))
        assert at.utcoffset() == timedelta(hours=8)
        assert timedelta(0) < arrived - at <= timedelta(minutes=10)
    assert {row["kind"] for row in readings} == {"blood_pressure", "glucose"}
    assert {row["source"] for row in readings} == {"device", "manual"}


def test_a_town_without_meters_has_pressures_only(tmp_path: Path) -> None:
    readings = rows(files(tmp_path, "--diabetes", "0")["readings"])
    assert {row["kind"] for row in readings} == {"blood_pressure"}


def test_a_high_reading_is_repeated(tmp_path: Path) -> None:
    paths = files(tmp_path, "--scenario", "crisis", "--event-day", "40")
    readings = [row for row in rows(paths["readings"]) if row["kind"] == "blood_pressure"]
    high = [n for n, row in enumerate(readings) if int(row["systolic_mmhg"]) >= 180]
    assert len(high) > 5
    repeated = 0
    for number in high[:-1]:
        one, other = readings[number], readings[number + 1]
        apart = datetime.fromisoformat(other["measured_at"]) - datetime.fromisoformat(
            one["measured_at"]
        )
        repeated += timedelta(0) < apart <= timedelta(minutes=2)
    assert repeated > len(high) / 3


def test_the_truth_names_the_day_of_the_event(tmp_path: Path) -> None:
    truth = rows(files(tmp_path, "--scenario", "cuff20", "--event-day", "30")["truth"])
    assert len(truth) == 30 * 60
    own = [row for row in truth if row["resident"] == "r000003"]
    days = [row["date"] for row in own]
    assert own[0]["event_on"] == days[30]
    levels = [float(row["usual_level_mmhg"]) for row in own]
    assert levels[30] - levels[29] == pytest.approx(20.0, abs=0.2)


def test_standard_output_is_a_file_as_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*ORDER, "--csv", "-"]) == 0
    assert capsys.readouterr().out == files(tmp_path)["readings"].read_text()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--scenario", "flood", "--csv", "x.csv"], "no scenario 'flood'"),
        (["--csv", "missing/x.csv"], "cannot write missing/x.csv"),
    ],
)
def test_a_mistake_is_said_in_one_sentence(
    more: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*ORDER, *more]) == 1
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_progress_is_told_when_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    order = [word for word in ORDER if word != "--quiet"]
    assert main([*order, "--csv", str(tmp_path / "x.csv")]) == 0
    assert "30 of 30 people" in capsys.readouterr().err
