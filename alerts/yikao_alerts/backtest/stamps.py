"""Times out of a block of bytes, a whole column at once (ISO 8601, as `rows.py` has it).

A time is of one of a few shapes, known by its length. Its characters are worked on eight together:
where they differ from those of the shape, a digit has to stand in place of a digit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

import numpy as np

from yikao_alerts.backtest.digits import TOP_BITS, Cells, Ints, Mask, Words

DAY_S: Final = 86_400
SECOND_US: Final = 1_000_000
_T_AT: Final = 10
_BLANK: Final = ord("T") ^ ord(" ")
_MINUS: Final = ord("+") ^ ord("-")


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a time is written, and that in words as `Cells.raw` gives them, `(count, 1)`.

    characters: the pattern; inside: the bytes of it; compared: those that are written in one way;
    limits: what, added to a byte that differs too much from the pattern's, sets its top bit.
    """

    pattern: str
    characters: Words
    inside: Words
    compared: Words
    limits: Words

    @classmethod
    def of(cls, pattern: str) -> "_Shape":
        """Return a shape: a 0 for each digit, T also for a blank, + for either sign."""
        return cls(
            pattern,
            _words(pattern, {character: ord(character) for character in pattern}, 0),
            _words(pattern, {}, 0xFF),
            _words(pattern, {"T": 0, "+": 0}, 0xFF),
            _words(pattern, {"0": 0x80 - 10}, 0x80 - 1),
        )

    @property
    def offset_at(self) -> int:
        """Where its offset from UTC stands, if it has one."""
        return 19 if self.pattern[16:17] == ":" else 16


def _words(pattern: str, of: Mapping[str, int], otherwise: int) -> Words:
    """Return a byte for each character of a pattern, in words."""
    count = (len(pattern) + 7) // 8
    made = bytes(of.get(character, otherwise) for character in pattern)
    return np.frombuffer(made.ljust(8 * count, b"\0"), "<u8").reshape(count, 1)


_SHAPES: Final = {
    len(pattern): _Shape.of(pattern)
    for pattern in (
        "0000-00-00T00:00:00+00:00",
        "0000-00-00T00:00:00Z",
        "0000-00-00T00:00:00",
        "0000-00-00T00:00+00:00",
        "0000-00-00T00:00Z",
        "0000-00-00T00:00",
    )
}


def moments(cells: Cells, zone: tzinfo) -> tuple[Ints, Mask]:
    """Return the microseconds since 1970 of the times, and where it is sure of them."""
    at = np.zeros(cells.widths.size, np.int64)
    sure = np.zeros(cells.widths.size, bool)
    for width, shape in _SHAPES.items():
        which, some = cells.where(cells.widths == width)
        if which.size:
            seconds, sure[which] = _shaped(some, shape, zone)
            at[which] = seconds * SECOND_US
    return at, sure


def _shaped(cells: Cells, shape: _Shape, zone: tzinfo) -> tuple[Ints, Mask]:
    differs = cells.raw(shape.characters.size) & shape.inside ^ shape.characters
    digits = differs & shape.compared
    sure: Mask = ((digits | (digits + shape.limits)) & TOP_BITS == 0).all(axis=0)
    pairs = digits * 10 + (digits >> 8)
    pairs[:-1] += digits[1:] << 56

    def two(place: int) -> Ints:
        return _byte(pairs, place)

    days, day_sure = _days(two(0) * 100 + two(2), two(5), two(8))
    hour, minute = two(11), two(14)
    sure &= _either(differs, _T_AT, _BLANK) & day_sure & (hour < 24) & (minute < 60)
    local = days * DAY_S + hour * 3600 + minute * 60
    if shape.offset_at == 19:
        second = two(17)
        sure &= second < 60
        local += second
    match shape.pattern[shape.offset_at :]:
        case "":
            offset, known = _offsets(days, sure, zone)
            return local - offset, sure & known
        case "Z":
            return local, sure
    hours, minutes = two(shape.offset_at + 1), two(shape.offset_at + 4)
    offset = hours * 3600 + minutes * 60
    sure &= _either(differs, shape.offset_at, _MINUS) & (hours < 24) & (minutes < 60)
    offset[_byte(differs, shape.offset_at) == _MINUS] *= -1
    return local - offset, sure


def _byte(words: Words, place: int) -> Ints:
    """Return one byte of each row of words `(count, n)`."""
    word, number = divmod(place, 8)
    found: Ints = (words[word] >> 8 * number & 0xFF).view(np.int64)
    return found


def _either(differs: Words, place: int, other: int) -> Mask:
    """Return where a character is that of the pattern, or differs from it as another does."""
    byte = _byte(differs, place)
    found: Mask = (byte == 0) | (byte == other)
    return found


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
