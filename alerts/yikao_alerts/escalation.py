"""Who is to be paged now: an open episode asks its steps, one after another, until an answer.

A pure function of the policy and the times; that a step was taken is seen by its page's row, so
computing it again asks for nothing twice. After the last step the last one repeats: it goes on
until somebody answers.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

from yikao_alerts.roster import ROLES
from yikao_alerts.rules.keys import Faults, Key, number, one_of, table, tables
from yikao_alerts.rules.model import PAGING
from yikao_devices.toml_lines import FaultyFileError, parse_toml

LOOPS_MAX: Final = 200
"""More than a day of pages every 10 minutes; an episode nobody answers for so long is a failure of
the team that no further page mends, and the feed shows it in red."""
SLOWEST_MIN: Final = {"page_now": 10, "today": 240}
"""Longest pause between two calls, by severity. Source: the rule table's severities."""


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
    """One step that is due: number, repetition, whom, and when its page may go out (UTC)."""

    step: int
    loop: int
    who: str
    due_at: datetime


def calls(policy: Policy, since: datetime, zone: ZoneInfo, tier: int = 0) -> Iterator[Call]:
    """Yield every call of an episode that has its level since `since`, in order of time.

    tier: so many steps after the first are called together with it, the rest that much sooner.
    Quiet hours hold the whole chain: a call keeps its distance from the one before it, so that the
    morning does not begin with all calls of the night at once. Bounded by `LOOPS_MAX` repetitions.
    """
    # In UTC: adding to a local time would shift by an hour when summer time begins or ends.
    at = since.astimezone(UTC)
    before = policy.steps[min(tier, len(policy.steps) - 1)].after
    for position, step in enumerate(policy.steps):
        at = _after_quiet(policy, at + max(step.after - before, timedelta(0)), zone)
        before = max(before, step.after)
        yield Call(position, 0, step.who, at)
    for loop in range(1, LOOPS_MAX + 1):
        at = _after_quiet(policy, at + policy.repeat_every, zone)
        yield Call(len(policy.steps) - 1, loop, policy.steps[-1].who, at)


def due_calls(
    policy: Policy, since: datetime, now: datetime, zone: ZoneInfo, tier: int = 0
) -> tuple[list[Call], Call | None]:
    """Return the calls that are due at `now`, and the next one after them."""
    due: list[Call] = []
    for call in calls(policy, since, zone, tier):
        if call.due_at > now:
            return due, call
        due.append(call)
    return due, None


def _after_quiet(policy: Policy, at: datetime, zone: ZoneInfo) -> datetime:
    """Return `at`, moved to the end of the quiet hours when it falls into them."""
    begin, end = policy.quiet_from, policy.quiet_until
    if begin is None or end is None:
        return at
    local = at.astimezone(zone)
    clock = local.time()
    quiet = begin <= clock < end if begin <= end else clock >= begin or clock < end
    if not quiet:
        return at
    day = local.date() if clock < end else local.date() + timedelta(days=1)
    return datetime.combine(day, end, zone).astimezone(UTC)


@cache
def load_policies() -> Mapping[str, Policy]:
    """Return the policy of each severity that pages."""
    name = "escalation.toml"
    text = resources.files("yikao_alerts.rules").joinpath(name).read_text("utf-8")
    return parse_policies(text, name)


def parse_policies(text: str, path: str) -> Mapping[str, Policy]:
    """Return the policies in `text`; refuses it with `FaultyFileError`, all faults at once."""
    values, lines = parse_toml(text, path)
    faults = Faults(lines)
    if faults.check(values, dict.fromkeys(PAGING, table()), ("", 0), "file"):
        for severity, entry in values.items():
            _check_policy(faults, severity, entry)
    if faults.found:
        raise FaultyFileError(path, faults.found)
    return {severity: _policy(entry) for severity, entry in values.items()}


def _policy(values: Mapping[str, Any]) -> Policy:
    steps = (Step(timedelta(minutes=s["after_min"]), s["who"]) for s in values["steps"])
    quiet = (values.get("quiet_from"), values.get("quiet_until"))
    return Policy(
        tuple(steps),
        timedelta(minutes=values["repeat_every_min"]),
        *(time.fromisoformat(text) if text else None for text in quiet),
    )


def _is_time(value: object) -> bool:
    try:
        return isinstance(value, str) and time.fromisoformat(value).tzinfo is None
    except ValueError:
        return False


_TIME: Final = Key(_is_time, 'Write a time, "22:00"', needed=False)


def _check_policy(faults: Faults, severity: str, values: Mapping[str, Any]) -> None:
    """Check that a policy calls at once, goes on calling, and never slower than it may."""
    slowest = number(1, SLOWEST_MIN[severity])
    keys = {
        "repeat_every_min": slowest,
        "steps": tables(),
        "quiet_from": _TIME,
        "quiet_until": _TIME,
    }
    if not faults.check(values, keys, (severity, 0), severity):
        return
    place = (severity, 0, "steps")
    step = {"after_min": number(0, 24 * 60), "who": one_of(ROLES)}
    for each in values["steps"]:
        faults.check(each, step, place[:2], f"{severity}: steps", inside="steps")
    if faults.found:
        return
    times = [each["after_min"] for each in values["steps"]]
    if times[0] != 0:
        faults.add(place, f"{severity}: nobody is called at once", "Begin with after_min = 0")
    if not all(slowest.fits(later - earlier) for earlier, later in pairwise(times)):
        faults.add(place, f"{severity}: pauses {times} between steps", slowest.fix)
    quiet = [values.get(key) for key in ("quiet_from", "quiet_until") if key in values]
    if quiet and (severity == "page_now" or len(set(quiet)) != 2):
        what = f"{severity}: quiet hours {quiet}"
        faults.add((severity, 0, "quiet_from"), what, "Both ends, differing; page_now has none")
