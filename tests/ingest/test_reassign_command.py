"""`yikao registry apply`: says how many readings change hands, and survives being killed."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from clinic import CUFF, METER, MINUTE, NOW, glucose, pressure, symptoms
from fix_database import DEADLINE_S, Clinic, Intake
from reassign_parts import DEFAULT, Bound, moves, registry_of

from yikao_ingest.cli import main
from yikao_ingest.reassign_pass import AGAIN
from yikao_ingest.settings import DATABASE_URL

MANY = 4000
OF_CUFF = "SELECT count(*) FROM reading JOIN resident USING (patient_id) WHERE code = %s"


@pytest.fixture
def yikao(
    clinic: Clinic,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> "Command":
    """The command, on the clinic's database."""
    monkeypatch.setenv(DATABASE_URL, clinic.dsn)
    return Command(clinic, tmp_path / "clinic.toml", capsys)


class Command:
    """`yikao registry`, with the clinic's file and other bindings in it."""

    def __init__(self, clinic: Clinic, file: Path, out: pytest.CaptureFixture[str]) -> None:
        self.clinic, self.file, self.out = clinic, file, out

    def says(self, action: str, *bindings: Bound, options: tuple[str, ...] = ()) -> str:
        self.file.write_text(registry_of(self.clinic, bindings), "utf-8")
        with pytest.raises(SystemExit) as ended:
            main(["registry", action, str(self.file), *options])
        assert ended.value.code == 0
        return self.out.readouterr().out


def test_it_says_what_would_move_and_then_moves_it(
    yikao: Command, clinic: Clinic, ingest: Intake
) -> None:
    items = [pressure(at=NOW - MINUTE * n) for n in range(5)]
    ingest.receives(clinic.first.send(*items, glucose(), symptoms("palpitations")))
    corrected = (Bound(CUFF, "qian", since=NOW - MINUTE * 2), Bound(METER, "zhao"))
    before = clinic.rows("SELECT * FROM device_binding ORDER BY 1, 2")
    said = yikao.says("apply", *corrected, options=("--dry-run",))
    assert "zhao → qian: 3 readings 条读数, would change hands" in said
    assert "zhao → qian: 1 reports" in said
    assert "2 of nobody by this file" in said
    assert clinic.rows("SELECT * FROM device_binding ORDER BY 1, 2") == before
    assert clinic.one("SELECT count(*) FROM registry_change") == 1
    said = yikao.says("apply", *corrected, options=("--by", "chen"))
    assert "zhao → qian: 3 readings 条读数, re-assigned" in said
    assert clinic.one(OF_CUFF, "qian") == 3
    assert clinic.rows("SELECT DISTINCT applied_by FROM registry_change ORDER BY 1") == [
        ("chen",),
        ("registry",),
    ]
    assert "no reading changes hands" in yikao.says("apply", *corrected)
    assert "no fault" in yikao.says("check", *DEFAULT)


def test_killed_in_between_it_is_finished_by_whoever_is_next(
    yikao: Command, clinic: Clinic, ingest: Intake
) -> None:
    ingest.receives(clinic.first.send(pressure(at=NOW), pressure(at=NOW - MINUTE * MANY)))
    clinic.rows(
        "INSERT INTO reading (patient_id, time, device_id, kind, unit, flags, doubt_s, hub_time,"
        " received_at, systolic_mmhg)"
        " SELECT patient_id, time - n * interval '1 min', device_id, kind, unit, flags, doubt_s,"
        " hub_time, received_at, 100 + n %% 90"
        " FROM reading, generate_series(1, %s) n WHERE time = %s",
        *(MANY - 1, NOW),
    )
    file = yikao.file
    file.write_text(registry_of(clinic, (Bound(CUFF, "qian"), Bound(METER, "zhao"))), "utf-8")
    child = subprocess.Popen(
        [sys.executable, "-m", "yikao_ingest", "registry", "apply", str(file)],
        env={**os.environ, DATABASE_URL: clinic.dsn},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    clinic.until(lambda: clinic.one(OF_CUFF, "qian"))
    child.kill()
    child.wait(DEADLINE_S)
    # Ingest has known the registry all the time.
    ingest.receives(clinic.first.send(pressure(at=NOW + MINUTE)), now=NOW + MINUTE)
    for wait in (timedelta(0), *AGAIN):
        moves(clinic, datetime.now(UTC) + wait)
    assert clinic.one(OF_CUFF, "qian") == MANY + 2
    assert clinic.one(OF_CUFF, "zhao") == 0
    audited = "SELECT count(*), count(DISTINCT time) FROM reading_reassigned"
    assert clinic.rows(audited) == [(MANY + 1, MANY + 1)]
    assert clinic.rows("SELECT * FROM reassign_due") == []
