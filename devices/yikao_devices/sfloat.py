"""The two small floating-point formats in which medical devices send their numbers.

A number is mantissa x 10^exponent: SFLOAT has 12 and 4 bits, FLOAT 24 and 8, all of them signed.
Five mantissas at the edge are no numbers but messages ("the measurement failed"); they decode to
`Special`, a type of its own, so that no code can mistake a failed measurement for 2047 mmHg.

Source: IEEE 11073-20601, annex F.6 (FLOAT) and F.7 (SFLOAT).
"""

from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Final

from yikao_devices.errors import EncodeError


class Special(Enum):
    """What a device says when it has no number."""

    NAN = "NaN"
    """Not a number: the measurement failed."""
    NRES = "NRes"
    """Not at this resolution."""
    POSITIVE_INFINITY = "+INF"
    NEGATIVE_INFINITY = "-INF"
    RESERVED = "Reserved"


Number = float | Special
"""A decoded SFLOAT or FLOAT."""

SFLOAT_MANTISSA_MAX: Final = 0x7FF - 2
"""Largest finite SFLOAT mantissa, 2045: two above it and three below -2045 are specials."""
FLOAT_MANTISSA_MAX: Final = 0x7FFFFF - 2

_SFLOAT_SPECIALS: Final = {
    0x7FF: Special.NAN,
    0x800: Special.NRES,
    0x7FE: Special.POSITIVE_INFINITY,
    0x802: Special.NEGATIVE_INFINITY,
    0x801: Special.RESERVED,
}
_FLOAT_SPECIALS: Final = {
    0x7FFFFF: Special.NAN,
    0x800000: Special.NRES,
    0x7FFFFE: Special.POSITIVE_INFINITY,
    0x800002: Special.NEGATIVE_INFINITY,
    0x800001: Special.RESERVED,
}
_SFLOAT_CODES: Final = {special: code for code, special in _SFLOAT_SPECIALS.items()}
_FLOAT_CODES: Final = {special: code for code, special in _FLOAT_SPECIALS.items()}
_POWERS: Final[tuple[int, ...]] = tuple(int(10**n) for n in range(9))
_SFLOATS_KEPT: Final = 4096
"""Words whose number is remembered: as many as there are whole numbers and tenths from 0 up."""


@lru_cache(_SFLOATS_KEPT)
def decode_sfloat(raw: int) -> Number:
    """Return the number in the 16 bits `raw`.

    The specials are recognised by mantissa alone: they are defined with exponent 0, but some
    stacks send others. A negative exponent divides by a power of ten rather than multiplying by
    a fraction: 365/10 is exactly 36.5, 365 x 0.1 is not.
    """
    mantissa = raw & 0xFFF
    if 0x7FE <= mantissa <= 0x802:
        return _SFLOAT_SPECIALS[mantissa]
    if mantissa > 0x802:
        mantissa -= 0x1000
    exponent = raw >> 12
    if exponent == 0:
        return float(mantissa)
    if exponent >= 8:
        return mantissa / _POWERS[16 - exponent]
    return float(mantissa * _POWERS[exponent])


def decode_float(raw: int) -> Number:
    """Return the number in the 32 bits `raw`; specials as in `decode_sfloat`."""
    mantissa = raw & 0xFFFFFF
    if 0x7FFFFE <= mantissa <= 0x800002:
        return _FLOAT_SPECIALS[mantissa]
    if mantissa > 0x800002:
        mantissa -= 0x1000000
    exponent = raw >> 24
    if exponent >= 128:
        return float(mantissa / 10 ** (256 - exponent))
    return float(mantissa * 10**exponent)


def encode_sfloat(value: Number) -> int:
    """Return the 16 bits that say `value`; refuses with `EncodeError` what they cannot."""
    if isinstance(value, Special):
        return _SFLOAT_CODES[value]
    mantissa, exponent = _split(value, SFLOAT_MANTISSA_MAX, -8, 7)
    return (exponent & 0xF) << 12 | (mantissa & 0xFFF)


def encode_float(value: Number) -> int:
    """Return the 32 bits that say `value`; refuses with `EncodeError` what they cannot."""
    if isinstance(value, Special):
        return _FLOAT_CODES[value]
    mantissa, exponent = _split(value, FLOAT_MANTISSA_MAX, -128, 127)
    return (exponent & 0xFF) << 24 | (mantissa & 0xFFFFFF)


def _split(
    value: float, mantissa_max: int, exponent_min: int, exponent_max: int
) -> tuple[int, int]:
    """Return mantissa and exponent of the shortest decimal of `value`, exponent nearest to 0."""
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    if not isinstance(exponent, int):
        raise EncodeError(f"{value!r} is not finite: name the Special you mean")
    mantissa = int("".join(map(str, digits)))
    while exponent > 0 and mantissa * 10 <= mantissa_max:
        mantissa, exponent = mantissa * 10, exponent - 1
    if mantissa > mantissa_max or not exponent_min <= exponent <= exponent_max:
        raise EncodeError(f"{value!r} needs more digits than the format has")
    return (-mantissa if sign else mantissa), exponent
