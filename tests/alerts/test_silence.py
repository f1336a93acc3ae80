"""Silence: against what was planned, why, and whose turn it is."""

from datetime import UTC, date, timedelta

import pytest
from reading_parts import HOME, RULES, t

from yikao_alerts.compose import LANGUAGES
from yikao_alerts.rules.forms import Silence
from yikao_alerts.silence import (
    Cause,
    Device,
    Expected,
    Fleet,
    Gateway,
    Owner,
    Part,
    Step,
    cause_of,
    day_part,
    habit,
    owner_of,
    plan,
    reminder,
    silence,
)

RULE = RULES.rule("DQ-06").form
TODAY = date(2026, 3, 30)
ENROLLED = date(2026, 1, 1)
EVERY_DAY = plan((day, part) for day in range(7) for part in ("morning", "evening"))
MONDAYS = plan([(0, "morning")])
NOW = t("08:00")
HOURS = timedelta(hours=1)


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def step(expected: Expected, days_ago: int) -> Step:
    assert isinstance(RULE, Silence)
    return silence(RULE, expected, ago(days_ago), ENROLLED, TODAY).step


def test_the_numbers_are_the_rules() -> None:
    assert Silence(remind_days=3, days=7) == RULE


@pytest.mark.parametrize(
    ("clock", "part"),
    [
        ("03:59", (date(2026, 3, 1), "evening")),
        ("04:00", (date(2026, 3, 2), "morning")),
        ("11:59", (date(2026, 3, 2), "morning")),
        ("12:00", (date(2026, 3, 2), "evening")),
        ("23:59", (date(2026, 3, 2), "evening")),
    ],
)
def test_parts_of_the_day(clock: str, part: Part) -> None:
    assert day_part(t(clock), HOME) == part
    assert day_part(t(clock).astimezone(UTC), HOME) == part


@pytest.mark.parametrize(
    ("days_ago", "expected"),
    [
        (0, Step.NOTHING),
        (1, Step.NOTHING),
        (3, Step.NOTHING),  # two days missed
        (4, Step.REMIND),  # three days missed
        (7, Step.REMIND),
        (8, Step.TEAM),  # seven days missed
        (300, Step.TEAM),
    ],
)
def test_who_measures_every_day(days_ago: int, expected: Step) -> None:
    assert step(EVERY_DAY, days_ago) is expected


@pytest.mark.parametrize(
    ("days_ago", "expected"),
    [
        (7, Step.NOTHING),  # last Monday: nothing missed
        (8, Step.NOTHING),
        (13, Step.NOTHING),  # one Monday missed
        (15, Step.TEAM),  # longer than two weeks
    ],
)
def test_who_measures_on_mondays_is_not_silent_after_a_week(days_ago: int, expected: Step) -> None:
    assert TODAY.weekday() == 0
    assert step(MONDAYS, days_ago) is expected


def test_the_plan_counts_days_not_readings() -> None:
    assert EVERY_DAY.days(ago(7), ago(1)) == 7
    assert MONDAYS.days(ago(14), ago(1)) == 2
    assert MONDAYS.planned


def parts(*days_ago: int, part: str = "morning") -> list[Part]:
    return [(ago(days), part) for days in days_ago]


@pytest.mark.parametrize(
    ("seen", "a_week"),
    [
        (parts(*range(1, 60)), 7.0),  # every day, only the last four weeks count
        (parts(*range(1, 29, 2)), 3.6),  # every other day: 14 of 27 days
        (parts(1, 8, 15, 22), 1.3),  # four in 22 days
        (parts(1), 1.0),  # a first reading: one a week, no habit yet
        (parts(1, 2, 3), 3.0),
        ([*parts(1, 3, 5, 7), *parts(2, 4, 6, part="evening")], 7.0),  # now so, now so
        ([], 0.0),
    ],
)
def test_a_habit_is_what_the_last_weeks_show(seen: list[Part], a_week: float) -> None:
    found = habit(seen)
    assert found.days(ago(7), ago(1)) == pytest.approx(a_week, abs=0.05)
    assert not found.planned


def test_a_habit_does_not_fade_while_nothing_is_measured() -> None:
    daily = habit(parts(*range(40, 68)))
    assert daily.days(ago(7), ago(1)) == pytest.approx(7.0)


def test_rare_measurers_are_reminded_later_and_nobody_is_forgotten() -> None:
    twice_a_week = habit((ago(n), "morning") for n in range(20, 76) if n % 7 in (0, 3))
    begun = [step(twice_a_week, days) for days in range(16)]
    assert begun.index(Step.TEAM) == 12
    assert set(begun[:12]) == {Step.NOTHING}
    assert set(begun[12:]) == {Step.TEAM}
    assert step(habit([]), 15) is Step.TEAM


def test_who_never_measured_is_counted_from_enrolment() -> None:
    assert isinstance(RULE, Silence)
    found = silence(RULE, Expected(), None, ago(3), TODAY)
    assert (found.since, found.days, found.step) == (None, 3, Step.REMIND)
    assert silence(RULE, EVERY_DAY, None, ago(8), TODAY).step is Step.TEAM
    assert silence(RULE, EVERY_DAY, None, TODAY, TODAY).step is Step.NOTHING


def test_blue_is_not_measured_as_planned() -> None:
    assert isinstance(RULE, Silence)
    assert [silence(RULE, EVERY_DAY, ago(n), ENROLLED, TODAY).behind for n in (1, 3, 4, 9)] == [
        False,
        False,
        True,
        True,
    ]


UP = Gateway(online=True, seen_at=NOW)
GONE = Gateway(online=False, seen_at=NOW - 3 * HOURS)
MUTE = Gateway(online=True, seen_at=NOW - 2 * HOURS)
NEVER = Gateway(online=None, seen_at=None)
DEAD_BATTERY = Device(seen_at=NOW - HOURS, battery_low=True)
USED = Device(seen_at=NOW - HOURS)
UNUSED = Device(seen_at=NOW - timedelta(days=8))


@pytest.mark.parametrize(
    ("gateway", "devices", "others", "cause"),
    [
        (UP, [USED], [UP] * 9, Cause.RESIDENT),
        (UP, [], [UP] * 9, Cause.RESIDENT),
        (UP, [Device(seen_at=NOW - timedelta(days=6))], [], Cause.RESIDENT),
        (UP, [UNUSED], [], Cause.DEVICE),
        (UP, [DEAD_BATTERY], [], Cause.DEVICE),
        (UP, [DEAD_BATTERY, USED], [], Cause.RESIDENT),  # the other one works
        (UP, [Device()], [], Cause.DEVICE),
        (GONE, [USED], [UP] * 9, Cause.GATEWAY),
        (MUTE, [USED], [UP] * 9, Cause.GATEWAY),
        (NEVER, [USED], [], Cause.GATEWAY),
        (GONE, [], [GONE] * 4 + [UP] * 5, Cause.CLOUD),
        (GONE, [], [GONE] * 3 + [UP] * 6, Cause.GATEWAY),
        (GONE, [], [GONE], Cause.GATEWAY),  # two of two: too few to tell
        (GONE, [], [MUTE, MUTE], Cause.CLOUD),
        (GONE, [], [NEVER] * 9, Cause.GATEWAY),  # not in use yet
        (UP, [USED], [GONE] * 9, Cause.RESIDENT),  # ours speaks, whatever the others do
    ],
)
def test_why_nothing_comes(
    gateway: Gateway, devices: list[Device], others: list[Gateway], cause: Cause
) -> None:
    fleet = Fleet.of([gateway, *others], NOW)
    assert cause_of(NOW, gateway, devices, fleet, NOW - timedelta(days=9)) is cause


def test_a_device_that_gave_the_last_reading_lately_works() -> None:
    assert (
        cause_of(NOW, UP, [Device()], Fleet.of([UP], NOW), NOW - timedelta(days=4))
        is Cause.RESIDENT
    )


@pytest.mark.parametrize(
    ("cause", "what", "hours", "owner"),
    [
        (Cause.RESIDENT, Step.REMIND, 0, Owner.FAMILY),
        (Cause.RESIDENT, Step.TEAM, 0, Owner.NURSE),
        (Cause.DEVICE, Step.TEAM, 71, Owner.FAMILY),
        (Cause.DEVICE, Step.REMIND, 72, Owner.NURSE),
        (Cause.GATEWAY, Step.REMIND, 0, Owner.FAMILY),
        (Cause.GATEWAY, Step.REMIND, 72, Owner.NURSE),
        (Cause.CLOUD, Step.REMIND, 200, Owner.OPERATOR),
    ],
)
def test_whose_turn_it_is(cause: Cause, what: Step, hours: int, owner: Owner) -> None:
    assert owner_of(cause, what, hours * HOURS) is owner


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_for_each_cause_and_owner(language: str) -> None:
    assert isinstance(RULE, Silence)
    found = silence(RULE, EVERY_DAY, ago(9), ENROLLED, TODAY)
    assert found.text(language) == ""
    for cause in Cause:
        for owner in Owner:
            line = found.because(cause, owner).text(language)
            assert "8" in line
            assert "{" not in line
    assert "120" in reminder(language)


def test_the_facts_of_an_entry() -> None:
    assert isinstance(RULE, Silence)
    found = silence(RULE, EVERY_DAY, ago(9), ENROLLED, TODAY).because(Cause.DEVICE, Owner.NURSE)
    assert found.evidence() == {
        "what": "silence",
        "days": 8,
        "missed": 8.0,
        "last_day": "2026-03-21",
        "cause": "device",
        "owner": "nurse",
    }
