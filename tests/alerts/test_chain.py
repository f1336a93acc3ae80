"""Whoever is on call, on leave or unreachable: somebody is called, in time, and nobody in vain.

Hypothesis makes up a centre, an episode and what became of each page.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from alert_parts import HOME, POLICIES, RULES, minutes, t
from fix_hypothesis import examples
from hypothesis import assume, given
from hypothesis import strategies as st

from yikao_alerts.deliberate import PageDue, PageKnown, pages_due, specialty_of
from yikao_alerts.episodes import Episode, State
from yikao_alerts.escalation import BESIDE
from yikao_alerts.roster import LADDER, Care, Contact, Doctor, Duty, specialty_role

SINCE = t("22:00")
OPEN = Episode(
    7,
    "bp_high",
    State.OPEN,
    "BP-04",
    "page_now",
    3,
    "confirmed",
    measured_at=SINCE,
    opened_at=SINCE,
    level_since=SINCE,
    round=0,
    last_evidence_at=SINCE,
)
CHANNELS = ("webhook", "wecom", "smtp", "voice", "sms")


def doctor(name: str, *channels: str) -> Doctor:
    contacts = tuple(Contact(n, channel, f"{name}-{n}") for n, channel in enumerate(channels))
    return Doctor(name, "zh", contacts)


doctors = st.builds(
    lambda name, channels: doctor(name, *channels),
    st.sampled_from(["wang", "li", "sun", "zhou", "desk"]),
    st.lists(st.sampled_from(CHANNELS), max_size=3),
)


@st.composite
def cares(draw: st.DrawFn) -> Care:
    """A centre as it may be: roles without a rota, rotas with nobody, people without a contact."""
    people = {each.doctor_id: each for each in draw(st.lists(doctors, min_size=1, max_size=5))}
    reachable = [each for each in people.values() if each.contacts]
    assume(reachable)
    someone = st.sampled_from([*people.values()])
    hours = st.tuples(st.lists(someone, max_size=2), st.lists(someone, max_size=2))
    rotas = draw(st.dictionaries(st.sampled_from([*LADDER, specialty_role("obstetric")]), hours))
    duties = {role: _changing(*each) for role, each in rotas.items()}
    # The registry refuses a doctor without a contact; here one of the two has one.
    return Care(1, HOME, draw(someone), draw(st.sampled_from(reachable)), duties)


def _changing(before: Sequence[Doctor], after: Sequence[Doctor]) -> Duty:
    return lambda at: before if at < SINCE + minutes(15) else after


@dataclass
class Night:
    """One episode as the evaluator and the pager live through it, minute by minute."""

    care: Care
    episode: Episode = OPEN
    dead: frozenset[str] = frozenset()
    """Addresses that fail for good."""
    specialty: str | None = None
    known: dict[tuple[int, int, str, int], PageKnown] = field(default_factory=dict)
    calls: list[tuple[datetime, PageDue]] = field(default_factory=list)

    def look(self, now: datetime) -> datetime | None:
        """Page what is due, until nothing more is; return when to look again."""
        while True:
            due, following = pages_due(
                self.episode,
                POLICIES,
                self.care,
                [*self.known.values()],
                now,
                specialty=self.specialty,
            )
            if not due:
                return following
            for page in due:
                self.calls.append((now, page))
                self.send(page)

    def send(self, page: PageDue) -> None:
        """Let the pager try the contact and those behind it, until one takes the page."""
        who, first = page.doctor, page.contact.position
        for contact in (*who.contacts[first:], *who.contacts[:first]):
            state = "failed" if contact.address in self.dead else "sent"
            key = (page.step, page.loop, who.doctor_id, contact.position)
            self.known[key] = PageKnown(
                page.step, page.loop, contact.position, state, who.doctor_id, page.due_at
            )
            if state == "sent":
                return


nights = st.builds(
    Night,
    cares(),
    st.builds(
        lambda tier, severity: replace(OPEN, tier=tier, severity=severity),
        st.integers(0, 4),
        st.just("page_now"),
    ),
    st.frozensets(st.sampled_from([f"{n}-{p}" for n in ("wang", "li", "sun") for p in range(3)])),
    st.sampled_from([None, "obstetric"]),
)
pauses = st.lists(st.integers(1, 3000), min_size=1, max_size=12)


@given(nights, pauses)
@examples(150)
def test_an_open_crisis_always_has_its_next_page(night: Night, pauses_s: list[int]) -> None:
    now, following = SINCE, night.look(SINCE)
    assert night.calls, "somebody is called at once"
    for pause in pauses_s:
        assert following is not None
        assert now < following <= now + minutes(10)
        now += timedelta(seconds=pause)
        following = night.look(now)
        assert night.look(now) == following, "looking again changes nothing"


@given(nights, pauses)
@examples(150)
def test_each_call_is_to_somebody_with_a_contact_and_is_made_once(
    night: Night, pauses_s: list[int]
) -> None:
    now = SINCE
    for pause in [0, *pauses_s]:
        now += timedelta(seconds=pause)
        night.look(now)
    assert all(page.contact in page.doctor.contacts for _, page in night.calls)
    assert all(page.due_at == at for at, page in night.calls)
    numbers = [(page.step, page.loop) for _, page in night.calls]
    assert len(set(numbers)) == len(numbers)
    at_once = [(at, page.doctor.doctor_id, page.by, page.step) for at, page in night.calls]
    assert len(set(at_once)) == len(at_once)


@given(nights, st.integers(0, 4000), st.sampled_from(sorted(set(State) - {State.OPEN})))
def test_nobody_is_called_after_the_answer(night: Night, pause_s: int, state: State) -> None:
    night.look(SINCE)
    before = len(night.calls)
    night.episode = replace(night.episode, state=state)
    assert night.look(SINCE + timedelta(seconds=pause_s)) is None
    assert len(night.calls) == before


@given(nights)
def test_whoever_is_at_the_desk_is_called_within_twenty_minutes(night: Night) -> None:
    for minute in range(21):
        night.look(SINCE + minutes(minute))
    desk = night.care.who("duty_desk", SINCE + minutes(20)).doctor_id
    called = {page.doctor.doctor_id for at, page in night.calls}
    assert desk in called


@given(nights, st.integers(1, 60))
def test_a_missed_hour_rings_each_doctor_once_by_each_kind(night: Night, minute: int) -> None:
    night.dead = frozenset()
    night.look(SINCE + minutes(minute))
    chain = [page for _, page in night.calls if page.step < BESIDE]
    rung = [(page.doctor.doctor_id, page.by) for page in chain]
    assert len(set(rung)) == len(rung)


def test_after_an_outage_nobody_is_rung_twice_at_once_because_another_cannot_be_reached() -> None:
    """All steps are called together: a failed one has nobody left to hand its turn on to."""
    wang, li = doctor("wang", "webhook"), doctor("li", "webhook")
    night = Night(Care(1, HOME, wang, li), dead=frozenset(["wang-0"]))
    night.look(SINCE + minutes(20))
    rung = [(page.step, page.loop, page.doctor.doctor_id) for _, page in night.calls]
    assert rung == [(0, 0, "wang"), (1, 0, "wang"), (4, 0, "li")]
    assert night.look(SINCE + minutes(29)) == SINCE + minutes(30)
    night.look(SINCE + minutes(30))
    assert [(page.step, page.loop) for _, page in night.calls][3:] == [(4, 1)]


PHONE = doctor("wang", "webhook", "smtp", "voice")


@pytest.mark.parametrize(
    ("who", "dead", "positions"),
    [
        (PHONE, (), [0, 2]),  # the telephone, wherever it stands
        (doctor("wang", "webhook", "smtp"), (), [0, 1]),  # none: another way
        (doctor("wang", "webhook", "smtp", "sms"), ("wang-0",), [0, 2]),  # one not used yet
        (doctor("wang", "webhook"), (), [0, 0]),  # none at all: the same again
        (doctor("wang", "voice", "webhook"), (), [0, 0]),
    ],
)
def test_the_telephone_rings_or_another_way_is_taken(
    who: Doctor, dead: tuple[str, ...], positions: list[int]
) -> None:
    night = Night(Care(1, HOME, who, doctor("li", "webhook")), dead=frozenset(dead))
    night.look(SINCE)
    night.look(SINCE + minutes(2))
    assert [page.contact.position for _, page in night.calls] == positions


def on_call(**roles: Doctor) -> Care:
    duties = {role: _changing([who], [who]) for role, who in roles.items()}
    return Care(1, HOME, PHONE, doctor("li", "webhook"), duties)


def test_a_specialist_is_called_beside_the_chain_and_once() -> None:
    care = replace(
        on_call(),
        duties={specialty_role("obstetric"): _changing([doctor("wu", "sms")], [])},
    )
    night = Night(care, specialty="obstetric")
    for minute in range(30):
        night.look(SINCE + minutes(minute))
    called = [(at - SINCE, page.doctor.doctor_id) for at, page in night.calls]
    assert [who for _, who in called] == ["wang", "wu", "wang", "li", "li", "li"]
    assert called[1][0] == timedelta(0)


def test_a_specialist_who_is_not_there_is_the_duty_doctor() -> None:
    role = specialty_role("obstetric")
    care = replace(on_call(duty_doctor=doctor("sun", "sms")))
    care = replace(care, duties={**care.duties, role: _changing([], [])})
    night = Night(care, specialty="obstetric")
    night.look(SINCE)
    assert [page.doctor.doctor_id for _, page in night.calls] == ["wang", "sun"]


def test_a_specialist_who_is_called_anyway_is_not_called_twice() -> None:
    care = on_call(**{specialty_role("obstetric"): PHONE})
    night = Night(care, specialty="obstetric")
    night.look(SINCE)
    assert [page.step for _, page in night.calls] == [0]


def test_a_centre_without_such_specialists_has_its_chain() -> None:
    night = Night(on_call(), specialty="obstetric")
    night.look(SINCE)
    assert [page.step for _, page in night.calls] == [0]


def test_which_rules_ask_for_a_specialist() -> None:
    asking = {
        rule.id for rule in RULES.rules if specialty_of(replace(OPEN, rule_id=rule.id), RULES)
    }
    assert asking >= {rule.id for rule in RULES.rules if rule.family == "pregnancy"} > set()
    assert not asking & {"BP-01", "BP-03", "GL-01"}
    assert specialty_of(replace(OPEN, rule_id="gone"), RULES) is None


def test_handed_over_the_taker_stands_in_the_own_doctors_place() -> None:
    care = replace(on_call(team=doctor("zhou", "sms")), handed={"sun": doctor("sun", "sms")})
    night = Night(care, replace(OPEN, handed_to="sun"))
    for minute in range(6):
        night.look(SINCE + minutes(minute))
    assert [page.doctor.doctor_id for _, page in night.calls] == ["sun", "sun", "zhou"]
