"""`yikao quarantine release`, killed while it works: run again, each reading is there once.

Once in a run; `make torture` kills twenty times.
"""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from clinic import CUFF, NOW, pressure, refused
from fix_database import Clinic, Intake
from fix_hypothesis import EXAMPLES
from hypothesis import settings
from quarantine_parts import register, unregister
from roles import kill

from yikao_alerts.rules import RuleSet
from yikao_ingest.cli import main
from yikao_ingest.settings import DATABASE_URL

MESSAGES = 100
"""For each kill: more than are done before it comes."""
COMMAND = ("quarantine", "release", "--device", CUFF)
RELEASED = "SELECT count(*) FROM quarantine WHERE closed_at IS NOT NULL"


def released_by_a_child(clinic: Clinic) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "yikao_ingest", *COMMAND],
        env={**os.environ, DATABASE_URL: clinic.dsn},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def until_killed(clinic: Clinic) -> None:
    """Release, and kill that as soon as it has released something."""
    done = clinic.one(RELEASED)
    child = released_by_a_child(clinic)
    clinic.until(lambda: clinic.one(RELEASED) > done or child.poll() is not None)
    kill(child)


def test_killed_and_run_again_each_reading_is_there_once(
    plain_clinic: Clinic, rules: RuleSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic, ingest = plain_clinic, Intake(plain_clinic, rules)
    kills = settings().max_examples // EXAMPLES
    items = [pressure(at=NOW - timedelta(minutes=n)) for n in range(kills * MESSAGES)]
    unregister(clinic)
    ingest.receives(*(clinic.first.send(item, refused()) for item in items))
    ingest.store.close()
    register(clinic)
    for _ in range(kills):
        until_killed(clinic)
    monkeypatch.setenv(DATABASE_URL, clinic.dsn)
    with pytest.raises(SystemExit, match="0"):
        main([*COMMAND])
    assert clinic.one("SELECT count(*) FROM reading") == len(items)
    assert clinic.rows("SELECT outcome, count(*) FROM ingest_ledger GROUP BY 1 ORDER BY 1") == [
        ("quarantined", len(items)),
        ("stored", len(items)),
    ]
    # Each message came once, and was released once.
    assert clinic.one("SELECT count(*) FROM ingest_message") == 2 * len(items)
    assert clinic.one("SELECT count(*) FROM reading_released") == len(items)
    assert clinic.one(RELEASED) == len(items)
