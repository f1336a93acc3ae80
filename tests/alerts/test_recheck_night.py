"""The night call, step by step: 80 years old, headache at ten, 180, measured until it is over.

Told on the pure functions over time: what is asked at home, who is rung, and how it ends.
"""

import pytest
from alert_parts import Desk
from reading_parts import CUFF, bp, minutes, says, t

from yikao_alerts.answer import Disposition
from yikao_alerts.episodes import Event, State
from yikao_alerts.resident import Resident

OLD_LI = Resident(birth_year=1946, groups=frozenset({"lives_alone"}))


@pytest.fixture
def desk() -> Desk:
    return Desk(t("21:00"), resident=OLD_LI)


def pair(desk: Desk, high: float, low: float, clock: str) -> None:
    desk.arrives(bp(high, low, t(clock)))
    desk.arrives(bp(high - 2, low, t(clock) + minutes(1)))


def begins(desk: Desk) -> None:
    """Two readings at ten, and the doctor is rung at 22:02."""
    desk.arrives(bp(190, 98, t("22:00")))
    desk.arrives(bp(188, 98, t("22:02")))


def heard(desk: Desk, since: str) -> list[str]:
    """Return the beginning of what was said at home since then."""
    return [line[:11] for line in desk.heard if line[:5] >= since]


def test_1_the_first_reading_asks_for_a_second_and_calms(desk: Desk) -> None:
    desk.arrives(bp(190, 98, t("22:00")))
    assert heard(desk, "22:00") == ["22:00 血压偏高。"]
    assert [ask.do for _, ask in desk.said.values()] == ["measure_again"]
    assert desk.rang == []


def test_2a_a_severe_headache_pages_at_once_and_says_120_first(desk: Desk) -> None:
    desk.arrives(bp(190, 98, t("22:00")))
    desk.arrives(says("severe_headache_or_dizziness", t("22:01")))
    assert desk.rang == ["22:01 wang"]
    assert (desk.active[0].rule_id, desk.active[0].severity) == ("BP-01", "page_now")
    assert "立即拨打120" in desk.heard[-1]


def test_2b_a_mild_headache_waits_for_the_second_reading(desk: Desk) -> None:
    begins(desk)
    assert desk.rang == ["22:02 wang"]
    assert desk.active[0].confirmed == "confirmed"


def test_2b_or_ten_minutes_without_one(desk: Desk) -> None:
    desk.arrives(bp(190, 98, t("22:00")))
    desk.passes_until(t("22:11"))
    assert desk.rang == ["22:10 wang"]
    assert desk.active[0].confirmed == "unconfirmed"


def test_3_the_page_goes_through_the_night_and_never_waits_for_ten_minutes(desk: Desk) -> None:
    begins(desk)
    desk.passes_until(t("22:23"))
    assert desk.rang == ["22:02 wang", "22:04 wang", "22:07 li", "22:12 li", "22:22 li"]


def test_4_the_system_not_the_patient_keeps_the_rounds(desk: Desk) -> None:
    begins(desk)
    desk.answer()
    for clock in ("22:23", "22:43", "23:03"):
        desk.passes_until(t(clock))
        pair(desk, 168, 96, clock)
    desk.passes_until(t("23:59"))
    assert heard(desk, "22:02") == [
        "22:02 请坐下休息",
        "22:22 请现在再量",
        "22:23 请休息1分",
        "22:42 请现在再量",
        "22:43 请休息1分",
        "23:02 请现在再量",
        "23:03 请休息1分",
    ]
    assert {ask.device for _, ask in desk.said.values()} == {CUFF}


def test_5_two_rounds_below_180_take_it_down_to_today(desk: Desk) -> None:
    begins(desk)
    pair(desk, 178, 98, "22:22")
    assert desk.active[0].severity == "page_now", "one low round is no recovery"
    pair(desk, 176, 96, "22:42")
    (episode,) = desk.active
    assert (episode.state, episode.severity) == (State.OPEN, "today")
    assert desk.events[-1] is Event.DOWNGRADED
    rang = len(desk.rang)
    desk.passes_until(t("06:59", 1))
    assert len(desk.rang) == rang, "what is for today lets the doctor sleep"
    desk.passes_until(t("07:01", 1))
    assert desk.rang[rang:] == ["07:00 wang"]


def test_6_two_rounds_below_160_end_it_and_the_doctor_is_seen_next_day(desk: Desk) -> None:
    begins(desk)
    desk.answer()
    pair(desk, 158, 96, "22:22")
    pair(desk, 154, 92, "22:42")
    assert desk.episodes[0].state is State.RESOLVED
    assert heard(desk, "22:43") == ["22:43 血压已低于"]
    (task,) = desk.tasks
    assert (task.rule_id, task.severity, task.day) == ("BP-03", "today", t("00:00", 1).date())
    assert task.evidence == {"what": "next_day_visit", "episode_id": 1}
    desk.passes_until(t("09:00", 1))
    assert desk.heard[-1].startswith("08:00 昨天血压很高，请今天去看医生")
    assert desk.rang == ["22:02 wang"]


def test_6_nobody_is_told_that_all_is_normal(desk: Desk) -> None:
    begins(desk)
    desk.answer()
    pair(desk, 138, 80, "22:22")
    pair(desk, 134, 80, "22:42")
    desk.passes_until(t("12:00", 1))
    for _, ask in desk.said.values():
        assert "正常" not in ask.text_zh
        assert "normal" not in ask.text_en.lower()


def test_6_unanswered_it_is_not_closed_by_good_readings(desk: Desk) -> None:
    begins(desk)
    pair(desk, 158, 96, "22:22")
    pair(desk, 154, 92, "22:42")
    (episode,) = desk.active
    assert (episode.state, episode.severity) == (State.OPEN, "today")
    assert len(desk.tasks) == 1
    desk.passes_until(t("10:00", 1))
    desk.answer()
    assert desk.episodes[0].state is State.RESOLVED


@pytest.mark.parametrize(
    ("happens", "at", "said"),
    [
        ([("bp", 204, "22:22"), ("bp", 203, "22:23")], "22:22", "22:22 血压非常高。请"),
        ([("feels", "near_syncope", "22:15")], "22:15", "22:15 情况没有好转，"),
        ([], "22:32", "22:32 没有收到您的复"),
        (
            [("bp", 190, "22:22"), ("bp", 190, "22:42"), ("bp", 190, "23:02")],
            "23:12",
            "23:12 情况没有好转，",
        ),
    ],
)
def test_7_worse_or_silent_it_rings_again_even_after_an_answer(
    desk: Desk, happens: list[tuple[str, int | str, str]], at: str, said: str
) -> None:
    begins(desk)
    desk.answer()
    for what, value, clock in happens:
        item = bp(float(value), 98, t(clock)) if what == "bp" else says(str(value), t(clock))
        desk.arrives(item)
    desk.passes_until(t(at) + minutes(1))
    assert desk.active[0].state is State.OPEN
    assert desk.rang[1] == f"{at} wang"
    assert any(line.startswith(said) for line in desk.heard)


def test_7_nobody_is_at_home_who_was_sent_to_hospital(desk: Desk) -> None:
    begins(desk)
    desk.answer(Disposition.REFERRED)
    desk.passes_until(t("07:59", 1))
    assert desk.rang == ["22:02 wang"]
    assert [e.state for e in desk.active] == [State.ANSWERED]
    assert heard(desk, "22:10") == [], "nor is anybody asked to measure"


def test_7_but_who_stayed_and_is_worse_is_heard(desk: Desk) -> None:
    begins(desk)
    desk.answer(Disposition.REFERRED)
    desk.arrives(says("near_syncope", t("22:20")))
    assert desk.rang == ["22:02 wang", "22:20 wang", "22:20 wang", "22:20 li"]


def test_7_the_next_tier_is_called_with_the_first(desk: Desk) -> None:
    begins(desk)
    desk.passes_until(t("22:05"))
    desk.answer()
    desk.passes_until(t("22:43"))
    assert desk.rang == [
        *("22:02 wang", "22:04 wang"),
        # By message and by telephone, and the team beside.
        *("22:32 wang", "22:32 wang", "22:32 li", "22:37 li"),
    ]
    assert (desk.active[0].tier, desk.active[0].round) == (1, 2)


def test_8_gateway_or_broker_die_and_silence_still_rings(desk: Desk) -> None:
    """The timer is known from the first page on; nothing else has to arrive."""
    begins(desk)
    desk.answer()
    looks = []
    while desk.timer is not None and desk.timer <= t("22:35"):
        looks.append(f"{desk.timer:%H:%M}")
        desk.passes_until(desk.timer)
    assert {"22:22", "22:32"} <= set(looks)
    assert Event.ESCALATED in desk.events


def test_8_what_the_gateway_brings_later_takes_no_page_back(desk: Desk) -> None:
    begins(desk)
    desk.answer()
    desk.passes_until(t("22:50"))
    rang = list(desk.rang)
    late = t("22:51")
    desk.arrives(
        *(
            bp(150, 90, t(clock), received=late)
            for clock in ("22:22", "22:23:30", "22:42", "22:43:30")
        )
    )
    assert desk.rang[: len(rang)] == rang
    (episode,) = desk.active
    assert (episode.state, episode.severity) == (State.OPEN, "today"), "a person has to answer"
