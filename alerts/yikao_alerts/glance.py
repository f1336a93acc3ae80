"""Which rules a loud reading may concern, seen at a glance by where its values lie.

Each limit of each rule cuts the line of a value into pieces. Which rules look for a piece is worked
out once; of a reading it is then found by bisection, for all rules of its kind together.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import Final

from yikao_alerts.history import PULSE_UNIT, UNITS, Measurement
from yikao_alerts.limits import value_of
from yikao_alerts.quiet import Place, Zone, limits_by_field
from yikao_alerts.rules.forms import OnReading
from yikao_alerts.rules.model import Rule

Stretch = tuple[str, float, float]
"""A field, and from where to where a value of it begins to matter, both included."""
_EDGES: Final = (-inf, inf)


@dataclass(frozen=True, slots=True)
class Pieces:
    """The line of one value, cut at `edges`: `of` holds, as bits, the rules that look for the piece
    before the first edge, the edge itself, the piece after it, and so on."""

    field: str
    edges: tuple[float, ...]
    of: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Glance:
    """The rules on readings of one kind, and which of them a reading may have a part in meeting.

    Of a rule that looks at means a reading matters that pulls the mean to its limit, also from
    beyond it. pieces: for each unit; flags: for each flag, the rules that ask for it; always: those
    of which nothing is seen at a glance. Rules are bits, in their order.
    """

    rules: tuple[Rule, ...]
    pieces: Mapping[str, tuple[Pieces, ...]]
    flags: Mapping[str, int]
    always: int

    def concerned(self, measurement: Measurement) -> int:
        """Return the rules that a loud reading may concern, as bits."""
        bits = self.always
        for each in self.pieces.get(measurement.unit, ()):
            value = value_of(measurement, each.field)
            if value is not None:
                bits |= each.of[bisect_left(each.edges, value) + bisect_right(each.edges, value)]
        for flag in measurement.flags:
            bits |= self.flags.get(flag, 0)
        return bits

    def dealt(self, readings: Iterable[Measurement]) -> Iterator[tuple[Rule, list[Measurement]]]:
        """Yield each rule with the readings that may concern it, in the order they have."""
        dealt: list[list[Measurement]] = [[] for _ in self.rules]
        for measurement in readings:
            bits = self.concerned(measurement)
            while bits:
                dealt[bits.bit_length() - 1].append(measurement)
                bits ^= 1 << bits.bit_length() - 1
        return zip(self.rules, dealt, strict=True)


def glance_of(kind: str, rules: tuple[Rule, ...], quiet: Mapping[Place, Zone]) -> Glance:
    """Return the glance at readings of a kind. quiet: where no limit of any rule lies."""
    always, flags = 0, dict[str, int]()
    stretches: dict[str, list[tuple[int, Stretch]]] = {unit: [] for unit in UNITS[kind]}
    for number, rule in enumerate(rules):
        bit = 1 << number
        if not isinstance(rule.form, OnReading) or rule.form.order is not None:
            always |= bit
            continue
        for flag in rule.form.flags:
            flags[flag] = flags.get(flag, 0) | bit
        for unit, own in stretches.items():
            own += [(bit, stretch) for stretch in _stretches(rule, unit, quiet)]
    return Glance(rules, {unit: _pieces(own) for unit, own in stretches.items()}, flags, always)


def _pieces(stretches: Iterable[tuple[int, Stretch]]) -> tuple[Pieces, ...]:
    by_field: dict[str, list[tuple[int, float, float]]] = {}
    for bit, (field, low, high) in stretches:
        by_field.setdefault(field, []).append((bit, low, high))
    return tuple(_cut(field, own) for field, own in by_field.items())


def _cut(field: str, stretches: list[tuple[int, float, float]]) -> Pieces:
    edges = sorted({edge for _, *ends in stretches for edge in ends} - {*_EDGES})
    after = [*((one + other) / 2 for one, other in pairwise(edges)), inf][: len(edges)]
    places = [-inf, *(place for pair in zip(edges, after, strict=True) for place in pair)]
    # A set: a rule with several limits here is one bit.
    of = (sum({bit for bit, low, high in stretches if low <= at <= high}) for at in places)
    return Pieces(field, tuple(edges), tuple(of))


def _stretches(rule: Rule, unit: str, quiet: Mapping[Place, Zone]) -> Iterator[Stretch]:
    """Yield where values matter: a limit's stretch, and for a count what lies beyond it too.

    The mean of a sitting lies in a band only if one of its readings does, or lies beyond the band
    on the side that is away from the quiet zone.
    """
    assert isinstance(rule.form, OnReading), f"{rule.id}: only readings have limits"
    for place, stretches in limits_by_field([rule]).items():
        _, field, own = place
        if own != (PULSE_UNIT if field == "pulse" else unit):
            continue
        for each in stretches:
            if not rule.form.times:
                yield field, each.low, each.high
            elif each.high <= quiet[place].low:
                yield field, -inf, each.high
            else:
                yield field, each.low, inf
