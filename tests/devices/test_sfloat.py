"""The medical float formats: every SFLOAT word there is, and what cannot be said in one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yikao_devices.errors import EncodeError
from yikao_devices.sfloat import (
    Special,
    decode_float,
    decode_sfloat,
    encode_float,
    encode_sfloat,
)


def exact(raw: int) -> float:
    """What the standard says the word means, by whole numbers and one division."""
    mantissa = (raw & 0xFFF) - (0x1000 if raw & 0x800 else 0)
    exponent = (raw >> 12) - (16 if raw & 0x8000 else 0)
    return mantissa / 10**-exponent if exponent < 0 else float(mantissa * 10**exponent)


def test_every_sfloat_word_is_its_number_or_a_special() -> None:
    specials = {0x7FE, 0x7FF, 0x800, 0x801, 0x802}
    for raw in range(0x10000):
        value = decode_sfloat(raw)
        if raw & 0xFFF in specials:
            assert isinstance(value, Special)
        else:
            assert value == exact(raw)


def test_every_sfloat_number_survives_the_way_back() -> None:
    for raw in range(0x10000):
        value = decode_sfloat(raw)
        assert decode_sfloat(encode_sfloat(value)) == value


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (0x07FF, Special.NAN),
        (0x0800, Special.NRES),
        (0x0801, Special.RESERVED),
        (0x07FE, Special.POSITIVE_INFINITY),
        (0x0802, Special.NEGATIVE_INFINITY),
        (0xF7FF, Special.NAN),  # some stacks send an exponent with it
        (0x007C, 124.0),
        (0xF16D, 36.5),  # 365 x 10^-1, exactly
        (0xB05A, 0.0009),  # 90 mg/dL in kg/L: the exponent is signed
        (0xFFFF, -0.1),
    ],
)
def test_known_words(raw: int, value: object) -> None:
    assert decode_sfloat(raw) == value


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (0x007FFFFF, Special.NAN),
        (0x00800000, Special.NRES),
        (0x00800001, Special.RESERVED),
        (0x007FFFFE, Special.POSITIVE_INFINITY),
        (0x00800002, Special.NEGATIVE_INFINITY),
        (0xFF7FFFFF, Special.NAN),
        (0xFF000172, 37.0),  # 370 x 10^-1
        (0xFE000E1A, 36.1),
        (0xFFFFFFFF, -0.1),
        (0x02000005, 500.0),
        (0x007FFFFD, 8_388_605.0),
        (0x00800003, -8_388_605.0),
    ],
)
def test_known_long_words(raw: int, value: object) -> None:
    assert decode_float(raw) == value


@pytest.mark.parametrize("mantissa", [123, -123])
def test_a_float_has_every_exponent_from_minus_128_to_127(mantissa: int) -> None:
    for exponent in range(-128, 128):
        raw = (exponent & 0xFF) << 24 | mantissa & 0xFFFFFF
        assert decode_float(raw) == float(f"{mantissa}e{exponent}")


@given(st.integers(0, 0xFFFFFFFF))
def test_every_float_survives_the_way_back(raw: int) -> None:
    value = decode_float(raw)
    assert decode_float(encode_float(value)) == value


@pytest.mark.parametrize("value", [1234.5, 2046.0, 1e12, 1e-12, float("nan"), float("inf")])
def test_what_an_sfloat_cannot_say_is_refused(value: float) -> None:
    with pytest.raises(EncodeError):
        encode_sfloat(value)
