"""What the closed days ask the team to look at this week: entries that open and entries that end.

An entry opens on the day its rule's condition begins to hold and ends on the day the rule's end is
reached; in between it is one entry, however often the condition holds again. Nothing here pages.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from yikao_alerts.daily import thresholds
from yikao_alerts.daily.answerable import looked_at
from yikao_alerts.daily.arrays import Flags, Floats
from yikao_alerts.daily.changes import change
from yikao_alerts.daily.grid import Grid
from yikao_alerts.daily.judged import Evidence, Judged, Panel
from yikao_alerts.daily.means import mean
from yikao_alerts.daily.shares import share
from yikao_alerts.daily.spread import spread
from yikao_alerts.resident import Resident
from yikao_alerts.rules.forms import Change, Mean, Share, Spread
from yikao_alerts.rules.model import Rule, RuleSet

BLOCK: Final = 256
"""Residents looked at together: their days fit into the processor's cache."""

OPENED: Final = "opened"
ENDED: Final = "ended"


@dataclass(frozen=True, slots=True)
class DailyFinding:
    """An entry of the worklist that opened or ended when `day` (since 1970-01-01) had closed.

    resident: index. evidence: flat numbers for people, with `what` they are; as of `day`.
    """

    resident: int
    rule_id: str
    day: int
    severity: str
    event: Literal["opened", "ended"]
    evidence: Evidence


def worklist(
    grid: Grid,
    residents: Sequence[Resident],
    rules: RuleSet,
    *,
    from_day: int | None = None,
    open_before: frozenset[tuple[int, str]] = frozenset(),
    spread_limits: Floats | None = None,
) -> list[DailyFinding]:
    """Return what opened and what ended, by day, resident and rule.

    from_day: the first day that is asked about; the days before it are there for the windows (give
    56: the longest window and the 28 days that make a series new). open_before: (index, rule_id) of
    entries that were open before that day. spread_limits: see `spread.top_decile`. Rules that the
    days cannot answer are left out: `answerable.unanswered` names them.
    """
    daily = looked_at(rules)
    first = 0 if from_day is None else from_day - grid.first_day
    found: list[DailyFinding] = []
    for start in range(0, len(residents), BLOCK):
        rows = slice(start, start + BLOCK)
        panel = Panel(grid.of(rows), residents[rows], rules, spread_limits)
        for rule in daily:
            judged = judge(rule, panel)
            if judged is not None:
                was_open = np.array(
                    [(start + row, rule.id) in open_before for row in range(len(panel.residents))]
                )
                found += _events(rule, judged, was_open, grid.first_day, first, start)
    order = {rule.id: place for place, rule in enumerate(daily)}
    return sorted(found, key=lambda each: (each.day, each.resident, order[each.rule_id]))


def judge(rule: Rule, panel: Panel) -> Judged | None:
    """Return what a rule says of a panel; for whom it is not, it does not hold and is over."""
    match rule.form:
        case Mean() as form:
            judged = mean(rule, form, panel)
        case Spread() as form:
            judged = spread(rule, form, panel)
        case Change() as form:
            judged = change(rule, form, panel)
        case Share() as form:
            judged = share(rule, form, panel)
        case _:
            judged = None
    if judged is None:
        return None
    meant = np.zeros(judged.holds.shape, dtype=np.bool_)
    for year, columns in panel.grid.years():
        meant[:, columns] = thresholds.met(rule.who, panel.residents, year)[:, None]
    return Judged(judged.holds & meant, judged.over | ~meant, judged.evidence)


def _events(
    rule: Rule, judged: Judged, was_open: Flags, first_day: int, first: int, start: int
) -> Iterator[DailyFinding]:
    """Yield where the entry opens and ends from column `first` on."""
    holds, over = judged.holds[:, first:], judged.over[:, first:] & ~judged.holds[:, first:]
    # The last word that was said, day by day: column 0 is what stood before.
    said = np.zeros((holds.shape[0], holds.shape[1] + 1), dtype=np.int32)
    said[:, 1:] = np.where(holds | over, np.arange(1, holds.shape[1] + 1, dtype=np.int32), 0)
    last = np.maximum.accumulate(said, axis=1)
    word = np.concatenate([was_open[:, None], holds], axis=1)
    is_open = np.take_along_axis(word, last, axis=1)
    for row, column in np.argwhere(is_open[:, 1:] != is_open[:, :-1]).tolist():
        opened = bool(is_open[row, column + 1])
        place = first + column
        yield DailyFinding(
            start + row,
            rule.id,
            first_day + place,
            rule.severity,
            OPENED if opened else ENDED,
            judged.evidence(row, place),
        )
