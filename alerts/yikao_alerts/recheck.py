"""What follows a page at home: measured again in rounds, until it is over or somebody must come.

A course begins with a finding whose rule has a re-check. It says when each round is due, when two
rounds in a row let the case be taken down or ended, and when it escalates: still as bad, worse, a
new symptom, or silence. It is worked out anew from the readings at each look.

Source: the protocols RECHECK_20 and RECHECK_GLU_15 of the rule set; their numbers stand there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache

from yikao_alerts.confirm import UNITS_TO_MMHG
from yikao_alerts.course import ESCALATIONS, Begun, Course, Look, course_of
from yikao_alerts.findings import Finding
from yikao_alerts.history import History
from yikao_alerts.resident import Resident
from yikao_alerts.rules.forms import OtherPerson
from yikao_alerts.rules.model import Rule, RuleSet
from yikao_alerts.series import series_of


def rechecks(
    findings: Sequence[Finding],
    history: History,
    resident: Resident,
    rules: RuleSet,
    now: datetime,
) -> tuple[Course, ...]:
    """Return the course of each re-check that `findings` began, as it stands at `now`.

    One runs in a family at a time; what is found meanwhile joins it, something worse begins anew.
    A reading that was older on arrival than `late.call_after` begins none. A finding that only
    people may close ends it and keeps others from beginning for as long as one lasts: somebody has
    been told to call 120 and not to wait for another reading.
    """
    starting = _starting(rules)
    if not any(each.rule_id in starting for each in findings):
        return ()
    kinds = {recheck.kind for recheck in rules.rechecks.values()}
    series = {kind: series_of(history.of_kind(kind)) for kind in kinds}
    look = Look(series, history.symptoms, resident, rules, _doubted(findings, history, rules), now)
    events = sorted(_events(findings, starting, history, rules), key=lambda event: event.order)
    return tuple(
        course
        for family in sorted({event.finding.family or "" for event in events if event.recheck})
        for course in _in_turn([e for e in events if e.finding.family == family], look)
    )


@lru_cache(maxsize=8)
def _starting(rules: RuleSet) -> Mapping[str, Rule]:
    return {rule.id: rule for rule in rules.rules if rule.recheck is not None}


def _doubted(findings: Iterable[Finding], history: History, rules: RuleSet) -> frozenset[str]:
    """Return the readings that may be another person's, where that could calm anybody: a pressure
    below the own mean. One above it is unlike the own because of the crisis."""
    asking = {rule.id for rule in rules.rules if isinstance(rule.form, OtherPerson)}
    asked = {each.trigger for each in findings if each.rule_id in asking}
    profile = history.profile
    if not asked or profile is None:
        return frozenset()
    return frozenset(
        m.key
        for m in history.measurements
        if m.key in asked
        and any(
            m.values.get(field, mean) * UNITS_TO_MMHG.get(m.unit, 0.0) < mean
            for field, mean in zip(("systolic", "diastolic"), profile.mean, strict=False)
        )
    )


def _events(
    findings: Iterable[Finding],
    starting: Mapping[str, Rule],
    history: History,
    rules: RuleSet,
) -> Iterator[Begun]:
    """Yield what begins a course, or ends one, as of when everything it rests on had arrived."""
    people = {rule.id: rule for rule in rules.rules if rule.human_only}
    known = {m.key: m for m in history.measurements}
    arrivals = {s.key: s.received_at for s in history.symptoms}
    arrivals |= {key: m.received_at for key, m in known.items()}
    for each in findings:
        if each.confirmed in ESCALATIONS:
            continue
        arrived = max((arrivals[key] for key in each.inputs if key in arrivals), default=each.at)
        at, trigger = each.waited_until or arrived, known.get(each.trigger)
        if each.rule_id in people:
            yield Begun(at, each, people[each.rule_id], None, None)
        elif each.rule_id in starting and trigger and trigger.age <= rules.late.call_after:
            rule = starting[each.rule_id]
            yield Begun(at, each, rule, rules.rechecks[rule.recheck or ""], trigger)


def _in_turn(events: Sequence[Begun], look: Look) -> list[Course]:
    """Return the courses of one family, one after the other."""
    done: list[Course] = []
    running: Begun | None = None
    theirs_until: datetime | None = None
    for event in events:
        covered = running if running is not None and _covers(done[-1], event) else None
        if event.recheck is None:
            if covered is not None:
                done[-1] = course_of(covered, look, event.at)
            running, theirs_until = None, event.at + look.longest
        elif theirs_until is not None and event.at < theirs_until:
            continue
        elif covered is None or event.finding.weight > covered.finding.weight:
            if covered is not None:
                done[-1] = course_of(covered, look, event.at)
            running = event
            done.append(course_of(event, look))
    return done


def _covers(course: Course, event: Begun) -> bool:
    """Return whether what set the event off had arrived while the course ran."""
    arrived = event.at if event.trigger is None else event.trigger.received_at
    return course.over_at is None or arrived <= course.over_at
