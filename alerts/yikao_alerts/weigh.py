"""How much a met rule asks for: more with certain symptoms or company, less when it is old news.

A rule says how severe it is; its upgrades and downgrades say in whom and beside what it is more or
less so, and the age of a reading what may still be made of it (rule DQ-03).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from yikao_alerts.findings import DOWNGRADED, UPGRADED, Decided, Finding, Refusal, Why, refused
from yikao_alerts.history import FIELDS, Measurement, Symptoms
from yikao_alerts.limits import Limit, value_of
from yikao_alerts.quiet import RISING_WITHIN
from yikao_alerts.rules.forms import OnReading
from yikao_alerts.rules.model import PAGING, Downgrade, Late, Rule, Upgrade
from yikao_alerts.view import View
from yikao_devices.symptoms import NO_COMPLAINT, SYMPTOMS

RISING: Final = "rising"
BY_ROUNDS: Final = frozenset({"low_twice", "no_recheck", "crisis_silent"})
"""Upgrades that rounds of a re-check decide, not a reading."""
UNWELL: Final = SYMPTOMS - NO_COMPLAINT


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be weighed: what was decided, by which rule, how old it was on arrival, and the
    reading it began with, None for a symptom report."""

    rule: Rule
    item: Decided
    age: timedelta
    reading: Measurement | None = None


def weighed(case: Case, view: View) -> Iterator[Decided]:
    """Yield what becomes of a case: one item, and one more for each severity it is raised to.

    The rule's own finding stays beside the raised one: the symptom may be reported later than it.
    """
    item = case.item
    if isinstance(item, Finding) and case.reading is not None:
        for raised in _all_raised(item, case.reading, case.rule, view):
            yield as_age_allows(raised, case, view.rules.late)
        for downgrade in case.rule.downgrades:
            if _lowers(downgrade, case.reading, view):
                because = tuple(sorted(downgrade.who.options_all))
                item = replace(
                    item, severity=downgrade.severity, confirmed=DOWNGRADED, because=because
                )
    yield as_age_allows(item, case, view.rules.late)


def allowed(severity: str, age: timedelta, late: Late) -> str | None:
    """Return how severe a finding of such age may be: old news asks for a call, or only informs
    (None). What pages nobody is as good a day later."""
    if severity not in PAGING:
        return severity
    if age > late.information_after:
        return None
    return "today" if age > late.call_after and severity == "page_now" else severity


def as_age_allows(item: Decided, case: Case, late: Late) -> Decided:
    """Return the item as its age allows."""
    if item.family is None:
        return item
    severity = item.severity if isinstance(item, Finding) else case.rule.severity
    may = severity if case.rule.id in late.never else allowed(severity, case.age, late)
    if may is None:
        return refused(item, Why.TOO_OLD)
    is_late = case.age > late.late_after
    if isinstance(item, Refusal) or (item.severity, item.late) == (may, is_late):
        return item
    return replace(item, severity=may, late=is_late)


def _all_raised(item: Finding, reading: Measurement, rule: Rule, view: View) -> Iterable[Finding]:
    """Return the finding as the upgrades make it, one for each severity, for all their reasons."""
    found: dict[str, Finding] = {}
    for upgrade in rule.upgrades:
        raised = _raised(item, upgrade, reading, rule, view)
        if raised is not None:
            held = found.setdefault(raised.severity, raised)
            found[raised.severity] = replace(
                held,
                inputs=tuple(dict.fromkeys((*held.inputs, *raised.inputs))),
                because=tuple(sorted({*held.because, *raised.because})),
            )
    return found.values()


def _raised(
    item: Finding, upgrade: Upgrade, reading: Measurement, rule: Rule, view: View
) -> Finding | None:
    """Return the finding as the upgrade makes it, None where it does not apply."""
    if upgrade.recheck in BY_ROUNDS or not upgrade.who.met_by(view.resident, view.day):
        return None
    if upgrade.limits and not any(_reached(each, item, reading) for each in upgrade.limits):
        return None
    reports = view.reported(upgrade.symptoms, reading.at)
    if upgrade.symptoms and not reports:
        return None
    lower = _lower_before(rule, upgrade, reading, view) if upgrade.recheck == RISING else ()
    if upgrade.recheck == RISING and not lower:
        return None
    return replace(
        item,
        severity=upgrade.severity,
        confirmed=UPGRADED[upgrade.severity],
        inputs=(*item.inputs, *(r.key for r in reports), *(m.key for m in lower)),
        because=_because(upgrade, reports, view),
    )


def _reached(limit: Limit, item: Finding, reading: Measurement) -> bool:
    """Return whether the confirmed mean, or else the reading, reaches a limit."""
    value = item.statistic.get(limit.field, value_of(reading, limit.field))
    return limit.reached(value, reading.unit_of(limit.field))


def _because(upgrade: Upgrade, reports: tuple[Symptoms, ...], view: View) -> tuple[str, ...]:
    """Return what raised it: symptoms, groups of the resident, `rising`, fields of limits."""
    codes = {code for report in reports for code in report.codes & upgrade.symptoms}
    groups = (upgrade.who.groups_all | upgrade.who.groups_any) & view.resident.groups
    rising = {upgrade.recheck} if upgrade.recheck else set()
    return tuple(sorted({*codes, *groups, *rising, *(limit.field for limit in upgrade.limits)}))


def _lower_before(
    rule: Rule, upgrade: Upgrade, reading: Measurement, view: View
) -> tuple[Measurement, ...]:
    """Return the last reading before this one that met the rule with less, if there is one."""
    assert isinstance(rule.form, OnReading), f"{rule.id}: only a reading can rise on repeat"
    fields = {limit.field for limit in rule.form.any}
    within = RISING_WITHIN if upgrade.minutes is None else timedelta(minutes=upgrade.minutes)
    before = [
        m
        for m in view.series(reading.kind).between(reading.at - within, reading.at)
        if m.at < reading.at and m.unit == reading.unit and rule.met_by(m)
        if any(_less(value_of(m, field), value_of(reading, field)) for field in fields)
    ]
    return tuple(before[-1:])


def _less(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and one < other


def _lowers(downgrade: Downgrade, reading: Measurement, view: View) -> bool:
    """Return whether everything that a downgrade asks for holds."""
    if not downgrade.who.met_by(view.resident, view.day):
        return False
    if downgrade.no_symptom and view.reported(UNWELL, reading.at):
        return False
    return all(_known_to_reach(each, downgrade, reading.at, view) for each in downgrade.limits)


def _known_to_reach(limit: Limit, downgrade: Downgrade, at: datetime, view: View) -> bool:
    """Return whether the newest reading that can tell does reach a limit: no reading, no answer."""
    near = [
        m
        for kind in FIELDS
        if limit.field in FIELDS[kind]
        for m in view.series(kind).between(at - downgrade.within, at + downgrade.within)
    ]
    return bool(near) and limit.reached_by(max(near, key=lambda m: (m.at, m.key)))
