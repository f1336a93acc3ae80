"""Does every step of the escalation reach somebody, at every minute of the coming days?

Worked out on the moments at which anything changes, so that no minute is left out. A person is
reachable with two methods of different kinds that were tried out and confirmed: a telephone that is
off takes neither of two push messages. What is found says who, from when, until when.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final, NamedTuple

from yikao_alerts.channels.kinds import KIND_OF
from yikao_alerts.outbox.results import FAILOVER_S
from yikao_alerts.rota.model import Leave, Rota, Rotas, Rotation, Shift
from yikao_alerts.rota.on_call import joined, shifts, stands_in
from yikao_alerts.rules.policy import Policy

KINDS_MIN: Final = 2
"""Different kinds of verified methods that make somebody reachable."""
VERIFIED_FOR: Final = timedelta(days=365)
"""A confirmed test message counts for so long: numbers and telephones change."""
NEXT_CONTACT_AFTER: Final = timedelta(seconds=FAILOVER_S)
"""The pager turns to a doctor's next contact after so long."""
RED: Final = "page_now"


class Trouble(StrEnum):
    """What is wrong with a step; the first three are holes, the others warnings."""

    NOBODY = "nobody"
    NO_WAY = "no_way"
    UNPROVEN = "unproven"
    NO_ROTA = "no_rota"
    SINGLE = "single"
    CUT_OFF = "cut_off"


HOLES: Final = (Trouble.NOBODY, Trouble.NO_WAY, Trouble.UNPROVEN)


@dataclass(frozen=True, slots=True)
class Method:
    """One way to reach a doctor, and when it was last proved."""

    channel: str
    verified_at: datetime | None = None


class Concern(NamedTuple):
    """A panel, as a problem names it."""

    centre: str | None
    team: str
    own_doctor: str
    residents: int


@dataclass(frozen=True, slots=True)
class Panel:
    """Residents in the same care: one team, one own doctor.

    rotas: by role of the policy, the rota behind it. standing: by role, the doctor the registry
    names for it, where there is no rota.
    """

    centre: str | None
    team: str
    own_doctor: str
    residents: int
    rotas: Mapping[str, str] = field(default_factory=dict)
    standing: Mapping[str, str] = field(default_factory=dict)

    @property
    def concern(self) -> frozenset[Concern]:
        """Return the panel in the form of `Problem.concerns`."""
        return frozenset({Concern(self.centre, self.team, self.own_doctor, self.residents)})


@dataclass(frozen=True, slots=True)
class Staffing:
    """All that the proof rests on."""

    panels: Sequence[Panel]
    rotas: Rotas
    leaves: Sequence[Leave]
    methods: Mapping[str, Sequence[Method]]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something to mend, in the steps of `roles`.

    who: a doctor, or a rota or team where nobody in particular is meant.

    begin, end: None where it is always so. concerns: the panels in which it is so.
    """

    trouble: Trouble
    roles: tuple[str, ...]
    who: str
    begin: datetime | None = None
    end: datetime | None = None
    concerns: frozenset[Concern] = field(default=frozenset(), compare=False)

    @property
    def residents(self) -> int:
        """Return how many residents it concerns."""
        return sum(concern.residents for concern in self.concerns)

    @property
    def centres(self) -> frozenset[str | None]:
        """Return whose centres' residents they are; None for a team without one."""
        return frozenset(concern.centre for concern in self.concerns)

    @property
    def hole(self) -> bool:
        """Return whether somebody may wait for a call that reaches nobody."""
        return self.trouble in HOLES


def problems(
    staffing: Staffing, policies: Mapping[str, Policy], begin: datetime, end: datetime
) -> list[Problem]:
    """Return what is wrong from `begin` to `end`: the worst first, then in order of time."""
    roles = dict.fromkeys(step.who for policy in policies.values() for step in policy.steps)
    spans = Spans(staffing, begin, end)
    found: list[Problem] = []
    for panel in staffing.panels:
        found += _of_panel(panel, spans, roles)
        found += _single(panel, staffing.rotas)
        found += _cut_off(panel, spans, policies[RED])
    order = {trouble: number for number, trouble in enumerate(Trouble)}
    return sorted(
        _merged(found), key=lambda p: (order[p.trouble], p.begin or begin, p.who, p.roles)
    )


class Spans:
    """Who holds each step from `begin` to `end`: each rota and doctor is worked out once."""

    def __init__(self, staffing: Staffing, begin: datetime, end: datetime) -> None:
        self.methods = staffing.methods
        self._staffing = staffing
        self._span = begin, end
        self._known: dict[tuple[str, str], list[Shift]] = {}

    def of(self, panel: Panel, role: str) -> list[Shift] | None:
        """Return the spans of a step, without a gap; None where the panel has no such step."""
        if role in panel.rotas:
            return self._kept("rota", panel.rotas[role])
        doctor = panel.own_doctor if role == "own_doctor" else panel.standing.get(role)
        return self._kept("doctor", doctor) if doctor is not None else None

    def _kept(self, what: str, name: str) -> list[Shift]:
        if (what, name) not in self._known:
            staffing, span = self._staffing, self._span
            self._known[what, name] = (
                shifts(staffing.rotas[name], *span)
                if what == "rota"
                else _presence(name, staffing.leaves, *span)
            )
        return self._known[what, name]


def _presence(doctor: str, leaves: Sequence[Leave], begin: datetime, end: datetime) -> list[Shift]:
    """Return a doctor, or who stands in, from `begin` to `end`."""
    edges = {at for leave in leaves for at in (leave.begin, leave.end) if begin < at < end}
    found = []
    for since, until in pairwise(sorted({begin, end} | edges)):
        present = stands_in(doctor, since, leaves)
        found.append(Shift(since, until, (present,) if present is not None else ()))
    return joined(found)


def _of_panel(panel: Panel, spans: Spans, roles: Iterable[str]) -> Iterator[Problem]:
    for role in dict.fromkeys((*roles, *panel.rotas)):
        held = spans.of(panel, role)
        if held is None:
            yield Problem(Trouble.NO_ROTA, (role,), panel.team, concerns=panel.concern)
        for span in held or ():
            trouble, who = _look(span, spans.methods)
            if trouble is not None:
                who = who or panel.rotas.get(role) or panel.standing.get(role, panel.own_doctor)
                yield Problem(trouble, (role,), who, span.begin, span.end, panel.concern)


def _look(
    span: Shift, methods: Mapping[str, Sequence[Method]]
) -> tuple[Trouble | None, str | None]:
    """Return what is wrong with whoever is called in a span, and who that is."""
    if not span.doctors:
        return Trouble.NOBODY, None
    # As the escalation calls: the first who has a contact.
    called = next((doctor for doctor in span.doctors if methods.get(doctor)), None)
    if called is None:
        return Trouble.NO_WAY, span.doctors[0]
    if len(proven(methods[called], span.end)) < KINDS_MIN:
        return Trouble.UNPROVEN, called
    return None, None


def proven(methods: Sequence[Method], at: datetime) -> set[str]:
    """Return the kinds of methods that were confirmed within `VERIFIED_FOR` of `at`."""
    return {
        KIND_OF[method.channel]
        for method in methods
        if method.channel in KIND_OF
        and method.verified_at is not None
        and at - method.verified_at <= VERIFIED_FOR
    }


def _merged(found: Iterable[Problem]) -> list[Problem]:
    """Return each problem once: panels added up, and what one deed mends as one span."""
    once: dict[object, Problem] = {}
    for problem in found:
        key: object = problem
        if problem.trouble in (Trouble.NO_WAY, Trouble.UNPROVEN):
            key = (problem.trouble, problem.who)
        other = once.get(key)
        once[key] = problem if other is None else _both(other, problem)
    return list(once.values())


def _both(one: Problem, other: Problem) -> Problem:
    begins = [p.begin for p in (one, other) if p.begin is not None]
    ends = [p.end for p in (one, other) if p.end is not None]
    return replace(
        one,
        roles=tuple(dict.fromkeys((*one.roles, *other.roles))),
        begin=min(begins, default=None),
        end=max(ends, default=None),
        concerns=one.concerns | other.concerns,
    )


def _single(panel: Panel, rotas: Rotas) -> Iterator[Problem]:
    """Yield the rotas in which nobody follows: one cold, and nobody is on call."""
    for role, rota_id in panel.rotas.items():
        if _alone(rotas[rota_id]):
            yield Problem(Trouble.SINGLE, (role,), rota_id, concerns=panel.concern)


def _alone(rota: Rota) -> bool:
    lasting = [layer.turns for layer in rota.layers if layer.last is None]
    return any(isinstance(turns, Rotation) and len(turns.members) == 1 for turns in lasting)


def _cut_off(panel: Panel, spans: Spans, policy: Policy) -> Iterator[Problem]:
    """Yield whose later contacts are never tried, because somebody else is called before.

    Each contact takes `NEXT_CONTACT_AFTER`, counted until the first step of another person.
    """
    for role, gap in _gaps(policy):
        held = spans.of(panel, role) or ()
        for doctor in sorted({doctor for span in held for doctor in span.doctors[:1]}):
            contacts = len(spans.methods.get(doctor, ()))
            if (contacts - 1) * NEXT_CONTACT_AFTER > gap:
                yield Problem(Trouble.CUT_OFF, (role,), doctor, concerns=panel.concern)


def _gaps(policy: Policy) -> Iterator[tuple[str, timedelta]]:
    """Yield each role and how long it has until another is called."""
    first = {step.who: step.after for step in reversed(policy.steps)}
    order = sorted(first, key=lambda who: first[who])
    for who, following in pairwise(order):
        yield who, timedelta(minutes=first[following] - first[who])
