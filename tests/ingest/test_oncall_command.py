"""`yikao oncall` from the terminal, against a real database."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fix_database import Clinic
from rota_parts import verified, with_centre

from yikao_ingest.cli import main
from yikao_ingest.settings import DATABASE_URL, PUBLIC_URL, make_secret

DAY = timedelta(days=1)
SIGNED = ("--by", "wang", "--reason", "开会")


class Terminal:
    """Runs `yikao oncall`; what it printed, and its exit code."""

    def __init__(self, read: Callable[[], Any]) -> None:
        self._read = read
        self.code = 0

    def __call__(self, *arguments: str, code: int = 0) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["oncall", *arguments])
        told = self._read()
        assert ended.value.code == code, told
        return str(told.out + told.err)


@pytest.fixture
def oncall(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    """The command, on the clinic's database."""
    monkeypatch.setenv(DATABASE_URL, clinic.dsn)
    return Terminal(capsys.readouterr)


def times(begin: timedelta, length: timedelta) -> tuple[str, str]:
    at = datetime.now(UTC) + begin
    return at.isoformat(), (at + length).isoformat()


def test_without_rotas_it_says_what_to_do(oncall: Terminal) -> None:
    assert "[[rotas]]" in oncall("now")
    assert "no rota yet" in oncall("week", "--language", "en")
    assert "no rota duty" in oncall(
        "override", "duty", "add", "li", *times(DAY, DAY), *SIGNED, code=1
    )


def test_leave_and_swaps_are_entered_shown_and_withdrawn(clinic: Clinic, oncall: Terminal) -> None:
    with_centre(clinic)
    assert "总值班 (duty)" in oncall("now")
    span = times(timedelta(), 30 * DAY)
    assert "leave 1" in oncall("leave", "wang", *span, "--substitute", "li", *SIGNED)
    assert "王医生" not in oncall("week")
    assert "override 1" in oncall("handover", "duty", "li", "wang", *times(DAY, DAY), *SIGNED)
    assert "override 2" in oncall("override", "duty", "replace", "li,wang", *span, *SIGNED)
    said = oncall("said", "--language", "en")
    for part in ("leave 1: ", "li stands in", "override 1: ", "hands over", "override 2: "):
        assert part.replace("li", "李医生") in said or part in said, (part, said)
    oncall("withdraw", "leave", "1", "--by", "li")
    assert "does not count" in oncall("withdraw", "leave", "1", "--by", "li", code=1)
    assert "leave 1" not in oncall("said")


def test_a_leave_that_leaves_nobody_is_told_at_once(clinic: Clinic, oncall: Terminal) -> None:
    with_centre(clinic)
    span = times(DAY, 3 * DAY)
    oncall("leave", "wang", *span, "--substitute", "li", *SIGNED)
    assert "!! 中心值班医生：总值班" in oncall("leave", "li", *span, *SIGNED)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("leave", "nobody", "2100-01-01", "2100-01-02"), "no doctor nobody"),
        (("leave", "wang", "2100-01-02", "2100-01-01"), "not after the start"),
        (("leave", "wang", "2000-01-01", "2000-01-02"), "all of it is past"),
        (("leave", "wang", "soon", "2100-01-02"), "soon is no time"),
        (("leave", "wang", "2100-01-01", "2100-01-02", "--substitute", "wang"), "themself"),
    ],
)
def test_what_cannot_be_is_refused(
    clinic: Clinic, oncall: Terminal, arguments: tuple[str, ...], told: str
) -> None:
    with_centre(clinic)
    assert told in oncall(*arguments, *SIGNED, code=1)


def test_lint_proves_or_says_where_not(clinic: Clinic, oncall: Terminal) -> None:
    with_centre(clinic)
    shown = oncall("lint", code=1)
    assert "HOLE" in shown
    assert "yikao oncall verify wang" in shown
    assert "涉及 2 位居民" in shown
    verified(clinic, datetime.now(UTC), "wang", "li")
    assert "0 holes" in oncall("lint", "--days", "30")
    oncall("leave", "wang", *times(2 * DAY, DAY), *SIGNED)
    assert "nobody from" in oncall("lint", "--language", "en", code=1)
    assert "0 holes" in oncall("lint", "--days", "1")


def test_verified_contacts_stay_so_when_the_registry_is_applied_again(
    clinic: Clinic, oncall: Terminal
) -> None:
    with_centre(clinic)
    verified(clinic, datetime.now(UTC), "wang", "li")
    with_centre(clinic)
    assert "0 holes" in oncall("lint")


def test_a_calendar_goes_out_and_comes_back(
    clinic: Clinic, oncall: Terminal, tmp_path: Path
) -> None:
    with_centre(clinic)
    file = tmp_path / "duty.ics"
    assert "shifts" in oncall("export", "duty", str(file), "--days", "30")
    before = oncall("week")
    oncall("import", "duty", str(file), "--days", "20", *SIGNED)
    assert clinic.one("SELECT count(*) > 0 FROM rota_override WHERE kind = 'replace'")
    assert oncall("week").splitlines()[1:3] == before.splitlines()[1:3]
    file.write_text("nothing", "utf-8")
    assert "nothing was stored" in oncall("import", "duty", str(file), *SIGNED, code=1)
    assert "cannot be read" in oncall("import", "duty", str(tmp_path), *SIGNED, code=1)
    assert "cannot be written" in oncall("export", "duty", str(tmp_path), code=1)


def test_verify_has_each_contact_sent_a_link_of_its_own(
    clinic: Clinic, oncall: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with_centre(clinic)
    make_secret(tmp_path / "secrets" / "link.key")
    monkeypatch.setenv(PUBLIC_URL, "https://feed.example.org/")
    assert "webhook, smtp" in oncall("verify", "wang", "--data", str(tmp_path))
    rows = clinic.rows("SELECT channel, kind, link, body, due_at FROM notice ORDER BY position")
    assert [row[:2] for row in rows] == [("webhook", "check"), ("smtp", "check")]
    assert all(row[2].startswith("https://feed.example.org/p/check/") for row in rows)
    assert rows[0][2] != rows[1][2]
    assert "测试消息" in rows[0][3]
    assert "no doctor nobody" in oncall("verify", "nobody", code=1)
