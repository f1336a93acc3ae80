"""Charts as SVG, drawn by us: bars, lines over weeks, columns, and a resident's readings.

Nothing is loaded from anywhere, so that the page can be sent, kept and printed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from yikao_alerts.backtest.report.words import both_svg
from yikao_devices.symptoms import Words

WIDTH: Final = 720.0
"""Of a chart, in pixels of its own."""
_LABEL: Final = 240.0
_ROW: Final = 26.0
_VALUE: Final = 150.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its label, length, the text behind it, and its colour as a class of the style."""

    label: Words
    value: float
    text: str
    colour: str


def bars(rows: Sequence[Bar]) -> str:
    """Return horizontal bars, all to one scale."""
    most = max((row.value for row in rows), default=0.0) or 1.0
    room = WIDTH - _LABEL - _VALUE
    drawn = []
    for number, row in enumerate(rows):
        y = number * _ROW
        length = max(row.value / most * room, 1.0 if row.value else 0.0)
        drawn.append(
            both_svg(*row.label, f'x="{_LABEL - 8}" y="{y + 17}" text-anchor="end"')
            + f'<rect class="{row.colour}" x="{_LABEL}" y="{y + 5}" width="{length:.1f}"'
            f' height="{_ROW - 9}"/>'
            f'<text x="{_LABEL + length + 6:.1f}" y="{y + 17}">{escape(row.text)}</text>'
        )
    return _svg("".join(drawn), WIDTH, max(len(rows), 1) * _ROW)


@dataclass(frozen=True, slots=True)
class Line:
    """Values over weeks; None where nobody was looked at."""

    label: Words
    values: Sequence[float | None]
    colour: str


def lines(rows: Sequence[Line], ends: tuple[str, str]) -> str:
    """Return one small chart for each line, each to its own scale; ends: first and last day."""
    height, left, top = 92.0, 60.0, 22.0
    drawn = []
    for number, row in enumerate(rows):
        y = number * height
        known = [value for value in row.values if value is not None]
        most = max(known, default=0.0) or 1.0
        step = (WIDTH - left - 10) / max(len(row.values) - 1, 1)
        points = " ".join(
            f"{left + place * step:.1f},{y + height - 18 - value / most * (height - top - 18):.1f}"
            for place, value in enumerate(row.values)
            if value is not None
        )
        base = y + height - 18
        drawn.append(
            both_svg(*row.label, f'x="{left}" y="{y + 14}" class="name"')
            + f'<line class="axis" x1="{left}" x2="{WIDTH - 10}" y1="{base}" y2="{base}"/>'
            f'<text x="{left - 6}" y="{y + top + 8}" text-anchor="end">{most:.3g}</text>'
            f'<text x="{left - 6}" y="{base}" text-anchor="end">0</text>'
            f'<polyline class="{row.colour}" points="{points}"/>'
        )
    bottom = len(rows) * height + 14
    drawn.append(
        f'<text x="{left}" y="{bottom - 8}">{ends[0]}</text>'
        f'<text x="{WIDTH - 10}" y="{bottom - 8}" text-anchor="end">{ends[1]}</text>'
    )
    return _svg("".join(drawn), WIDTH, bottom)


def columns(labels: Sequence[str], counts: Sequence[int], colour: str) -> str:
    """Return one column for each count, with its number above."""
    width, height = WIDTH / 3 - 12, 130.0
    most = max(counts, default=0) or 1
    step = width / max(len(counts), 1)
    drawn = []
    for number, (label, count) in enumerate(zip(labels, counts, strict=True)):
        tall = count / most * (height - 40)
        x = number * step
        drawn.append(
            f'<rect class="{colour}" x="{x + 3:.1f}" y="{height - 20 - tall:.1f}"'
            f' width="{step - 6:.1f}" height="{tall:.1f}"/>'
            f'<text x="{x + step / 2:.1f}" y="{height - 24 - tall:.1f}"'
            f' text-anchor="middle">{count:,}</text>'
            f'<text x="{x + step / 2:.1f}" y="{height - 6}" text-anchor="middle">{label}</text>'
        )
    return _svg("".join(drawn), width, height)


@dataclass(frozen=True, slots=True)
class Dots:
    """Values at days from the beginning of a chart."""

    days: Sequence[float]
    values: Sequence[float]
    colour: str


@dataclass(frozen=True, slots=True)
class Flagged:
    """A finding at a day of the chart: its text, and its colour."""

    day: float
    text: str
    colour: str


@dataclass(frozen=True, slots=True)
class Scale:
    """What is drawn: from and to which value, and limits across."""

    low: float
    high: float
    limits: Sequence[float]
    days: float
    ends: tuple[str, str]


def readings(scale: Scale, dots: Sequence[Dots], flagged: Sequence[Flagged]) -> str:
    """Return a resident's readings, never joined by a line, and what was found in them."""
    left, top, height = 44.0, 30.0, 230.0
    across, tall = WIDTH - left - 10, height - top - 24

    def x_of(day: float) -> float:
        return left + day / scale.days * across

    def y_of(value: float) -> float:
        return top + (scale.high - value) / (scale.high - scale.low) * tall

    drawn = [
        f'<line class="limit" x1="{left}" x2="{WIDTH - 10}" y1="{y_of(limit):.1f}"'
        f' y2="{y_of(limit):.1f}"/>'
        f'<text x="{left - 6}" y="{y_of(limit) + 4:.1f}" text-anchor="end">{limit:g}</text>'
        for limit in scale.limits
    ]
    for place, each in enumerate(flagged):
        x, row = x_of(each.day), 12 + 11 * (place % 2)
        drawn.append(
            f'<line class="{each.colour}" x1="{x:.1f}" x2="{x:.1f}" y1="{row + 3}"'
            f' y2="{top + tall}"/>'
            f'<text class="{each.colour}" x="{x:.1f}" y="{row}"'
            f' text-anchor="middle">{escape(each.text)}</text>'
        )
    for some in dots:
        drawn += [
            f'<circle class="{some.colour}" cx="{x_of(day):.1f}" cy="{y_of(value):.1f}" r="1.8"/>'
            for day, value in zip(some.days, some.values, strict=True)
            if scale.low <= value <= scale.high
        ]
    drawn.append(
        f'<text x="{left}" y="{height - 6}">{scale.ends[0]}</text>'
        f'<text x="{WIDTH - 10}" y="{height - 6}" text-anchor="end">{scale.ends[1]}</text>'
    )
    return _svg("".join(drawn), WIDTH, height)


def _svg(drawn: str, width: float, height: float) -> str:
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
        f' role="img">{drawn}</svg>'
    )
