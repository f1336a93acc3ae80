"""Is it really so high? The second (and third) reading that a page waits for, but never for ever.

A protocol looks at a first reading and what came after it: it is confirmed, not confirmed, still
awaited, or nobody replied in time. No reply acts as confirmed: it fails safe.

Source: the protocols of the rule file, CONFIRM_BP and CONFIRM_GLU_HIGH.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from yikao_alerts.history import Measurement
from yikao_alerts.rules.model import Protocol, Rule

UNITS_TO_MMHG: Final = {"mmHg": 1.0, "kPa": 7.50062}
"""For the difference between two readings only; limits are compared in the device's own unit."""
MEAN_DIGITS: Final = 6
"""Three times 14.7 kPa is 14.699999999999998 in the mean, and would miss the limit of 14.7."""


class Result(StrEnum):
    """What became of a first reading."""

    CONFIRMED = "confirmed"
    NO_REPLY = "unconfirmed"
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
    reading arrived, for only then could it be asked for; it counts by when it was measured.
    """
    protocol = rule.protocol
    assert protocol is not None, f"{rule.id} has no protocol"
    until = first.received_at + protocol.window
    used = _repeats(rule, protocol, first, later)
    if _enough(protocol, used) or (len(used) > 1 and now >= until):
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
    for measurement in later:
        if (
            not _enough(protocol, used)
            and measurement.unit == first.unit
            and _fields(rule, first) <= measurement.values.keys()
            and replies(protocol, first, measurement)
            and measurement.at - used[-1].at >= protocol.gap
        ):
            used.append(measurement)
    return tuple(used)


def _fields(rule: Rule, first: Measurement) -> set[str]:
    """Return the values that a repeat needs: a meter's "HI" says nothing of a mean."""
    return {limit.field for limit in rule.any} & first.values.keys()


def _enough(protocol: Protocol, used: Sequence[Measurement]) -> bool:
    match protocol.statistic, len(used):
        case _, 1:
            return False
        case "mean_of_two_or_three", 2:
            return not _differ(protocol, used[0], used[1])
        case _:
            return True


def _differ(protocol: Protocol, one: Measurement, other: Measurement) -> bool:
    """Return whether two readings lie too far apart to believe their mean."""
    if protocol.differ_mmhg is None:
        return False
    factor = UNITS_TO_MMHG[one.unit]
    return any(
        abs(one.values[field] - other.values[field]) * factor > protocol.differ_mmhg
        for field in {"systolic", "diastolic"} & one.values.keys() & other.values.keys()
    )


def _decide(
    rule: Rule, protocol: Protocol, used: tuple[Measurement, ...], until: datetime
) -> Verdict:
    """Return the verdict of the protocol's statistic on the readings used."""
    counted = used[-1:] if protocol.statistic == "second" else used
    first = used[0]
    mean = {
        field: round(sum(m.values[field] for m in counted) / len(counted), MEAN_DIGITS)
        for field in sorted(_fields(rule, first))
    }
    met = any(
        limit.reached(mean.get(limit.field), first.unit_of(limit.field)) for limit in rule.any
    )
    return Verdict(Result.CONFIRMED if met else Result.NOT_CONFIRMED, used, mean, until)
