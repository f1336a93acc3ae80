"""The decision: from a resident's history and the rules to findings, and to refusals with reasons.

A pure function of history, resident, rules and time. It is computed anew over the look-back window
each time; what it finds twice is recorded once, so late and repeated readings need no special path.
That nothing was found is recorded too: a year later somebody asks why nobody rang.

This is the acute lane: what readings say by themselves and in small numbers. Means, trends and
silence are judged once a day, elsewhere.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from yikao_alerts.course import Course
from yikao_alerts.differences import dropped, gained
from yikao_alerts.findings import CONFIRMED, Decided, Finding, Refusal, Why, refused
from yikao_alerts.history import History, Measurement
from yikao_alerts.judge import on_readings, on_reports
from yikao_alerts.quality import quality
from yikao_alerts.quiet import SYMPTOM_WINDOW
from yikao_alerts.recheck import rechecks
from yikao_alerts.resident import Resident
from yikao_alerts.rules.forms import Drop, Gain, OnReading
from yikao_alerts.rules.model import PAGING, SEVERITIES, Rule, RuleSet
from yikao_alerts.series import series_of
from yikao_alerts.times import counted
from yikao_alerts.view import View, look
from yikao_alerts.weigh import Case, weighed

__all__ = ["SYMPTOM_WINDOW", "Evaluation", "Finding", "Refusal", "Why", "evaluate"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything decided at `now`, in an order that depends on nothing but the inputs.

    courses: the re-checks that findings began; their escalations are among the findings.
    """

    now: datetime
    digest: str
    findings: tuple[Finding, ...]
    refusals: tuple[Refusal, ...]
    courses: tuple[Course, ...] = ()

    @property
    def quiet(self) -> bool:
        """Whether nothing was found, refused, or begun: so it is with nearly everybody."""
        return not (self.findings or self.refusals or self.courses)

    @property
    def look_again_at(self) -> datetime | None:
        """When a reply or a round that is awaited now is overdue; None when nothing is awaited."""
        awaited = [refusal.until for refusal in self.refusals]
        awaited += [course.look_again_at for course in self.courses]
        return min((at for at in awaited if at is not None), default=None)


def evaluate(history: History, resident: Resident, rules: RuleSet, now: datetime) -> Evaluation:
    """Return what the acute rules find in `history` at `now`."""
    view = look(history, resident, rules, now)
    decided: list[Decided] = [*quality(view)]
    judged = [(case.rule, item) for case in _cases(view) for item in weighed(case, view)]
    if not (decided or judged):
        return Evaluation(now, rules.digest, (), ())
    decided += _worst_of_doubtful(_under_worse(judged, rules), view.doubtful)
    found = [item for item in decided if isinstance(item, Finding)]
    courses = rechecks(found, history, resident, rules, now)
    decided += [finding for course in courses for finding in course.escalations]
    decided.sort(key=lambda item: (item.at, item.rule_id, item.inputs))
    return Evaluation(
        now,
        rules.digest,
        tuple(item for item in decided if isinstance(item, Finding)),
        tuple(item for item in decided if isinstance(item, Refusal)),
        courses,
    )


def _cases(view: View) -> Iterator[Case]:
    """Yield what each rule says, the most severe rules first."""
    if view.history.symptoms:
        for rule in view.plan.on_report:
            yield from on_reports(rule, view)
    if not view.loud:
        return
    for kind in sorted(view.kinds):
        for rule, firsts in view.firsts(kind):
            yield from _of_rule(rule, firsts, view)


def _of_rule(rule: Rule, firsts: list[Measurement], view: View) -> Iterator[Case]:
    twins = view.twins.get(rule.kind)
    form = rule.form
    match form:
        case OnReading(times=()):
            if firsts:
                around = view.everywhere if rule.is_crisis else view.series
                yield from on_readings(rule, form, firsts, around(rule.kind), view)
            if twins is not None and rule.severity in PAGING:
                if not rule.is_crisis:
                    twins = series_of(m for m in twins.readings if m.at_home)
                yield from on_readings(rule, form, twins.readings, twins, view)
        case OnReading():
            yield from counted(rule, form, firsts, view)
        case Drop():
            yield from dropped(rule, form, firsts, view)
        case Gain():
            yield from gained(rule, form, firsts)


def _under_worse(judged: Sequence[tuple[Rule, Decided]], rules: RuleSet) -> list[Decided]:
    """Return the items, those refused for which a worse finding of the family rests on the same
    reading.

    Let through are the rules that nothing may keep away, and what tells the doctor more about the
    page he already has: a confirmation, or how often. A repeat that is awaited is not: the worse
    rule says what the resident is told.
    """
    worst: dict[tuple[str | None, str], Finding] = {}
    for _, item in judged:
        if isinstance(item, Finding):
            place = item.family, item.trigger
            if place not in worst or item.weight > worst[place].weight:
                worst[place] = item
    return [
        refused(item, Why.COVERED_BY_WORSE, by.rule_id)
        if (by := worst.get((item.family, item.trigger)))
        and item.family
        and _covered(rule, item, by, rules)
        else item
        for rule, item in judged
    ]


def _covered(rule: Rule, item: Decided, worst: Finding, rules: RuleSet) -> bool:
    if isinstance(item, Refusal):
        less = (SEVERITIES.index(rule.severity), rule.level) < worst.weight
        return less and item.why is Why.AWAITING_REPEAT
    if item.weight >= worst.weight:
        return False
    single = isinstance(rule.form, OnReading) and not rule.form.times
    kept = rule.id in rules.suppress.never or item.confirmed == CONFIRMED or not single
    return not kept and not _told_before(rule, worst, rules)


def _told_before(rule: Rule, worst: Finding, rules: RuleSet) -> bool:
    """Return whether a rule that waits for nothing had spoken when the worse one still waited."""
    return rule.protocol is None and rules.rule(worst.rule_id).protocol is not None


def _worst_of_doubtful(judged: Iterable[Decided], doubtful: frozenset[str]) -> list[Decided]:
    """Return the items; of a reading whose unit is unclear only the worst finding, and marked so.

    Its number was judged in each unit in which it could be real, in whatever family that led to.
    A confirmation is let through: it says which unit was meant.
    """
    if not doubtful:
        return [*judged]
    items = [_marked(item, doubtful) for item in judged]
    worst: dict[str, Finding] = {}
    for item in items:
        if isinstance(item, Finding) and item.unit_unclear:
            held = worst.setdefault(item.trigger, item)
            worst[item.trigger] = max(held, item, key=_urgency)
    return [
        refused(item, Why.COVERED_BY_WORSE, worst[item.trigger].rule_id)
        if isinstance(item, Finding)
        and item.unit_unclear
        and item.confirmed != CONFIRMED
        and item is not worst[item.trigger]
        else item
        for item in items
    ]


def _urgency(item: Finding) -> tuple[int, bool, int]:
    """Return what orders findings across families: how severe, then whether it waited."""
    severity, level = item.weight
    return severity, item.waited_until is None, level


def _marked(item: Decided, doubtful: frozenset[str]) -> Decided:
    if isinstance(item, Refusal) or item.trigger not in doubtful:
        return item
    return replace(item, unit_unclear=True)
