"""The decision: from a resident's history and the rules to findings, and to refusals with reasons.

A pure function of history, rules and time. It is computed anew over the look-back window each
time; what it finds twice is recorded once, so late and repeated readings need no special path.
That nothing was found is recorded too: a year later somebody asks why nobody rang.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from yikao_alerts.confirm import Result, Verdict, confirm
from yikao_alerts.history import History, Measurement, Symptoms
from yikao_alerts.rules.model import Rule, RuleSet

SYMPTOM_WINDOW: Final = timedelta(minutes=60)
"""A symptom belongs to readings up to so long before or after it: D, no guideline figure."""


class Why(StrEnum):
    """Why a reading that meets a rule is no finding."""

    AWAITING_REPEAT = "awaiting_repeat"
    NOT_CONFIRMED = "not_confirmed"
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
    """A rule was met and yet nothing follows, or not yet; `until`: when to look again."""

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
    decided: list[Finding | Refusal] = []
    for rule in rules.rules:
        if rule.protocol is not None:
            decided += _confirmed(rule, history, now)
        elif rule.late:
            decided += _late(rule, history, rules)
        else:
            decided += _immediate(rule, history)
    aged = [_by_age(item, history, rules) for item in decided]
    settled = [_under_worse(item, aged) for item in aged]
    ordered = sorted(settled, key=lambda item: (item.at, item.rule_id, item.inputs))
    return Evaluation(
        now,
        rules.digest,
        tuple(item for item in ordered if isinstance(item, Finding)),
        tuple(item for item in ordered if isinstance(item, Refusal)),
    )


def _immediate(rule: Rule, history: History) -> Iterator[Finding]:
    """Yield a finding for each reading that meets the rule, and each symptom that alone does."""
    for measurement in history.measurements:
        if measurement.plausible is rule.quarantine or not rule.met_by(measurement):
            continue
        symptoms = _symptoms_near(rule, measurement, history.symptoms)
        if rule.with_symptoms and not symptoms:
            continue
        inputs = (measurement.key, *(report.key for report in symptoms))
        yield _finding(rule, measurement.at, inputs, dict(measurement.values))
    for report in history.symptoms:
        if rule.alone_symptoms & report.codes:
            yield _finding(rule, report.at, (report.key,), {})


def _symptoms_near(
    rule: Rule, measurement: Measurement, reports: Sequence[Symptoms]
) -> list[Symptoms]:
    return [
        report
        for report in reports
        if rule.with_symptoms & report.codes and abs(report.at - measurement.at) <= SYMPTOM_WINDOW
    ]


def _finding(
    rule: Rule, at: datetime, inputs: tuple[str, ...], statistic: dict[str, float]
) -> Finding:
    confirmed = "unconfirmed" if rule.ask_again and rule.family else "not_needed"
    return Finding(
        rule.id,
        rule.family,
        rule.severity,
        rule.level,
        at,
        confirmed,
        inputs,
        statistic,
        rule.ask_again,
    )


def _confirmed(rule: Rule, history: History, now: datetime) -> Iterator[Finding | Refusal]:
    """Yield the verdict on each first reading; the repeats it used begin nothing of their own."""
    readings = history.of_kind(rule.kind)
    taken: set[str] = set()
    for index, first in enumerate(readings):
        if first.key in taken or not rule.met_by(first):
            continue
        verdict = confirm(rule, first, readings[index + 1 :], now)
        taken.update(m.key for m in verdict.used)
        yield _verdict_item(rule, verdict)


def _verdict_item(rule: Rule, verdict: Verdict) -> Finding | Refusal:
    inputs = tuple(m.key for m in verdict.used)
    at = verdict.used[-1].at
    match verdict.result:
        case Result.AWAITED:
            return Refusal(rule.id, rule.family, Why.AWAITING_REPEAT, at, inputs, {}, verdict.until)
        case Result.NOT_CONFIRMED:
            return Refusal(rule.id, rule.family, Why.NOT_CONFIRMED, at, inputs, verdict.statistic)
        case result:
            return Finding(
                rule.id,
                rule.family,
                rule.severity,
                rule.level,
                at,
                str(result),
                inputs,
                verdict.statistic,
                ask_again=False,
                waited_until=verdict.until if result is Result.NO_REPLY else None,
            )


def _late(rule: Rule, history: History, rules: RuleSet) -> Iterator[Finding]:
    for measurement in history.measurements:
        if measurement.age > rules.late.late_after:
            yield _finding(rule, measurement.at, (measurement.key,), {})


def _by_age(item: Finding | Refusal, history: History, rules: RuleSet) -> Finding | Refusal:
    """Return the item as its age allows (DQ-03): old news asks for a call, or only informs."""
    if item.family is None:
        return item
    age = _age(item.trigger, history)
    if age > rules.late.information_after:
        return Refusal(item.rule_id, item.family, Why.TOO_OLD, item.at, item.inputs, item.statistic)
    if isinstance(item, Refusal):
        return item
    to_call = age > rules.late.call_after and item.severity == "page_now"
    severity = "today" if to_call else item.severity
    return replace(item, severity=severity, late=age > rules.late.late_after)


def _age(key: str, history: History) -> timedelta:
    ages = [m.age for m in history.measurements if m.key == key]
    ages += [s.received_at - s.at for s in history.symptoms if s.key == key]
    return max(ages, default=timedelta())


def _under_worse(
    item: Finding | Refusal, decided: Sequence[Finding | Refusal]
) -> Finding | Refusal:
    """Return a finding as refused when a worse one of its family rests on the same reading.

    A confirmation is let through: it tells the doctor more about the page he already has.
    """
    if isinstance(item, Refusal) or item.family is None or item.confirmed == Result.CONFIRMED:
        return item
    for other in decided:
        if (
            isinstance(other, Finding)
            and (other.family, other.trigger) == (item.family, item.trigger)
            and other.level > item.level
        ):
            why = Why.COVERED_BY_WORSE
            return Refusal(
                item.rule_id,
                item.family,
                why,
                item.at,
                item.inputs,
                item.statistic,
                by=other.rule_id,
            )
    return item
