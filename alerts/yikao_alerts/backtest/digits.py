"""Numbers, times and words out of a block of bytes, a whole column at once.

Each function answers for the cells it is sure of and says which these are; the others are read one
by one (`rows.py`). Eight characters are looked at as one 64-bit word.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Words = NDArray[np.uint64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

PADDING: Final = 64
"""Bytes after the last cell of a block, so that words may be read over its end."""
DAY_S: Final = 86_400
SECOND_US: Final = 1_000_000
_MASKS: Final = np.array([(1 << 8 * n) - 1 for n in range(9)], "<u8")
_DOT: Final = ord(".")


@dataclass(frozen=True, slots=True)
class Cells:
    """Where the cells of one column stand in a block: `(n,)` starts and widths in bytes."""

    block: Bytes
    starts: Ints
    widths: Ints

    def take(self, which: Mask | Ints) -> "Cells":
        """Return some of the cells."""
        return Cells(self.block, self.starts[which], self.widths[which])

    def word(self, number: int) -> Words:
        """Return the eight bytes of each cell from `8 * number`, zero behind its end."""
        words = np.ndarray((self.block.size - 7,), "<u8", buffer=self.block.data, strides=(1,))[
            self.starts + 8 * number
        ]
        kept: Words = words & _MASKS[np.clip(self.widths - 8 * number, 0, 8)]
        return kept

    def text(self, index: int) -> bytes:
        """Return one cell."""
        start = int(self.starts[index])
        return self.block[start : start + int(self.widths[index])].tobytes()


def numbers(cells: Cells) -> tuple[Floats, Mask]:
    """Return the numbers of at most eight characters, NaN for empty cells, and where it is sure."""
    values = np.full(cells.widths.size, np.nan)
    sure: Mask = cells.widths == 0
    given = np.flatnonzero((cells.widths > 0) & (cells.widths <= 8))
    if given.size:
        values[given], sure[given] = _short_numbers(cells.take(given))
    return values, sure


def _short_numbers(cells: Cells) -> tuple[Floats, Mask]:
    words, widths = cells.word(0), cells.widths
    total = np.zeros(widths.size, np.int64)
    behind = np.zeros(widths.size, np.int64)
    dots = np.zeros(widths.size, np.int64)
    sure = np.ones(widths.size, bool)
    for place in range(int(widths.max())):
        here = place < widths
        digit = ((words >> np.uint64(8 * place)) & np.uint64(0xFF)).astype(np.int64) - ord("0")
        dot = digit == _DOT - ord("0")
        is_digit = (digit >= 0) & (digit <= 9) & here
        total = np.where(is_digit, total * 10 + digit, total)
        behind += is_digit & (dots > 0)
        dots += dot
        # A number begins and ends with a digit, as the law of the format has it.
        sure &= is_digit | ~here | (dot & (place > 0) & (place < widths - 1))
    # Both are whole and below 2 ** 53, so the quotient is the very number that float() gives.
    return total / 10.0**behind, sure & (dots <= 1)


def codes(cells: Cells, names: tuple[str, ...]) -> tuple[Ints, Mask]:
    """Return the place of each cell in `names`, 0 where it is sure of none, and where it is."""
    found = np.zeros(cells.widths.size, np.int64)
    sure = np.zeros(cells.widths.size, bool)
    pair = cells.word(0), cells.word(1)
    for number, name in enumerate(names):
        padded = np.frombuffer(name.encode().ljust(16, b"\0"), "<u8")
        here = (pair[0] == padded[0]) & (pair[1] == padded[1]) & (cells.widths == len(name))
        found[here] = number
        sure |= here
        if sure.all():
            break
    return found, sure


def changes(cells: Cells) -> Ints:
    """Return where a cell differs from the one before it; the first always does."""
    differs = np.ones(cells.widths.size, bool)
    differs[1:] = cells.widths[1:] != cells.widths[:-1]
    for number in range((int(cells.widths.max(initial=0)) + 7) // 8):
        word = cells.word(number)
        differs[1:] |= word[1:] != word[:-1]
    return np.flatnonzero(differs)


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a time is written: which characters are digits, the others, and whether it has an offset
    or seconds."""

    pattern: str
    seconds: bool
    offset_at: int | None


_SHAPES: Final = {
    len(shape.pattern): shape
    for shape in (
        _Shape("0000-00-00T00:00", False, None),
        _Shape("0000-00-00T00:00Z", False, 16),
        _Shape("0000-00-00T00:00:00", True, None),
        _Shape("0000-00-00T00:00:00Z", True, 19),
        _Shape("0000-00-00T00:00+00:00", False, 16),
        _Shape("0000-00-00T00:00:00+00:00", True, 19),
    )
}


def moments(cells: Cells, zone: tzinfo) -> tuple[Ints, Mask]:
    """Return the microseconds since 1970 of the times, and where it is sure of them."""
    at = np.zeros(cells.widths.size, np.int64)
    sure = np.zeros(cells.widths.size, bool)
    for width, shape in _SHAPES.items():
        which = np.flatnonzero(cells.widths == width)
        if which.size:
            seconds, sure[which] = _shaped(cells.take(which), shape, zone)
            at[which] = seconds * SECOND_US
    return at, sure


def _shaped(cells: Cells, shape: _Shape, zone: tzinfo) -> tuple[Ints, Mask]:
    chars = _characters(cells, len(shape.pattern))
    sure = _has_shape(chars, shape)
    digits = (chars - ord("0")).astype(np.int64)

    def two(place: int) -> Ints:
        pair: Ints = digits[place] * 10 + digits[place + 1]
        return pair

    days, day_sure = _days(two(0) * 100 + two(2), two(5), two(8))
    hour, minute = two(11), two(14)
    second = two(17) if shape.seconds else np.zeros_like(hour)
    sure &= day_sure & (hour < 24) & (minute < 60) & (second < 60)
    local = days * DAY_S + hour * 3600 + minute * 60 + second
    if shape.offset_at is None:
        offset, known = _offsets(days, sure, zone)
        return local - offset, sure & known
    if chars.shape[0] == shape.offset_at + 1:
        return local, sure
    hours, minutes = two(shape.offset_at + 1), two(shape.offset_at + 4)
    sign = np.where(chars[shape.offset_at] == ord("-"), -1, 1)
    return local - sign * (hours * 3600 + minutes * 60), sure & (hours < 24) & (minutes < 60)


def _characters(cells: Cells, width: int) -> Bytes:
    """Return the characters as `(width, n)`."""
    words = np.stack([cells.word(number) for number in range((width + 7) // 8)], axis=1)
    return np.ascontiguousarray(words.view(np.uint8).reshape(cells.widths.size, -1).T[:width])


def _has_shape(chars: Bytes, shape: _Shape) -> Mask:
    sure = np.ones(chars.shape[1], bool)
    for place, wanted in enumerate(shape.pattern):
        match wanted:
            case "0":
                sure &= chars[place] - np.uint8(ord("0")) <= 9
            case "T":
                sure &= (chars[place] == ord("T")) | (chars[place] == ord(" "))
            case "+":
                sure &= (chars[place] == ord("+")) | (chars[place] == ord("-"))
            case _:
                sure &= chars[place] == ord(wanted)
    return sure


_FIRST_YEAR: Final = 1970
_MONTHS: Final = np.arange("1970-01", "2200-02", dtype="datetime64[M]").astype("datetime64[D]")
_MONTH_STARTS: Final[Ints] = _MONTHS.astype(np.int64)


def _days(year: Ints, month: Ints, day: Ints) -> tuple[Ints, Mask]:
    """Return the days since 1970, and where year, month and day are in the calendar."""
    number = (year - _FIRST_YEAR) * 12 + month - 1
    known = (month >= 1) & (month <= 12) & (number >= 0) & (number < _MONTH_STARTS.size - 1)
    number = np.where(known, number, 0)
    days = _MONTH_STARTS[number] + day - 1
    return days, known & (day >= 1) & (days < _MONTH_STARTS[number + 1])


def _offsets(days: Ints, sure: Mask, zone: tzinfo) -> tuple[Ints, Mask]:
    """Return the zone's offset from UTC in seconds on each local day, and where one holds all
    day."""
    offsets = np.zeros(days.size, np.int64)
    known = np.zeros(days.size, bool)
    if not sure.any():
        return offsets, known
    first = int(days[sure].min())
    place = np.where(sure, days - first, 0)
    table = np.zeros(int(place.max()) + 1, np.int64)
    whole = np.zeros(table.size, bool)
    for number in np.unique(place):
        morning = datetime(1970, 1, 1) + timedelta(days=first + int(number))  # noqa: DTZ001
        ends = {
            moment.replace(tzinfo=zone).utcoffset()
            for moment in (morning, morning + timedelta(hours=12), morning + timedelta(days=1))
        }
        offset = ends.pop()
        table[number] = int(offset.total_seconds()) if offset is not None else 0
        whole[number] = not ends
    return table[place], whole[place] & sure
