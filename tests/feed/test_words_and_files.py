"""The two languages say the same, every code has a word, and files of others are unchanged."""

import hashlib
import re
import string
import tomllib
from enum import StrEnum
from importlib import resources
from pathlib import Path

import pytest

from yikao_alerts.answer import Disposition
from yikao_alerts.confirm import Result
from yikao_alerts.course import ESCALATIONS
from yikao_alerts.daily.labels import Colour, Open
from yikao_alerts.episodes import Event, State
from yikao_alerts.evaluate import Why
from yikao_alerts.feed.store import SQL
from yikao_alerts.feed.words import LANGUAGES, PARTS, flatten, load_words
from yikao_alerts.findings import DOWNGRADED, NOT_NEEDED, THREE_IN_A_ROW, UPGRADED
from yikao_alerts.rounds import Grade
from yikao_alerts.rules import load_rules
from yikao_alerts.silence import Cause, Owner
from yikao_alerts.sql_blocks import SqlBlocksError, load_sql_blocks, parse_sql_blocks
from yikao_devices.blood_pressure import Status
from yikao_devices.glucose import SensorStatus
from yikao_devices.glucose_context import MEALS
from yikao_ingest.reasons import Reason

GLOSSARY = Path(__file__).parents[2] / "docs" / "glossary.md"


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_both_languages_have_the_same_keys_and_places() -> None:
    zh, en = (load_words(language).texts for language in LANGUAGES)
    assert zh.keys() == en.keys()
    assert {key: places(zh[key]) for key in zh} == {key: places(en[key]) for key in en}


def codes_under(title: str) -> set[str]:
    section = GLOSSARY.read_text("utf-8").partition(f"## {title}\n")[2].partition("\n## ")[0]
    first = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", section, re.MULTILINE)
    codes = {code for cell in first for code in re.findall(r"\w+", cell)}
    assert codes
    return codes


def test_every_flag_of_the_glossary_has_a_word() -> None:
    texts = load_words("zh").texts
    wanted = codes_under("Flags of a reading")
    assert {code for code in wanted if f"flag.{code}" not in texts} == set()


@pytest.mark.parametrize(
    "title", ["What devices did", "What went wrong in a visit", "Troubles of the gateway"]
)
def test_every_event_of_the_glossary_has_a_word(title: str) -> None:
    texts = load_words("zh").texts
    assert {code for code in codes_under(title) if f"device_event.{code}" not in texts} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_written_twice(language: str) -> None:
    folder = resources.files("yikao_alerts.feed").joinpath("text")
    tables = [
        flatten(tomllib.loads(folder.joinpath(f"{language}.{part}").read_text("utf-8")))
        for part in PARTS
    ]
    assert sum(map(len, tables)) == len(load_words(language).texts)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("group", "codes"),
    [
        ("disposition", Disposition),
        ("state", State),
        ("event", Event),
        ("why", Why),
        ("quarantine", Reason),
        ("quarantine_who", Reason),
        ("confirmed", [*Result, NOT_NEEDED, DOWNGRADED, THREE_IN_A_ROW]),
        ("confirmed", [*UPGRADED.values(), *ESCALATIONS]),
        ("outcome", ["delivered", "retryable", "permanent", "ambiguous"]),
        ("page", ["due", "sent", "failed", "cancelled"]),
        ("severity", {rule.severity for rule in load_rules().rules}),
        ("family", {rule.family for rule in load_rules().rules if rule.family}),
        ("severity_short", {rule.severity for rule in load_rules().rules}),
        ("rule_group", {rule.id.partition("-")[0] for rule in load_rules().rules}),
        ("grade", Grade),
        ("silence_cause", Cause),
        ("silence_owner", Owner),
        ("label", [colour.name.lower() for colour in Colour]),
        ("label_reason", [f"open_{urgency.name.lower()}" for urgency in Open if urgency]),
        ("label_reason", ["level_high", "level_very_high", "not_measured", "silent"]),
        ("label_reason", ["enough_days", "few_days", "not_long_enough"]),
        ("evidence", {rule.evidence for rule in load_rules().rules}),
        ("meal", MEALS.values()),
        ("flag", [str(flag.name).lower() for flag in (*Status, *SensorStatus)]),
    ],
)
def test_every_code_has_a_word(language: str, group: str, codes: type[StrEnum] | list[str]) -> None:
    renamed = {"too_high": "hi", "too_low": "lo"}
    known = {key.partition(".")[2] for key in load_words(language).texts if key.startswith(group)}
    assert {renamed.get(str(code), str(code)) for code in codes} <= known


def test_a_code_without_a_word_is_shown_itself() -> None:
    assert load_words("zh").of("event", "from_the_future") == "from_the_future"
    assert load_words("en").of("event", None) == ""


def test_vendored_files_are_unchanged() -> None:
    folder = resources.files("yikao_alerts.feed").joinpath("static", "vendor")
    sums = folder.joinpath("SHA256SUMS").read_text("ascii").splitlines()
    named = {line.split()[1]: line.split()[0] for line in sums}
    found = {
        entry.name: hashlib.sha256(entry.read_bytes()).hexdigest()
        for entry in folder.iterdir()
        if entry.name.endswith((".js", ".txt"))
    }
    assert found == named


def test_statements_look_at_no_clock() -> None:
    for name, statement in SQL.items():
        for word in ("now()", "current_timestamp", "clock_timestamp", "localtime"):
            assert word not in statement.lower(), name


def test_no_statement_of_one_file_hides_one_of_another() -> None:
    files = (
        ("yikao_alerts.feed", "sql/queries.sql"),
        ("yikao_alerts.feed", "sql/care.sql"),
        ("yikao_alerts", "sql/watchdog.sql"),
    )
    assert sum(len(load_sql_blocks(*file)) for file in files) == len(SQL)


def test_sql_blocks_are_read_by_name() -> None:
    text = "-- for people\n-- name: one\nSELECT 1\n\n-- why\n-- name: two\nSELECT 2\n"
    assert parse_sql_blocks(text) == {"one": "SELECT 1\n\n-- why", "two": "SELECT 2"}


@pytest.mark.parametrize("text", ["-- name: a\n", "-- name: a\nSELECT 1\n-- name: a\nSELECT 2\n"])
def test_a_malformed_sql_file_is_refused(text: str) -> None:
    with pytest.raises(SqlBlocksError):
        parse_sql_blocks(text)
