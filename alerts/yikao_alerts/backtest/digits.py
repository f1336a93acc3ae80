"""Numbers and words out of a block of bytes, a whole column at once.

Each function answers for the cells it is sure of and says which these are; the others are read one
by one (`rows.py`). Eight characters are one 64-bit word, its lowest byte the first of them, and are
worked on together: eight digits become a number by three multiplications.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Words = NDArray[np.uint64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

PADDING: Final = 128
"""Bytes after the last cell of a block, so that words may be read over its end."""
_MASKS: Final = np.array([(1 << 8 * n) - 1 for n in range(9)], "<u8")
_ZEROS: Final = 0x3030_3030_3030_3030
_DOTS: Final = np.uint64(0x2E2E_2E2E_2E2E_2E2E)
_LOW_BITS: Final = np.uint64(0x7F7F_7F7F_7F7F_7F7F)
TOP_BITS: Final = 0x8080_8080_8080_8080
_ABOVE_NINE: Final = 0x7676_7676_7676_7676
"""Added to bytes, it sets the top bit of those above 9."""
_INTEGER_MAX: Final = 7
"""Digits before a point; so many may also stand behind it."""
_TOGETHER: Final = 32
"""Bytes of a cell that are compared at a time."""
_BYTE_NUMBERS: Final = 0x0001_0203_0405_0607
"""Times a word with one bit, the lowest of a byte: the number of that byte is on top."""
_POWERS: Final = np.array([float(10**n) for n in range(8)])


@dataclass(frozen=True, slots=True)
class Cells:
    """Where the cells of one column stand in a block: `(n,)` starts and widths in bytes."""

    block: Bytes
    starts: Ints
    widths: Ints

    def take(self, which: Ints) -> "Cells":
        """Return some of the cells."""
        return Cells(self.block, self.starts[which], self.widths[which])

    def where(self, chosen: Mask) -> tuple[Ints, "Cells"]:
        """Return the places of some cells, and them."""
        which = np.flatnonzero(chosen)
        # Mostly it is all or none of a column, and all need not be copied.
        return which, self if which.size == self.widths.size else self.take(which)

    def words(self, count: int) -> Words:
        """Return the first `8 * count` bytes of each cell as `(count, n)`, zero behind its end."""
        found = self.raw(count)
        least = self.widths.min(initial=8 * count)
        for number in range(int(least) // 8, count):
            kept = np.maximum(np.minimum(self.widths - 8 * number, 8), 0)
            found[number] &= _MASKS[kept]
        return found

    def raw(self, count: int) -> Words:
        """Return `8 * count` bytes from where each cell starts as `(count, n)`; they may go on
        behind its end."""
        size = 8 * count
        if size > PADDING:
            raise ValueError(f"{size} bytes may go on behind the block: {PADDING} at most")
        every = np.ndarray(
            (self.block.size - size + 1,), f"V{size}", buffer=self.block.data, strides=(1,)
        )
        words = every[self.starts].view("<u8").reshape(-1, count)
        return np.ascontiguousarray(words.T)

    def text(self, index: int) -> bytes:
        """Return one cell."""
        start = int(self.starts[index])
        return self.block[start : start + int(self.widths[index])].tobytes()


def numbers(cells: Cells) -> tuple[Floats, Mask]:
    """Return the numbers in cells of 1 to 8 characters, and where it is sure of them."""
    word, widths = cells.raw(1)[0], cells.widths
    sure: Mask = (widths >= 1) & (widths <= 8)
    blank = (8 - np.maximum(np.minimum(widths, 8), 1)).view(np.uint64)
    # Moved to the top of its word, a number has lost what stood behind the cell.
    word = word << np.uint64(8) * blank
    points = _points(word)
    dotted = np.flatnonzero(points)
    sure &= (points != 0) | (widths <= _INTEGER_MAX)
    behind = np.zeros(widths.size, np.int64)
    if dotted.size:
        place, single = _places(points[dotted])
        # A number begins and ends with a digit, as the law of the format has it.
        sure[dotted] &= single & (place > blank[dotted]) & (place < 7)
        behind[dotted] = 7 - place
        word[dotted] = _without(word[dotted], points[dotted])
        blank[dotted] += 1
    digits = (word ^ _ZEROS) & ~_MASKS[blank]
    sure &= (digits | (digits + _ABOVE_NINE)) & TOP_BITS == 0
    # Both are whole and below 2 ** 53, so the quotient is the very number that float() gives.
    return _eight(digits) / _POWERS[behind], sure


def _points(word: Words) -> Words:
    """Return the lowest bit of each byte that is a decimal point."""
    other = word ^ _DOTS
    found: Words = ~((other & _LOW_BITS) + _LOW_BITS | other | _LOW_BITS) >> np.uint64(7)
    return found


def _places(points: Words) -> tuple[Words, Mask]:
    """Return the number of the byte with the point, and where there is no second one."""
    return points * _BYTE_NUMBERS >> np.uint64(56), points & (points - 1) == 0


def _without(word: Words, points: Words) -> Words:
    """Return words without their point: what stands before it moves up."""
    byte = np.uint64(8)
    found: Words = (word & (points - 1)) << byte | (word & ~((points << byte) - 1))
    return found


def _eight(digits: Words) -> Floats:
    """Return the number that eight digits make, a byte each, the first of them the lowest."""
    pairs = (digits * (10 << 8 | 1) >> 8) & 0x00FF_00FF_00FF_00FF
    fours = (pairs * (100 << 16 | 1) >> 16) & 0x0000_FFFF_0000_FFFF
    return (fours * (10_000 << 32 | 1) >> 32).astype(np.float64)


def codes(cells: Cells, names: tuple[str, ...]) -> tuple[Ints, Mask]:
    """Return the place of each cell in `names`, 0 where it is sure of none, and where it is."""
    found = np.zeros(cells.widths.size, np.int64)
    sure = np.zeros(cells.widths.size, bool)
    count = (max(map(len, names)) + 7) // 8
    words = cells.words(count)
    for number, name in enumerate(names):
        here = cells.widths == len(name)
        for word, wanted in zip(
            words, np.frombuffer(name.encode().ljust(8 * count, b"\0"), "<u8"), strict=True
        ):
            here &= word == wanted
        found[here] = number
        sure |= here
        if sure.all():
            break
    return found, sure


def changes(cells: Cells) -> Ints:
    """Return where a cell differs from the one before it; the first always does."""
    differs = np.ones(cells.widths.size, bool)
    differs[1:] = cells.widths[1:] != cells.widths[:-1]
    longest = int(cells.widths.max(initial=0))
    for begin in range(0, longest, _TOGETHER):
        # Where a cell has ended, no byte behind the block is looked for.
        starts = np.minimum(cells.starts + begin, cells.block.size - PADDING)
        rest = Cells(cells.block, starts, np.maximum(cells.widths - begin, 0))
        for word in rest.words((min(longest - begin, _TOGETHER) + 7) // 8):
            differs[1:] |= word[1:] != word[:-1]
    return np.flatnonzero(differs)
