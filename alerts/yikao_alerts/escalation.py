"""Who is to be paged now: an open episode asks its steps, one after another, until an answer.

A pure function of the policy and the times; that a step was taken is seen by its page's row, so
computing it again asks for nothing twice. After the last step the last one repeats without end:
it goes on until somebody answers. Nothing here counts upwards: an episode a year old is as quick
to work out as a new one.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Final
from zoneinfo import ZoneInfo

from yikao_alerts.rules.policy import Policy, Step, load_policies, parse_policies

__all__ = [
    "BESIDE",
    "Call",
    "Chain",
    "Policy",
    "Step",
    "calls",
    "due_calls",
    "load_policies",
    "parse_policies",
]

MINUTE: Final = timedelta(minutes=1)
BESIDE: Final = 100
"""Steps beside the chain are numbered from here on."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call: step, repetition, whom, when it is due (UTC), and by what kind of contact."""

    step: int
    loop: int
    who: str
    due_at: datetime
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """The calls of an episode that has its level since `since`, numbered from 0 without end.

    zone: the resident's, for the times of digests. tier: so many people after the first are called
    together with them, and the rest that much sooner.
    """

    policy: Policy
    since: datetime
    zone: ZoneInfo
    tier: int = 0

    def call(self, number: int) -> Call:
        """Return a call of the chain; times rise with the number."""
        position = min(number, len(self.policy.steps) - 1)
        step, loop = self.policy.steps[position], number - position
        after = self._afters[position] + loop * self.policy.repeat_every
        return Call(position, loop, step.who, self._time(after), step.by)

    def due(self, now: datetime) -> int:
        """Return how many calls of the chain are due at `now`: those below this number."""
        ticks, afters = self._ticks(now), self._afters
        if ticks < afters[-1]:
            return bisect_right(afters, ticks)
        return len(afters) + (ticks - afters[-1]) // self.policy.repeat_every

    def beside(self) -> list[Call]:
        """Return the calls in addition to the chain."""
        return [
            Call(BESIDE + number, 0, step.who, self._time(step.after), step.by)
            for number, step in enumerate(self.policy.beside)
        ]

    @property
    def _since(self) -> datetime:
        # In UTC: local times are an hour too far apart, or too near, when summer time changes.
        return self.since.astimezone(UTC)

    @property
    def _afters(self) -> list[int]:
        """Return how many minutes or digests after the first each step comes."""
        steps = self.policy.steps
        if self.tier == 0:
            return [step.after for step in steps]
        people = list(dict.fromkeys(step.who for step in steps))
        last = people[min(self.tier, len(people) - 1)]
        together = next(step.after for step in steps if step.who == last)
        return [max(0, step.after - together) for step in steps]

    def _time(self, ticks: int) -> datetime:
        if not self.policy.digest_at:
            return self._since + ticks * MINUTE
        return self._digest(self._first_digest() + ticks)

    def _ticks(self, now: datetime) -> int:
        """Return how many minutes or digests have gone by at `now`; below 0 before the first."""
        if not self.policy.digest_at:
            return (now.astimezone(UTC) - self._since) // MINUTE
        return self._digest_number(now) - self._first_digest()

    def _first_digest(self) -> int:
        number = self._digest_number(self._since)
        return number if self._digest(number) == self._since else number + 1

    def _digest(self, number: int) -> datetime:
        """Return when a digest goes out: they are numbered through all days."""
        day, place = divmod(number, len(self.policy.digest_at))
        at = datetime.combine(date.fromordinal(day), self.policy.digest_at[place], self.zone)
        return at.astimezone(UTC)

    def _digest_number(self, at: datetime) -> int:
        """Return the number of the last digest at or before `at`."""
        local = at.astimezone(self.zone)
        place = bisect_right(self.policy.digest_at, local.time()) - 1
        return local.toordinal() * len(self.policy.digest_at) + place


def calls(policy: Policy, since: datetime, zone: ZoneInfo, tier: int = 0) -> Iterator[Call]:
    """Yield every call of an episode in order of time, without end."""
    return map(Chain(policy, since, zone, tier).call, count())


def due_calls(
    policy: Policy, since: datetime, now: datetime, zone: ZoneInfo, tier: int = 0
) -> tuple[list[Call], Call]:
    """Return the steps that are due at `now` with the newest repetition, and the call after it."""
    chain = Chain(policy, since, zone, tier)
    number = chain.due(now)
    return newest(chain, number), chain.call(number)


def newest(chain: Chain, number: int) -> list[Call]:
    """Return the calls below a number, of the repetitions the last one alone."""
    steps = len(chain.policy.steps)
    last = [number - 1] if number > steps else []
    return [chain.call(each) for each in (*range(min(number, steps)), *last)]
