"""The steps of a back-test that processes do side by side: buckets of readings, groups of days."""

import math
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np

from yikao_alerts.backtest.acute import acute_findings
from yikao_alerts.backtest.daily import entries, grid_of
from yikao_alerts.backtest.day_grid import (
    DayGrid,
    Span,
    counting,
    day_grid,
    joined,
    season_values,
)
from yikao_alerts.backtest.days import home_days, home_minutes
from yikao_alerts.backtest.digits import Floats, Ints, Mask
from yikao_alerts.backtest.found import Found
from yikao_alerts.backtest.gaps import silences
from yikao_alerts.backtest.job import Job
from yikao_alerts.backtest.own import Unlike, unlike
from yikao_alerts.backtest.panel import Panel, bucket_panel
from yikao_alerts.backtest.parts import Part, PartRead, Stretch, read_part
from yikao_alerts.backtest.tally import Tally, tally_of
from yikao_alerts.backtest.trace import Trace, traces
from yikao_alerts.backtest.vector import implausible
from yikao_alerts.backtest.watch import Watch
from yikao_alerts.daily.cgm_days import bands_of
from yikao_alerts.daily.season import Season
from yikao_alerts.daily.spread import in_mmhg, top_decile_of
from yikao_alerts.rules.forms import OtherPerson, Spread
from yikao_alerts.rules.model import RuleSet

ON_TRIAL: Final = 0
"""Place of the rule set that is tried out among those of a job."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the parts of a back-test lie, and which days it looks at."""

    folder: Path
    parts: tuple[Part, ...]
    span: Span

    def days_file(self, bucket: int, rules: int) -> Path:
        """Return where the days of a bucket lie, as one rule set counts readings."""
        return self.folder / f"days-{rules}-{bucket:04d}"

    def days(self, bucket: int, rules: int) -> DayGrid:
        """Return the days of a bucket."""
        grid: DayGrid = pickle.loads(self.days_file(bucket, rules).read_bytes())
        return grid

    def shared_file(self, bucket: int, rules: int) -> Path:
        """Return where that lies by which a bucket is compared with the panel."""
        return self.folder / f"shared-{rules}-{bucket:04d}"

    def shared(self, bucket: int, rules: int) -> "Shared":
        """Return that by which a bucket is compared with the panel."""
        shared: Shared = pickle.loads(self.shared_file(bucket, rules).read_bytes())
        return shared


@dataclass(frozen=True, slots=True)
class Shared:
    """What the days of a bucket add to the whole panel's; (n, days).

    spreads: the SD of pressure, mmHg, None where no rule asks for it.
    """

    season: Floats
    spreads: Floats | None

    @classmethod
    def of(cls, grid: DayGrid, rules: RuleSet) -> Self:
        """Return what a grid adds, worked out where the grid was made: the panel waits for it."""
        form = _spread_form(rules)
        spreads = in_mmhg(grid.pressure, form) if form is not None else None
        return cls(season_values(grid), spreads)


def _spread_form(rules: RuleSet) -> Spread | None:
    forms = (rule.form for rule in reversed(rules.rules))
    return next((form for form in forms if isinstance(form, Spread)), None)


def read_stretch(stretch: Stretch, job: Job, buckets: int, folder: Path) -> PartRead:
    """Read one stretch of the file."""
    return read_part(stretch, buckets, folder, job.believed_from)


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is left of a bucket when its readings are judged; its days lie in files."""

    number: int
    residents: int
    findings: tuple[tuple[Found, ...], ...]
    tally: Tally


def judge_bucket(bucket: int, job: Job, place: Place) -> Bucket:
    """Judge the readings of one bucket, and put its days into files."""
    panel = bucket_panel(place.parts, bucket)
    rows, span = panel.rows, place.span
    minutes = home_minutes(rows["at"], job.zone)
    days = home_days(minutes)
    believed = (days >= span.first) & (days < span.first + span.days)
    findings = []
    for number, rules in enumerate(job.rules):
        bad = implausible(rules.rules, rows)
        counts = counting(rows, bad | ~believed)
        strange = _strange(panel, days, bad, counts, rules)
        people = job.of(panel.residents)
        watch = Watch(panel, people, job.zone, days, bad, strange)
        findings.append(tuple(f for c in watch.cases(rules) for f in acute_findings(c, rules)))
        counts &= ~strange.mask(rows.size)
        grid = day_grid(rows[counts], minutes[counts], panel.residents, span, bands_of(rules))
        place.days_file(bucket, number).write_bytes(pickle.dumps(grid, protocol=5))
        shared = Shared.of(grid, rules)
        place.shared_file(bucket, number).write_bytes(pickle.dumps(shared, protocol=5))
    tally = tally_of(panel, days, believed)
    return Bucket(bucket, len(panel.residents), tuple(findings), tally)


def _strange(panel: Panel, days: Ints, bad: Mask, counts: Mask, rules: RuleSet) -> Unlike:
    """Return the readings that may be another person's, where the rules ask for them."""
    for rule in rules.rules:
        if isinstance(rule.form, OtherPerson):
            residents = len(panel.residents)
            return unlike(panel.rows, days, ~bad, counts, residents, rule.form.d2_above)
    return Unlike({})


@dataclass(frozen=True, slots=True)
class Group:
    """Buckets whose days go through the daily lane together, under one rule set."""

    buckets: tuple[int, ...]
    rules: int
    season: Season
    spread_limits: Floats | None
    acute: tuple[Found, ...]
    """What the readings of its residents said, where labels are asked for."""


def groups(buckets: Sequence[Bucket], most: int, rules: int, place: Place, job: Job) -> list[Group]:
    """Return groups of up to about `most` residents, as many for each process, with what is common
    to the whole panel."""
    shared = [place.shared(bucket.number, rules) for bucket in buckets]
    if not shared:
        return []
    season = Season.of(place.span.first, np.concatenate([each.season for each in shared]))
    spreads = [each.spreads for each in shared if each.spreads is not None]
    limits = top_decile_of(np.concatenate(spreads)) if spreads else None
    whole = sum(each.residents for each in buckets)
    count = min(len(buckets), job.jobs * math.ceil(whole / (most * job.jobs)))
    traced = job.trace and rules == ON_TRIAL
    return [
        Group(
            tuple(bucket.number for bucket in group),
            rules,
            season,
            limits,
            tuple(f for bucket in group for f in bucket.findings[rules]) if traced else (),
        )
        for group in (buckets[number::count] for number in range(count))
    ]


def judge_days(group: Group, job: Job, place: Place) -> tuple[list[Found], dict[str, Trace]]:
    """Return the entries of the worklist of one group; and, where asked for, its traces."""
    days = joined([place.days(bucket, group.rules) for bucket in group.buckets])
    people = job.of(days.names)
    grid = grid_of(days, people, group.season, place.span)
    rules = job.rules[group.rules]
    found = entries(grid, days, people, rules, job.zone, group.spread_limits)
    found += silences(days, rules, place.span, job.zone)
    if not job.trace or group.rules != ON_TRIAL:
        return found, {}
    return found, traces(grid, days.names, (*group.acute, *found), job.zone)
