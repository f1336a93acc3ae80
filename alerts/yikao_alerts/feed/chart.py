"""The last two weeks at a glance: a small drawing by the server, with the bands behind the dots.

Raw readings, never joined by a line: between two measurements nothing is known, and a gap is shown
as a gap. Bands: home blood pressure 135/85 mmHg (中国高血压防治指南2024); glucose 3.9, 7.0 and
10.0 mmol/L (国家基本公共卫生服务规范第三版; CDS 2024). The table below a chart says the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from yikao_alerts.feed.rows import ReadingRow

DAYS: Final = 14
LEFT: Final = 38.0
RIGHT: Final = 10.0
TOP: Final = 12.0
BOTTOM: Final = 24.0
"""Room around the plot in pixels: numbers of the scale at the left, days below."""


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


@dataclass(frozen=True, slots=True)
class Tick:
    """One day below the plot, its label in the middle of it."""

    x: float
    label: str


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
    left: float = LEFT
    right: float = RIGHT


@dataclass(frozen=True, slots=True)
class Scale:
    """What is drawn of one kind: limits, the band between two of them, and the least range."""

    lines: tuple[float, ...]
    band: tuple[float, float]
    low: float
    high: float


SCALES: Final = {
    "blood_pressure": Scale((85, 135, 180), (85, 135), 50, 190),
    "glucose": Scale((3.9, 7.0, 10.0, 16.7), (3.9, 10.0), 2, 17.5),
}
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Frame:
    """From days and values to pixels."""

    first: datetime
    low: float
    high: float
    width: int
    height: int

    def x(self, at: datetime) -> float:
        """Return the place of a time."""
        return round(LEFT + (at - self.first) / DAY * (self.width - LEFT - RIGHT) / DAYS, 1)

    def y(self, value: float) -> float:
        """Return the place of a value."""
        share = (self.high - value) / (self.high - self.low)
        return round(TOP + share * (self.height - TOP - BOTTOM), 1)


def chart_of(
    kind: str, readings: Sequence[ReadingRow], now: datetime, zone: str, width: int, height: int
) -> Chart | None:
    """Return the drawing of the readings of `kind` in the last `DAYS`, or None without any.

    width, height: in pixels. Days begin at midnight in `zone`.
    """
    local = now.astimezone(ZoneInfo(zone))
    first = local.replace(hour=0, minute=0, second=0, microsecond=0) - (DAYS - 1) * DAY
    shown = [row for row in readings if row.kind == kind and row.time >= first and _values(row)]
    if not shown:
        return None
    scale = SCALES[kind]
    values = [value for row in shown for value in _values(row)]
    low, high = min(scale.low, *values), max(scale.high, *values)
    frame = Frame(first, low, high, width, height)
    return Chart(
        width,
        height,
        frame.y(scale.band[1]),
        frame.y(scale.band[0]),
        tuple(Line(frame.y(value), f"{value:g}") for value in scale.lines),
        tuple(_mark(row, frame, zone) for row in shown),
        tuple(
            Tick(frame.x(first + (n + 0.5) * DAY), str((first + n * DAY).day)) for n in range(DAYS)
        ),
    )


def _values(row: ReadingRow) -> tuple[float, ...]:
    if row.systolic_mmhg is not None and row.diastolic_mmhg is not None:
        return row.systolic_mmhg, row.diastolic_mmhg
    return () if row.glucose_mmol_l is None else (row.glucose_mmol_l,)


def _mark(row: ReadingRow, frame: Frame, zone: str) -> Mark:
    values = _values(row)
    low, high = SCALES[row.kind].band
    if len(values) > 1:
        # Each pressure has its own limit: the upper 135, the lower 85.
        beyond = [values[0] >= high, values[1] >= low]
        text = f"{values[0]:.0f}/{values[1]:.0f} mmHg"
    else:
        beyond = [not low < values[0] < high]
        text = f"{values[0]:.1f} mmol/L"
    dots = (Dot(frame.y(value), far) for value, far in zip(values, beyond, strict=True))
    at = row.time.astimezone(ZoneInfo(zone))
    return Mark(frame.x(row.time), tuple(dots), f"{at:%m-%d %H:%M} {text}")
