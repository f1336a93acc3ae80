"""The demo's accounts: they have to notice a loss, or they are worth nothing."""

import json
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yikao_ingest.demo.follow import Follower
from yikao_ingest.demo.plan import Plan, make_plan
from yikao_ingest.demo.report import (
    Identity,
    pages_account,
    percentile,
    readings_account,
    truth_of,
)
from yikao_ingest.errors import ServerError

READINGS = [
    Identity("D1", f"2026-03-02T22:{minute:02d}:00", "blood_pressure") for minute in range(6)
]


def test_everything_arrived() -> None:
    account = readings_account(READINGS, READINGS[:4], READINGS[4:])
    assert account == {"measured": 6, "stored": 4, "quarantined": 2, "lost": 0, "duplicated": 0}


def test_a_lost_reading_and_a_double_one_are_seen() -> None:
    stored = [*READINGS[:3], READINGS[0]]
    account = readings_account(READINGS, stored, [])
    assert (account["lost"], account["duplicated"]) == (3, 1)


@given(st.lists(st.sampled_from(READINGS)), st.lists(st.sampled_from(READINGS)))
def test_what_is_missing_and_what_is_too_much_make_up_the_difference(
    measured: list[Identity], stored: list[Identity]
) -> None:
    account = readings_account(measured, stored, [])
    assert account["measured"] - account["lost"] + account["duplicated"] == account["stored"]


def test_a_page_that_no_phone_rang_for_is_lost() -> None:
    rang, silent, answered, failed = (uuid.uuid4() for _ in range(4))
    pages = [
        (rang, "sent", False),
        (silent, "sent", False),
        (answered, "cancelled", False),
        (failed, "failed", True),
    ]
    account = pages_account(pages, {str(rang)})
    assert account == {"due": 2, "delivered": 1, "lost": 1, "cancelled": 1}


def test_a_failed_page_that_nothing_follows_is_lost() -> None:
    assert pages_account([(uuid.uuid4(), "failed", False)], set())["lost"] == 1


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 0.5, None), ([7.0], 0.99, 7.0), ([3.0, 1.0, 2.0], 0.5, 2.0), ([1.0, 2.0], 0.99, 2.0)],
)
def test_percentiles_are_of_the_nearest_rank(
    values: list[float], share: float, expected: float | None
) -> None:
    assert percentile(values, share) == expected


def test_the_truth_is_read_from_whole_lines_only(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    line = {"kind": "blood_pressure", "device": "D1", "device_time": "2026-03-02T22:00:00"}
    event = line | {"kind": "blood_pressure_failed"}
    whole = json.dumps(line) + "\n" + json.dumps(event) + "\nnot json\n"
    path.write_text(whole + json.dumps(line)[:10])
    assert truth_of(path) == [Identity("D1", "2026-03-02T22:00:00", "blood_pressure")]


def test_a_follower_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "log"
    follower = Follower(path)
    assert list(follower.lines()) == []
    path.write_text('{"a": 1}\n{"a":')
    assert list(follower.lines()) == [{"a": 1}]
    with path.open("a") as file:
        file.write(" 2}\n")
    assert list(follower.lines()) == [{"a": 2}]


def _plan(homes: int = 3, speed: float = 60.0, seconds: float | None = 60.0) -> Plan:
    return make_plan(Path("demo"), homes, speed, seconds, 1_764_000_000.0)


def test_the_story_begins_in_the_evening() -> None:
    begins = _plan().clock.at(1_764_000_000.0)
    assert (begins.hour, begins.minute) == (13, 50), "21:50 in Shanghai"


@pytest.mark.parametrize(
    ("homes", "speed", "seconds", "word"),
    [
        (0, 60, 60, "--homes"),
        (99, 60, 60, "--homes"),
        (3, 0, 60, "--speed"),
        (3, 60, 2, "--seconds"),
    ],
)
def test_numbers_that_make_no_demo_are_refused_with_the_remedy(
    homes: int, speed: float, seconds: float, word: str
) -> None:
    with pytest.raises(ServerError, match=word):
        _plan(homes, speed, seconds)
