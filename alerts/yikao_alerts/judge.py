"""What one rule says of the readings: at once, or after a repeat that is awaited but not for ever.

Source: the forms of the rule file; protocols are walked by `confirm.py`.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from yikao_alerts.confirm import Result, Verdict, confirm, replies
from yikao_alerts.findings import NOT_NEEDED, UNCONFIRMED, Decided, Refusal, Why, finding
from yikao_alerts.history import Measurement
from yikao_alerts.rules.forms import OnReading
from yikao_alerts.rules.model import SEVERITIES, Protocol, Rule
from yikao_alerts.series import Series
from yikao_alerts.view import View
from yikao_alerts.weigh import Case, allowed


def on_reports(rule: Rule, view: View) -> Iterator[Case]:
    """Yield a case for each report of a symptom that alone meets the rule."""
    form = rule.form
    assert isinstance(form, OnReading), f"{rule.id}: symptoms alone meet only rules on readings"
    for report in view.history.symptoms:
        if form.alone_symptoms & report.codes:
            item = finding(rule, report.at, (report.key,), {}, NOT_NEEDED)
            yield Case(rule, item, report.received_at - report.at)


def on_readings(
    rule: Rule, form: OnReading, firsts: Iterable[Measurement], series: Series, view: View
) -> Iterator[Case]:
    """Yield a case for each of `firsts` that meets the rule, alone or beside a symptom.

    firsts: readings of the rule's kind in order of time. series: where their repeats are looked
    for.
    """
    met = [m for m in firsts if rule.met_by(m)]
    if rule.protocol is not None:
        yield from _confirmed(rule, rule.protocol, met, series, view)
        return
    confirmed = UNCONFIRMED if rule.ask_again and rule.family else NOT_NEEDED
    for m in met:
        reports = view.reported(form.with_symptoms, m.at)
        if reports or not form.with_symptoms:
            inputs = (m.key, *(report.key for report in reports))
            item = finding(rule, m.at, inputs, dict(m.values), confirmed)
            yield Case(rule, item, m.age, m)


def _confirmed(
    rule: Rule, protocol: Protocol, met: Iterable[Measurement], series: Series, view: View
) -> Iterator[Case]:
    """Yield the verdict on each reading that meets the rule.

    A repeat begins nothing of its own once it has confirmed an earlier reading that is no older
    news than itself, and is not asked to be repeated while that one waits. In any other case it is
    looked at by itself: so an older reading that arrives late never keeps a page from going out.
    """
    done: set[str] = set()
    waiting: set[str] = set()
    for first in met:
        later = series.later(first, protocol.window)
        verdict = confirm(rule, first, later, view.now)
        awaited = verdict.result is Result.AWAITED
        if first.key in done or (awaited and first.key in waiting):
            until = verdict.until if awaited else None
            why, inputs = Why.REPEATS_EARLIER, (first.key,)
            item: Decided = Refusal(rule.id, rule.family, why, first.at, inputs, {}, until)
            # Whatever its age: it is told only why it is silent.
            yield Case(rule, item, timedelta(0), first)
            continue
        if awaited or verdict.result is Result.CONFIRMED:
            (waiting if awaited else done).update(_same_news(rule, protocol, first, later, view))
        yield Case(rule, _told(rule, verdict), first.age, first)


def _same_news(
    rule: Rule, protocol: Protocol, first: Measurement, later: Iterable[Measurement], view: View
) -> Iterator[str]:
    """Yield the keys of replies that could ask for no more than `first` itself can."""
    weight = _weight(rule, first, view)
    for m in later:
        if replies(protocol, first, m) and _weight(rule, m, view) <= weight:
            yield m.key


def _weight(rule: Rule, measurement: Measurement, view: View) -> int:
    severity = allowed(rule.severity, measurement.age, view.rules.late)
    return SEVERITIES.index(severity or "info")


def _told(rule: Rule, verdict: Verdict) -> Decided:
    inputs = tuple(m.key for m in verdict.used)
    at = verdict.used[-1].at
    match verdict.result:
        case Result.AWAITED:
            return Refusal(rule.id, rule.family, Why.AWAITING_REPEAT, at, inputs, {}, verdict.until)
        case Result.NOT_CONFIRMED:
            return Refusal(rule.id, rule.family, Why.NOT_CONFIRMED, at, inputs, verdict.statistic)
        case Result.NO_REPLY:
            result = str(verdict.result)
            return finding(rule, at, inputs, verdict.statistic, result, verdict.until)
        case Result.CONFIRMED:
            return finding(rule, at, inputs, verdict.statistic, str(verdict.result))
