"""The check sum of protected frames, against the value that the catalogues print for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yikao_devices.crc16 import crc16

REMAINDER = 0
"""What the sum over bytes and their own sum comes to: nothing is added at the end."""


@pytest.mark.parametrize(
    ("covered", "expected"),
    [
        (b"123456789", 0x6F91),  # "check" of CRC-16/MCRF4XX, reveng.sourceforge.io
        (b"", 0xFFFF),
    ],
)
def test_known_answers(covered: bytes, expected: int) -> None:
    assert crc16(covered) == expected


@given(st.binary(max_size=60))
def test_it_is_the_sum_as_the_polynomial_defines_it(covered: bytes) -> None:
    register = 0xFFFF
    for byte in covered:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x8408 if register & 1 else 0)
    assert crc16(covered) == register


@given(st.binary(max_size=60))
def test_bytes_with_their_sum_behind_them_leave_nothing(covered: bytes) -> None:
    assert crc16(covered + crc16(covered).to_bytes(2, "little")) == REMAINDER


@given(st.binary(min_size=1, max_size=60), st.data())
def test_one_wrong_bit_is_always_seen(covered: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, 8 * len(covered) - 1))
    wrong = bytearray(covered)
    wrong[at // 8] ^= 1 << at % 8
    assert crc16(bytes(wrong)) != crc16(covered)
