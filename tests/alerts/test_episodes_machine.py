"""Episodes and escalation under whatever may happen, in any order: what has to hold at every step.

Hypothesis measures, reports, lets time pass, answers and closes; some doctors cannot be reached.
"""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

from alert_parts import Desk, bp, minutes, says, sugar, t
from fix_hypothesis import examples
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from yikao_alerts.endings import WORD_WITHIN, concerns
from yikao_alerts.episode import SILENCED
from yikao_alerts.episodes import Episode, Event, State, identity
from yikao_alerts.findings import Finding
from yikao_alerts.history import Measurement, Symptoms
from yikao_alerts.moves import Bar, Disposition

systolics = st.sampled_from([120, 150, 165, 179, 180, 186, 197, 200, 215])
diastolics = st.sampled_from([75, 95, 105, 110, 118, 120])
sugars = st.sampled_from([2.4, 3.5, 3.9, 4.5, 6.0, 14.0, 16.7, 19.0, 33.3])
codes = st.sampled_from(["none", "vomiting", "confusion", "hypo_needs_help", "cold_sweat"])
delays = st.sampled_from([5, 5, 5, 5, 90, 1200, 3 * 3600, 30 * 3600])
"""Seconds from the measurement to the server: mostly at once, sometimes after an outage."""
pauses = st.sampled_from([1, 2, 5, 10, 16, 20, 31, 45, 180, 370])
BY_PEOPLE = {Event.TAKEN, Event.ACKNOWLEDGED, Event.SNOOZED}
OPENS_AGAIN = {
    *(Event.WORSENED, Event.ESCALATED, Event.REOPENED, Event.HANDED_OVER),
    Event.CALLED_AGAIN,
}


class Case(RuleBasedStateMachine):
    """One resident, one evaluator, two doctors."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(t("18:00"))
        self.desk.look()
        self.counter = 0
        self.answers: dict[tuple[int, int], datetime] = {}
        self.asked: set[tuple[str, str, str]] = set()
        self.put_back_at: set[datetime] = set()

    @initialize(silent=st.sampled_from([frozenset(), {"wang"}, {"li"}, {"wang", "li"}]))
    def some_cannot_be_reached(self, silent: set[str]) -> None:
        self.desk.unreachable = set(silent)

    @rule(high=systolics, low=diastolics, delay_s=delays)
    def measures_pressure(self, high: int, low: int, delay_s: int) -> None:
        received = self.desk.now + timedelta(seconds=1)
        self.arrives(bp(high, low, received - timedelta(seconds=delay_s), received=received))
        if delay_s < 2 * 3600 and (high >= 200 or low >= 120):
            (episode,) = [e for e in self.desk.active if e.family == "bp_high"]
            assert episode.severity == "page_now", "a fresh crisis is somebody's at once"
            assert episode.in_hands or episode.state is State.OPEN

    @rule(value=sugars, delay_s=delays)
    def measures_sugar(self, value: float, delay_s: int) -> None:
        received = self.desk.now + timedelta(seconds=1)
        self.arrives(sugar(value, received - timedelta(seconds=delay_s), received=received))

    @rule(code=codes, delay_s=delays)
    def reports(self, code: str, delay_s: int) -> None:
        received = self.desk.now + timedelta(seconds=1)
        self.arrives(says(code, received - timedelta(seconds=delay_s), received=received))

    @rule(pause_min=pauses)
    def time_passes(self, pause_min: int) -> None:
        self.desk.passes_until(self.desk.now + minutes(pause_min))

    @precondition(lambda self: self.open)
    @rule(disposition=st.sampled_from(Disposition))
    def somebody_answers(self, disposition: Disposition) -> None:
        self.answered_now()
        self.desk.answer(disposition)

    @precondition(lambda self: self.open)
    @rule()
    def somebody_takes_it(self) -> None:
        self.answered_now()
        self.desk.take()

    @precondition(lambda self: self.desk.active)
    @rule(to=st.sampled_from(["wang", "li"]))
    def somebody_hands_it_over(self, to: str) -> None:
        self.desk.hand_over(to)

    @precondition(lambda self: any(e.in_hands for e in self.desk.active))
    @rule()
    def somebody_puts_it_back(self) -> None:
        self.put_back_at.add(self.desk.now)
        self.desk.put_back()

    @precondition(lambda self: self.desk.active)
    @rule(hours=st.sampled_from([1, 12, 72, 14 * 24, 15 * 24]))
    def somebody_wants_silence(self, hours: int) -> None:
        before = list(self.desk.active)
        for episode in before:
            if episode.severity == "today" and episode.state is State.OPEN and hours <= 14 * 24:
                self.answers[episode.episode_id, episode.round] = self.desk.now
        done = self.desk.snooze(self.desk.now + timedelta(hours=hours))
        for episode, became in zip(before, done, strict=True):
            if episode.severity == "page_now" and episode.state is not State.SUSPECTED:
                assert became is Bar.RED

    @precondition(lambda self: any(e.in_hands for e in self.desk.active))
    @rule()
    def somebody_closes(self) -> None:
        self.desk.close()

    @property
    def open(self) -> bool:
        return any(e.state is State.OPEN for e in self.desk.active)

    def answered_now(self) -> None:
        for episode in self.desk.active:
            if episode.state is State.OPEN:
                self.answers[episode.episode_id, episode.round] = self.desk.now

    def arrives(self, item: Measurement | Symptoms) -> None:
        self.counter += 1
        self.desk.arrives(replace(item, key=f"{item.key}/{self.counter}"))

    @invariant()
    def an_open_crisis_has_been_paged_and_has_its_next_call(self) -> None:
        for episode in self.desk.active:
            if episode.state is State.OPEN and episode.severity == "page_now":
                key = (episode.episode_id, episode.round)
                assert any((p.episode_id, p.round) == key for _, p in self.desk.pages)
                assert self.desk.timer is not None
                assert self.desk.timer <= self.desk.now + minutes(10)

    @invariant()
    def whatever_is_active_is_looked_at_again(self) -> None:
        assert self.desk.timer is not None or not self.desk.active
        assert self.desk.timer is None or self.desk.timer > self.desk.now

    @invariant()
    def no_page_after_the_answer(self) -> None:
        for at, page in self.desk.pages:
            answered_at = self.answers.get((page.episode_id, page.round))
            assert answered_at is None or at <= answered_at

    @invariant()
    def only_worse_or_half_an_hour_or_a_person_opens_an_answer_again(self) -> None:
        answer: dict[int, Episode] = {}
        for change in self.desk.story:
            before, after = answer.get(change.episode.episode_id), change.episode
            if before is not None and after.state is State.OPEN:
                assert change.event in OPENS_AGAIN
                by_itself = after.level_since not in self.put_back_at
                if change.event is Event.REOPENED and by_itself:
                    assert before.reopens_at is not None
                    assert after.level_since >= before.reopens_at
            if change.before is State.OPEN and after.state is not State.OPEN:
                assert change.event in BY_PEOPLE
            if after.in_hands:
                answer[after.episode_id] = after
            else:
                answer.pop(after.episode_id, None)

    @invariant()
    def an_answer_without_a_word_is_open_again_after_half_an_hour(self) -> None:
        for episode in self.desk.active:
            silent = episode.in_hands and episode.disposition is None
            if silent or (episode.state is State.OPEN and episode.handed_to is not None):
                assert episode.reopens_at is not None
                assert self.desk.now < episode.reopens_at <= self.desk.now + WORD_WITHIN

    @invariant()
    def red_is_never_silent(self) -> None:
        for episode in self.desk.active:
            assert (episode.disposition == SILENCED) <= (episode.severity != "page_now")
            if episode.snoozed:
                assert episode.reopens_at is not None

    @invariant()
    def it_is_watched_while_it_is_measured(self) -> None:
        evaluation = self.desk.evaluation
        assert evaluation is not None
        for episode in self.desk.active:
            running = any(concerns(c, episode) and not c.over_at for c in evaluation.courses)
            answered = episode.in_hands and episode.disposition and not episode.snoozed
            watched = bool(running and answered and not episode.away)
            assert (episode.state is State.WATCHING) is watched

    @invariant()
    def one_active_episode_in_a_family(self) -> None:
        families = Counter(episode.family for episode in self.desk.active)
        assert not families or max(families.values()) == 1

    @invariant()
    def every_finding_has_its_effect_once(self) -> None:
        causes = [change.cause for change in self.desk.story if isinstance(change.cause, Finding)]
        effects = Counter(identity(cause) for cause in causes)
        assert not effects or max(effects.values()) == 1
        assert set(effects) <= self.desk.findings

    @invariant()
    def no_escalation_is_lost(self) -> None:
        """What a re-check asks for while somebody is ill has its effect in the very same look."""
        had = {identity(c.cause) for c in self.desk.story if isinstance(c.cause, Finding)}
        evaluation = self.desk.evaluation
        assert evaluation is not None
        for course in evaluation.courses:
            for finding in course.escalations:
                asked_before = identity(finding) in self.asked
                active = [e for e in self.desk.active if concerns(course, e) and not e.away]
                assert asked_before or not active or identity(finding) in had
                self.asked.add(identity(finding))

    @invariant()
    def a_crisis_is_taken_down_to_today_and_never_away(self) -> None:
        for change in self.desk.story:
            if change.event is Event.DOWNGRADED:
                assert change.episode.state is change.before
                assert change.episode.severity == "today"
            if change.event in (Event.NORMAL_AGAIN, Event.TIMED_OUT, Event.CLOSED):
                assert change.episode.answered_at is not None

    @invariant()
    def after_a_crisis_of_pressure_somebody_is_seen_next_day(self) -> None:
        over = [
            change
            for change in self.desk.story
            if change.event in (Event.NORMAL_AGAIN, Event.DOWNGRADED)
            and change.episode.rule_id in ("BP-03", "BP-04")
        ]
        assert len(self.desk.tasks) == len(over)

    @invariant()
    def every_page_is_one_and_nobody_is_rung_twice_at_once(self) -> None:
        pages = self.desk.pages
        assert len({page.page_id for _, page in pages}) == len(pages)
        at_once = Counter(
            (at, p.episode_id, p.round, p.doctor.doctor_id, p.contact.position)
            for at, p in pages
            if p.doctor.doctor_id not in self.desk.unreachable
        )
        assert not at_once or max(at_once.values()) == 1

    @invariant()
    def looking_again_changes_nothing(self) -> None:
        before = len(self.desk.story), len(self.desk.pages)
        self.desk.look()
        assert (len(self.desk.story), len(self.desk.pages)) == before


TestCase = Case.TestCase
TestCase.settings = examples(40, stateful_step_count=25)
