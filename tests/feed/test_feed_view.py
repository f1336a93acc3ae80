"""What the feed says: the order, the countdown, and never "none" where it does not know."""

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from feed_parts import IDLE, NOW, ZONE, episode, known, minutes

from yikao_alerts.escalation import load_policies
from yikao_alerts.feed.feed_view import (
    BEHIND_AFTER,
    FRESH_WITHIN,
    Countdown,
    addressed,
    card_of,
    cards,
    countdown_of,
    summary_of,
)
from yikao_alerts.roster import Care, Contact, Doctor

POLICIES = load_policies()
PHONE = Contact(0, "webhook", "http://127.0.0.1:9/x")


def test_red_comes_first_then_who_waited_longest_then_what_is_answered() -> None:
    rows = [
        episode(episode_id=1, state="answered", opened_at=NOW - minutes(90)),
        episode(episode_id=2, severity="today", opened_at=NOW - minutes(60)),
        episode(episode_id=3, opened_at=NOW - minutes(1)),
        episode(episode_id=4, state="suspected", severity="", opened_at=NOW - minutes(2)),
        episode(episode_id=5, opened_at=NOW - minutes(9)),
        episode(episode_id=6, state="resolved", closed_at=NOW - minutes(20)),
        episode(episode_id=7, state="dismissed", closed_at=NOW - minutes(10)),
    ]
    active, closed = cards(rows, POLICIES, NOW)
    assert [card.row.episode_id for card in active] == [5, 3, 2, 4, 1]
    assert [card.row.episode_id for card in closed] == [7, 6]


@pytest.mark.parametrize(
    ("state", "severity", "tone"),
    [
        ("open", "page_now", "red"),
        ("open", "today", "amber"),
        ("open", "this_week", "grey"),
        ("open", "a_new_one", "grey"),
        ("suspected", "", "waiting"),
        ("answered", "page_now", "answered"),
        ("expired", "page_now", "closed"),
    ],
)
def test_each_state_has_its_tone(state: str, severity: str, tone: str) -> None:
    assert card_of(episode(state=state, severity=severity), POLICIES, NOW).tone == tone


@pytest.mark.parametrize(
    ("confirmed", "tagged"),
    [("unconfirmed", True), ("awaited", True), ("confirmed", False), ("not_needed", False)],
)
def test_what_nobody_repeated_is_tagged(confirmed: str, tagged: bool) -> None:
    assert card_of(episode(confirmed=confirmed), POLICIES, NOW).unconfirmed is tagged


@pytest.mark.parametrize(
    ("open_min", "after_min", "what", "who", "role"),
    [
        (1, 1, "own_voice", "王医生", "own_doctor"),
        (3, 2, "team", "", "team"),
        (6, 4, "duty_doctor", "", "duty_doctor"),
        (13, 7, "duty_desk", "", "duty_desk"),
        (21, 9, "duty_desk_again", "", "duty_desk"),
        (400, 10, "duty_desk_again", "", "duty_desk"),
    ],
)
def test_an_open_episode_counts_down_to_the_next_call(
    open_min: int, after_min: int, what: str, who: str, role: str
) -> None:
    shown = countdown_of(episode(level_since=NOW - minutes(open_min)), POLICIES, NOW)
    assert shown == Countdown(NOW + minutes(after_min), what, who, role)


def test_after_a_re_check_that_calls_people_together_the_rest_come_sooner() -> None:
    row = episode(level_since=NOW - minutes(1), tier=1)
    assert countdown_of(row, POLICIES, NOW) == Countdown(
        NOW + minutes(4), "duty_doctor", "", "duty_doctor"
    )


def test_who_was_handed_an_episode_is_called_in_the_own_doctors_place() -> None:
    row = episode(level_since=NOW - minutes(1), handed_to="chen", handed_to_name="陈医生")
    shown = countdown_of(row, POLICIES, NOW)
    assert shown is not None
    assert (shown.what, shown.who) == ("own_voice", "陈医生")


@pytest.mark.parametrize(
    ("reader", "open_min", "handed_to", "what"),
    [
        ("wang", 1, None, "you_voice"),
        ("li", 1, None, "own_voice"),
        ("li", 6, None, "you"),
        ("wang", 6, None, "duty_doctor"),
        ("li", 21, None, "you"),
        ("wang", 1, "chen", "own_voice"),
        ("chen", 1, "chen", "you_voice"),
    ],
)
def test_whoever_is_called_next_is_told_that_it_is_you(
    reader: str, open_min: int, handed_to: str | None, what: str
) -> None:
    wang, li, chen = (Doctor(each, "zh", (PHONE,)) for each in ("wang", "li", "chen"))
    care = Care(1, ZoneInfo(ZONE), wang, li, handed={"chen": chen})
    row = episode(level_since=NOW - minutes(open_min), handed_to=handed_to)
    shown = addressed(card_of(row, POLICIES, NOW), care, reader).countdown
    assert shown is not None
    assert shown.what == what
    assert bool(shown.who) == (what == "own_voice")


def test_a_page_held_for_the_night_counts_to_the_own_doctor() -> None:
    shown = countdown_of(episode(severity="today", level_since=NOW), POLICIES, NOW)
    assert shown is not None
    assert (shown.what, shown.who) == ("own", "王医生")
    assert shown.at.astimezone(NOW.tzinfo).hour == 23, "07:00 in Shanghai"


def test_a_suspicion_counts_to_the_end_of_its_wait() -> None:
    row = episode(state="suspected", severity="", awaited_until=NOW + minutes(5))
    assert countdown_of(row, POLICIES, NOW) == Countdown(NOW + minutes(5), "repeat", "")


@pytest.mark.parametrize("state", ["answered", "resolved", "dismissed", "expired"])
def test_nothing_counts_down_after_an_answer(state: str) -> None:
    assert countdown_of(episode(state=state), POLICIES, NOW) is None


def test_none_is_said_only_when_everything_is_known() -> None:
    summary = summary_of([], known(3), IDLE, NOW, more=False)
    assert summary.certain
    assert (summary.fresh, summary.residents) == (3, 3)


@pytest.mark.parametrize(
    "change",
    [
        {"latest_at": None},
        {"latest_at": NOW - FRESH_WITHIN - timedelta(seconds=1)},
        {"watched": False},
    ],
)
def test_one_unknown_resident_makes_none_unsayable(change: dict[str, object]) -> None:
    rows = known(2)
    rows[1] = replace(rows[1], **change)  # type: ignore[arg-type]
    summary = summary_of([], rows, IDLE, NOW, more=False)
    assert not summary.certain
    assert summary.unknown == (rows[1],)


def test_nobody_registered_is_not_none() -> None:
    assert not summary_of([], [], IDLE, NOW, more=False).certain


@pytest.mark.parametrize("queue", ["eval_oldest_at", "page_oldest_at"])
def test_a_worker_that_does_not_work_makes_none_unsayable(queue: str) -> None:
    on_time = replace(IDLE, **{queue: NOW - BEHIND_AFTER})  # type: ignore[arg-type]
    behind = replace(IDLE, **{queue: NOW - BEHIND_AFTER - minutes(1)})  # type: ignore[arg-type]
    assert summary_of([], known(1), on_time, NOW, more=False).certain
    summary = summary_of([], known(1), behind, NOW, more=False)
    assert not summary.certain
    assert summary.evaluator_behind or summary.pager_behind
    hurried = summary_of([], known(1), behind, NOW, more=False, speed=600)
    assert hurried.certain, "ten minutes are a second there"
