"""Days that were closed with another's readings are closed anew, as if nothing had been."""

from typing import Any

from clinic import CUFF, METER, SHARED_CUFF, pressure
from fix_database import Intake
from reassign_parts import Bound, corrects, moves
from test_daily_live import FIRST, SHANGHAI, Days, days, series  # noqa: F401  # a fixture

from yikao_alerts.rules import RuleSet
from yikao_ingest.daily_round import DailyRound
from yikao_ingest.daily_rows import beginning

MADE = ("trend_state", "resident_day", "resident_habit", "daily_progress", "label")
COUNT = 70


def what_days_say(days: Days) -> list[Any]:  # noqa: F811
    """Return all that is made of closed days, but for what is counted from the fold's beginning."""
    return [
        days.clinic.rows("SELECT d::text FROM resident_day d ORDER BY 1"),
        days.clinic.rows("SELECT patient_id, devices FROM resident_habit ORDER BY 1"),
        days.clinic.rows("SELECT t::text FROM trend_state t WHERE signal <> 'label' ORDER BY 1"),
        days.clinic.rows("SELECT patient_id, through_day FROM daily_progress ORDER BY 1"),
    ]


def test_both_residents_days_are_as_if_each_had_always_been_the_others_or_the_own(
    days: Days,  # noqa: F811
    rules: RuleSet,
) -> None:
    readings = series(3, COUNT)
    for today in readings:
        days.measures(*today)
    # Another cuff of Qian's, from the first day on.
    own = [
        pressure(118, 74, at=today[0][0], device=SHARED_CUFF, user=1) for today in readings if today
    ]
    intake = Intake(days.clinic, rules)
    intake.receives(days.clinic.second.send(*own), now=beginning(FIRST + COUNT, SHANGHAI))
    intake.store.close()
    days.closes(FIRST + COUNT - 1)
    before = what_days_say(days)
    handed_over = beginning(FIRST + 20, SHANGHAI)
    others = (Bound(METER, "zhao"), Bound(SHARED_CUFF, "qian"))
    cuff = (Bound(CUFF, "zhao", until=handed_over), Bound(CUFF, "qian", since=handed_over))
    corrects(days.clinic, (*cuff, *others), days.now)
    moves(days.clinic, days.now)
    days.closes(FIRST + COUNT - 1)
    found = what_days_say(days)
    assert found != before
    for table in MADE:
        days.clinic.connection.execute(f"DELETE FROM {table}".encode())
    days.round = DailyRound(rules, days.clock)
    days.closes(FIRST + COUNT - 1)
    assert found == what_days_say(days)
    corrects(days.clinic, (Bound(CUFF, "zhao"), *others), days.now)
    moves(days.clinic, days.now)
    days.closes(FIRST + COUNT - 1)
    assert what_days_say(days) == before
