"""Readings, reports and a desk for these tests; ordinary where nothing else is said."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from yikao_alerts.deliberate import PageDue, PageKnown, look_again_at, pages_due
from yikao_alerts.episodes import (
    ACTIVE,
    Change,
    Episode,
    Event,
    Known,
    State,
    changes,
    identity,
    step,
)
from yikao_alerts.escalation import load_policies
from yikao_alerts.evaluate import Evaluation, evaluate
from yikao_alerts.history import (
    BLOOD_PRESSURE,
    GLUCOSE,
    LOOK_BACK,
    History,
    Measurement,
    Symptoms,
    history_of,
    key_of,
)
from yikao_alerts.roster import Care, Contact, Doctor
from yikao_alerts.rules import load_rules

RULES = load_rules()
POLICIES = load_policies()
HOME = ZoneInfo("Asia/Shanghai")
DAY = datetime(2026, 3, 2, tzinfo=HOME)
CUFF, METER = "C0:FF:EE:00:00:01", "C0:FF:EE:00:00:02"
SOON = timedelta(seconds=5)
"""From the cuff to the server."""
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


def t(clock: str, day: int = 0) -> datetime:
    """Return a time of the story's day, or so many days later: `t("08:10")`, `t("08:10:30")`."""
    parts = [int(part) for part in clock.split(":")] + [0]
    return DAY + timedelta(days=day, hours=parts[0], minutes=parts[1], seconds=parts[2])


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def bp(
    systolic: float,
    diastolic: float,
    at: datetime,
    *,
    received: datetime | None = None,
    unit: str = "mmHg",
    pulse: float = 80,
    flags: tuple[str, ...] = (),
    plausible: bool = True,
) -> Measurement:
    """Return a reading of the cuff."""
    values = {"systolic": systolic, "diastolic": diastolic, "pulse": pulse}
    return Measurement(
        key_of(BLOOD_PRESSURE, CUFF, at),
        BLOOD_PRESSURE,
        at,
        received or at + SOON,
        unit,
        values,
        frozenset(flags),
        CUFF,
        plausible,
    )


def sugar(
    value: float | None,
    at: datetime,
    *,
    received: datetime | None = None,
    unit: str = "mmol/L",
    flags: tuple[str, ...] = (),
    plausible: bool = True,
) -> Measurement:
    """Return a reading of the meter; no value where it says HI or LO."""
    return Measurement(
        key_of(GLUCOSE, METER, at),
        GLUCOSE,
        at,
        received or at + SOON,
        unit,
        {} if value is None else {"glucose": value},
        frozenset(flags),
        METER,
        plausible,
    )


def says(code: str, at: datetime, *, received: datetime | None = None) -> Symptoms:
    """Return the resident's report of one symptom."""
    return Symptoms(f"symptom/{at}/{code}", at, received or at + SOON, frozenset({code}))


def history(*items: Measurement | Symptoms) -> History:
    """Return the history of these readings and reports."""
    return history_of(
        [item for item in items if isinstance(item, Measurement)],
        [item for item in items if isinstance(item, Symptoms)],
    )


def found(now: datetime, *items: Measurement | Symptoms) -> list[tuple[str, str, str]]:
    """Return rule, severity and confirmation of each finding that is about the resident."""
    findings = evaluate(history(*items), RULES, now).findings
    return [(f.rule_id, f.severity, f.confirmed) for f in findings if f.family is not None]


class Desk:
    """One resident's evaluator without a database: keeps what was decided, and looks again."""

    def __init__(self, now: datetime, *, care: Care = CARE) -> None:
        self.now = now
        self.care = care
        self.measurements: list[Measurement] = []
        self.symptoms: list[Symptoms] = []
        self.findings: set[tuple[str, str, str]] = set()
        self.episodes: list[Episode] = []
        self.story: list[Change] = []
        self.pages: list[tuple[datetime, PageDue]] = []
        self.unreachable: set[str] = set()
        """Doctors whose every contact fails for good."""
        self.timer: datetime | None = None

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

    def answer(self) -> None:
        """A doctor takes what is open."""
        self._by_person(Event.ACKNOWLEDGED, State.OPEN)
        self.look()

    def close(self) -> None:
        """A doctor ends what was answered."""
        self._by_person(Event.CLOSED, State.ANSWERED)
        self.look()

    def look(self) -> None:
        """Do what the evaluator does for a resident, again until nothing more can be reached."""
        evaluation, past = self._evaluate()
        self._keep(changes(evaluation, self._known(), past, RULES))
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
        self.timer = look_again_at(evaluation, self.active, following)

    def _evaluate(self) -> tuple[Evaluation, History]:
        since = self.now - LOOK_BACK
        seen = [
            item
            for item in (*self.measurements, *self.symptoms)
            if item.at > since or item.received_at > since
        ]
        past = history(*seen)
        return evaluate(past, RULES, self.now), past

    def _known(self) -> Known:
        return Known({each.family: each for each in self.active}, frozenset(self.findings))

    def _keep(self, done: list[Change]) -> None:
        for change in done:
            episode = change.episode
            if change.before is State.NONE:
                episode = replace(episode, episode_id=len(self.episodes) + 1)
                self.episodes.append(episode)
            else:
                number = next(e.episode_id for e in self.active if e.family == episode.family)
                episode = replace(episode, episode_id=number)
                self.episodes[number - 1] = episode
            self.story.append(replace(change, episode=episode))

    def _by_person(self, event: Event, state: State) -> None:
        for episode in self.active:
            if episode.state is state:
                after = replace(episode, state=step(state, event))
                if event is Event.ACKNOWLEDGED:
                    after = replace(after, answered_at=self.now)
                self._keep([Change(event, state, after, None)])

    def _pages_of(self, episode: Episode) -> list[PageKnown]:
        known = []
        for _, page in self.pages:
            if (page.episode_id, page.round) != (episode.episode_id, episode.round):
                continue
            failed = page.doctor.doctor_id in self.unreachable
            contacts = page.doctor.contacts if failed else (page.contact,)
            state = "failed" if failed else "sent"
            known += [PageKnown(page.step, page.loop, c.position, state) for c in contacts]
        return known
