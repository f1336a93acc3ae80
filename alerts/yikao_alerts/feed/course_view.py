"""How a re-check goes: its rounds, what each measured, and when the next one is due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from yikao_alerts.course import Course
from yikao_alerts.feed import show
from yikao_alerts.rounds import Grade, Round

MINUTE: Final = timedelta(minutes=1)
AHEAD: Final = (Grade.PLANNED, Grade.MEASURING)


@dataclass(frozen=True, slots=True)
class ShownRound:
    """One round as shown; `value` None where nothing was measured, or not yet."""

    number: int
    due_at: datetime
    grade: str
    value: show.Value | None


@dataclass(frozen=True, slots=True)
class ShownCourse:
    """A re-check as shown; `next` is the round that is awaited, None when it is over."""

    rule_id: str
    every_min: str
    rounds_max: int
    rounds: tuple[ShownRound, ...]
    next: ShownRound | None
    over_at: datetime | None


def courses_of(courses: Sequence[Course], family: str) -> list[ShownCourse]:
    """Return the re-checks of one family, the newest first."""
    ours = (course for course in courses if course.family == family)
    return [_shown(course) for course in sorted(ours, key=_begin, reverse=True)]


def _begin(course: Course) -> datetime:
    return course.started_at


def _shown(course: Course) -> ShownCourse:
    rounds = tuple(_round(one) for one in course.rounds)
    ahead = [one for one in rounds if one.grade in AHEAD]
    return ShownCourse(
        course.rule_id,
        f"{course.recheck.every / MINUTE:g}",
        course.recheck.rounds_max,
        rounds,
        ahead[0] if ahead and course.over_at is None else None,
        course.over_at,
    )


def _round(one: Round) -> ShownRound:
    unit = one.used[0].unit if one.used else ""
    value = show.values_text(one.mean, unit) if one.mean else None
    return ShownRound(one.number, one.due_at, str(one.grade), value)
