"""`yikao quarantine` from the terminal, against a real database."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from clinic import CUFF, NOW, pressure, refused
from fix_database import Clinic, Intake
from quarantine_parts import register, unregister

from yikao_alerts.rules import RuleSet
from yikao_ingest.cli import main
from yikao_ingest.settings import DATABASE_URL

STRANGE = "C4:1D:00:00:00:99"


class Terminal:
    """Runs `yikao quarantine`; returns what it printed."""

    def __init__(self, read: Callable[[], Any]) -> None:
        self._read = read

    def __call__(self, *arguments: str, code: int = 0) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["quarantine", *arguments])
        told = self._read()
        assert ended.value.code == code, told
        return str(told.out + told.err)


@pytest.fixture
def terminal(
    plain_clinic: Clinic,
    rules: RuleSet,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Terminal:
    """The command, on a database with three in quarantine: 1 and 2 of the cuff, 3 of a stranger."""
    monkeypatch.setenv(DATABASE_URL, plain_clinic.dsn)
    unregister(plain_clinic)
    intake, first = Intake(plain_clinic, rules), plain_clinic.first
    intake.receives(first.send(pressure(187, 113), refused("no flag\x1b[2J")))
    intake.receives(first.send(pressure(device=STRANGE)), now=NOW + timedelta(days=1))
    intake.store.close()
    return Terminal(capsys.readouterr)


def test_the_list_counts_and_shows_no_value(terminal: Terminal) -> None:
    told = terminal("list")
    head, entries = told.split("\n\n")
    assert [line.split()[:2] for line in head.splitlines()[::3]] == [
        ["2", "unknown_device"],
        ["1", "frame_refused"],
    ]
    assert "operator" in head and "运维" in head
    assert "Register it" in head and "请登记" in head
    # The newest first.
    assert [line.split()[0] for line in entries.splitlines()] == ["3", "2", "1"]
    assert f"unknown_device  gw-1  {STRANGE}" in entries
    assert "187" not in told and "113" not in told


NARROWED = [
    (("--reason", "frame_refused"), ["2"]),
    (("--owner", "operator"), ["3", "1"]),
    (("--owner", "operator", "--reason", "frame_refused"), []),
    (("--owner", "family"), []),
    (("--gateway", "gw-2"), []),
    (("--since", "2026-03-03T00:00:00Z"), ["3"]),
    (("--limit", "1"), ["3"]),
]


def test_the_list_can_be_narrowed(terminal: Terminal) -> None:
    for arguments, numbers in NARROWED:
        _, _, entries = terminal("list", *arguments).partition("\n\n")
        assert [line.split()[0] for line in entries.splitlines()] == numbers, arguments


def test_an_entry_is_told_with_its_content_only_where_that_is_asked_for(
    terminal: Terminal, plain_clinic: Clinic
) -> None:
    told = terminal("show", "1")
    for word in ("unknown_device", "operator", "gw-1", CUFF, "v1/north/gw-1", "quarantined"):
        assert word in told
    assert "187" not in told
    assert '"systolic_mmhg":187.0' in terminal("show", "1", "--payload")
    # What a stranger wrote moves no cursor.
    assert "no flag\\x1b[2J" in terminal("show", "2", "--payload")
    terminal("discard", "1", "--because", "a test", "--by", "op")
    assert "discarded, " in terminal("show", "1")
    assert ", op: a test" in terminal("show", "1")


def test_what_is_registered_is_released_and_the_rest_is_told(
    terminal: Terminal, plain_clinic: Clinic
) -> None:
    assert "2 not: unknown_device" in terminal("release", "--reason", "unknown_device")
    register(plain_clinic)
    told = terminal("release", "--device", CUFF, "--by", "op")
    assert "1 released" in told
    assert "1 not: frame_refused" in told
    assert "nobody could decode" in told and "无法解码" in told
    assert plain_clinic.rows("SELECT systolic_mmhg, received_at FROM reading") == [(187, NOW)]
    assert plain_clinic.rows("SELECT closed_by FROM quarantine WHERE closed_at IS NOT NULL") == [
        ("op",)
    ]
    told = terminal("release", "1", "3")
    assert "0 released" in told and "1 not: unknown_device" in told and "1 closed before" in told
    assert "2 discarded" in terminal("discard", "1", "2", "3", "--because", "strangers")
    assert "nothing waits" in terminal("list")


def test_what_is_wrong_is_said_with_the_fix(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "name ids, or --reason" in terminal("release", code=1)
    assert "not in quarantine: 17, 18" in terminal("release", "1", "17", "18", code=1)
    assert "not in quarantine: 17" in terminal("show", "17", code=1)
    assert "not in quarantine: 17" in terminal("discard", "1", "17", "--because", "x", code=1)
    assert "say why" in terminal("discard", "1", "--because", " ", code=1)
    assert "use 1 to" in terminal("list", "--limit", "0", code=1)
    assert "write 2026-03-01" in terminal("list", "--since", "monday", code=1)
    assert "'item_unreadable'" in terminal("list", "--reason", "x", code=2)
    monkeypatch.setenv(DATABASE_URL, "postgresql://127.0.0.1:9/none")
    assert "does not answer" in terminal("release", "1", code=1)
