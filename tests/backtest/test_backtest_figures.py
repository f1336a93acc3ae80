"""What findings cost a doctor, and how two rule sets differ."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from backtest_parts import DAY

from yikao_alerts.backtest.burden import Load, asked
from yikao_alerts.backtest.differ import differences
from yikao_alerts.backtest.found import ACUTE, DAILY, Found

PAGE = Found("a", "BP-03", ACUTE, "bp_high", "page_now", 2, DAY, DAY, "confirmed", ("x",))


def after(hours: float, **changes: object) -> Found:
    """Return a page so many hours later."""
    at = DAY + timedelta(hours=hours)
    return replace(PAGE, at=at, found_at=at, inputs=(f"x{hours}",), **changes)  # type: ignore[arg-type]


def loads(findings: Iterable[Found]) -> list[Load]:
    return [each.load for each in asked(findings)]


def test_what_joins_an_episode_within_a_day_asks_for_nobody_again() -> None:
    assert loads([PAGE, after(23), after(46)]) == [Load.PAGE]
    assert loads([PAGE, after(25)]) == [Load.PAGE, Load.PAGE]


def test_what_is_worse_asks_again() -> None:
    task = after(-1, rule="BP-05", severity="today", level=1)
    assert loads([PAGE, task]) == [Load.TASK, Load.PAGE]
    assert loads([PAGE, after(1, rule="BP-04", level=3)]) == [Load.PAGE, Load.PAGE]
    assert loads([PAGE, after(1, rule="BP-05", severity="today", level=1)]) == [Load.PAGE]


def test_families_and_residents_are_apart_and_data_quality_asks_for_no_doctor() -> None:
    other = replace(PAGE, resident="b")
    assert loads([PAGE, other, after(1, family="pulse")]) == [Load.PAGE] * 3
    assert loads([replace(PAGE, family=None, severity="technical")]) == []


def test_each_entry_of_the_worklist_counts() -> None:
    entry = replace(PAGE, lane=DAILY, severity="this_week")
    assert loads([entry, replace(entry, rule="BP-17")]) == [Load.ENTRY, Load.ENTRY]


def test_episodes_are_matched_by_resident_rule_and_time() -> None:
    old = [PAGE, after(100), replace(PAGE, resident="b")]
    new = [after(0.5), after(100), after(300)]
    assert [(d.change, d.spell.resident, d.by) for d in differences(new, old)] == [
        ("later", "a", timedelta(minutes=30)),
        ("new", "a", timedelta(0)),
        ("gone", "b", timedelta(0)),
    ]
    assert [d.change for d in differences(old, new)] == ["earlier", "gone", "new"]
    assert differences(old, old) == []
