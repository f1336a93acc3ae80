"""How much a team is asked for, in the measure that studies use: per 100 patient-weeks.

A page is one episode that woke somebody, however often it rang; a rate is given only where there
is something to divide by.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from yikao_alerts.feed.care_rows import BurdenRow, ShadowRow

PER_PATIENT_WEEKS: Final = 100


@dataclass(frozen=True, slots=True)
class Rate:
    """A number, and the same per 100 patient-weeks; None without residents."""

    count: int
    rate: str | None


@dataclass(frozen=True, slots=True)
class Trial:
    """What a rule set on trial would have asked for."""

    name: str
    digest: str
    rates: tuple[Rate, Rate, Rate]


@dataclass(frozen=True, slots=True)
class Burden:
    """A team's pages, tasks for today and worklist entries, and how many alerts were true."""

    row: BurdenRow
    rates: tuple[Rate, Rate, Rate]
    true_pct: str | None
    trials: tuple[Trial, ...]


def burdens_of(
    teams: Sequence[BurdenRow], shadows: Sequence[ShadowRow], weeks: int
) -> list[Burden]:
    """Return the figures of each team over `weeks` weeks, with those on trial beside them."""
    return [_burden(row, [s for s in shadows if s.team_id == row.team_id], weeks) for row in teams]


def _burden(row: BurdenRow, shadows: Sequence[ShadowRow], weeks: int) -> Burden:
    patient_weeks = row.residents * weeks
    return Burden(
        row,
        _rates(row, patient_weeks),
        f"{100 * row.true_alerts / row.judged:.0f} %" if row.judged else None,
        tuple(Trial(s.name, s.digest, _rates(s, patient_weeks)) for s in shadows),
    )


def _rates(row: BurdenRow | ShadowRow, patient_weeks: int) -> tuple[Rate, Rate, Rate]:
    pages, tasks, entries = (
        Rate(count, f"{count * PER_PATIENT_WEEKS / patient_weeks:.1f}" if patient_weeks else None)
        for count in (row.pages, row.tasks, row.entries)
    )
    return pages, tasks, entries
