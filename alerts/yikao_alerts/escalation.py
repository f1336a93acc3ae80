"""Who is to be paged now: an open episode asks its steps, one after another, until an answer.

A pure function of the policy and the times; that a step was taken is seen by its page's row, so
computing it again asks for nothing twice. After the last step the last one repeats: it goes on
until somebody answers.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache
from importlib import resources
from typing import Any, Final
from zoneinfo import ZoneInfo

LOOPS_MAX: Final = 200
"""More than a day of pages every 10 minutes; an episode nobody answers for so long is a failure of
the team that no further page mends, and the feed shows it in red."""


@dataclass(frozen=True, slots=True)
class Step:
    """Whom to page, and how long after the episode got its level."""

    after: timedelta
    who: str


@dataclass(frozen=True, slots=True)
class Policy:
    """The steps for one severity; quiet hours, where it has any, hold pages until they end."""

    steps: tuple[Step, ...]
    repeat_every: timedelta
    quiet_from: time | None = None
    quiet_until: time | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One step that is due: number, repetition, whom, and when its page may go out."""

    step: int
    loop: int
    who: str
    due_at: datetime


def calls(policy: Policy, since: datetime, zone: ZoneInfo) -> Iterator[Call]:
    """Yield every call of an episode that has its level since `since`, in order of time.

    Bounded by `LOOPS_MAX` repetitions of the last step.
    """
    for number, step in enumerate(policy.steps):
        yield Call(number, 0, step.who, _after_quiet(policy, since + step.after, zone))
    last = policy.steps[-1]
    for loop in range(1, LOOPS_MAX + 1):
        at = since + last.after + loop * policy.repeat_every
        yield Call(len(policy.steps) - 1, loop, last.who, _after_quiet(policy, at, zone))


def due_calls(
    policy: Policy, since: datetime, now: datetime, zone: ZoneInfo
) -> tuple[list[Call], Call | None]:
    """Return the calls that are due at `now`, and the next one after them."""
    due: list[Call] = []
    for call in calls(policy, since, zone):
        if call.due_at > now:
            return due, call
        due.append(call)
    return due, None


def _after_quiet(policy: Policy, at: datetime, zone: ZoneInfo) -> datetime:
    """Return `at`, moved to the end of the quiet hours when it falls into them."""
    if policy.quiet_from is None or policy.quiet_until is None:
        return at
    local = at.astimezone(zone)
    before_dawn = local.time() < policy.quiet_until
    if not before_dawn and local.time() < policy.quiet_from:
        return at
    day = local.date() if before_dawn else local.date() + timedelta(days=1)
    return datetime.combine(day, policy.quiet_until, zone)


@cache
def load_policies() -> Mapping[str, Policy]:
    """Return the policy of each severity that pages."""
    text = resources.files("yikao_alerts.rules").joinpath("escalation.toml").read_text("utf-8")
    return {severity: _policy(table) for severity, table in tomllib.loads(text).items()}


def _policy(table: Mapping[str, Any]) -> Policy:
    steps = (Step(timedelta(minutes=s["after_min"]), s["who"]) for s in table["steps"])
    quiet = (table.get("quiet_from"), table.get("quiet_until"))
    return Policy(
        tuple(steps),
        timedelta(minutes=table["repeat_every_min"]),
        *(time.fromisoformat(text) if text else None for text in quiet),
    )
