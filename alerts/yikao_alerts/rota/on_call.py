"""Who is on call at a moment, and in which spans: pure functions of the rota and the time.

First the layer that applies says whose turn it is, then overrides change that, then for each doctor
hand-overs and leave say who stands in. Nobody who is away is ever on call, whatever the turn; where
nobody is left the answer is empty, which the escalation takes as the next step's call.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, time
from itertools import pairwise

from yikao_alerts.rota.model import (
    HandOver,
    Kind,
    Layer,
    Leave,
    Override,
    Rota,
    Rotation,
    Shift,
)
from yikao_alerts.rota.when import DAY, days_around, moment


def on_call(rota: Rota, at: datetime) -> tuple[str, ...]:
    """Return the doctors on call at `at`, whom to call first at the front; empty when nobody is."""
    named, removed, order = _named(rota, at)
    away = Absences(rota.leaves, at, removed)
    handed = [w for w in rota.words if isinstance(w, HandOver) and w.begin <= at < w.end]
    found = (_stands(doctor, handed, away, order) for doctor in named)
    return tuple(dict.fromkeys(doctor for doctor in found if doctor is not None))


def stands_in(doctor: str, at: datetime, leaves: Sequence[Leave]) -> str | None:
    """Return the doctor, or at a time of leave the substitute; None when there is none."""
    return _stands(doctor, (), Absences(leaves, at, frozenset()), ())


class Absences:
    """Who is away at a moment, and who was asked to stand in."""

    def __init__(self, leaves: Sequence[Leave], at: datetime, removed: frozenset[str]) -> None:
        present = (leave for leave in leaves if leave.begin <= at < leave.end)
        self._substitutes = {leave.doctor: leave.substitute for leave in present}
        self._removed = removed

    def away(self, doctor: str) -> bool:
        """Return whether the doctor cannot be called."""
        return doctor in self._substitutes or doctor in self._removed

    def substitute(self, doctor: str) -> str | None:
        """Return who was asked to stand in for a doctor, if anybody was."""
        return self._substitutes.get(doctor)


def _named(rota: Rota, at: datetime) -> tuple[tuple[str, ...], frozenset[str], tuple[str, ...]]:
    """Return who is named for `at`, who is taken off, and the order in which others follow."""
    order, named = _turn(rota, at)
    removed: frozenset[str] = frozenset()
    for word in rota.words:
        if not isinstance(word, Override) or not word.begin <= at < word.end:
            continue
        match word.kind:
            case Kind.REPLACE:
                named, removed = word.doctors, frozenset()
            case Kind.ADD:
                named = (*named, *word.doctors)
                removed -= set(word.doctors)
            case Kind.REMOVE:
                removed |= set(word.doctors)
    return named, removed, order


def _turn(rota: Rota, at: datetime) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the order of whoever takes turns at `at`, and whose turn it is."""
    for layer in rota.layers:
        if not _applies(layer, rota, at):
            continue
        if isinstance(layer.turns, Rota):
            named = on_call(layer.turns, at)
            return named, named
        order = layer.turns.order_at(at, rota.zone)
        return order, order[:1]
    return (), ()


def _applies(layer: Layer, rota: Rota, at: datetime) -> bool:
    if layer.first is not None and at < _first_moment(layer, rota):
        return False
    if layer.last is not None and at >= _last_moment(layer, rota):
        return False
    return layer.hours is None or layer.hours.contain(at, rota.zone, rota.holidays)


def _first_moment(layer: Layer, rota: Rota) -> datetime:
    assert layer.first is not None, "asked only where there is one"
    return moment(layer.first, _hand_over(layer), rota.zone)


def _last_moment(layer: Layer, rota: Rota) -> datetime:
    assert layer.last is not None, "asked only where there is one"
    return moment(layer.last + DAY, _hand_over(layer), rota.zone)


def _hand_over(layer: Layer) -> time:
    return layer.turns.hand_over if isinstance(layer.turns, Rotation) else time()


def _stands(
    doctor: str, handed: Sequence[HandOver], away: Absences, order: Sequence[str]
) -> str | None:
    """Return who is called in the doctor's place: the doctor, unless handed over or away.

    Whoever was asked already is not asked again, so that two who stand in for each other end it.
    """
    asked: set[str] = set()
    waiting = [doctor]
    while waiting:
        holder = waiting.pop(0)
        for word in handed:
            holder = word.taker if word.giver == holder else holder
        if holder in asked:
            continue
        if not away.away(holder):
            return holder
        asked.add(holder)
        substitute = away.substitute(holder)
        following = [substitute] if substitute is not None else []
        waiting = [*following, *waiting, *_after(holder, order)]
    return None


def _after(doctor: str, order: Sequence[str]) -> list[str]:
    """Return who follows a doctor in the order; all, for one who is not in it."""
    place = order.index(doctor) + 1 if doctor in order else 0
    return [*order[place:], *order[: max(0, place - 1)]]


def shifts(rota: Rota, begin: datetime, end: datetime) -> list[Shift]:
    """Return who is on call from `begin` to `end`, in spans without a gap, holes included."""
    edges = {at for at in changes(rota, begin, end) if begin < at < end}
    spans = pairwise(sorted({begin, end} | edges))
    return joined(Shift(since, until, on_call(rota, since)) for since, until in spans)


def joined(spans: Iterable[Shift]) -> list[Shift]:
    """Return shifts that follow each other, those of the same people as one."""
    found: list[Shift] = []
    for shift in spans:
        same = bool(found) and found[-1].doctors == shift.doctors
        begin = found.pop().begin if same else shift.begin
        found.append(Shift(begin, shift.end, shift.doctors))
    return found


def changes(rota: Rota, begin: datetime, end: datetime) -> Iterator[datetime]:
    """Yield every moment between `begin` and `end` at which somebody else may be on call.

    In no order, with some that lie outside or change nothing; none is left out.
    """
    for word in (*rota.words, *rota.leaves):
        yield from (word.begin, word.end)
    for layer in rota.layers:
        yield from _layer_changes(layer, rota, begin, end)


def _layer_changes(layer: Layer, rota: Rota, begin: datetime, end: datetime) -> Iterator[datetime]:
    if layer.first is not None:
        yield _first_moment(layer, rota)
    if layer.last is not None:
        yield _last_moment(layer, rota)
    if layer.hours is not None:
        yield from layer.hours.edges(begin, end, rota.zone, rota.holidays)
    if isinstance(layer.turns, Rota):
        yield from changes(layer.turns, begin, end)
    else:
        for day in days_around(begin, end, rota.zone):
            yield moment(day, layer.turns.hand_over, rota.zone)
