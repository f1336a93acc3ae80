"""A rule set as values: what each rule looks for, and which readings meet it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from yikao_alerts.history import Measurement
from yikao_alerts.limits import Limit

SEVERITIES: Final = ("technical", "info", "this_week", "today", "page_now")
"""From "tell the helper" to "wake the doctor"."""
PAGING: Final = ("today", "page_now")
"""Severities for which somebody is called: `escalation.toml` has the steps of each."""
ANY_KIND: Final = "any"


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a first reading is confirmed; without a reply in the window it counts as confirmed."""

    name: str
    window: timedelta
    gap: timedelta
    statistic: str
    differ_mmhg: float | None
    source: str


@dataclass(frozen=True, slots=True)
class Normal:
    """When an answered episode may end: so many readings in a row within `limits`, so far apart."""

    kind: str
    limits: tuple[Limit, ...]
    rounds: int
    apart: timedelta

    def met_by(self, measurement: Measurement) -> bool:
        """Return whether the measurement lies within every limit."""
        return all(limit.reached_by(measurement) for limit in self.limits)


@dataclass(frozen=True, slots=True)
class Late:
    """Rule DQ-03: what the age of a reading allows."""

    late_after: timedelta
    call_after: timedelta
    information_after: timedelta


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `family` is the kind of episode it opens, None for data quality."""

    id: str
    family: str | None
    kind: str
    severity: str
    level: int
    any: tuple[Limit, ...]
    flags: frozenset[str]
    unless_flags: frozenset[str]
    with_symptoms: frozenset[str]
    alone_symptoms: frozenset[str]
    order: tuple[str, str] | None
    protocol: Protocol | None
    normal: Normal | None
    ask_again: bool
    quarantine: bool
    late: bool
    human_only: bool
    name_zh: str
    name_en: str
    patient_zh: str
    patient_en: str
    source: str
    evidence: str

    def about(self, measurement: Measurement) -> bool:
        """Return whether this rule looks at such a measurement at all."""
        return self.kind in (ANY_KIND, measurement.kind)

    def met_by(self, measurement: Measurement) -> bool:
        """Return whether the measurement alone meets the rule's limits or flags."""
        if not self.about(measurement) or self.unless_flags & measurement.flags:
            return False
        if self.flags & measurement.flags or self._out_of_order(measurement):
            return True
        return any(limit.reached_by(measurement) for limit in self.any)

    def _out_of_order(self, measurement: Measurement) -> bool:
        if self.order is None:
            return False
        low, high = (measurement.values.get(field) for field in self.order)
        return low is not None and high is not None and low >= high

    def limits_text(self, language: str) -> str:
        """Return the rule's limits as one line for people."""
        word = {"zh": " 或 ", "en": " or "}[language]
        return word.join([limit.text(language) for limit in self.any] + sorted(self.flags))

    def name(self, language: str) -> str:
        """Return its name in `zh` or `en`."""
        return self.name_zh if language == "zh" else self.name_en


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules, the most severe and highest level first."""

    version: str
    profile: str
    digest: str
    late: Late
    rules: tuple[Rule, ...]

    def rule(self, rule_id: str) -> Rule:
        """Return the rule called `rule_id`; a missing one is a programmer's error."""
        return next(rule for rule in self.rules if rule.id == rule_id)

    def normal(self, rule_id: str) -> Normal | None:
        """Return what ends an episode of that rule by itself; nothing, where the rule is gone."""
        return next((rule.normal for rule in self.rules if rule.id == rule_id), None)

    def implausible(self, measurement: Measurement) -> Rule | None:
        """Return the rule that puts such a measurement in quarantine, or None."""
        for rule in self.rules:
            if rule.quarantine and rule.met_by(measurement):
                return rule
        return None
