"""Weeks in which a resident measured nothing though something was expected (rule DQ-06).

Expected is what the resident's own last four weeks show. Looked at between the first and the last
reading of each resident: of what comes after the last one a file says nothing.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from yikao_alerts.backtest.daily import closing
from yikao_alerts.backtest.day_grid import DayGrid, Span
from yikao_alerts.backtest.found import DAILY, Found
from yikao_alerts.daily.grid import EPOCH
from yikao_alerts.findings import NOT_NEEDED
from yikao_alerts.rules.forms import EVENING, MORNING, Silence
from yikao_alerts.rules.model import Rule, RuleSet
from yikao_alerts.silence import HABIT_DAYS, Part, Step, habit, silence


def silences(days: DayGrid, rules: RuleSet, span: Span, zone: ZoneInfo) -> list[Found]:
    """Return an entry for each silence of which the team would have heard, until it ended."""
    # The day of each column, and of the one after the last.
    dates = [EPOCH + timedelta(days=span.first + column) for column in range(span.days + 1)]
    return [
        found
        for rule in rules.rules
        if isinstance(rule.form, Silence)
        for row, name in enumerate(days.names)
        for found in _of_resident(rule, rule.form, days, row, name, dates, zone)
    ]


def _of_resident(
    rule: Rule,
    form: Silence,
    days: DayGrid,
    row: int,
    name: str,
    dates: Sequence[date],
    zone: ZoneInfo,
) -> Iterator[Found]:
    measured = np.flatnonzero(days.measured[row])
    for gap in np.flatnonzero(np.diff(measured) > form.days).tolist():
        last, following = (int(column) for column in measured[gap : gap + 2])
        first = dates[int(measured[0])]
        expected = habit(_parts(days, row, last, dates))
        for column in range(last + form.days + 1, following + 1):
            silent = silence(form, expected, dates[last], first, dates[column])
            if silent.step is Step.TEAM:
                at = closing((dates[column - 1] - EPOCH).days, zone)
                ended = closing((dates[following] - EPOCH).days, zone)
                inputs = (f"day/{dates[last].isoformat()}",)
                yield Found(
                    name,
                    rule.id,
                    DAILY,
                    rule.family,
                    rule.severity,
                    rule.level,
                    at,
                    at,
                    NOT_NEEDED,
                    inputs,
                    ended,
                    silent.evidence(),
                )
                break


def _parts(days: DayGrid, row: int, last: int, dates: Sequence[date]) -> Sequence[Part]:
    """Return the day parts with a reading in the weeks up to the column `last`."""
    begin = max(0, last - HABIT_DAYS + 1)
    window = slice(begin, last + 1)
    evenings = days.pressure.evening.count[row, window] > 0
    mornings = days.measured[row, window] & (
        (days.pressure.morning.count[row, window] > 0) | ~evenings
    )
    return [
        (dates[begin + column], part)
        for part, seen in ((MORNING, mornings), (EVENING, evenings))
        for column in np.flatnonzero(seen).tolist()
    ]
