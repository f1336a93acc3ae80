"""Re-checks of low glucose: sugar, a quarter of an hour, another look; and whom silence wakes."""

import pytest
from alert_parts import Desk
from reading_parts import ANYBODY, look, minutes, says, sugar, t

from yikao_alerts.course import Course
from yikao_alerts.episodes import Event, State
from yikao_alerts.history import Measurement, Symptoms
from yikao_alerts.resident import Resident

VERY_LOW = sugar(2.8, t("10:00"))
LOW = sugar(3.5, t("10:00"))
ON_INSULIN = Resident(groups=frozenset({"diabetes", "insulin"}))
OLD = Resident(birth_year=1940)


def course(
    now: str, *items: Measurement | Symptoms, first: Measurement = VERY_LOW, who: Resident = ANYBODY
) -> Course:
    (found,) = look(t(now), first, *items, resident=who).courses
    return found


def rows(*values: tuple[str, float]) -> list[Measurement]:
    return [sugar(value, t(clock)) for clock, value in values]


@pytest.mark.parametrize(
    ("values", "resolved"),
    [
        ([("10:15", 4.0), ("10:30", 4.0)], "10:30:05"),
        ([("10:15", 4.0), ("10:29", 4.0)], None),  # 14 minutes apart
        ([("10:15", 4.0), ("10:29", 4.0), ("10:45", 4.1)], "10:45:05"),
        ([("10:15", 3.9), ("10:30", 4.0)], None),
        ([("10:15", 3.9), ("10:30", 4.0), ("10:46", 4.0)], "10:46:05"),
        ([("10:15", 5.5)], None),
        ([("10:15", 5.6)], "10:15:05"),
        ([("10:15", 3.5), ("10:30", 6.0)], "10:30:05"),
        ([("10:05", 6.0)], None),  # too soon to say
    ],
)
def test_when_it_is_over(values: list[tuple[str, float]], resolved: str | None) -> None:
    found = course("10:50", *rows(*values))
    assert (found.resolved and found.resolved.at) == (resolved and t(resolved))
    assert found.downgraded is None


def test_one_good_value_is_not_enough_for_somebody_who_may_be_unable_to_eat() -> None:
    felt = says("vomiting", t("10:10"))
    assert course("10:16", felt, *rows(("10:15", 6.0))).resolved is None
    assert course("10:31", felt, *rows(("10:15", 6.0), ("10:30", 6.0))).resolved is not None


def test_in_the_meters_own_unit() -> None:
    good = [sugar(72, t(clock), unit="mg/dL") for clock in ("10:15", "10:30")]
    assert course("10:31", *good).resolved is not None
    low = [sugar(69, t(clock), unit="mg/dL") for clock in ("10:15", "10:30")]
    assert [f.confirmed for f in course("10:31", *low).escalations] == ["recheck_low"]
    edge = [sugar(70, t(clock), unit="mg/dL") for clock in ("10:15", "10:30")]
    assert course("10:31", *edge).escalations == ()


def test_a_meter_that_says_lo_is_low_still() -> None:
    lo = [sugar(None, t(clock), flags=("lo",)) for clock in ("10:15", "10:30")]
    assert [f.confirmed for f in course("10:31", *lo).escalations] == ["recheck_low"]


@pytest.mark.parametrize("who", [ANYBODY, ON_INSULIN])
def test_low_twice_wakes_the_doctor_whoever_it_is(who: Resident) -> None:
    once = course("10:16", *rows(("10:15", 3.4)), first=LOW, who=who)
    assert once.escalations == ()
    twice = course("10:31", *rows(("10:15", 3.4), ("10:30", 3.6)), first=LOW, who=who)
    assert [(f.rule_id, f.severity, f.confirmed) for f in twice.escalations] == [
        ("GL-03", "page_now", "recheck_low")
    ]


@pytest.mark.parametrize(
    ("who", "severity"),
    [
        (ANYBODY, "today"),
        (ON_INSULIN, "page_now"),
        (Resident(groups=frozenset({"sulfonylurea"})), "page_now"),
        (Resident(groups=frozenset({"lives_alone"})), "page_now"),
        (OLD, "page_now"),
        (Resident(birth_year=1950), "today"),
    ],
)
def test_silence_wakes_the_doctor_for_those_at_risk(who: Resident, severity: str) -> None:
    assert course("10:20:04", first=LOW, who=who).escalations == ()
    found = course("10:20:05", first=LOW, who=who)
    assert [(f.confirmed, f.severity) for f in found.escalations] == [("recheck_silent", severity)]


def test_at_night_silence_of_somebody_on_insulin_is_a_page() -> None:
    desk = Desk(t("22:00"), resident=ON_INSULIN)
    desk.arrives(sugar(3.5, t("23:00")))
    assert desk.rang == [], "held for the night"
    desk.passes_until(t("23:31"))
    assert desk.rang == ["23:20 wang", "23:20 wang", "23:20 li", "23:25 li"]
    assert desk.events == [Event.FOUND, Event.ESCALATED]
    assert desk.active[0].severity == "page_now"


def test_at_night_silence_of_others_waits_for_the_morning() -> None:
    desk = Desk(t("22:00"))
    desk.arrives(sugar(3.5, t("23:00")))
    desk.passes_until(t("07:01", 1))
    assert desk.rang == ["07:00 wang", "07:00 li"]


def test_unanswered_it_is_taken_down_and_answered_it_ends() -> None:
    desk = Desk(t("09:00"))
    desk.arrives(VERY_LOW)
    desk.arrives(sugar(5.6, t("10:15")))
    (episode,) = desk.active
    assert (episode.state, episode.severity) == (State.OPEN, "today")
    desk.answer()
    assert desk.episodes[0].state is State.RESOLVED
    assert desk.tasks == [], "only pressure asks for a visit next day"


def test_what_is_said_at_home() -> None:
    desk = Desk(t("09:00"))
    desk.arrives(VERY_LOW)
    desk.passes_until(t("10:16"))
    desk.arrives(sugar(5.6, t("10:16")))
    assert [line[:11] for line in desk.heard] == [
        "10:00 血糖过低！",
        "10:00 15分钟后",
        "10:15 请现在再测",
        "10:16 血糖已高于",
    ]
    assert desk.said
    for at, ask in desk.said.values():
        assert ask.expires_at - at <= minutes(15)
