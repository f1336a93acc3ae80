"""The last weeks at a glance: a drawing by the server, with the bands behind the readings.

Raw readings are never joined by a line: between two measurements nothing is known, and a gap is
shown as a gap. Over them lie what was made of them: the mean of seven days, the estimated level
and the resident's own usual level. Mornings are circles, the rest of the day diamonds; a value at
or beyond its limit is filled. Marks above tell when a rule was met and when a device was new.

Bands: home blood pressure 135/85 mmHg (中国高血压防治指南2024) or the resident's own target;
glucose 3.9, 7.0 and 10.0 mmol/L (国家基本公共卫生服务规范第三版; CDS 2024). The table below a
chart says the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from yikao_alerts.feed.resident_view import part_of
from yikao_alerts.feed.rows import ReadingRow

DAYS: Final = 28
LEFT: Final = 38.0
RIGHT: Final = 10.0
TOP: Final = 26.0
BOTTOM: Final = 24.0
"""Room around the plot in pixels: numbers of the scale at the left, days below, marks above."""
TICK_ROOM: Final = 24.0
"""Pixels a day's number needs: where days are narrower only some have one."""
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Line:
    """A limit across the plot."""

    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Dot:
    """One value; `beyond` when it lies at or outside its limit."""

    y: float
    beyond: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """One reading: two pressures above each other, or one glucose."""

    x: float
    dots: tuple[Dot, ...]
    title: str
    morning: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """One day below the plot, its label in the middle of it."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Flag:
    """A day on which something happened: `what` is `finding` or `device`."""

    x: float
    what: str
    title: str


@dataclass(frozen=True, slots=True)
class Curve:
    """What was made of the readings, `path` broken where it is unknown."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing in pixels, ready for the template."""

    width: int
    height: int
    band_top: float
    band_bottom: float
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...]
    ticks: tuple[Tick, ...]
    flags: tuple[Flag, ...] = ()
    curves: tuple[Curve, ...] = ()
    left: float = LEFT
    right: float = RIGHT
    top: float = TOP
    bottom: float = BOTTOM


@dataclass(frozen=True, slots=True)
class Scale:
    """What is drawn of one kind: limits, the band between two of them, and the least range."""

    lines: tuple[float, ...]
    band: tuple[float, float]
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Happening:
    """Something to mark on its day, in words."""

    at: datetime
    what: str
    title: str


@dataclass(frozen=True, slots=True)
class Over:
    """What is drawn over the readings: curves by name and day, and happenings."""

    curves: Mapping[str, Mapping[date, float]] = field(default_factory=dict)
    happenings: Sequence[Happening] = ()


SCALES: Final = {
    "blood_pressure": Scale((85, 135, 180), (85, 135), 50, 190),
    "glucose": Scale((3.9, 7.0, 10.0, 16.7), (3.9, 10.0), 2, 17.5),
}
NOTHING: Final = Over()


@dataclass(frozen=True, slots=True)
class Frame:
    """From days and values to pixels."""

    first: datetime
    days: int
    low: float
    high: float
    width: int
    height: int

    def x(self, at: datetime) -> float:
        """Return the place of a time."""
        return round(LEFT + (at - self.first) / DAY * (self.width - LEFT - RIGHT) / self.days, 1)

    def middle(self, day: date) -> float:
        """Return the place of the middle of a local day."""
        return round(LEFT + ((day - self.first.date()).days + 0.5) * self.day_width, 1)

    @property
    def day_width(self) -> float:
        """How wide a day is."""
        return (self.width - LEFT - RIGHT) / self.days

    def y(self, value: float) -> float:
        """Return the place of a value."""
        share = (self.high - value) / (self.high - self.low)
        return round(TOP + share * (self.height - TOP - BOTTOM), 1)


def chart_of(
    kind: str,
    readings: Sequence[ReadingRow],
    now: datetime,
    zone: str,
    size: tuple[int, int],
    *,
    days: int = DAYS,
    band: tuple[float, float] | None = None,
    over: Over = NOTHING,
) -> Chart | None:
    """Return the drawing of the readings of `kind` in the last `days`, or None without any.

    size: width and height in pixels. band: the resident's own limits instead of the usual. Days
    begin at midnight in `zone`.
    """
    first = _midnight(now, zone) - (days - 1) * DAY
    shown = [row for row in readings if row.kind == kind and row.time >= first and _values(row)]
    if not shown:
        return None
    scale = _scale(kind, band)
    values = [value for row in shown for value in _values(row)]
    low, high = min(scale.low, *values), max(scale.high, *values)
    frame = Frame(first, days, low, high, *size)
    return Chart(
        *size,
        frame.y(scale.band[1]),
        frame.y(scale.band[0]),
        tuple(Line(frame.y(value), f"{value:g}") for value in scale.lines),
        tuple(_mark(row, frame, zone, scale.band) for row in shown),
        _ticks(frame),
        tuple(_flags(frame, over.happenings)),
        tuple(_curves(frame, over.curves)),
    )


def _midnight(now: datetime, zone: str) -> datetime:
    return now.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)


def _scale(kind: str, band: tuple[float, float] | None) -> Scale:
    scale = SCALES[kind]
    if band is None or band == scale.band:
        return scale
    kept = [value for value in scale.lines if value not in scale.band]
    return Scale(tuple(sorted({*kept, *band})), band, scale.low, scale.high)


def _ticks(frame: Frame) -> tuple[Tick, ...]:
    every = -int(-TICK_ROOM // frame.day_width)
    days = (frame.first.date() + n * DAY for n in range(frame.days - 1, -1, -every))
    return tuple(Tick(frame.middle(day), str(day.day)) for day in reversed(list(days)))


def _flags(frame: Frame, happenings: Iterable[Happening]) -> Iterable[Flag]:
    """Yield one flag for all of one sort on one day: their titles together."""
    zone = frame.first.tzinfo

    def day_and_sort(one: Happening) -> tuple[date, str]:
        return one.at.astimezone(zone).date(), one.what

    inside = (one for one in happenings if one.at >= frame.first)
    for (day, what), group in groupby(sorted(inside, key=day_and_sort), key=day_and_sort):
        titles = dict.fromkeys(one.title for one in group)
        yield Flag(frame.middle(day), what, f"{day:%m-%d} {', '.join(titles)}")


def _curves(frame: Frame, curves: Mapping[str, Mapping[date, float]]) -> Iterable[Curve]:
    days = [frame.first.date() + n * DAY for n in range(frame.days)]
    for name, values in curves.items():
        path, pen = "", "M"
        for day in days:
            if day not in values:
                pen = "M"
                continue
            # A day alone between two gaps is a dot: a line of no length with round ends.
            dot = "h0" if pen == "M" else ""
            path += f"{pen}{frame.middle(day):g} {frame.y(values[day]):g}{dot}"
            pen = "L"
        if path:
            yield Curve(name, path)


def _values(row: ReadingRow) -> tuple[float, ...]:
    if row.systolic_mmhg is not None and row.diastolic_mmhg is not None:
        return row.systolic_mmhg, row.diastolic_mmhg
    return () if row.glucose_mmol_l is None else (row.glucose_mmol_l,)


def _mark(row: ReadingRow, frame: Frame, zone: str, band: tuple[float, float]) -> Mark:
    values = _values(row)
    low, high = band
    if len(values) > 1:
        # Each pressure has its own limit: the upper 135, the lower 85.
        beyond = [values[0] >= high, values[1] >= low]
        text = f"{values[0]:.0f}/{values[1]:.0f} mmHg"
    else:
        beyond = [not low < values[0] < high]
        text = f"{values[0]:.1f} mmol/L"
    dots = (Dot(frame.y(value), far) for value, far in zip(values, beyond, strict=True))
    at = row.time.astimezone(ZoneInfo(zone))
    _, morning = part_of(row.time, zone)
    return Mark(frame.x(row.time), tuple(dots), f"{at:%m-%d %H:%M} {text}", morning)
