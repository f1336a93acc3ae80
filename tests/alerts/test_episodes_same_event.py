"""The same event said twice calls once; what is news calls again."""

import pytest
from alert_parts import Desk, bp, says, sugar, t

from yikao_alerts.episodes import Event, State

EIGHT = t("08:00")


@pytest.fixture
def desk() -> Desk:
    return Desk(t("07:00"))


def test_one_report_that_meets_rules_of_two_families_is_one_event(desk: Desk) -> None:
    desk.arrives(says("chest_pain", EIGHT))
    assert [e.rule_id for e in desk.active] == ["BP-02"]
    desk.arrives(bp(186, 112, t("08:03")))
    assert [e.rule_id for e in desk.active] == ["BP-02"], "BP-01 joins what the report has opened"
    assert desk.events == [Event.FOUND, Event.JOINED]
    assert desk.active[0].last_evidence_at == t("08:03")


def test_once_somebody_has_answered_a_new_reading_is_news(desk: Desk) -> None:
    desk.arrives(says("chest_pain", EIGHT))
    desk.answer()
    desk.arrives(bp(186, 112, t("08:03")))
    assert [(e.rule_id, e.state) for e in desk.active] == [
        ("BP-02", State.ANSWERED),
        ("BP-01", State.OPEN),
    ]


def test_different_readings_stay_apart(desk: Desk) -> None:
    desk.arrives(bp(205, 112, EIGHT), sugar(2.5, EIGHT))
    assert len(desk.active) == 2
