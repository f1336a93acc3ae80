"""Steps, repetition and digests: when whose turn it is, in whatever zone the resident lives."""

from datetime import UTC, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from alert_parts import HOME, JUNK, POLICIES, minutes, t, written
from fix_hypothesis import examples
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.escalation import (
    BESIDE,
    Call,
    Chain,
    Policy,
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


def schedule(policy: Policy, since: datetime, count: int, tier: int = 0) -> list[str]:
    """Return the first calls as people read them: `+1 07:00 duty_doctor`."""
    first = since.astimezone(HOME).date()
    shown = []
    for call in islice(calls(policy, since, HOME, tier), count):
        local = call.due_at.astimezone(HOME)
        day = f"+{(local.date() - first).days} " if local.date() != first else ""
        by = f" by {call.by}" if call.by else ""
        shown.append(f"{day}{local:%H:%M} {call.who.removesuffix('_doctor')}{by}")
    return shown


def test_a_crisis_rings_then_asks_the_team_the_duty_doctor_and_the_desk_for_ever() -> None:
    chain = ["22:00 own", "22:02 own by voice", "22:05 team", "22:10 duty", "22:20 duty_desk"]
    again = ["22:30 duty_desk", "22:40 duty_desk", "22:50 duty_desk"]
    assert schedule(NOW, t("22:00"), 8) == chain + again


def test_steps_and_repetitions_are_numbered() -> None:
    first = [(call.step, call.loop) for call in islice(calls(NOW, t("22:00"), HOME), 7)]
    assert first == [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (4, 1), (4, 2)]


@pytest.mark.parametrize(
    ("tier", "expected"),
    [
        (1, ["22:00 own", "22:00 own by voice", "22:00 team", "22:05 duty", "22:15 duty_desk"]),
        (2, ["22:00 own", "22:00 own by voice", "22:00 team", "22:00 duty", "22:10 duty_desk"]),
        (3, ["22:00 own", "22:00 own by voice", "22:00 team", "22:00 duty", "22:00 duty_desk"]),
        (9, ["22:00 own", "22:00 own by voice", "22:00 team", "22:00 duty", "22:00 duty_desk"]),
    ],
)
def test_each_escalation_calls_one_person_more_with_the_first(
    tier: int, expected: list[str]
) -> None:
    assert schedule(NOW, t("22:00"), 5, tier) == expected


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ("07:00", ["07:00 own", "11:00 team", "15:00 duty", "19:00 duty", "+1 07:00 duty"]),
        ("07:01", ["11:00 own", "15:00 team", "19:00 duty", "+1 07:00 duty"]),
        ("18:59", ["19:00 own", "+1 07:00 team", "+1 11:00 duty"]),
        # The night holds the chain, and the morning begins with one call, not with all of them.
        ("19:01", ["+1 07:00 own", "+1 11:00 team", "+1 15:00 duty"]),
        ("03:00", ["07:00 own", "11:00 team", "15:00 duty"]),
    ],
)
def test_yellow_goes_out_in_digests(since: str, expected: list[str]) -> None:
    assert schedule(TODAY, t(since), len(expected)) == expected


def test_an_escalated_digest_calls_one_person_more() -> None:
    assert schedule(TODAY, t("06:00"), 3, 1) == ["07:00 own", "07:00 team", "11:00 duty"]


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


def test_due_calls_and_the_next_one() -> None:
    since = t("22:00")
    assert due_calls(NOW, since, t("21:59"), HOME) == ([], Call(0, 0, "own_doctor", since))
    due, following = due_calls(NOW, since, t("22:19:59"), HOME)
    assert [call.step for call in due] == [0, 1, 2, 3]
    assert following == Call(4, 0, "duty_desk", t("22:20"))
    due, following = due_calls(NOW, since, t("22:59"), HOME)
    assert [(call.step, call.loop) for call in due] == [*((n, 0) for n in range(5)), (4, 3)]
    assert following == Call(4, 4, "duty_desk", t("23:00"))


@pytest.mark.parametrize("severity", sorted(POLICIES))
def test_what_nobody_has_answered_is_called_for_for_ever(severity: str) -> None:
    """Worked out, not counted up: this would never end."""
    since, now = t("22:00"), t("22:03", 1_000_000)
    due, following = due_calls(POLICIES[severity], since, now, HOME)
    assert len(due) == len(POLICIES[severity].steps) + 1
    assert due[-1].due_at <= now < following.due_at
    assert following.loop == due[-1].loop + 1


def test_beside_the_chain() -> None:
    (red,) = Chain(NOW, t("22:00"), HOME).beside()
    assert red == Call(BESIDE, 0, "specialist", t("22:00"))
    (yellow,) = Chain(TODAY, t("22:00"), HOME).beside()
    assert yellow == Call(BESIDE, 0, "specialist", t("07:00", 1))


moments = st.datetimes(
    datetime.fromisoformat("2024-01-01"),
    datetime.fromisoformat("2028-01-01"),
    timezones=st.sampled_from(ZONES),
    allow_imaginary=False,
)
zones = st.sampled_from(ZONES)
tiers = st.integers(0, 5)
spans = st.timedeltas(timedelta(0), timedelta(days=400))


@given(moments, zones, tiers)
def test_red_is_called_at_once_and_at_the_same_distances_in_every_zone(
    since: datetime, zone: ZoneInfo, tier: int
) -> None:
    times = [
        call.due_at - since.astimezone(UTC) for call in islice(calls(NOW, since, zone, tier), 12)
    ]
    elsewhere = [
        call.due_at - since.astimezone(UTC) for call in islice(calls(NOW, since, HOME, tier), 12)
    ]
    assert times == elsewhere
    assert times[0] == timedelta(0)
    assert all(after - before <= minutes(10) for before, after in pairwise(times))
    assert all(after >= before for before, after in pairwise(times))


@given(moments, zones, tiers)
def test_yellow_comes_within_four_hours_of_the_day_and_never_at_night(
    since: datetime, zone: ZoneInfo, tier: int
) -> None:
    first = list(islice(calls(TODAY, since, zone, tier), 12))
    for call in first:
        assert call.due_at.astimezone(zone).time() in TODAY.digest_at
    local = since.astimezone(zone)
    wait = first[0].due_at - since.astimezone(UTC)
    assert timedelta(0) <= wait <= timedelta(hours=13)
    if time(7) <= local.time() < time(18):
        assert wait <= timedelta(hours=4)
    assert all(after.due_at >= before.due_at for before, after in pairwise(first))


@given(moments, spans, zones, tiers, st.sampled_from(sorted(POLICIES)))
@examples(300)
def test_what_is_due_is_what_counting_up_would_find(
    since: datetime, gone: timedelta, zone: ZoneInfo, tier: int, severity: str
) -> None:
    # Wall-clock times of one place, as `since + gone` is: summer time may begin in between.
    chain, now = Chain(POLICIES[severity], since, zone, tier), since + gone
    number = chain.due(now)
    assert number == 0 or chain.call(number - 1).due_at <= now
    assert chain.call(number).due_at > now
    assert chain.call(number).due_at - now.astimezone(UTC) <= (
        minutes(10) if severity == "page_now" else timedelta(hours=13)
    )


@given(moments, zones, tiers)
def test_a_tier_calls_nobody_later(since: datetime, zone: ZoneInfo, tier: int) -> None:
    for policy in POLICIES.values():
        calm = islice(calls(policy, since, zone, tier), 9)
        worse = islice(calls(policy, since, zone, tier + 1), 9)
        assert all(b.due_at <= a.due_at for a, b in zip(calm, worse, strict=True))


# The file with the steps.
GOOD = """\
[page_now]
repeat_every_min = 10
steps = [{ after_min = 0, who = "own_doctor" }, { after_min = 5, who = "duty_desk", by = "voice" }]
beside = [{ after_min = 0, who = "specialist" }]

[today]
digest_at = ["07:00", "11:00", "15:00", "19:00"]
steps = [{ after_digests = 0, who = "own_doctor" }, { after_digests = 1, who = "team" }]
"""


def test_the_shipped_steps_agree_with_the_severities_of_the_rule_table() -> None:
    assert load_policies() is POLICIES
    assert [(s.after, s.who, s.by) for s in NOW.steps] == [
        (0, "own_doctor", None),
        (2, "own_doctor", "voice"),
        (5, "team", None),
        (10, "duty_doctor", None),
        (20, "duty_desk", None),
    ]
    assert [(s.after, s.who) for s in TODAY.steps] == [
        (0, "own_doctor"),
        (1, "team"),
        (2, "duty_doctor"),
    ]
    assert (NOW.repeat_every, NOW.digest_at) == (10, ())
    assert TODAY.digest_at == (time(7), time(11), time(15), time(19))


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
        ("after_min = 5", "after_min = 5.5", 3, "cannot be 5.5"),
        ("after_min = 5", "after_digests = 1", 3, "after_min is missing"),
        ("duty_desk", "somebody", 3, "who cannot be 'somebody'"),
        ("duty_desk", "team", 3, "it ends with team at 5 min"),
        ("duty_desk", "specialist", 3, "a specialist is called beside the chain"),
        ("own_doctor", "duty_desk", 3, "nobody but the first is called in time"),
        ("voice", "pigeon", 3, "by cannot be 'pigeon'"),
        ('who = "specialist"', 'who = "somebody"', 4, "who cannot be 'somebody'"),
        ('"07:00", ', "", 7, "digests in the night"),
        ('"07:00"', '"06:00"', 7, "digests in the night"),
        ('"19:00"', '"22:00"', 7, "digests in the night"),
        (', "19:00"', "", 7, "digests too far apart"),
        ('"11:00", ', "", 7, "digests too far apart"),
        ('"11:00", "15:00"', '"15:00", "11:00"', 7, "digests too far apart"),
        ('"07:00"', '"7 Uhr"', 7, "cannot be ['7 Uhr'"),
        ("digest_at", "loud = true\ndigest_at", 7, "unknown key loud"),
        ("after_digests = 1", "after_digests = 2", 8, "digests [0, 2]"),
        ("[page_now]", '[page_now]\ndigest_at = ["07:00"]', 2, "unknown key digest_at"),
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
