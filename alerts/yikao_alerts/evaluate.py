"""The decision: from a resident's history and the rules to findings, and to refusals with reasons.

A pure function of history, rules and time. It is computed anew over the look-back window each
time; what it finds twice is recorded once, so late and repeated readings need no special path.
That nothing was found is recorded too: a year later somebody asks why nobody rang.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from yikao_alerts.confirm import Result, Verdict, confirm, replies
from yikao_alerts.history import History, Measurement, Symptoms
from yikao_alerts.rules.model import SEVERITIES, Late, Protocol, Rule, RuleSet

SYMPTOM_WINDOW: Final = timedelta(minutes=60)
"""A symptom belongs to readings up to so long before or after it: D, no guideline figure."""


class Why(StrEnum):
    """Why a reading that meets a rule is no finding."""

    AWAITING_REPEAT = "awaiting_repeat"
    NOT_CONFIRMED = "not_confirmed"
    REPEATS_EARLIER = "repeats_earlier"
    COVERED_BY_WORSE = "covered_by_worse"
    TOO_OLD = "too_old"


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule is met. `inputs` are the keys of the readings it rests on, the first the trigger.

    confirmed: `confirmed`, `unconfirmed` (nobody replied, or it pages before a repeat) or
    `not_needed`. severity may be below the rule's where the reading came late.
    """

    rule_id: str
    family: str | None
    severity: str
    level: int
    at: datetime
    confirmed: str
    inputs: tuple[str, ...]
    statistic: dict[str, float]
    ask_again: bool
    late: bool = False
    waited_until: datetime | None = None
    """Until when a reply was awaited that did not come."""

    @property
    def trigger(self) -> str:
        """The reading or symptom report that set it off."""
        return self.inputs[0]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rule was met and yet nothing follows, or not yet; `until`: when it may be otherwise."""

    rule_id: str
    family: str | None
    why: Why
    at: datetime
    inputs: tuple[str, ...]
    statistic: dict[str, float]
    until: datetime | None = None
    by: str | None = None

    @property
    def trigger(self) -> str:
        """The reading that met the rule."""
        return self.inputs[0]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything decided at `now`, in an order that depends on nothing but the inputs."""

    now: datetime
    digest: str
    findings: tuple[Finding, ...]
    refusals: tuple[Refusal, ...]

    @property
    def look_again_at(self) -> datetime | None:
        """When a reply that is awaited now is overdue; None when nothing is awaited."""
        return min((r.until for r in self.refusals if r.until), default=None)


def evaluate(history: History, rules: RuleSet, now: datetime) -> Evaluation:
    """Return what the rules find in `history` at `now`."""
    items = history.measurements + history.symptoms
    view = _View(history, rules.late, {item.key: item.received_at - item.at for item in items}, now)
    decided: list[Finding | Refusal] = []
    for rule in rules.rules:
        if rule.protocol is not None:
            decided += _confirmed(rule, rule.protocol, view)
        elif rule.late:
            decided += _late(rule, view)
        else:
            decided += [view.as_age_allows(finding) for finding in _immediate(rule, history)]
    settled = [_under_worse(item, decided) for item in decided]
    ordered = sorted(settled, key=lambda item: (item.at, item.rule_id, item.inputs))
    return Evaluation(
        now,
        rules.digest,
        tuple(item for item in ordered if isinstance(item, Finding)),
        tuple(item for item in ordered if isinstance(item, Refusal)),
    )


@dataclass(frozen=True, slots=True)
class _View:
    """What is looked at, how old each part of it was on arrival, and when it is looked at."""

    history: History
    late: Late
    ages: Mapping[str, timedelta]
    now: datetime

    def allowed(self, severity: str, key: str) -> str | None:
        """Return how severe a finding on such a reading may be (DQ-03): old news asks for a call,
        or only informs (None)."""
        age = self.ages[key]
        if age > self.late.information_after:
            return None
        return "today" if age > self.late.call_after and severity == "page_now" else severity

    def as_age_allows(self, item: Finding | Refusal) -> Finding | Refusal:
        """Return the item as the age of its trigger allows."""
        if item.family is None:
            return item
        if isinstance(item, Refusal):
            known = self.allowed("", item.trigger) is not None
            return item if known else _refusal(item, Why.TOO_OLD)
        severity = self.allowed(item.severity, item.trigger)
        if severity is None:
            return _refusal(item, Why.TOO_OLD)
        late = self.ages[item.trigger] > self.late.late_after
        return replace(item, severity=severity, late=late)


def _refusal(item: Finding | Refusal, why: Why, by: str | None = None) -> Refusal:
    until = item.until if isinstance(item, Refusal) else None
    return Refusal(item.rule_id, item.family, why, item.at, item.inputs, item.statistic, until, by)


def _finding(
    rule: Rule,
    at: datetime,
    inputs: tuple[str, ...],
    statistic: dict[str, float],
    confirmed: str,
    waited_until: datetime | None = None,
) -> Finding:
    return Finding(
        rule.id,
        rule.family,
        rule.severity,
        rule.level,
        at,
        confirmed,
        inputs,
        statistic,
        ask_again=rule.ask_again and rule.protocol is None,
        waited_until=waited_until,
    )


def _immediate(rule: Rule, history: History) -> Iterator[Finding]:
    """Yield a finding for each reading that meets the rule, and each symptom that alone does."""
    confirmed = "unconfirmed" if rule.ask_again and rule.family else "not_needed"
    for measurement in history.measurements:
        if measurement.plausible is rule.quarantine or not rule.met_by(measurement):
            continue
        symptoms = _symptoms_near(rule, measurement, history.symptoms)
        if rule.with_symptoms and not symptoms:
            continue
        inputs = (measurement.key, *(report.key for report in symptoms))
        yield _finding(rule, measurement.at, inputs, dict(measurement.values), confirmed)
    for report in history.symptoms:
        if rule.alone_symptoms & report.codes:
            yield _finding(rule, report.at, (report.key,), {}, "not_needed")


def _symptoms_near(
    rule: Rule, measurement: Measurement, reports: Sequence[Symptoms]
) -> list[Symptoms]:
    return [
        report
        for report in reports
        if rule.with_symptoms & report.codes and abs(report.at - measurement.at) <= SYMPTOM_WINDOW
    ]


def _late(rule: Rule, view: _View) -> Iterator[Finding]:
    for measurement in view.history.measurements:
        if view.ages[measurement.key] > view.late.late_after:
            yield _finding(rule, measurement.at, (measurement.key,), {}, "not_needed")


def _confirmed(rule: Rule, protocol: Protocol, view: _View) -> Iterator[Finding | Refusal]:
    """Yield the verdict on each reading that meets the rule.

    A repeat begins nothing of its own once it has confirmed an earlier reading that is no older
    news than itself, and is not asked to be repeated while that one waits. In any other case it is
    looked at by itself: so an older reading that arrives late never keeps a page from going out.
    """
    readings = view.history.of_kind(rule.kind)
    weight = {
        m.key: SEVERITIES.index(view.allowed(rule.severity, m.key) or "info") for m in readings
    }
    done: set[str] = set()
    waiting: set[str] = set()
    for index, first in enumerate(readings):
        if not rule.met_by(first):
            continue
        later = readings[index + 1 :]
        verdict = confirm(rule, first, later, view.now)
        awaited = verdict.result is Result.AWAITED
        if first.key in done or (awaited and first.key in waiting):
            until = verdict.until if awaited else None
            why = Why.REPEATS_EARLIER
            yield Refusal(rule.id, rule.family, why, first.at, (first.key,), {}, until)
            continue
        near = {m.key for m in later if replies(protocol, first, m)}
        same = {key for key in near if weight[key] <= weight[first.key]}
        done |= same if verdict.result is Result.CONFIRMED else set()
        waiting |= same if awaited else set()
        yield view.as_age_allows(_verdict_item(rule, verdict))


def _verdict_item(rule: Rule, verdict: Verdict) -> Finding | Refusal:
    inputs = tuple(m.key for m in verdict.used)
    at = verdict.used[-1].at
    match verdict.result:
        case Result.AWAITED:
            return Refusal(rule.id, rule.family, Why.AWAITING_REPEAT, at, inputs, {}, verdict.until)
        case Result.NOT_CONFIRMED:
            return Refusal(rule.id, rule.family, Why.NOT_CONFIRMED, at, inputs, verdict.statistic)
        case Result.NO_REPLY:
            result = str(verdict.result)
            return _finding(rule, at, inputs, verdict.statistic, result, verdict.until)
        case Result.CONFIRMED:
            return _finding(rule, at, inputs, verdict.statistic, str(verdict.result))


def _under_worse(
    item: Finding | Refusal, decided: Sequence[Finding | Refusal]
) -> Finding | Refusal:
    """Return the item as refused when a worse finding of its family rests on the same reading.

    A confirmation is let through: it tells the doctor more about the page he already has. A repeat
    that is awaited is not: the worse rule says what the resident is told.
    """
    if isinstance(item, Finding):
        covers = item.family is not None and item.confirmed != Result.CONFIRMED
    else:
        covers = item.why is Why.AWAITING_REPEAT
    if not covers:
        return item
    level = item.level if isinstance(item, Finding) else -1
    for other in decided:
        if (
            isinstance(other, Finding)
            and (other.family, other.trigger) == (item.family, item.trigger)
            and other.level > level
        ):
            return _refusal(item, Why.COVERED_BY_WORSE, other.rule_id)
    return item
