"""Re-checks of pressure: rounds, when a case is taken down or ended, and when it escalates."""

from dataclasses import replace
from datetime import datetime

import pytest
from reading_parts import ADA, CUFF, RULES, bp, history, look, minutes, says, t

from yikao_alerts.course import Course
from yikao_alerts.findings import Finding
from yikao_alerts.history import Measurement, Profile, Symptoms
from yikao_alerts.recheck import rechecks
from yikao_alerts.resident import Resident
from yikao_alerts.rounds import Grade
from yikao_alerts.rules import RuleSet

CRISIS = bp(205, 100, t("22:00"))
"""Pages at once, so the rounds are due at 22:20:05, 22:40:05 and 23:00:05."""
STARTED = t("22:00:05")


def course(now: str, *items: Measurement | Symptoms) -> Course:
    """Return the only course that the crisis of ten o'clock has, with what came after it."""
    (found,) = look(t(now), CRISIS, *items).courses
    return found


def pair(high: float, low: float, clock: str) -> tuple[Measurement, Measurement]:
    """Return two readings a minute apart."""
    at = t(clock)
    return bp(high, low, at), bp(high, low, at + minutes(1))


def in_kpa(high: float, low: float, clock: str) -> tuple[Measurement, ...]:
    values = {"systolic": high, "diastolic": low}
    return tuple(replace(m, unit="kPa", values=values) for m in pair(0, 0, clock))


def half(high: float, clock: str) -> tuple[Measurement, ...]:
    """Return two readings without a lower pressure."""
    return tuple(replace(m, values={"systolic": high}) for m in pair(high, 0, clock))


def grades(found: Course) -> list[str]:
    return [str(each.grade) for each in found.rounds]


def escalated(found: Course) -> list[tuple[str, datetime]]:
    return [(finding.confirmed, finding.at) for finding in found.escalations]


def test_three_rounds_twenty_minutes_apart() -> None:
    found = course("22:05")
    assert [each.due_at for each in found.rounds] == [t("22:20:05"), t("22:40:05"), t("23:00:05")]
    assert grades(found) == ["planned"] * 3
    assert (found.rule_id, found.started_at, found.device) == ("BP-04", STARTED, CUFF)
    assert found.over_at is None
    assert found.look_again_at == t("22:20:05"), "somebody has to be told that the round is due"


@pytest.mark.parametrize(
    ("items", "now", "grade", "systolic"),
    [
        (pair(204, 100, "22:21"), "22:23", Grade.EXTREME, 204),
        (pair(150, 120, "22:21"), "22:23", Grade.EXTREME, 150),
        (pair(199, 109, "22:21"), "22:23", Grade.STILL, 199),
        (pair(150, 110, "22:21"), "22:23", Grade.STILL, 150),
        (pair(179, 109, "22:21"), "22:23", Grade.BELOW, 179),
        (pair(160, 90, "22:21"), "22:23", Grade.BELOW, 160),
        (pair(159, 99, "22:21"), "22:23", Grade.CALM, 159),
        # They differ by more than 10: a third is awaited, and the mean of three counts.
        ((bp(186, 90, t("22:21")), bp(170, 90, t("22:22"))), "22:23", Grade.MEASURING, None),
        (
            (bp(186, 90, t("22:21")), bp(170, 90, t("22:22")), bp(187, 90, t("22:23:30"))),
            "22:24",
            Grade.STILL,
            181,
        ),
        # Nobody measures again: what there is counts ten minutes later.
        ((bp(186, 90, t("22:21")),), "22:31", Grade.MEASURING, None),
        ((bp(186, 90, t("22:21")),), "22:31:05", Grade.STILL, 186),
        # Half a minute apart is no second reading.
        ((bp(150, 90, t("22:21")), bp(150, 90, t("22:21:30"))), "22:23", Grade.MEASURING, None),
        # In the cuff's own unit.
        (in_kpa(24.0, 12.0, "22:21"), "22:23", Grade.STILL, 24.0),
        # A value is missing: nobody is calmed by half a reading.
        (half(150, "22:21"), "22:23", Grade.BETWEEN, 150),
        # Too soon: within a quarter of an hour it repeats the crisis itself.
        (pair(150, 90, "22:10"), "22:16", Grade.PLANNED, None),
        (pair(150, 90, "22:16"), "22:18", Grade.CALM, 150),
        ((), "22:36", Grade.MISSED, None),
    ],
)
def test_what_a_round_says(
    items: tuple[Measurement, ...], now: str, grade: Grade, systolic: float | None
) -> None:
    first = course(now, *items).rounds[0]
    assert (first.grade, first.mean.get("systolic")) == (grade, systolic)
    assert (first.decided_at is None) is (systolic is None)


def test_what_a_round_said_stays_so() -> None:
    said = course("22:23", *pair(199, 90, "22:21")).rounds[0]
    later = course("22:35", *pair(199, 90, "22:21"), bp(120, 80, t("22:25")))
    assert later.rounds[0] == said


@pytest.mark.parametrize(
    ("rows", "down", "over"),
    [
        ([("22:21", 179), ("22:41", 179)], "22:42:05", None),
        ([("22:21", 179), ("22:41", 150)], "22:42:05", None),
        ([("22:21", 150), ("22:41", 150)], "22:42:05", "22:42:05"),
        ([("22:21", 185), ("22:41", 150), ("23:01", 150)], "23:02:05", "23:02:05"),
        ([("22:21", 150), ("22:41", 170), ("23:01", 150)], "22:42:05", None),
        ([("22:21", 150), ("22:41", 185), ("23:01", 150)], None, None),
        ([("22:21", 150), ("23:01", 150)], None, None),  # not in a row
        ([("22:41", 150)], None, None),
    ],
)
def test_two_rounds_in_a_row_take_it_down_or_end_it(
    rows: list[tuple[str, float]], down: str | None, over: str | None
) -> None:
    found = course("23:20", *(m for clock, high in rows for m in pair(high, 90, clock)))
    assert (found.downgraded and found.downgraded.at) == (down and t(down))
    assert (found.resolved and found.resolved.at) == (over and t(over))
    if found.resolved:
        assert found.over_at == found.resolved.at
        assert found.look_again_at is None


def test_a_symptom_begins_the_count_of_rounds_anew() -> None:
    felt = says("cold_sweat", t("22:30"))
    rows = (*pair(150, 90, "22:21"), felt, *pair(150, 90, "22:41"))
    assert course("22:43", *rows).downgraded is None
    again = course("23:03", *rows, *pair(150, 90, "23:01"))
    assert again.resolved is not None
    assert again.resolved.since == t("22:41")
    fine = says("none", t("22:30"))
    assert course("22:43", *pair(150, 90, "22:21"), fine, *pair(150, 90, "22:41")).resolved


@pytest.mark.parametrize(
    ("items", "now", "expected"),
    [
        # Nothing for 30 minutes.
        ([], "22:30:04", []),
        ([], "22:30:05", [("recheck_silent", "22:30:05")]),
        ([bp(190, 90, t("22:10"))], "22:39", []),
        ([bp(190, 90, t("22:10"))], "22:40", [("recheck_silent", "22:40")]),
        ([*pair(190, 90, "22:21"), *pair(190, 90, "22:41")], "23:11", []),
        (
            [*pair(190, 90, "22:21"), *pair(190, 90, "22:41")],
            "23:12",
            [("recheck_silent", "23:12")],
        ),
        # After the case was taken down nobody is woken because somebody went to sleep.
        ([*pair(170, 90, "22:21"), *pair(170, 90, "22:41")], "23:40", []),
        # A round at 200 or 120.
        ([*pair(200, 90, "22:21")], "22:23", [("recheck_extreme", "22:22")]),
        ([*pair(199, 119, "22:21")], "22:23", []),
        ([*pair(199, 120, "22:21")], "22:23", [("recheck_extreme", "22:22")]),
        # Still 180/110 after an hour; not before.
        (
            [*pair(185, 90, "22:21"), *pair(185, 90, "22:41"), *pair(185, 90, "23:01")],
            "23:03",
            [("recheck_high", "23:02")],
        ),
        (
            [*pair(185, 90, "22:21"), *pair(185, 90, "22:41"), *pair(179, 109, "23:01")],
            "23:40",
            [],
        ),
        (
            [*pair(201, 90, "22:21"), *pair(185, 90, "22:41"), *pair(205, 90, "23:01")],
            "23:03",
            [("recheck_extreme", "22:22"), ("recheck_high", "23:02")],
        ),
        # A symptom that is new.
        ([says("near_syncope", t("22:15"))], "22:16", [("recheck_symptom", "22:15")]),
        ([says("none", t("22:15"))], "22:16", []),
        (
            [says("near_syncope", t("21:50")), says("near_syncope", t("22:15"))],
            "22:16",
            [],
        ),
        (
            [says("near_syncope", t("21:50")), says("cold_sweat", t("22:15"))],
            "22:16",
            [("recheck_symptom", "22:15")],
        ),
    ],
)
def test_when_it_escalates(
    items: list[Measurement | Symptoms], now: str, expected: list[tuple[str, str]]
) -> None:
    found = course(now, *items)
    assert escalated(found) == [(kind, t(clock)) for kind, clock in expected]
    for finding in found.escalations:
        assert (finding.rule_id, finding.family, finding.severity) == (
            "BP-04",
            "bp_high",
            "page_now",
        )
        assert finding.trigger == CRISIS.key
        assert not finding.ask_again


def test_silence_is_what_was_known_not_what_came_later() -> None:
    """The gateway was away for half an hour: the page it caused is not taken back."""
    kept = [
        replace(m, received_at=t("22:50"))
        for m in (*pair(150, 90, "22:21"), *pair(150, 90, "22:41"))
    ]
    found = course("22:51", *kept)
    assert escalated(found) == [("recheck_silent", t("22:30:05"))]
    assert grades(found) == ["calm", "calm", "planned"]
    assert found.resolved is not None
    assert found.resolved.at == t("22:50"), "as soon as it was known"


def test_its_course_ends_with_the_last_round_or_when_that_is_missed() -> None:
    rows = (*pair(170, 90, "22:21"), *pair(170, 90, "22:41"))
    assert course("23:15", *rows).over_at is None
    missed = course("23:15:05", *rows)
    assert (missed.over_at, grades(missed)[-1]) == (t("23:15:05"), "missed")
    measured = course("23:20", *rows, *pair(170, 90, "23:01"))
    assert measured.over_at == t("23:02:05")
    silent = course("23:30")
    assert (silent.over_at, silent.look_again_at) == (t("23:15:05"), None)


def test_every_wait_has_its_time_to_look_again() -> None:
    """Followed from one look to the next nothing is passed over."""
    now, seen = t("22:00:05"), []
    while (found := look(now, CRISIS).courses[0]).look_again_at is not None:
        assert found.look_again_at > now
        now = found.look_again_at
        seen.append(f"{now:%H:%M}")
    assert seen == ["22:20", "22:30", "22:40", "23:00", "23:15"]


def test_a_worse_finding_begins_anew() -> None:
    rows = (*pair(190, 90, "21:30"), bp(203, 90, t("21:52")))
    before, after = look(t("22:15"), *rows).courses
    assert (before.rule_id, before.started_at, before.over_at) == (
        "BP-03",
        t("21:31:05"),
        t("21:52:05"),
    )
    assert (after.rule_id, after.started_at) == ("BP-04", t("21:52:05"))
    assert before.look_again_at is None


def test_no_better_finding_begins_anew_while_it_runs_but_one_after_it_does() -> None:
    rows = [m for clock in ("22:21", "22:41", "23:01") for m in pair(185, 90, clock)]
    assert len(look(t("23:05"), CRISIS, *rows).courses) == 1
    first, second = look(t("23:40"), CRISIS, *rows, *pair(190, 90, "23:30")).courses
    assert first.over_at == t("23:02:05")
    assert (second.rule_id, second.started_at) == ("BP-03", t("23:31:05"))


def test_nobody_repeats_the_first_reading_and_the_rounds_count_from_then() -> None:
    (found,) = look(t("22:15"), bp(186, 90, t("22:00"))).courses
    assert (found.rule_id, found.started_at) == ("BP-03", t("22:10:05"))


def test_what_only_people_may_end_is_in_their_hands() -> None:
    """Somebody was told to call 120 and not to wait for another reading: no rounds, no silence."""
    felt = says("chest_pain", t("22:12"))
    found = look(t("23:40"), CRISIS, felt).courses[0]
    assert found.over_at == t("22:12:05")
    assert (found.escalations, found.look_again_at) == ((), None)
    assert look(t("22:30"), CRISIS, says("chest_pain", t("21:59"))).courses == ()


def test_old_news_begins_nothing() -> None:
    late = bp(205, 100, t("20:00"), received=t("22:00:01"))
    assert look(t("22:05"), late).courses == ()
    recent = bp(205, 100, t("20:00"), received=t("22:00"))
    assert look(t("22:05"), recent).courses[0].started_at == t("22:00")


@pytest.mark.parametrize(
    ("own_mean", "expected"), [(155.0, ["calm", "between"]), (140.0, ["calm", "calm"])]
)
def test_a_low_reading_that_may_be_anothers_calms_nobody(
    own_mean: float, expected: list[str]
) -> None:
    """One above the own mean is unlike the own because of the crisis, and counts."""
    rows = (*pair(150, 90, "22:21"), *pair(150, 90, "22:41"))
    profile = Profile(40, (own_mean, 85.0, 70.0), ((40.0, 0, 0), (0, 20.0, 0), (0, 0, 20.0)))
    past = replace(history(CRISIS, *rows), profile=profile)
    found = [f for f in look(t("22:43"), CRISIS, *rows).findings if f.family]
    key = rows[2].key
    doubt = Finding("DQ-05", None, "technical", 0, rows[2].at, "not_needed", (key,), {}, True)
    (course_,) = rechecks([*found, doubt], past, Resident(), RULES, t("22:43"))
    assert grades(course_)[:2] == expected


def test_a_reading_of_unknown_time_calms_nobody() -> None:
    rows = [
        replace(m, doubt_s=86_400.0) for m in (*pair(150, 90, "22:21"), *pair(150, 90, "22:41"))
    ]
    found = course("22:43", *rows)
    assert grades(found)[:2] == ["between", "between"]


def test_ordinary_readings_cost_nothing() -> None:
    assert rechecks((), history(bp(130, 80, t("08:00"))), Resident(), RULES, t("09:00")) == ()


@pytest.mark.parametrize("rules", [RULES, ADA], ids=["cn", "international"])
def test_upgrades_that_rounds_decide_wait_as_long_as_the_rounds_do(rules: RuleSet) -> None:
    """Their minutes are said for the reader; the re-check's own patience is what counts."""
    asked = {
        (rule.id, upgrade.recheck): upgrade.minutes
        for rule in rules.rules
        for upgrade in rule.upgrades
        if upgrade.recheck in ("no_recheck", "crisis_silent")
    }
    patience = {name: each.silent for name, each in rules.rechecks.items()}
    assert {key: minutes(count or 0) for key, count in asked.items()} == {
        ("GL-03", "no_recheck"): patience["RECHECK_GLU_15"],
        ("DQ-06", "crisis_silent"): patience["RECHECK_20"],
    }
