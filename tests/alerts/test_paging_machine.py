"""Episode, escalation and pager together, on a real database, under whatever may happen.

Hypothesis measures, calls for help, answers, takes answers back, hands over, kills processes at
their worst moment, has providers fail, and lets time pass with and without anybody at work.

Three things hold at every rest: an open red episode has its next page, nothing rings after the
answer, and what is called sent was accepted by a provider.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from uuid import uuid4

import msgspec
from clinic import NOW, event
from fix_hypothesis import examples
from fix_watch import Watch
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from night import CONTACTS, DUTY, Mood, Night

from yikao_alerts.answer import Answer, Disposition, acknowledge, close, hand_over, un_acknowledge
from yikao_devices.symptoms import CALL_ME

Move = Callable[..., Awaitable[Answer]]

OWN, OTHER = "wang", "li"
NEXT_PAGE_WITHIN = timedelta(minutes=10)
STEP_MIN = 2
pressures = st.sampled_from([(120, 75), (150, 92), (182, 104), (186, 112), (206, 122), (214, 126)])
symptoms = st.sampled_from(["none", "chest_pain", "vomiting", "hypo_needs_help"])
moods = st.sampled_from([Mood.FINE, *Mood])
doctors = st.sampled_from([OWN, OTHER])
dispositions = st.sampled_from([None, Disposition.CALLED, Disposition.REFERRED])

OPEN_RED = """
SELECT e.episode_id, e.round,
       (SELECT count(*) FROM page p WHERE (p.episode_id, p.round) = (e.episode_id, e.round)),
       (SELECT due_at FROM eval_timer t WHERE t.patient_id = e.patient_id)
FROM episode e WHERE e.state = 'open' AND e.severity = 'page_now'
"""
STILL_DUE = """
SELECT p.page_id, e.state FROM page p JOIN episode e USING (episode_id)
WHERE p.state = 'due' AND e.state <> 'open'
"""
SENT = "SELECT page_id, message_id FROM page WHERE state IN ('sent', 'delivered')"


class Paging(RuleBasedStateMachine):
    """One home at the clinic; each run begins with an empty night."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self.watch = watch
        self.watch.now = NOW
        self.night = Night(watch)

    def teardown(self) -> None:
        self.night.close()

    def episode(self, *states: str) -> int | None:
        """Return the newest episode in one of these states."""
        found = self.night.rows(
            "SELECT max(episode_id) FROM episode WHERE state = ANY(%s)", list(states)
        )
        return found[0][0]  # type: ignore[no-any-return]

    @rule(pressure=pressures)
    def measures(self, pressure: tuple[int, int]) -> None:
        self.watch.now += timedelta(seconds=1)
        self.watch.measures(*pressure)
        self.night.works()

    @rule(code=symptoms)
    def reports(self, code: str) -> None:
        self.watch.now += timedelta(seconds=1)
        self.watch.reports(code)
        self.night.works()

    @rule(ago_min=st.sampled_from([0, 0, 0, 30, 300]))
    def calls_for_help(self, ago_min: int) -> None:
        self.watch.now += timedelta(seconds=1)
        at = self.watch.now - timedelta(minutes=ago_min)
        self.watch.arrives(msgspec.structs.replace(event(CALL_ME, at=at), reading_id=uuid4()))
        self.night.works()

    @rule(steps=st.integers(1, 8))
    def time_passes(self, steps: int) -> None:
        for _ in range(steps):
            self.watch.now += timedelta(minutes=STEP_MIN)
            self.night.works()

    @rule(minutes=st.sampled_from([3, 25, 70, 400]))
    def nobody_works_for_a_while(self, minutes: int) -> None:
        self.watch.now += timedelta(minutes=minutes)
        self.night.works()

    @rule(first=moods, second=moods)
    def providers_change(self, first: Mood, second: Mood) -> None:
        self.night.first.mood, self.night.second.mood = first, second

    @rule(doctor=doctors, disposition=dispositions)
    @precondition(lambda self: self.episode("open"))
    def somebody_answers(self, doctor: str, disposition: Disposition | None) -> None:
        self.answer(doctor, disposition)
        self.night.works()

    def answer(self, doctor: str, disposition: Disposition | None) -> None:
        self.moves(acknowledge, "open", doctor_id=doctor, disposition=disposition)

    def moves(self, move: Move, *states: str, **said: object) -> None:
        """Let somebody do something with the newest episode in one of these states."""
        number = self.episode(*states)
        assert number is not None
        self.night.answered(lambda conn: move(conn, now=self.watch.now, episode_id=number, **said))

    @rule(doctor=doctors)
    @precondition(lambda self: self.episode("answered", "watching"))
    def somebody_puts_it_back(self, doctor: str) -> None:
        self.moves(un_acknowledge, "answered", "watching", doctor_id=doctor)
        self.night.works()

    @rule(doctor=doctors)
    @precondition(lambda self: self.episode("open", "answered", "watching"))
    def somebody_hands_it_over(self, doctor: str) -> None:
        to = OTHER if doctor == OWN else OWN
        self.moves(hand_over, "open", "answered", "watching", doctor_id=doctor, to=to)
        self.night.works()

    @rule()
    @precondition(lambda self: self.episode("answered", "watching"))
    def somebody_ends_it(self) -> None:
        self.moves(close, "answered", "watching", doctor_id=OWN, disposition=Disposition.VISIT)
        self.night.works()

    @rule(pressure=pressures)
    def the_evaluator_dies_before_its_commit(self, pressure: tuple[int, int]) -> None:
        self.watch.now += timedelta(seconds=1)
        self.watch.measures(*pressure)
        self.night.evaluator_dies()
        self.night.works()

    @rule(pressure=pressures, minutes=st.sampled_from([0, 1, 11]))
    def the_pager_dies_with_pages_in_its_hands(
        self, pressure: tuple[int, int], minutes: int
    ) -> None:
        self.watch.now += timedelta(minutes=minutes, seconds=1)
        self.watch.measures(*pressure)
        self.watch.decides()
        self.night.pager_dies(lambda: None)
        self.night.works()

    @rule(doctor=doctors, pressure=pressures)
    def somebody_answers_a_page_that_is_on_its_way(
        self, doctor: str, pressure: tuple[int, int]
    ) -> None:
        """And the pager dies before it could write down that it was handed over."""
        self.watch.now += timedelta(minutes=1, seconds=1)
        self.watch.measures(*pressure)
        self.watch.decides()

        def answers() -> None:
            if self.episode("open") is not None:
                self.answer(doctor, Disposition.CALLED)

        self.night.pager_dies(answers)
        self.night.works()

    @invariant()
    def an_open_red_episode_always_has_its_next_page(self) -> None:
        for number, round_, pages, next_at in self.night.rows(OPEN_RED):
            assert pages, f"episode {number} in round {round_} has called nobody"
            assert next_at is not None, f"episode {number} is never looked at again"
            assert next_at <= self.watch.now + NEXT_PAGE_WITHIN

    @invariant()
    def none_after_the_answer(self) -> None:
        assert self.night.rows(STILL_DUE) == []
        assert self.night.first.after_the_answer == []
        assert self.night.second.after_the_answer == []

    @invariant()
    def sent_implies_accepted(self) -> None:
        accepted = self.night.first.accepted | self.night.second.accepted
        for page_id, message_id in self.night.rows(SENT):
            assert message_id in accepted, f"page {page_id} was never accepted"

    @invariant()
    def a_call_for_help_is_never_left_alone(self) -> None:
        """Each press is in an episode, and one that nobody has answered rings."""
        ((left,),) = self.night.rows(
            "SELECT count(*) FROM help_call h WHERE NOT EXISTS (SELECT FROM finding f"
            " WHERE f.trigger_key = 'symptom/' || h.reading_id AND f.episode_id IS NOT NULL)"
        )
        assert left == 0


def test_paging_reaches_somebody_whatever_happens(watch: Watch) -> None:
    watch.clinic.register(contacts=CONTACTS, duty_contacts=DUTY)
    night = partial(Paging, watch)
    run_state_machine_as_test(night, settings=examples(8, stateful_step_count=20))
