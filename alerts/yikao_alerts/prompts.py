"""What is said at home, through the gateway: measure again now, what to do, and when it is over.

Fixed, reviewed texts, and nothing that a patient could take for an order to take more medicine. The
same words about the same thing have the same id, so they are said once; what comes too late to be
of use is not said at all. After a crisis nobody is told that all is normal: it is below the alarm
limit, and the doctor is seen next day.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Final, Literal
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from yikao_alerts.compose import load_texts
from yikao_alerts.course import SILENT, Course
from yikao_alerts.endings import concerns
from yikao_alerts.episode import Change, Episode, Event
from yikao_alerts.evaluate import Evaluation
from yikao_alerts.findings import Finding, Refusal, Why
from yikao_alerts.history import History
from yikao_alerts.rounds import Grade, Round
from yikao_alerts.rules.forms import OtherPerson, UnitDoubt
from yikao_alerts.rules.model import RuleSet

NAMESPACE: Final = UUID("0f2f6e5a-8f86-5c3b-a6b2-70616765726b")
"""Root of command ids: the same words asked for twice are the same row."""
ASK_LIFETIME: Final = timedelta(minutes=15)
"""A request to measure again that comes later than this is not shown any more."""
MORNING: Final = time(8)
"""When the day after a crisis begins: the hour of the daily worklist."""
REST: Final = timedelta(hours=4)
"""D: a morning sooner than this after a crisis is still the same night."""
QUESTIONS: Final = (OtherPerson, UnitDoubt)
"""Rules whose words ask something; measuring again would answer nothing."""
REMINDER_LIFETIME: Final = timedelta(hours=4)
"""Until noon somebody may still be reminded to see the doctor."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Say something at home, through the gateway that read the device: to measure again, or what
    to do now. Without a device: by any that the resident has."""

    command_id: UUID
    do: Literal["measure_again", "show"]
    device: str
    text_zh: str
    text_en: str
    expires_at: datetime
    show_at: datetime | None = None
    """The gateway keeps it until then, and says it in time also where the network is down."""


def asks(
    evaluation: Evaluation,
    done: Sequence[Change],
    history: History,
    rules: RuleSet,
    active: Sequence[Episode],
) -> list[Ask]:
    """Return what is to be said at home now; active: the episodes after the changes `done`.

    To measure again, for each reading that awaits a repeat, each new finding that wants one and
    each round of a re-check that is due; what to do now ("call 120"), for a new finding of a rule
    that waits for nothing and for an escalation; and what remains to be done when it is over.
    """
    made = [_ask(cause, evaluation.now, history, rules) for cause in _causes(evaluation, done)]
    waiting = {r.family for r in evaluation.refusals if r.why is Why.AWAITING_REPEAT}
    for course in evaluation.courses:
        if any(concerns(course, episode) and not episode.away for episode in active):
            made += _of_course(course, evaluation.now, asked=course.family in waiting)
    made += [_of_change(change, evaluation, history, rules) for change in done]
    return [ask for ask in made if ask is not None and evaluation.now < ask.expires_at]


def _causes(evaluation: Evaluation, done: Iterable[Change]) -> list[Finding | Refusal]:
    causes: list[Finding | Refusal] = [
        refusal for refusal in evaluation.refusals if refusal.why is Why.AWAITING_REPEAT
    ]
    causes += [
        change.cause
        for change in done
        if isinstance(change.cause, Finding)
        and change.event in (Event.FOUND, Event.WORSENED, Event.CALLED_AGAIN)
        and (change.cause.ask_again or change.cause.confirmed == "not_needed")
    ]
    return causes + [f for f in evaluation.findings if f.family is None and f.ask_again]


def _ask(cause: Finding | Refusal, now: datetime, history: History, rules: RuleSet) -> Ask | None:
    """Return the words for what has just come; None when there are none."""
    own = [m for m in history.measurements if m.key in cause.inputs]
    arrivals = [m.received_at for m in own]
    arrivals += [s.received_at for s in history.symptoms if s.key in cause.inputs]
    # A report names no device: it is answered where the resident measured last.
    devices = ["", *(m.device for m in own or history.measurements if m.device)]
    rule = rules.rule(cause.rule_id)
    if not rule.patient_zh:
        return None
    question = isinstance(rule.form, QUESTIONS)
    waits = isinstance(cause, Refusal) or (cause.ask_again and not question)
    return Ask(
        uuid5(NAMESPACE, "|".join(("ask", cause.rule_id, *cause.inputs))),
        "measure_again" if waits else "show",
        devices[-1],
        rule.patient_zh,
        rule.patient_en,
        max(arrivals, default=now) + ASK_LIFETIME,
    )


def _of_course(course: Course, now: datetime, *, asked: bool) -> Iterator[Ask]:
    """Yield what a running re-check asks for; asked: a repeat is being asked for already."""
    if course.over_at is not None:
        return
    kind, device, first = course.recheck.kind, course.device, course.rounds[0]
    if now < first.due_at:
        minutes = int(course.recheck.every.total_seconds() // 60)
        yield _say(f"soon_{kind}", (course.trigger, "soon"), device, first.due_at, minutes=minutes)
    undecided = [r for r in course.rounds if r.grade in (Grade.PLANNED, Grade.MEASURING)]
    for each in undecided:
        if each.grade is Grade.PLANNED and each.due_at <= now:
            yield _measure(course, each)
        elif each.grade is Grade.MEASURING and not asked:
            yield _repeat(course, each)
    if undecided and now < undecided[0].due_at and undecided[0].grade is Grade.PLANNED:
        # Ahead of its time, for a home whose network may be down then. Only the next one: whether
        # those after it are wanted is not known yet.
        yield replace(_measure(course, undecided[0]), show_at=undecided[0].due_at)


def _measure(course: Course, each: Round) -> Ask:
    key, kind = (course.trigger, "round", str(each.number)), course.recheck.kind
    return _say(f"now_{kind}", key, course.device, each.until, do="measure_again")


def _repeat(course: Course, each: Round) -> Ask:
    assert each.waits_until is not None, "a round that is measured waits for something"
    key = (course.trigger, "repeat", str(each.number), str(len(each.used)))
    return _say("again", key, course.device, each.waits_until, do="measure_again")


def _of_change(
    change: Change, evaluation: Evaluation, history: History, rules: RuleSet
) -> Ask | None:
    """Return what an escalation, or the end of a crisis that was re-checked, is to say at home."""
    rule = rules.rule(change.episode.rule_id)
    devices = [m.device for m in history.of_kind(rule.kind) if m.device]
    if rule.recheck is None or not devices:
        return None
    until = evaluation.now + ASK_LIFETIME
    match change.event, change.cause:
        case Event.ESCALATED, Finding() as cause:
            text = "silent" if cause.confirmed == SILENT else "escalated"
            return _say(text, (cause.rule_id, cause.trigger, cause.confirmed), devices[-1], until)
        case Event.NORMAL_AGAIN, _:
            over = True
        case Event.DOWNGRADED, _:
            over = any(c.resolved and concerns(c, change.episode) for c in evaluation.courses)
        case _:
            over = False
    key = (str(change.episode.episode_id), str(change.episode.round))
    return _say(f"below_{rule.kind}", key, devices[-1], until) if over else None


def next_day_task(rule_id: str, rules: RuleSet) -> bool:
    """Return whether whoever met that rule has to see a doctor next day."""
    name = rules.rule(rule_id).recheck
    return name is not None and rules.rechecks[name].next_day_task


def next_morning(at: datetime, zone: ZoneInfo) -> datetime:
    """Return the next morning after a night with something at `at` in it, in UTC."""
    rested = (at.astimezone(UTC) + REST).astimezone(zone)
    day = rested.date() if rested.time() <= MORNING else rested.date() + timedelta(days=1)
    return datetime.combine(day, MORNING, zone).astimezone(UTC)


def reminders(evaluation: Evaluation, zone: ZoneInfo) -> list[Ask]:
    """Return the reminders to see the doctor that are due on the morning after a crisis, whatever
    became of it; one a morning and family, however many re-checks the night had."""
    mornings = {
        (course.family, next_morning(course.started_at, zone)): course.device
        for course in evaluation.courses
        if course.recheck.next_day_task
    }
    return [
        _say("tomorrow", (family, at.isoformat()), device, at + REMINDER_LIFETIME)
        for (family, at), device in mornings.items()
        if at <= evaluation.now < at + REMINDER_LIFETIME
    ]


def next_reminder_at(evaluation: Evaluation, zone: ZoneInfo) -> datetime | None:
    """Return when the next reminder is due."""
    times = (
        next_morning(course.started_at, zone)
        for course in evaluation.courses
        if course.recheck.next_day_task
    )
    return min((at for at in times if at > evaluation.now), default=None)


def _say(
    text: str,
    key: tuple[str, ...],
    device: str,
    expires_at: datetime,
    *,
    do: Literal["measure_again", "show"] = "show",
    minutes: int = 0,
) -> Ask:
    """Return a fixed text of the text files; `key` names the occasion."""
    zh, en = (_home(language)[text].format(minutes=minutes) for language in ("zh", "en"))
    return Ask(uuid5(NAMESPACE, "|".join(("home", text, *key))), do, device, zh, en, expires_at)


def _home(language: str) -> Mapping[str, str]:
    return load_texts(language)["home"]
