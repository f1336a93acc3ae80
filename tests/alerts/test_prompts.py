"""What is said at home: in time, in fixed words, each thing once."""

from dataclasses import replace
from datetime import datetime

import pytest
from alert_parts import Desk
from reading_parts import ANYBODY, CUFF, HOME, METER, RULES, bp, history, look, says, sugar, t

from yikao_alerts.compose import LANGUAGES, load_texts
from yikao_alerts.episodes import Known, changes
from yikao_alerts.evaluate import evaluate
from yikao_alerts.history import Measurement, Profile, Symptoms
from yikao_alerts.prompts import ASK_LIFETIME, Ask, asks, next_morning, next_reminder_at, reminders
from yikao_devices.wire import TEXT_MAX


def home(now: str, *items: Measurement | Symptoms) -> list[Ask]:
    past, evaluation = history(*items), look(t(now), *items)
    done = changes(evaluation, Known({}, frozenset()), past, RULES)
    return asks(evaluation, done, past, RULES, [])


def said(*found: Ask) -> list[tuple[str, str]]:
    """Return what is said, as rule and purpose."""
    names = {rule.patient_zh: rule.id for rule in RULES.rules}
    return [(names[ask.text_zh], ask.do) for ask in found]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([bp(186, 100, t("08:00"))], [("BP-03", "measure_again")]),
        ([bp(205, 100, t("08:00"))], [("BP-04", "measure_again")]),
        ([sugar(3.5, t("08:00"))], [("GL-03", "measure_again")]),
        ([sugar(18.0, t("08:00"))], [("GL-05", "measure_again")]),
        # "Call 120 now", and not at the same time "sit and measure again".
        ([bp(186, 100, t("08:00")), says("vomiting", t("08:00"))], [("BP-01", "show")]),
        ([sugar(4.5, t("08:00")), says("hypo_needs_help", t("08:00"))], [("GL-01", "show")]),
        ([bp(300, 120, t("08:00"), plausible=False)], [("DQ-01", "measure_again")]),
        ([bp(150, 90, t("08:00"))], []),
        # A third is wanted when two differ; none when two agree.
        ([bp(186, 100, t("08:00")), bp(160, 90, t("08:01"))], [("BP-03", "measure_again")]),
        ([bp(186, 100, t("08:00")), bp(184, 98, t("08:01"))], []),
        # By whatever device is theirs: a report of somebody who has not measured.
        ([says("unconscious", t("08:00"))], [("GL-01", "show")]),
    ],
)
def test_what_is_said_at_home(
    items: list[Measurement | Symptoms], expected: list[tuple[str, str]]
) -> None:
    assert said(*home("08:02", *items)) == expected


def test_an_ask_goes_where_it_was_measured_and_expires() -> None:
    (ask,) = home("08:01", bp(186, 100, t("08:00")), sugar(5.0, t("08:00:30")))
    assert ask.device == CUFF
    assert ask.expires_at == t("08:00:05") + ASK_LIFETIME
    assert "120" in ask.text_zh
    assert "120" in ask.text_en
    (told,) = home("08:02", sugar(5.0, t("07:00")), says("hypo_needs_help", t("08:01")))
    assert (told.device, told.do) == (METER, "show")


def test_the_same_ask_has_the_same_id_for_ever() -> None:
    first = home("08:01", bp(186, 100, t("08:00")))
    assert first == home("08:09", bp(186, 100, t("08:00")))
    third = home("08:09", bp(186, 100, t("08:00")), bp(160, 90, t("08:02")))
    assert {ask.command_id for ask in first}.isdisjoint(ask.command_id for ask in third)


def test_an_ask_that_would_come_too_late_is_not_made() -> None:
    late = sugar(18.0, t("08:00"))
    assert home("08:15:04", late)
    assert not home("08:15:05", late)


def test_joining_and_confirming_says_nothing_again() -> None:
    desk = Desk(t("07:00"))
    desk.arrives(bp(205, 100, t("08:00")))
    said = len(desk.said)
    desk.arrives(bp(206, 100, t("08:02")))
    assert len(desk.said) == said


def test_a_question_is_shown_and_measuring_again_is_not_asked_for() -> None:
    profile = Profile(40, (130.0, 80.0, 70.0), ((25.0, 0, 0), (0, 16.0, 0), (0, 0, 16.0)))
    past = replace(history(bp(100, 60, t("08:00"), pulse=110)), profile=profile)
    evaluation = evaluate(past, ANYBODY, RULES, t("08:01"))
    (ask,) = asks(evaluation, [], past, RULES, [])
    assert (ask.do, ask.text_zh) == ("show", "这次是您本人测量的吗？")


def test_a_round_is_asked_for_once_and_until_the_next_begins() -> None:
    desk = Desk(t("21:00"))
    desk.arrives(bp(205, 100, t("22:00")))
    desk.answer()
    desk.passes_until(t("22:28"))
    desk.look()
    rounds = [ask for _, ask in desk.said.values() if ask.text_zh.startswith("请现在再量")]
    assert [(ask.do, ask.expires_at) for ask in rounds] == [("measure_again", t("22:35:05"))]


def test_the_next_round_is_told_ahead_and_is_the_same_as_when_it_is_due() -> None:
    desk = Desk(t("21:00"))
    desk.arrives(bp(205, 100, t("22:00")))
    desk.answer()
    (ahead,) = desk.later
    assert (ahead.do, ahead.show_at) == ("measure_again", t("22:20:05"))
    desk.passes_until(t("22:28"))
    desk.look()
    assert desk.said[ahead.command_id][1] == replace(ahead, show_at=None)
    assert desk.later == [], "one at a time: whether a second is wanted is not known"
    desk.passes_until(t("22:36"))
    desk.look()
    assert [ask.show_at for ask in desk.later] == [t("22:40:05")]


def test_a_round_that_is_measured_early_is_asked_for_no_more() -> None:
    desk = Desk(t("21:00"))
    desk.arrives(bp(205, 100, t("22:00")))
    assert desk.later
    desk.arrives(bp(190, 100, t("22:17")))
    assert desk.later == []


def test_nobody_is_asked_for_rounds_once_a_person_has_closed_it() -> None:
    desk = Desk(t("21:00"))
    desk.arrives(bp(205, 100, t("22:00")))
    desk.answer()
    desk.close()
    desk.look()
    assert desk.later == []
    said = len(desk.said)
    desk.passes_until(t("07:59", 1))
    assert len(desk.said) == said
    assert desk.events[-1] == "closed", "and silence calls nobody"


def test_a_repeat_within_a_round_is_asked_for_once() -> None:
    """A round that is as high as the crisis is asked to be repeated in the rule's own words."""
    desk = Desk(t("21:00"))
    desk.arrives(bp(205, 100, t("22:00")))
    before = len(desk.said)
    desk.arrives(bp(190, 100, t("22:21")))
    (new,) = list(desk.said.values())[before + 1 :]
    assert new[1].text_zh.startswith("血压偏高")


@pytest.mark.parametrize(
    ("at", "morning"),
    [
        (t("22:42"), t("08:00", 1)),
        (t("02:00"), t("08:00")),
        (t("04:00"), t("08:00")),
        (t("04:01"), t("08:00", 1)),
        (t("10:00"), t("08:00", 1)),
    ],
)
def test_the_next_morning(at: datetime, morning: datetime) -> None:
    assert next_morning(at, HOME) == morning


def test_the_reminder_next_morning_comes_once_and_not_after_noon() -> None:
    crisis, evening = bp(205, 100, t("22:00")), t("22:30")
    at = look(evening, crisis)
    assert reminders(at, HOME) == []
    assert next_reminder_at(at, HOME) == t("08:00", 1)
    (ask,) = reminders(look(t("08:00", 1), crisis), HOME)
    assert (ask.do, ask.device, ask.expires_at) == ("show", CUFF, t("12:00", 1))
    (again,) = reminders(look(t("11:59", 1), crisis, bp(206, 90, t("02:00", 1))), HOME)
    assert again.command_id == ask.command_id
    assert reminders(look(t("12:00", 1), crisis), HOME) == []
    assert next_reminder_at(look(t("08:00", 1), crisis), HOME) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_fixed_texts_fit_the_wire_and_name_no_drug_or_normal(language: str) -> None:
    for text in load_texts(language)["home"].values():
        assert len(text.format(minutes=20)) <= TEXT_MAX
        assert "120" in text or text == load_texts(language)["home"]["again"]
        for word in ("正常", "normal", "硝苯", "nifedipine", "fine", "加量"):
            assert word not in text.lower()
