"""Readings, reports and a desk for these tests; ordinary where nothing else is said."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from reading_parts import (
    ADA,
    ANYBODY,
    CUFF,
    DAY,
    HOME,
    METER,
    RULES,
    SOON,
    bp,
    found,
    history,
    look,
    minutes,
    other,
    says,
    sugar,
    t,
)

from yikao_alerts import moves
from yikao_alerts.deliberate import (
    Ask,
    PageDue,
    PageKnown,
    Task,
    asks,
    look_again_at,
    pages_due,
    tasks,
)
from yikao_alerts.episodes import (
    ACTIVE,
    Change,
    Episode,
    Event,
    Known,
    State,
    changes,
    identity,
)
from yikao_alerts.escalation import load_policies
from yikao_alerts.evaluate import Evaluation, evaluate
from yikao_alerts.history import LOOK_BACK, History, Measurement, Symptoms
from yikao_alerts.moves import Disposition
from yikao_alerts.prompts import next_reminder_at, reminders
from yikao_alerts.resident import Resident
from yikao_alerts.roster import Care, Contact, Doctor

__all__ = [
    "ADA",
    "ANYBODY",
    "CARE",
    "CUFF",
    "DAY",
    "HOME",
    "JUNK",
    "METER",
    "POLICIES",
    "RULES",
    "SOON",
    "Desk",
    "bp",
    "found",
    "history",
    "look",
    "minutes",
    "other",
    "says",
    "sugar",
    "t",
    "written",
]
POLICIES = load_policies()
CARE = Care(
    1,
    HOME,
    Doctor("wang", "zh", (Contact(0, "webhook", "a"), Contact(1, "smtp", "b"))),
    Doctor("li", "en", (Contact(0, "webhook", "c"),)),
)


JUNK = [
    "",
    "5",
    "-1",
    "nan",
    "true",
    '"x"',
    "[]",
    "[1]",
    '["x"]',
    "{}",
    "{ x = 1 }",
    "[{}]",
    "[[]]",
]
"""What somebody might write for a value in a file."""


def written(text: str, line: int, value: str) -> str:
    """Return the text with another value in a line, or without the line where it has none."""
    lines = text.splitlines()
    key, equals, _ = lines[line].partition("=")
    lines[line] = f"{key}= {value}" if equals else ""
    return "\n".join(lines)


class Desk:
    """One resident's evaluator without a database: keeps what was decided, and looks again."""

    def __init__(self, now: datetime, *, care: Care = CARE, resident: Resident = ANYBODY) -> None:
        self.now = now
        self.care = care
        self.resident = resident
        self.measurements: list[Measurement] = []
        self.symptoms: list[Symptoms] = []
        self.findings: set[tuple[str, str, str]] = set()
        self.episodes: list[Episode] = []
        self.story: list[Change] = []
        self.pages: list[tuple[datetime, PageDue]] = []
        self.unreachable: set[str] = set()
        """Doctors whose every contact fails for good."""
        self.timer: datetime | None = None
        self.said: dict[UUID, tuple[datetime, Ask]] = {}
        self.later: list[Ask] = []
        """What a gateway keeps for its time; what is wanted no more is withdrawn."""
        self.tasks: list[Task] = []
        self.evaluation: Evaluation | None = None
        """Of the last look."""

    @property
    def active(self) -> list[Episode]:
        return [episode for episode in self.episodes if episode.state in ACTIVE]

    @property
    def events(self) -> list[Event]:
        return [change.event for change in self.story]

    @property
    def rang(self) -> list[str]:
        """When whom: `08:10 wang`."""
        return [f"{at.astimezone(HOME):%H:%M} {page.doctor.doctor_id}" for at, page in self.pages]

    @property
    def heard(self) -> list[str]:
        """What was said at home, and when: `22:22 请现在再量…`."""
        return [f"{at.astimezone(HOME):%H:%M} {ask.text_zh}" for at, ask in self.said.values()]

    def arrives(self, *items: Measurement | Symptoms) -> None:
        """Let readings or reports arrive together, once all of them can."""
        self.passes_until(max(item.received_at for item in items))
        self.measurements += [item for item in items if isinstance(item, Measurement)]
        self.symptoms += [item for item in items if isinstance(item, Symptoms)]
        self.look()

    def passes_until(self, end: datetime) -> None:
        """Let time pass; what falls due on the way is looked at then."""
        while self.timer is not None and self.timer <= end:
            self.now, self.timer = max(self.now, self.timer), None
            self.look()
        self.now = max(self.now, end)

    def answer(self, disposition: Disposition = Disposition.CALLED) -> None:
        """A doctor answers what is open, or was taken without a word."""
        self._moves(lambda e: moves.acknowledged(e, "wang", disposition, self.now))

    def take(self) -> None:
        """A doctor takes what is open, and says nothing more."""
        self._moves(lambda e: moves.taken(e, "wang", self.now))

    def hand_over(self, to: str) -> None:
        """A doctor gives what is active to another."""
        self._moves(lambda e: moves.handed_over(e, to, self.now))

    def put_back(self) -> None:
        """A doctor has answered by mistake."""
        self._moves(lambda e: moves.put_back(e, self.now))

    def snooze(self, until: datetime) -> list[moves.Moved]:
        """A doctor wants to hear no more of what is active; returns what became of each."""
        suppress = RULES.suppress
        return self._moves(lambda e: moves.snoozed(e, "wang", until, "why", self.now, suppress))

    def close(self) -> None:
        """A doctor ends what was answered."""
        self._moves(lambda e: moves.closed(e, Disposition.VISIT))

    def look(self) -> None:
        """Do what the evaluator does for a resident, again until nothing more can be reached."""
        evaluation, past = self._evaluate()
        done = self._keep(changes(evaluation, self._known(), past, RULES))
        self.findings |= {identity(finding) for finding in evaluation.findings}
        following = []
        for episode in self.active:
            while True:
                due, next_at = pages_due(
                    episode, POLICIES, self.care, self._pages_of(episode), self.now
                )
                self.pages += [(self.now, page) for page in due]
                if not any(page.doctor.doctor_id in self.unreachable for page in due):
                    break
            following.append(next_at)
        self._tell(evaluation, done, past)
        self.tasks += tasks(done, RULES, self.now, self.care.zone)
        following.append(next_reminder_at(evaluation, self.care.zone))
        self.timer = look_again_at(evaluation, self.active, following)

    def _tell(self, evaluation: Evaluation, done: list[Change], past: History) -> None:
        wanted = asks(evaluation, done, past, RULES, self.active)
        self.later = [ask for ask in wanted if ask.show_at is not None]
        for ask in (*wanted, *reminders(evaluation, self.care.zone)):
            assert ask.expires_at > self.now, "what is too late is not said"
            if ask.show_at is None:
                self.said.setdefault(ask.command_id, (self.now, ask))

    def _evaluate(self) -> tuple[Evaluation, History]:
        since = self.now - LOOK_BACK
        seen = [
            item
            for item in (*self.measurements, *self.symptoms)
            if item.at > since or item.received_at > since
        ]
        past = history(*seen)
        self.evaluation = evaluate(past, self.resident, RULES, self.now)
        return self.evaluation, past

    def _known(self) -> Known:
        return Known({each.family: each for each in self.active}, frozenset(self.findings))

    def _keep(self, done: list[Change]) -> list[Change]:
        kept = []
        for change in done:
            episode = change.episode
            if change.before is State.NONE:
                episode = replace(episode, episode_id=len(self.episodes) + 1)
                self.episodes.append(episode)
            else:
                number = next(e.episode_id for e in self.active if e.family == episode.family)
                episode = replace(episode, episode_id=number)
                self.episodes[number - 1] = episode
            kept.append(replace(change, episode=episode))
        self.story += kept
        return kept

    def _moves(self, move: Callable[[Episode], moves.Moved]) -> list[moves.Moved]:
        done = [move(episode) for episode in self.active]
        self._keep([each for each in done if isinstance(each, Change)])
        self.look()
        return done

    def _pages_of(self, episode: Episode) -> list[PageKnown]:
        known = []
        for at, page in self.pages:
            if (page.episode_id, page.round) != (episode.episode_id, episode.round):
                continue
            failed = page.doctor.doctor_id in self.unreachable
            known += [
                PageKnown(
                    page.step,
                    page.loop,
                    contact.position,
                    "failed" if failed else "sent",
                    page.doctor.doctor_id,
                    at,
                )
                for contact in (page.doctor.contacts if failed else [page.contact])
            ]
        return known
