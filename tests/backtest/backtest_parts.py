"""Files of readings for these tests, and the real command over them."""

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from yikao_alerts.backtest.job import Job, Result
from yikao_alerts.backtest.run import backtest_file
from yikao_alerts.backtest.vocabulary import COLUMNS
from yikao_alerts.resident import Resident
from yikao_alerts.rules import load_rules

HOME = ZoneInfo("Asia/Shanghai")
DAY = datetime(2026, 3, 2, tzinfo=HOME)
RULES = load_rules()
TIME_LIMIT_S = 120.0

Row = Mapping[str, object]


def at(hour: float, day: int = 0) -> str:
    """Return a time of the story as the files write it."""
    return (DAY + timedelta(days=day, hours=hour)).isoformat()


def pressure(who: str, when: str, systolic: object, diastolic: object, **more: object) -> Row:
    """Return a row with a pressure."""
    return {
        "resident": who,
        "measured_at": when,
        "kind": "blood_pressure",
        "systolic_mmhg": systolic,
        "diastolic_mmhg": diastolic,
        **more,
    }


def sugar(who: str, when: str, glucose: object, **more: object) -> Row:
    """Return a row with a fingerstick, in mmol/L where nothing else is said."""
    return {"resident": who, "measured_at": when, "kind": "glucose", "glucose": glucose, **more}


def as_csv(rows: Iterable[Row], columns: Iterable[str] = COLUMNS) -> str:
    """Return rows as CSV with these columns."""
    named = list(columns)
    lines = [",".join(str(row.get(column, "")) for column in named) for row in rows]
    return "\n".join([",".join(named), *lines]) + "\n"


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run `yikao backtest` as a person does."""
    return subprocess.run(
        [sys.executable, "-m", "yikao_ingest", "backtest", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT_S,
        check=False,
    )


def told(file: Path, *arguments: object) -> dict[str, Any]:
    """Run the command over a file and return what it wrote."""
    out = file.with_name("out.json")
    done = command(file, "--json", out, *arguments)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(out.read_text("utf-8"))
    return answer


def found_in(
    folder: Path, rows: Iterable[Row], people: Mapping[str, Resident] | None = None
) -> Result:
    """Return what the rules find in rows, without a process."""
    file = folder / "readings.csv"
    file.write_text(as_csv(rows), "utf-8")
    return backtest_file(file, Job((RULES,), people or {}))
