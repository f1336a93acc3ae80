"""The daily lane over months: what the closed days put on the worklist, and the labels by day."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from yikao_alerts.backtest.day_grid import DayGrid, Span
from yikao_alerts.backtest.digits import Floats
from yikao_alerts.backtest.found import DAILY, Found
from yikao_alerts.daily import level, trend
from yikao_alerts.daily.columns import DAY_BEGINS
from yikao_alerts.daily.grid import EPOCH, Grid
from yikao_alerts.daily.parameters import (
    DIASTOLIC_LEVEL,
    GLUCOSE,
    GLUCOSE_INSULIN,
    PRESSURE,
    SYSTOLIC_LEVEL,
)
from yikao_alerts.daily.season import Season
from yikao_alerts.daily.trend import DayParts, TrendNumbers
from yikao_alerts.daily.trend_marks import Mark
from yikao_alerts.daily.worklist import OPENED, DailyFinding, worklist
from yikao_alerts.findings import NOT_NEEDED
from yikao_alerts.resident import Resident
from yikao_alerts.rules.model import Rule, RuleSet


def grid_of(days: DayGrid, people: Sequence[Resident], season: Season, span: Span) -> Grid:
    """Return everything that worklist rules look at, computed from the days."""
    pressure, glucose = days.pressure, days.glucose
    marks = np.where(days.device_begins, np.uint8(Mark.NEW_DEVICE), np.uint8(0))
    systolic, diastolic = pressure.systolic(), pressure.diastolic()
    return Grid(
        span.first,
        span.days,
        pressure,
        glucose,
        days.cgm,
        trend.run(systolic, season, marks=np.asfortranarray(marks), parameters=PRESSURE)[1],
        _fasting_trend(glucose.logarithm(), people),
        level.run(systolic, parameters=SYSTOLIC_LEVEL)[1],
        level.run(diastolic, parameters=DIASTOLIC_LEVEL)[1],
    )


def _fasting_trend(fasting: DayParts, people: Sequence[Resident]) -> TrendNumbers:
    """Return the trend of fasting glucose; only of residents who have any it is worked out."""
    insulin = np.array(["insulin" in resident.groups for resident in people], bool)
    some = ~np.isnan(fasting.pm).all(axis=1)
    shape = fasting.pm.shape
    kept: dict[str, Any] = {}
    for who, parameters in ((some & ~insulin, GLUCOSE), (some & insulin, GLUCOSE_INSULIN)):
        parts = DayParts(fasting.first_day, fasting.am[who], np.asfortranarray(fasting.pm[who]))
        numbers = trend.run(parts, parameters=parameters)[1]
        for each in fields(numbers):
            own = getattr(numbers, each.name)
            if each.name not in kept:
                empty = np.nan if own.dtype == np.float64 else 0
                kept[each.name] = np.full(shape, empty, own.dtype, order="F")
            kept[each.name][who] = own
    return TrendNumbers(**kept)


def entries(
    grid: Grid,
    days: DayGrid,
    people: Sequence[Resident],
    rules: RuleSet,
    zone: ZoneInfo,
    spread_limits: Floats | None,
) -> list[Found]:
    """Return the entries of the worklist, each with when it ended."""
    events = worklist(grid, people, rules, spread_limits=spread_limits)
    by_id = {rule.id: rule for rule in rules.rules}
    ends: dict[tuple[int, str], list[int]] = {}
    for event in events:
        if event.event != OPENED:
            ends.setdefault((event.resident, event.rule_id), []).append(event.day)
    found = []
    for event in events:
        if event.event == OPENED:
            later = [d for d in ends.get((event.resident, event.rule_id), []) if d > event.day]
            ended = closing(later[0], zone) if later else None
            found.append(_entry(event, days.names[event.resident], by_id, zone, ended))
    return found


def _entry(
    event: DailyFinding,
    name: str,
    rules: Mapping[str, Rule],
    zone: ZoneInfo,
    ended_at: datetime | None,
) -> Found:
    rule = rules[event.rule_id]
    at = closing(event.day, zone)
    return Found(
        name,
        rule.id,
        DAILY,
        rule.family,
        event.severity,
        rule.level,
        at,
        at,
        NOT_NEEDED,
        (f"day/{(EPOCH + timedelta(days=event.day)).isoformat()}",),
        ended_at,
        dict(event.evidence),
    )


def closing(day: int, zone: ZoneInfo) -> datetime:
    """Return when a home's day (since 1970-01-01) has closed: at 04:00 of the next date."""
    date_after: date = EPOCH + timedelta(days=day + 1)
    return datetime.combine(date_after, time(DAY_BEGINS // 60), tzinfo=zone)
