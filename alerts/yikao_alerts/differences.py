"""What changed between two readings: pressure that falls on standing, weight gained in days.

Source: NICE NG136 1.1.6 (standing pressures); ESC 2021, self-care in heart failure (weight).
"""

from collections import deque
from collections.abc import Iterator

from yikao_alerts.findings import NOT_NEEDED, finding
from yikao_alerts.history import Measurement
from yikao_alerts.limits import DERIVED_DIGITS, value_of
from yikao_alerts.rules.forms import Drop, Gain
from yikao_alerts.rules.model import Rule
from yikao_alerts.view import View
from yikao_alerts.weigh import Case


def dropped(rule: Rule, form: Drop, firsts: list[Measurement], view: View) -> Iterator[Case]:
    """Yield a case for each reading that lies so far from the last one taken before, as told.

    The statistic is the difference, in the unit of both.
    """
    for after in firsts:
        if after.context not in form.after:
            continue
        before = _last_before(form, after, view)
        if before is None:
            continue
        fields = {limit.field for limit in form.any}
        falls = {field: fall for field in sorted(fields) if (fall := _fall(before, after, field))}
        if any(limit.reached(falls.get(limit.field), after.unit) for limit in form.any):
            item = finding(rule, after.at, (after.key, before.key), falls, NOT_NEEDED)
            yield Case(rule, item, after.age, after)


def _last_before(form: Drop, after: Measurement, view: View) -> Measurement | None:
    near = view.series(after.kind).between(after.at - form.within, after.at)
    return next(
        (
            m
            for m in reversed(near)
            if m.key != after.key and m.context in form.before and m.unit == after.unit
        ),
        None,
    )


def _fall(before: Measurement, after: Measurement, field: str) -> float | None:
    one, other = value_of(before, field), value_of(after, field)
    return None if one is None or other is None else round(other - one, DERIVED_DIGITS)


def gained(rule: Rule, form: Gain, firsts: list[Measurement]) -> Iterator[Case]:
    """Yield a case for each weight so far above the lightest of the time before it.

    The statistic is the gain in kg.
    """
    lightest: deque[Measurement] = deque()
    for m in firsts:
        weight = m.values.get("weight")
        if weight is None:
            continue
        while lightest and m.at - lightest[0].at > form.within:
            lightest.popleft()
        gain = round(weight - lightest[0].values["weight"], DERIVED_DIGITS) if lightest else 0.0
        if gain >= form.kg:
            inputs = (m.key, lightest[0].key)
            yield Case(rule, finding(rule, m.at, inputs, {"weight": gain}, NOT_NEEDED), m.age, m)
        while lightest and lightest[-1].values["weight"] >= weight:
            lightest.pop()
        lightest.append(m)
