"""Who is on call, as a doctor reads it: days with their spans, what was said, what is missing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from yikao_alerts.feed import show
from yikao_alerts.feed.words import Words
from yikao_alerts.roster import SPECIALIST
from yikao_alerts.rota.coverage import Problem
from yikao_alerts.rota.model import Rota, Shift
from yikao_alerts.rota.names import Names, Said
from yikao_alerts.rota.on_call import shifts
from yikao_alerts.rota.when import DAY, local_day, moment

MIDNIGHT: Final = time()
DAYS: Final = 15
"""Today and the next 14 days."""
BAR: Final = 96
"""Units of a bar that is a day long: a quarter of an hour each, on most days."""
TINTS: Final = 5
"""Tints by which shifts of different people are told apart, beside their names."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A span of one day: from and until as `08:00`, who, and where it lies on the day's bar."""

    begin: str
    end: str
    who: str
    hole: bool
    x: float
    width: float
    tint: int


@dataclass(frozen=True, slots=True)
class Column:
    """One rota: its name, who is on call now, and each day's pieces."""

    rota_id: str
    name: str
    now: str
    days: tuple[tuple[Piece, ...], ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A problem in words: what, what to do, how many it concerns, and whether it is a hole."""

    what: str
    fix: str
    residents: int
    hole: bool


def days_from(now: datetime, zone: ZoneInfo, count: int = DAYS) -> list[date]:
    """Return today and the days after it at the centre."""
    first = local_day(now, zone)
    return [first + n * DAY for n in range(count)]


def column(rota: Rota, names: Names, days: Sequence[date], now: datetime) -> Column:
    """Return a rota's column for `days`, which follow each other."""
    begin = moment(days[0], MIDNIGHT, rota.zone)
    end = moment(days[-1] + DAY, MIDNIGHT, rota.zone)
    spans = shifts(rota, begin, end)
    people = list(dict.fromkeys(span.doctors for span in spans if span.doctors))
    tints = {doctors: n % TINTS for n, doctors in enumerate(people)}
    on_now = next(span for span in spans if span.begin <= now < span.end)
    return Column(
        rota.rota_id,
        names.of(rota.rota_id),
        _who(on_now, names),
        tuple(tuple(_pieces(spans, names, day, rota.zone, tints)) for day in days),
    )


def _pieces(
    spans: Sequence[Shift],
    names: Names,
    day: date,
    zone: ZoneInfo,
    tints: Mapping[tuple[str, ...], int],
) -> Iterator[Piece]:
    begin, end = (moment(d, MIDNIGHT, zone) for d in (day, day + DAY))
    for span in spans:
        since, until = max(span.begin, begin), min(span.end, end)
        if since >= until:
            continue
        yield Piece(
            show.clock(since, zone.key),
            "24:00" if until == end else show.clock(until, zone.key),
            _who(span, names),
            not span.doctors,
            round((since - begin) / (end - begin) * BAR, 2),
            round((until - since) / (end - begin) * BAR, 2),
            tints.get(span.doctors, 0),
        )


def _who(span: Shift, names: Names) -> str:
    return joined(span.doctors, names)


def joined(doctors: Iterable[str], names: Names) -> str:
    """Return doctors' names, whom to call first at the front."""
    return " → ".join(names.of(doctor) for doctor in doctors)


def step_name(role: str, words: Words) -> str:
    """Return what a step of the escalation is called."""
    first, _, specialty = role.partition(":")
    if first == SPECIALIST:
        return words("oncall.step.specialist", specialty=specialty)
    return words.of("oncall.step", role)


def line_of(problem: Problem, words: Words, names: Names, zone: str) -> Line:
    """Return a problem in words, its times in `zone`."""
    begin, end = (show.moment(words, at, zone) if at else "" for at in (problem.begin, problem.end))
    what = words(
        f"oncall.trouble.{problem.trouble}",
        step=words("list.comma").join(step_name(role, words) for role in problem.roles),
        who=names.of(problem.who),
        begin=begin,
        end=end,
    )
    fix = words(f"oncall.fix.{problem.trouble}", id=problem.who)
    return Line(what, fix, problem.residents, problem.hole)


def said_line(said: Said, words: Words, names: Names, zone: str) -> str:
    """Return what somebody said, in words."""
    kind = "leave_next" if said.kind == "leave" and not said.doctors else said.kind
    return words(
        f"oncall.line.{kind}",
        rota=names.of(said.rota or ""),
        giver=names.of(said.giver or ""),
        doctors=joined(said.doctors, names),
        begin=show.moment(words, said.begin, zone),
        end=show.moment(words, said.end, zone),
    )
