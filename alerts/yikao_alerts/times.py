"""Met so often: two sittings with a high mean within two days, two lows hours apart, a flag again.

An occasion is a reading, or a sitting, that meets the rule. Each one is looked at as the last of
its count, so that an occasion that arrives late completes what came after it too.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from yikao_alerts.confirm import Result, confirm, met_by_mean
from yikao_alerts.findings import (
    CONFIRMED,
    NOT_NEEDED,
    UNCONFIRMED,
    Decided,
    Refusal,
    Why,
    finding,
)
from yikao_alerts.history import Measurement
from yikao_alerts.rules.forms import IN_SESSION, READINGS, OnReading, Times
from yikao_alerts.rules.model import Rule
from yikao_alerts.series import Session
from yikao_alerts.view import View
from yikao_alerts.weigh import Case


@dataclass(frozen=True, slots=True)
class Occasion:
    """One time the rule was met: by its first reading and others, with what was compared.

    until: till when its repeat is awaited, and it counts only after that; waited_until: till when
    it was, and nobody replied.
    """

    first: Measurement
    keys: tuple[str, ...]
    statistic: dict[str, float]
    confirmed: str
    age: timedelta
    until: datetime | None = None
    waited_until: datetime | None = None


def counted(rule: Rule, form: OnReading, firsts: list[Measurement], view: View) -> Iterator[Case]:
    """Yield a case for each occasion that completes a count of the rule, the first that it does.

    firsts: the readings that may have a part in it, in order of time.
    """
    if not firsts:
        return
    seen: set[str] = set()
    for times in form.times:
        occasions = list(_occasions(rule, form, times, firsts, view))
        for trigger, others in _complete(times, occasions):
            if trigger.first.key not in seen:
                seen.add(trigger.first.key)
                item = _told(rule, trigger, others)
                yield Case(rule, item, trigger.age, trigger.first)


def _told(rule: Rule, trigger: Occasion, others: Sequence[Occasion]) -> Decided:
    inputs = (*trigger.keys, *(key for other in others for key in other.keys[:1]))
    at = trigger.first.at
    if trigger.until is not None:
        why = Why.AWAITING_REPEAT
        return Refusal(rule.id, rule.family, why, at, inputs, {}, trigger.until)
    waited = trigger.waited_until
    return finding(rule, at, inputs, trigger.statistic, trigger.confirmed, waited)


def _complete(
    times: Times, occasions: Sequence[Occasion]
) -> Iterator[tuple[Occasion, list[Occasion]]]:
    """Yield each occasion that has enough others before it, with the nearest of those.

    Where it takes one whose own repeat is awaited, the last is awaited as long: nobody else would
    look again when that wait is over.
    """
    if times.of == IN_SESSION:
        yield from ((occasion, []) for occasion in occasions)
        return
    settled = [occasion for occasion in occasions if occasion.until is None]
    settled_at = [occasion.first.at for occasion in settled]
    at = [occasion.first.at for occasion in occasions]
    for last in occasions:
        chain = _chain(times, settled, settled_at, last)
        if len(chain) == times.count - 1:
            yield last, chain
        elif len(settled) < len(occasions):
            chain = _chain(times, occasions, at, last)
            waits = [each.until for each in (last, *chain) if each.until is not None]
            if len(chain) == times.count - 1 and waits:
                yield replace(last, until=max(waits)), chain


def _chain(
    times: Times, occasions: Sequence[Occasion], at: Sequence[datetime], last: Occasion
) -> list[Occasion]:
    """Return the nearest occasions before `last`, as many as its count asks for, or fewer.

    at: when each of `occasions` was, in order.
    """
    chain: list[Occasion] = []
    end = _before(at, last.first.at, times.apart)
    while len(chain) < times.count - 1 and end > 0 and _within(times, occasions[end - 1], last):
        chain.append(occasions[end - 1])
        end = _before(at, at[end - 1], times.apart)
    return chain


def _before(at: Sequence[datetime], moment: datetime, apart: timedelta) -> int:
    """Return how many times lie before `moment`, at least `apart` from it."""
    end = bisect_right(at, moment - apart)
    while end > 0 and at[end - 1] >= moment:
        end -= 1
    return end


def _within(times: Times, first: Occasion, last: Occasion) -> bool:
    return times.within is None or last.first.at - first.first.at <= times.within


def _occasions(
    rule: Rule, form: OnReading, times: Times, firsts: list[Measurement], view: View
) -> Iterator[Occasion]:
    if times.of == READINGS:
        yield from _readings(rule, firsts, view)
        return
    concerned = {m.key for m in firsts}
    fields = _fields(rule, form)
    for session in view.sessions(rule.kind):
        if concerned.isdisjoint(m.key for m in session.readings):
            continue
        if times.of == IN_SESSION:
            yield from _in_session(rule, fields, times.count, session)
        else:
            yield from _session(rule, form, fields, session, view)


def _readings(rule: Rule, firsts: list[Measurement], view: View) -> Iterator[Occasion]:
    for m in firsts:
        if not rule.met_by(m):
            continue
        statistic = dict(m.values)
        if rule.protocol is None:
            yield Occasion(m, (m.key,), statistic, NOT_NEEDED, m.age)
            continue
        later = view.series(rule.kind).later(m, rule.protocol.window)
        verdict = confirm(rule, m, later, view.now)
        result, until = str(verdict.result), verdict.until
        match verdict.result:
            case Result.AWAITED:
                yield Occasion(m, (m.key,), statistic, result, m.age, until)
            case Result.NO_REPLY:
                yield Occasion(m, (m.key,), statistic, result, m.age, waited_until=until)
            case Result.CONFIRMED:
                yield Occasion(m, (m.key,), statistic, result, m.age)


def _session(
    rule: Rule, form: OnReading, fields: frozenset[str], session: Session, view: View
) -> Iterator[Occasion]:
    """Yield the session as one occasion, if its mean meets the rule or a reading has the flag."""
    first = session.readings[0]
    flagged = bool(form.flags) and any(form.flags & m.flags for m in session.readings)
    mean = session.mean(fields | {"pulse"} if flagged else fields)
    if not flagged and not met_by_mean(rule, first, mean):
        return
    keys = tuple(m.key for m in session.readings)
    if rule.protocol is None:
        yield Occasion(first, keys, mean, NOT_NEEDED, session.age)
        return
    repeated = any(m.at - first.at >= rule.protocol.gap for m in session.readings[1:])
    until = first.received_at + rule.protocol.window
    if repeated:
        yield Occasion(first, keys, mean, CONFIRMED, session.age)
    elif view.now < until:
        yield Occasion(first, keys, mean, UNCONFIRMED, session.age, until)
    else:
        yield Occasion(first, keys, mean, UNCONFIRMED, session.age, waited_until=until)


def _in_session(
    rule: Rule, fields: frozenset[str], count: int, session: Session
) -> Iterator[Occasion]:
    """Yield the session as one occasion, if so many of its readings meet the rule."""
    met = [m for m in session.readings if rule.met_by(m)]
    if len(met) >= count:
        keys = (met[0].key, *(m.key for m in session.readings if m is not met[0]))
        mean = session.mean(fields | {"pulse"})
        yield Occasion(met[0], keys, mean, NOT_NEEDED, session.age)


def _fields(rule: Rule, form: OnReading) -> frozenset[str]:
    upgrading = (limit for upgrade in rule.upgrades for limit in upgrade.limits)
    return frozenset(limit.field for limit in (*form.any, *upgrading))
