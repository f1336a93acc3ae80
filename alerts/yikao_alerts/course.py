"""One course of a re-check: its rounds, how it settles, and when it escalates.

Always worked out from what had arrived by then: what was due once stays due, and nothing that
arrives later takes it back.

Source: the protocols RECHECK_20 and RECHECK_GLU_15 of the rule set; their numbers stand there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from yikao_alerts.findings import Finding, finding
from yikao_alerts.history import Measurement, Symptoms
from yikao_alerts.quiet import SYMPTOM_WINDOW
from yikao_alerts.resident import Resident
from yikao_alerts.rounds import Grade, Judge, Round, within
from yikao_alerts.rules.forms import OnReading
from yikao_alerts.rules.model import SEVERITIES, Recheck, Rule, RuleSet
from yikao_alerts.series import Series
from yikao_devices.symptoms import NO_COMPLAINT

SILENT: Final = "recheck_silent"
SYMPTOM: Final = "recheck_symptom"
EXTREME: Final = "recheck_extreme"
HIGH: Final = "recheck_high"
LOW: Final = "recheck_low"
ESCALATIONS: Final = frozenset({SILENT, SYMPTOM, EXTREME, HIGH, LOW})
"""What `Finding.confirmed` says of a finding that is an escalation of a course."""
UPGRADED_BY: Final[Mapping[str, str]] = {SILENT: "no_recheck", LOW: "low_twice"}
"""Which `Upgrade.recheck` an escalation answers to. `crisis_silent` asks for what a course does of
itself: an open crisis and silence are the page it escalates."""
CALMER: Final = frozenset({Grade.BELOW, Grade.CALM})


@dataclass(frozen=True, slots=True)
class Settled:
    """Rounds in a row were well enough: known `at`, by readings made from `since` on."""

    at: datetime
    since: datetime


@dataclass(frozen=True, slots=True)
class Course:
    """One run of a re-check after a finding.

    found_at: when the finding's readings were made. over_at: when it ended, by itself, by a worse
    finding or because it is in people's hands; None while it runs. look_again_at: when it changes
    if nothing is measured.
    """

    rule_id: str
    family: str
    trigger: str
    found_at: datetime
    device: str
    started_at: datetime
    recheck: Recheck
    rounds: tuple[Round, ...]
    escalations: tuple[Finding, ...] = ()
    downgraded: Settled | None = None
    resolved: Settled | None = None
    over_at: datetime | None = None
    look_again_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A finding that begins a course, or (without a re-check) puts a family into people's hands.

    at: when everything it rests on had arrived, or when nobody waited any longer.
    """

    at: datetime
    finding: Finding
    rule: Rule
    recheck: Recheck | None
    trigger: Measurement | None

    @property
    def order(self) -> tuple[datetime, int, int, str, str]:
        """In time; of those at one time the worst first."""
        severity, level = self.finding.weight
        return self.at, -severity, -level, self.finding.rule_id, self.finding.trigger


@dataclass(frozen=True, slots=True)
class Look:
    """What a course is worked out from; `series`: the readings of each kind that is re-checked."""

    series: Mapping[str, Series]
    symptoms: Sequence[Symptoms]
    resident: Resident
    rules: RuleSet
    doubted: frozenset[str]
    now: datetime

    def judge(self, recheck: Recheck) -> Judge:
        """Return how the rounds of a re-check are judged."""
        forms = [rule.form for rule in self.rules.rules if rule.recheck == recheck.name]
        flags = [form.flags for form in forms if isinstance(form, OnReading)]
        protocol = self.rules.protocols[recheck.statistic] if recheck.statistic else None
        return Judge(recheck, protocol, frozenset().union(*flags), self.doubted)

    @property
    def longest(self) -> timedelta:
        """How long any re-check's rounds last."""
        return max(r.every * r.rounds_max for r in self.rules.rechecks.values())

    def arrivals(self, recheck: Recheck, after: datetime, until: datetime) -> list[Measurement]:
        """Return the readings made after `after` that had arrived by `until`, as they arrived."""
        end = after + recheck.every * (recheck.rounds_max + 1) + recheck.silent
        made = self.series[recheck.kind].between(after, min(end, until))
        arrived = [m for m in made if m.at > after and m.received_at <= until]
        return sorted(arrived, key=lambda m: (m.received_at, m.at, m.key))


def course_of(event: Begun, look: Look, cut: datetime | None = None) -> Course:
    """Return the course that `event` began; ended at `cut`, when something else took over."""
    recheck, trigger = event.recheck, event.trigger
    assert recheck is not None, "only a rule with a re-check begins a course"
    assert trigger is not None, "a course begins with a reading"
    now = look.now if cut is None else min(cut, look.now)
    arrivals = look.arrivals(recheck, event.at, now)
    rounds = look.judge(recheck).rounds(event.at, arrivals, now)
    reports = [s for s in look.symptoms if event.at < s.received_at <= now]
    ill = [s for s in reports if s.codes - NO_COMPLAINT and s.at > event.at - SYMPTOM_WINDOW]
    resolved = _settled(recheck, rounds, ill, {Grade.CALM}, recheck.resolve_rounds)
    downgraded = _settled(recheck, rounds, ill, CALMER, recheck.downgrade_rounds)
    waiting = _Waiting(rounds, resolved, downgraded, _silent_at(recheck, event.at, arrivals), now)
    over_at = waiting.over_at
    fired = [*_by_rounds(recheck, rounds), *_by_symptom(event, look, ill)]
    fired += [_Fired(waiting.silent_at, SILENT, waiting.silent_at)] if waiting.was_silent else []
    return Course(
        event.finding.rule_id,
        event.finding.family or "",
        trigger.key,
        event.finding.at,
        trigger.device,
        event.at,
        recheck,
        rounds,
        tuple(
            _escalation(event, each, look)
            for each in sorted(fired, key=lambda each: (each.known_at, each.kind))
            if (over_at is None or each.known_at <= over_at)
            and (cut is None or each.known_at < cut)
        ),
        downgraded,
        resolved,
        over_at if cut is None or (over_at is not None and over_at < cut) else cut,
        None if cut is not None else waiting.look_again_at,
    )


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What a course still waits for at `now`."""

    rounds: tuple[Round, ...]
    resolved: Settled | None
    downgraded: Settled | None
    silent_at: datetime
    now: datetime

    @property
    def listens(self) -> bool:
        """Whether silence would escalate: not once it is calmer, nor after the last round."""
        calmer = [s.at for s in (self.resolved, self.downgraded) if s is not None]
        ends = [*calmer, *filter(None, [self.rounds[-1].decided_at])]
        return all(self.silent_at < end for end in ends)

    @property
    def was_silent(self) -> bool:
        """Whether it has escalated."""
        return self.listens and self.silent_at <= self.now

    @property
    def over_at(self) -> datetime | None:
        """When it was resolved, or its last round decided or missed; None while it runs."""
        last = self.rounds[-1]
        if self.resolved is not None:
            return self.resolved.at
        if last.decided_at is not None or last.grade is not Grade.MISSED:
            return last.decided_at
        end = max(last.until, self.silent_at) if self.listens else last.until
        return end if end <= self.now else None

    @property
    def look_again_at(self) -> datetime | None:
        """When something changes, or is to be said, if nothing more is measured."""
        if self.over_at is not None:
            return None
        times = [each.due_at for each in self.rounds]
        times += [each.waits_until for each in self.rounds if each.waits_until is not None]
        times += [self.rounds[-1].until, *([self.silent_at] if self.listens else [])]
        return min((at for at in times if at > self.now), default=None)


def _silent_at(recheck: Recheck, started: datetime, arrivals: Iterable[Measurement]) -> datetime:
    """Return when nothing had been measured for too long, as it was known then."""
    silent_at = started + recheck.silent
    for measurement in arrivals:
        if measurement.received_at > silent_at:
            break
        measured = min(measurement.at, measurement.received_at)
        silent_at = max(silent_at, measured + recheck.silent)
    return silent_at


def _settled(
    recheck: Recheck,
    rounds: Iterable[Round],
    ill: Sequence[Symptoms],
    grades: Set[Grade],
    needed: int,
) -> Settled | None:
    """Return when `needed` rounds in a row were good enough, if ever; none needed: never. A
    symptom begins the count anew.

    Single values have to be as far apart as rounds are.
    """
    row: list[Round] = []
    for each in rounds if needed else ():
        if each.decided_at is None or each.grade not in grades:
            row = []
            continue
        felt = [s.at for s in ill if s.received_at <= each.decided_at]
        row = [kept for kept in [*row, each] if all(kept.used[0].at > at for at in felt)]
        once = not felt and _once(recheck, each)
        apart = timedelta(0) if recheck.statistic else recheck.every * (needed - 1)
        if once or (needed <= len(row) and row[-1].used[-1].at - row[0].used[0].at >= apart):
            first = each if once else row[0]
            return Settled(max(filter(None, (r.decided_at for r in row))), first.used[0].at)
    return None


def _once(recheck: Recheck, each: Round) -> bool:
    """Return whether the round alone is enough; a resident who feels ill may not be able to eat."""
    limits = recheck.resolve_once
    return bool(limits) and each.grade is Grade.CALM and within(limits, each.used[0], each.mean)


@dataclass(frozen=True, slots=True)
class _Fired:
    """An escalation: when it was known, of which kind, of what time, and on what it rests."""

    known_at: datetime
    kind: str
    at: datetime
    inputs: tuple[str, ...] = ()
    statistic: Mapping[str, float] = field(default_factory=dict)


def _by_rounds(recheck: Recheck, rounds: Sequence[Round]) -> Iterator[_Fired]:
    """Yield what the rounds say: one of them extreme; after so long, or so often, as bad still.

    Of several the one that was decided first: an earlier round of which a reading arrives late
    does not take its place.
    """
    bad = [each for each in rounds if each.grade in (Grade.EXTREME, Grade.STILL)]
    bad.sort(key=_decided_at)
    extreme = next((each for each in bad if each.grade is Grade.EXTREME), None)
    if extreme is not None:
        yield _of_round(extreme, EXTREME)
    kind = LOW if recheck.still and recheck.still[0].op in ("lt", "le") else HIGH
    after = recheck.still_after
    late = [each for each in bad if after is not None and each.number * recheck.every >= after]
    often = bad[recheck.still_rounds - 1 :] if recheck.still_rounds else []
    still = [each for each in (*late, *often) if each is not extreme]
    if still:
        yield _of_round(min(still, key=_decided_at), kind)


def _of_round(each: Round, kind: str) -> _Fired:
    inputs = tuple(m.key for m in each.used)
    return _Fired(_decided_at(each), kind, each.used[-1].at, inputs, each.mean)


def _decided_at(each: Round) -> datetime:
    assert each.decided_at is not None, "only a decided round has a grade"
    return each.decided_at


def _by_symptom(event: Begun, look: Look, ill: Iterable[Symptoms]) -> Iterator[_Fired]:
    """Yield the first report of a symptom that had not been reported before the course began."""
    before = [s for s in look.symptoms if s.received_at <= event.at]
    recent = (s.codes for s in before if s.at >= event.at - SYMPTOM_WINDOW)
    known = NO_COMPLAINT.union(*recent)
    new = [report for report in ill if report.codes - known]
    if new:
        first = min(new, key=lambda report: (report.received_at, report.key))
        yield _Fired(first.received_at, SYMPTOM, first.at, (first.key,))


def _escalation(event: Begun, fired: _Fired, look: Look) -> Finding:
    """Return the finding: of the rule that began the course, by the same trigger, as severe as the
    rule's upgrades make it."""
    severity = event.finding.severity
    for upgrade in event.rule.upgrades:
        asked = upgrade.recheck is not None and upgrade.recheck == UPGRADED_BY.get(fired.kind)
        if asked and upgrade.who.met_by(look.resident, fired.known_at.date()):
            severity = max(severity, upgrade.severity, key=SEVERITIES.index)
    inputs = (event.finding.trigger, *fired.inputs)
    made = finding(event.rule, fired.at, inputs, dict(fired.statistic), fired.kind)
    return replace(made, severity=severity, ask_again=False)
