"""The figures of a back-test: what a rule set would have asked of doctors, and against another."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from yikao_alerts.backtest.burden import Asked, Load, asked
from yikao_alerts.backtest.differ import CHANGES, Difference, differences
from yikao_alerts.backtest.found import Found
from yikao_alerts.backtest.job import Job, Result
from yikao_alerts.backtest.tally import Tally
from yikao_alerts.rules.model import RuleSet
from yikao_alerts.version import code_version

DIGITS = 3
"""Of a rate in the output."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that is told of a back-test. against: differences from the other set, if any."""

    rules: RuleSet
    zone: ZoneInfo
    tally: Tally
    findings: Sequence[Found]
    asked: Sequence[Asked]
    old: RuleSet | None = None
    against: Sequence[Difference] = ()

    def rate(self, count: int) -> dict[str, float]:
        """Return a count beside what it is per 100 patient-weeks."""
        rate = round(self.tally.per_100_weeks(count), DIGITS)
        return {"count": count, "per_100_patient_weeks": rate}

    def as_json(self) -> dict[str, Any]:
        """Return the summary as it stands in the output."""
        loads = Counter(each.load for each in self.asked)
        shown: dict[str, Any] = {
            "rules": rules_json(self.rules),
            "code_version": code_version(),
            "zone": self.zone.key,
            "readings": self.tally.rows,
            "copies": self.tally.copies,
            "residents": self.tally.residents,
            "patient_weeks": round(self.tally.patient_weeks, DIGITS),
            **{str(load): self.rate(loads[load]) for load in Load},
            "naive_135_alert_days": self.rate(self.tally.naive_days),
            "findings": self.rate(len(self.findings)),
            "by_rule": self.by_rule(),
        }
        if self.old is not None:
            shown["against"] = self._against(self.old)
        return shown

    def by_rule(self) -> dict[str, dict[str, Any]]:
        """Return for each rule that found anything its findings and what they asked for."""
        found = Counter(each.rule for each in self.findings)
        loads = Counter((each.by.rule, each.load) for each in self.asked)
        return {
            rule: {
                "findings": self.rate(found[rule]),
                **{str(load): self.rate(loads[rule, load]) for load in Load if loads[rule, load]},
            }
            for rule in sorted(found)
        }

    def _against(self, old: RuleSet) -> dict[str, Any]:
        counts = Counter(each.change for each in self.against)
        by_rule: dict[str, Counter[str]] = defaultdict(Counter)
        for each in self.against:
            by_rule[each.spell.rule][each.change] += 1
        return {
            "rules": rules_json(old),
            **{change: counts[change] for change in CHANGES},
            "by_rule": {
                rule: {change: by_rule[rule][change] for change in CHANGES}
                for rule in sorted(by_rule)
            },
            "differences": [each.as_json(self.zone) for each in self.against],
        }


def figures_of(result: Result, job: Job) -> Figures:
    """Return the figures of a result."""
    new, *olds = result.findings
    figures = Figures(job.rules[0], job.zone, result.tally, new, tuple(asked(new)))
    if not olds:
        return figures
    return Figures(
        figures.rules,
        figures.zone,
        figures.tally,
        figures.findings,
        figures.asked,
        job.rules[1],
        differences(new, olds[0]),
    )


def rules_json(rules: RuleSet) -> Mapping[str, str]:
    """Return what names a rule set for good."""
    return {"version": rules.version, "profile": rules.profile, "digest": rules.digest}
