"""The acute lane over months: what the evaluator would have found, reading by reading.

Where every reading came at once and nothing of the resident's own past is asked, one look at twelve
weeks finds what a look at each arrival would have found: what was decided stays decided. Where a
reading came late, a symptom was reported, or a reading may be another person's, in another unit or
of a new device, each arrival and each time that somebody waited for is looked at as it was live.
A test holds the two together. One difference is left: rules that count sittings and ask for no
repeat take a sitting as it was at its end, while live its first reading may have told already.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from yikao_alerts.backtest.found import ACUTE, Found
from yikao_alerts.backtest.items import Item
from yikao_alerts.evaluate import Evaluation, Finding, evaluate
from yikao_alerts.history import LOOK_BACK, History, Measurement, Profile, history_of
from yikao_alerts.judged import judged
from yikao_alerts.record import Given
from yikao_alerts.resident import Resident
from yikao_alerts.rules.model import RuleSet
from yikao_alerts.window import CONTEXT

STRETCH: Final = timedelta(days=84)
"""Looked at in one go where nothing depends on when things arrived."""
WAIT_MAX: Final = timedelta(days=1)
"""Longer than any reply or round is waited for."""


@dataclass(frozen=True, slots=True)
class Habit:
    """What is usual for a resident, as it was known on a day: see `History`."""

    profile: Profile | None = None
    devices: frozenset[str] = frozenset()
    unit_habit: Mapping[str, str] = field(default_factory=dict)


USUAL: Final = Habit()


@dataclass(frozen=True, slots=True)
class Case:
    """One resident's readings and reports that can matter, and where arrival has to be heeded.

    items: in any order. live: stretches (first, last) of time in which each arrival is looked at.
    alone: items outside them, near which nothing else matters, but for which the resident's past
    does. habit: what was usual at a time.
    """

    name: str
    resident: Resident
    items: Sequence[Item]
    live: Sequence[tuple[datetime, datetime]]
    alone: Sequence[Item]
    habit: Callable[[datetime], Habit]


def acute_findings(case: Case, rules: RuleSet) -> list[Found]:
    """Return what the acute lane finds in one resident, in the order in which it was found."""
    items = [i for i in case.items if i.received_at - i.at <= LOOK_BACK + CONTEXT]
    items.sort(key=lambda item: (item.received_at, item.at, item.key))
    known = {item.key: item.received_at for item in reversed(items)}
    look = _Look(case, rules, items, [item.received_at for item in items], known)
    stretches = list(_joined(case.live))
    found: dict[tuple[str, str, str], Found] = {}
    at_once = (each for each in look.at_once() if not _inside(stretches, each[0].found_at))
    heeded = (each for stretch in stretches for each in look.live(*stretch))
    told = (*at_once, *heeded, *look.alone())
    for finding, identity in sorted(told, key=lambda each: each[0].found_at):
        found.setdefault(identity, finding)
    return list(found.values())


_Told = tuple[Found, tuple[str, str, str]]
"""A finding, and what makes it the same one when it is found again."""


@dataclass(frozen=True, slots=True)
class _Look:
    """Looks at one resident. items: in the order of their `arrivals`. known: of each key."""

    case: Case
    rules: RuleSet
    items: Sequence[Item]
    arrivals: Sequence[datetime]
    known: Mapping[str, datetime]

    def at_once(self) -> Iterator[_Told]:
        """Yield what a look at each stretch of weeks finds."""
        place, waited_from = 0, None
        while place < len(self.items) or waited_from is not None:
            begin = waited_from or self.arrivals[place]
            end = self._end(begin)
            following = bisect_right(self.arrivals, end)
            said = evaluate(self._seen(end, begin, USUAL), *self._who, end)
            for each in self._told(said):
                if (begin < each[0].found_at or waited_from is None) and each[0].found_at <= end:
                    yield each
            busy = following > place and self.arrivals[following - 1] > end - WAIT_MAX
            place, waited_from = following, end if busy else None

    def _end(self, begin: datetime) -> datetime:
        """Return the end of a stretch; an age, reached with the year, is the same all through."""
        end = begin + STRETCH
        new_year = datetime(begin.year + 1, 1, 1, tzinfo=begin.tzinfo) - timedelta(microseconds=1)
        aged = self.case.resident.birth_year is not None and begin < new_year < end
        return new_year if aged else end

    def live(self, first: datetime, last: datetime) -> Iterator[_Told]:
        """Yield what is found at each arrival, and at each time waited for, in a stretch."""
        place = bisect_left(self.arrivals, first)
        now: datetime | None = self._due_before(first)
        while True:
            arrival = self.arrivals[place] if place < len(self.arrivals) else None
            times = [at for at in (arrival, now) if at is not None and at <= last]
            if not times:
                return
            now = min(times)
            place = bisect_right(self.arrivals, now)
            said = self._heeded(now)
            yield from self._told(said, now)
            now = said.look_again_at

    def alone(self) -> Iterator[_Told]:
        """Yield what is found of items by themselves, beside what was usual."""
        for item in self.case.alone:
            now = item.received_at
            said = evaluate(_history([item], self.case.habit(now)), *self._who, now)
            yield from self._told(said, now)

    def _due_before(self, first: datetime) -> datetime | None:
        """Return what was waited for when the stretch began, if anything had come just before."""
        place = bisect_left(self.arrivals, first)
        if place == 0 or self.arrivals[place - 1] < first - WAIT_MAX:
            return None
        return self._heeded(first).look_again_at

    def _heeded(self, now: datetime) -> Evaluation:
        """Return what the live evaluator said at `now`."""
        history = self._seen(now, now, self.case.habit(now))
        return judged(Given(0, now, history, self.case.resident), self.rules)

    def _seen(self, now: datetime, since: datetime, habit: Habit) -> History:
        """Return what had come at `now`, from the look-back before `since` on."""
        oldest = since - LOOK_BACK - CONTEXT
        first, last = bisect_right(self.arrivals, oldest), bisect_right(self.arrivals, now)
        seen = [item for item in self.items[first:last] if item.at > oldest]
        return _history(seen, habit)

    @property
    def _who(self) -> tuple[Resident, RuleSet]:
        return self.case.resident, self.rules

    def _told(self, said: Evaluation, found_at: datetime | None = None) -> Iterator[_Told]:
        for finding in said.findings:
            at = found_at or _known_at(finding, self.known)
            yield self._found(finding, at), (finding.rule_id, finding.trigger, finding.confirmed)

    def _found(self, finding: Finding, found_at: datetime) -> Found:
        return Found(
            self.case.name,
            finding.rule_id,
            ACUTE,
            finding.family,
            finding.severity,
            finding.level,
            finding.at,
            found_at,
            finding.confirmed,
            finding.inputs,
        )


def _history(items: Iterable[Item], habit: Habit) -> History:
    measurements = [item for item in items if isinstance(item, Measurement)]
    symptoms = [item for item in items if not isinstance(item, Measurement)]
    return history_of(measurements, symptoms, habit.profile, habit.devices, habit.unit_habit)


def _known_at(finding: Finding, arrivals: Mapping[str, datetime]) -> datetime:
    """Return when all that a finding rests on had come, or had been waited for."""
    times = [finding.at, *(arrivals[key] for key in finding.inputs if key in arrivals)]
    return max(times + ([finding.waited_until] if finding.waited_until else []))


def _joined(stretches: Iterable[tuple[datetime, datetime]]) -> Iterator[tuple[datetime, datetime]]:
    """Yield the stretches in order, those that overlap as one."""
    held: tuple[datetime, datetime] | None = None
    for first, last in sorted(stretches):
        if held is not None and first <= held[1]:
            held = held[0], max(held[1], last)
            continue
        if held is not None:
            yield held
        held = first, last
    if held is not None:
        yield held


def _inside(stretches: Sequence[tuple[datetime, datetime]], at: datetime) -> bool:
    place = bisect_right(stretches, at, key=lambda stretch: stretch[0])
    return place > 0 and at <= stretches[place - 1][1]
