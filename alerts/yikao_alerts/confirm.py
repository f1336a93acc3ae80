"""Is it really so high? The second (and third) reading that a page waits for, but never for ever.

A protocol looks at a first reading and what came after it: it is confirmed, not confirmed, still
awaited, or nobody replied in time. No reply acts as confirmed: it fails safe.

Source: the protocols of the rule file, CONFIRM_BP and CONFIRM_GLU_HIGH.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from yikao_alerts.contexts import STANDING
from yikao_alerts.findings import CONFIRMED, UNCONFIRMED
from yikao_alerts.history import Measurement
from yikao_alerts.limits import value_of
from yikao_alerts.rules.forms import OnReading
from yikao_alerts.rules.model import Protocol, Rule
from yikao_alerts.series import mean_of

UNITS_TO_MMHG: Final = {"mmHg": 1.0, "kPa": 7.50062}
"""For the difference between two readings only; limits are compared in the device's own unit."""
PRESSURES: Final = frozenset({"systolic", "diastolic"})
ROUNDING_MMHG: Final = 1e-6
"""A mean that is 5 above the limit is so in kPa too, where 5 mmHg is no round number."""


class Result(StrEnum):
    """What became of a first reading."""

    CONFIRMED = CONFIRMED
    NO_REPLY = UNCONFIRMED
    NOT_CONFIRMED = "not_confirmed"
    AWAITED = "awaited"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result, the readings it rests on, their statistic, and until when a reply is awaited."""

    result: Result
    used: tuple[Measurement, ...]
    statistic: dict[str, float]
    until: datetime


def confirm(rule: Rule, first: Measurement, later: Sequence[Measurement], now: datetime) -> Verdict:
    """Return the verdict on `first`, which meets `rule`, from the readings after it.

    later: of the same kind, in order of time. A reply is awaited until a window after the first
    reading arrived, for only then could it be asked for; it counts by when it was measured. One
    whose own time is unknown may confirm, but never cancels.
    """
    protocol = rule.protocol
    assert protocol is not None, f"{rule.id} has no protocol"
    verdict = _verdict(rule, protocol, first, later, now)
    unsure = [m for m in verdict.used[1:] if _time_unknown(protocol, m)]
    if unsure and verdict.result is not Result.CONFIRMED:
        sure = [m for m in later if not _time_unknown(protocol, m)]
        return _verdict(rule, protocol, first, sure, now)
    return verdict


def _time_unknown(protocol: Protocol, measurement: Measurement) -> bool:
    return measurement.doubt_s > protocol.window.total_seconds()


def _verdict(
    rule: Rule,
    protocol: Protocol,
    first: Measurement,
    later: Sequence[Measurement],
    now: datetime,
) -> Verdict:
    until = first.received_at + protocol.window
    used = _repeats(rule, protocol, first, later)
    if _enough(rule, protocol, used) or (len(used) > 1 and now >= until):
        return _decide(rule, protocol, used, until)
    if now < until:
        return Verdict(Result.AWAITED, used, {}, until)
    return Verdict(Result.NO_REPLY, used, dict(first.values), until)


def replies(protocol: Protocol, first: Measurement, measurement: Measurement) -> bool:
    """Return whether a later reading was made soon after the first, or soon after it arrived.

    What was made hours after a reading that arrives late is no reply to it.
    """
    starts = (first.at, first.received_at)
    return any(start <= measurement.at <= start + protocol.window for start in starts)


def _repeats(
    rule: Rule, protocol: Protocol, first: Measurement, later: Sequence[Measurement]
) -> tuple[Measurement, ...]:
    """Return the first reading and the repeats that count: in time, a gap apart, at most 2."""
    used = [first]
    fields = _compared(rule, first)
    for measurement in later:
        if (
            not _enough(rule, protocol, used)
            and measurement.unit == first.unit
            and _same_posture(first, measurement)
            and replies(protocol, first, measurement)
            and measurement.at - used[-1].at >= protocol.gap
            and all(value_of(measurement, field) is not None for field in fields)
        ):
            used.append(measurement)
    return tuple(used)


def _same_posture(first: Measurement, measurement: Measurement) -> bool:
    """Return whether both stood or neither did: pressure that falls on standing refutes nothing."""
    return (first.context == STANDING) is (measurement.context == STANDING)


def _compared(rule: Rule, first: Measurement) -> set[str]:
    """Return the values that a repeat needs: a meter's "HI" says nothing of a mean."""
    form = rule.form
    assert isinstance(form, OnReading), f"{rule.id}: only readings are repeated"
    return {limit.field for limit in form.any if value_of(first, limit.field) is not None}


def _enough(rule: Rule, protocol: Protocol, used: Sequence[Measurement]) -> bool:
    match protocol.statistic, len(used):
        case _, 1:
            return False
        case "mean_of_two_or_three", 2:
            return not differ(protocol, used[0], used[1]) and not _near(rule, protocol, used)
        case _:
            return True


def _near(rule: Rule, protocol: Protocol, used: Sequence[Measurement]) -> bool:
    """Return whether the mean pressure lies too close to the limits to decide.

    It decides when one limit is met, or every one is missed, by `near_mmhg` or more.
    """
    form, like = rule.form, used[0]
    assert isinstance(form, OnReading), f"{rule.id}: only readings are repeated"
    if protocol.near_mmhg is None:
        return False
    factor = UNITS_TO_MMHG[like.unit]
    mean = mean_of(used, _compared(rule, like) & PRESSURES)
    beyond = [
        limit.beyond(mean[limit.field], like.unit) * factor
        for limit in form.any
        if limit.field in mean
    ]
    near = protocol.near_mmhg - ROUNDING_MMHG
    return bool(beyond) and max(beyond) < near and any(b > -near for b in beyond)


def differ(protocol: Protocol, one: Measurement, other: Measurement) -> bool:
    """Return whether two readings lie too far apart to believe their mean."""
    if protocol.differ_mmhg is None:
        return False
    factor = UNITS_TO_MMHG[one.unit]
    return any(
        abs(one.values[field] - other.values[field]) * factor > protocol.differ_mmhg
        for field in PRESSURES & one.values.keys() & other.values.keys()
    )


def _decide(
    rule: Rule, protocol: Protocol, used: tuple[Measurement, ...], until: datetime
) -> Verdict:
    """Return the verdict of the protocol's statistic on the readings used."""
    counted = used[-1:] if protocol.statistic == "second" else used
    upgrading = {limit.field for upgrade in rule.upgrades for limit in upgrade.limits}
    mean = mean_of(counted, _compared(rule, used[0]) | upgrading)
    result = Result.CONFIRMED if met_by_mean(rule, used[0], mean) else Result.NOT_CONFIRMED
    return Verdict(result, used, mean, until)


def met_by_mean(rule: Rule, like: Measurement, mean: Mapping[str, float]) -> bool:
    """Return whether means of readings meet one of the rule's limits, taken as `like` was."""
    form = rule.form
    assert isinstance(form, OnReading), f"{rule.id}: only readings have a mean"
    return any(
        limit.reached(mean.get(limit.field), like.unit_of(limit.field))
        for limit in form.any
        if not limit.contexts or like.context in limit.contexts
    )
