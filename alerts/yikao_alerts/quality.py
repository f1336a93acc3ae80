"""Is the reading what it seems: possible, in its unit, in time, of this person, by a known device?

Nothing here pages and nothing is thrown away: it is asked about, and told beside the reading. Only
of readings at home: at a station nobody of the home could answer.

Source: rules DQ-01 to DQ-05 and DQ-07 of the rule file. Other person: Mahalanobis 1936; 16.3 is the
99.9th percentile of the chi-squared distribution with 3 degrees of freedom.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from yikao_alerts.confirm import UNITS_TO_MMHG
from yikao_alerts.findings import NOT_NEEDED, THREE_IN_A_ROW, Finding, finding
from yikao_alerts.history import BLOOD_PRESSURE, Measurement, Profile, Triple
from yikao_alerts.rules.forms import (
    ClockError,
    DeviceChange,
    LateData,
    OnReading,
    OtherPerson,
    UnitDoubt,
)
from yikao_alerts.rules.model import ANY_KIND, Rule
from yikao_alerts.view import View

Covariance = tuple[Triple, Triple, Triple]
PROFILED: Final = frozenset({"systolic", "diastolic", "pulse"})
PROFILE_MIN: Final = 30
"""Readings of the own profile below which nobody is taken for another person: D, about 3 weeks."""
SINGULAR: Final = 1e-6
"""A determinant below this part of the product of the variances: the three are no three values."""
KEPT: Final = 1024
"""Inverted covariances kept: a profile changes once a day at most."""
IN_A_ROW: Final = 3
"""Impossible readings of one kind, with none between them that is possible, that a nurse hears of
(DQ-01)."""


def quality(view: View) -> Iterator[Finding]:
    """Yield what is odd about the readings themselves."""
    for rule in view.plan.quality:
        if view.loud or isinstance(rule.form, OF_ORDINARY):
            yield from FORMS[type(rule.form)](rule, rule.form, view)


def distance(profile: Profile, measurement: Measurement) -> float | None:
    """Return the squared Mahalanobis distance of a pressure and its pulse from the own profile.

    None where the profile is of too few readings or all of one value, or a value is absent.
    """
    inverse = None if profile.n < PROFILE_MIN else _inverse(profile.covariance)
    factor = UNITS_TO_MMHG.get(measurement.unit)
    values = measurement.values
    if inverse is None or factor is None or not values.keys() >= PROFILED:
        return None
    x = values["systolic"] * factor - profile.mean[0]
    y = values["diastolic"] * factor - profile.mean[1]
    z = values["pulse"] - profile.mean[2]
    (a, b, c), (_, e, f), (_, _, i) = inverse
    return a * x * x + e * y * y + i * z * z + 2 * (b * x * y + c * x * z + f * y * z)


@lru_cache(maxsize=KEPT)
def _inverse(matrix: Covariance) -> Covariance | None:
    """Return the inverse of a covariance, None for one without (or too near to it)."""
    (a, b, c), (_, e, f), (_, _, i) = matrix
    first, second, third = e * i - f * f, c * f - b * i, b * f - c * e
    size = a * first + b * second + c * third
    if size <= SINGULAR * a * e * i:
        return None
    crossed = (b * c - a * f) / size
    return (
        (first / size, second / size, third / size),
        (second / size, (a * i - c * c) / size, crossed),
        (third / size, crossed, (a * e - b * b) / size),
    )


def _implausible(rule: Rule, form: OnReading, view: View) -> Iterator[Finding]:
    """Yield each reading in quarantine, and each third one in a row."""
    row: list[str] = []
    if not any(m.kind == rule.kind and not m.plausible for m in view.loud):
        return
    for m in view.history.measurements:
        if m.kind != rule.kind or not m.at_home:
            continue
        if m.plausible:
            row.clear()
            continue
        row.append(m.key)
        if rule.met_by(m):
            yield finding(rule, m.at, (m.key,), dict(m.values), NOT_NEEDED)
        if len(row) % IN_A_ROW == 0:
            inputs = tuple(reversed(row[-IN_A_ROW:]))
            yield finding(rule, m.at, inputs, dict(m.values), THREE_IN_A_ROW)


def _late(rule: Rule, form: LateData, view: View) -> Iterator[Finding]:
    for m in _about(rule, view):
        if m.age > view.rules.late.late_after:
            yield finding(rule, m.at, (m.key,), {}, NOT_NEEDED)


def _clock_error(rule: Rule, form: ClockError, view: View) -> Iterator[Finding]:
    for m in _about(rule, view):
        if form.flag in m.flags or -m.age > form.future or m.at.year < form.year_min:
            yield finding(rule, m.at, (m.key,), {}, NOT_NEEDED)


def _unit_doubt(rule: Rule, form: UnitDoubt, view: View) -> Iterator[Finding]:
    for m in _about(rule, view):
        if m.key in view.doubtful:
            yield finding(rule, m.at, (m.key,), dict(m.values), NOT_NEEDED)


def _other_person(rule: Rule, form: OtherPerson, view: View) -> Iterator[Finding]:
    profile = view.history.profile
    if profile is None or profile.n < PROFILE_MIN:
        return
    for m in view.series(BLOOD_PRESSURE).readings:
        d2 = distance(profile, m)
        if d2 is not None and d2 > form.d2_above:
            yield finding(rule, m.at, (m.key,), dict(m.values), NOT_NEEDED)


def _device_change(rule: Rule, form: DeviceChange, view: View) -> Iterator[Finding]:
    """Yield the first reading of each device not known before; of the very first nobody speaks."""
    known = set(view.history.devices)
    if not known:
        return
    for m in view.history.measurements:
        if m.device and m.device not in known and m.at_home:
            known.add(m.device)
            yield finding(rule, m.at, (m.key,), {}, NOT_NEEDED)


def _about(rule: Rule, view: View) -> Iterator[Measurement]:
    return (m for m in view.loud if rule.kind in (ANY_KIND, m.kind) and m.at_home)


OF_ORDINARY: Final = (OtherPerson, DeviceChange)
"""Forms that look at readings which are ordinary by themselves too."""
FORMS: Final[Mapping[type, Callable[[Rule, Any, View], Iterator[Finding]]]] = {
    OnReading: _implausible,
    LateData: _late,
    ClockError: _clock_error,
    UnitDoubt: _unit_doubt,
    OtherPerson: _other_person,
    DeviceChange: _device_change,
}
