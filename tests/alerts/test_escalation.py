"""Steps, repetition and quiet hours: when whose turn it is, in whatever zone the team lives."""

from datetime import UTC, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from alert_parts import HOME, JUNK, POLICIES, minutes, t, written
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.escalation import (
    LOOPS_MAX,
    Call,
    Policy,
    Step,
    calls,
    due_calls,
    load_policies,
    parse_policies,
)
from yikao_devices.toml_lines import FaultyFileError

NOW, TODAY = POLICIES["page_now"], POLICIES["today"]
BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [
    HOME,
    BERLIN,
    ZoneInfo("America/St_Johns"),
    ZoneInfo("Australia/Lord_Howe"),
    ZoneInfo("UTC"),
]


def schedule(policy: Policy, since: datetime, count: int, zone: ZoneInfo = HOME) -> list[str]:
    """Return the first calls as people read them: `+1 07:00 duty_doctor`."""
    first = since.astimezone(zone).date()
    shown = []
    for call in islice(calls(policy, since, zone), count):
        local = call.due_at.astimezone(zone)
        day = f"+{(local.date() - first).days} " if local.date() != first else ""
        shown.append(f"{day}{local:%H:%M} {call.who.removesuffix('_doctor')}")
    return shown


def test_a_crisis_calls_the_own_doctor_then_the_duty_doctor_every_ten_minutes() -> None:
    assert schedule(NOW, t("22:00"), 4) == ["22:00 own", "22:10 duty", "22:20 duty", "22:30 duty"]


def test_steps_and_repetitions_are_numbered() -> None:
    first = [(call.step, call.loop) for call in islice(calls(NOW, t("22:00"), HOME), 4)]
    assert first == [(0, 0), (1, 0), (1, 1), (1, 2)]


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ("09:00", ["09:00 own", "13:00 duty", "17:00 duty", "21:00 duty", "+1 07:00 duty"]),
        # The night holds the chain, and the morning begins with one call, not with all of them.
        ("20:00", ["20:00 own", "+1 07:00 duty", "+1 11:00 duty"]),
        ("21:59", ["21:59 own", "+1 07:00 duty", "+1 11:00 duty"]),
        ("22:00", ["+1 07:00 own", "+1 11:00 duty", "+1 15:00 duty"]),
        ("03:00", ["07:00 own", "11:00 duty"]),
        ("06:59", ["07:00 own", "11:00 duty"]),
        ("07:00", ["07:00 own", "11:00 duty"]),
    ],
)
def test_quiet_hours_across_midnight(since: str, expected: list[str]) -> None:
    assert schedule(TODAY, t(since), len(expected)) == expected


def test_quiet_hours_within_a_day() -> None:
    noon = Policy((Step(timedelta(0), "own_doctor"),), minutes(60), time(12), time(14))
    assert schedule(noon, t("10:30"), 4) == ["10:30 own", "11:30 own", "14:00 own", "15:00 own"]


@pytest.mark.parametrize(
    ("evening", "hours"),
    [
        (datetime(2026, 3, 28, 23, 0, tzinfo=BERLIN), 7),  # the clock jumps ahead at 2
        (datetime(2026, 10, 24, 23, 0, tzinfo=BERLIN), 9),  # and back at 3
        (datetime(2026, 6, 1, 23, 0, tzinfo=BERLIN), 8),
    ],
)
def test_the_night_ends_at_seven_on_the_clock_of_the_place(evening: datetime, hours: int) -> None:
    (call,) = islice(calls(TODAY, evening, BERLIN), 1)
    assert call.due_at.astimezone(BERLIN).strftime("%d %H:%M").endswith("07:00")
    assert call.due_at - evening.astimezone(UTC) == timedelta(hours=hours)


@pytest.mark.parametrize(
    "since",
    [datetime(2026, 3, 29, 1, 45, tzinfo=BERLIN), datetime(2026, 10, 25, 2, 45, tzinfo=BERLIN)],
)
def test_ten_minutes_are_ten_minutes_when_the_clock_changes(since: datetime) -> None:
    due = [call.due_at.astimezone(UTC) for call in islice(calls(NOW, since, BERLIN), 12)]
    assert due == [since.astimezone(UTC) + number * minutes(10) for number in range(12)]


def test_due_calls_and_the_next_one() -> None:
    since = t("22:00")
    assert due_calls(NOW, since, t("21:59"), HOME) == ([], Call(0, 0, "own_doctor", since))
    due, following = due_calls(NOW, since, t("22:19:59"), HOME)
    assert [call.step for call in due] == [0, 1]
    assert following == Call(1, 1, "duty_doctor", t("22:20"))


def test_it_is_bounded() -> None:
    due, following = due_calls(NOW, t("00:00"), t("00:00", 30), HOME)
    assert (len(due), following) == (len(NOW.steps) + LOOPS_MAX, None)


moments = st.datetimes(
    datetime.fromisoformat("2024-01-01"),
    datetime.fromisoformat("2028-01-01"),
    timezones=st.sampled_from(ZONES),
    allow_imaginary=False,
)


@given(moments, st.sampled_from(ZONES), st.sampled_from(sorted(POLICIES)))
def test_calls_rise_keep_their_distance_and_stay_out_of_the_night(
    since: datetime, zone: ZoneInfo, severity: str
) -> None:
    policy = POLICIES[severity]
    first = list(islice(calls(policy, since, zone), 12))
    assert first[0].due_at >= since
    for before, after in pairwise(first):
        assert after.due_at - before.due_at >= min(policy.repeat_every, policy.steps[1].after)
    if policy.quiet_from is not None and policy.quiet_until is not None:
        for call in first:
            clock = call.due_at.astimezone(zone).time()
            assert policy.quiet_until <= clock < policy.quiet_from
        assert first[0].due_at - since.astimezone(UTC) <= timedelta(hours=10)
    else:
        assert first[0].due_at == since.astimezone(UTC)


# The file with the steps.
GOOD = """\
[page_now]
repeat_every_min = 10
steps = [{ after_min = 0, who = "own_doctor" }, { after_min = 5, who = "duty_doctor" }]

[today]
repeat_every_min = 240
quiet_from = "22:00"
quiet_until = "07:00"
steps = [{ after_min = 0, who = "own_doctor" }]
"""


def test_the_shipped_steps_agree_with_the_severities_of_the_rule_table() -> None:
    assert load_policies() is POLICIES
    who = ("own_doctor", "duty_doctor")
    assert [(s.after, s.who) for s in NOW.steps] == list(
        zip((minutes(0), minutes(10)), who, strict=True)
    )
    assert [(s.after, s.who) for s in TODAY.steps] == list(
        zip((minutes(0), minutes(240)), who, strict=True)
    )
    assert (NOW.repeat_every, NOW.quiet_from, NOW.quiet_until) == (minutes(10), None, None)
    assert (TODAY.quiet_from, TODAY.quiet_until) == (time(22), time(7))


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("repeat_every_min = 10", "repeat_every_min = 11", 2, "cannot be 11"),
        ("repeat_every_min = 10", "repeat_every_min = 0", 2, "cannot be 0"),
        ("repeat_every_min = 10\n", "", 1, "repeat_every_min is missing"),
        ("[page_now]", "[page_later]", 0, "page_now is missing"),
        ('{ after_min = 0, who = "own_doctor" }, {', "{", 3, "nobody is called at once"),
        ("after_min = 5", "after_min = 15", 3, "pauses [0, 15] between steps"),
        ("after_min = 5", "after_min = 0", 3, "pauses [0, 0] between steps"),
        ("duty_doctor", "somebody", 3, "who cannot be 'somebody'"),
        ('quiet_from = "22:00"', 'quiet_from = "22 Uhr"', 7, "cannot be '22 Uhr'"),
        ('quiet_from = "22:00"\n', "", 5, "quiet hours ['07:00']"),
        ("repeat_every_min = 240", "repeat_every_min = 240\nloud = true", 7, "unknown key loud"),
        ("[page_now]", '[page_now]\nquiet_from = "1:00"', 2, "cannot be '1:00'"),
        (
            "[page_now]",
            '[page_now]\nquiet_from = "01:00"\nquiet_until = "02:00"',
            2,
            "quiet hours ['01:00', '02:00']",
        ),
    ],
)
def test_a_faulty_policy_is_refused_with_its_line(old: str, new: str, line: int, what: str) -> None:
    assert parse_policies(GOOD, "good.toml")
    assert old in GOOD
    with pytest.raises(FaultyFileError) as caught:
        parse_policies(GOOD.replace(old, new, 1), "escalation.toml")
    told = [(fault.line, fault.what) for fault in caught.value.faults if what in fault.what]
    assert [place for place, _ in told] == [line], str(caught.value)


@pytest.mark.parametrize("value", JUNK)
def test_whatever_stands_for_a_value_is_read_or_refused_and_never_an_error(value: str) -> None:
    for line in range(len(GOOD.splitlines())):
        try:
            parse_policies(written(GOOD, line, value), "escalation.toml")
        except FaultyFileError as error:
            assert error.faults
