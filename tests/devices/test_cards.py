"""The number on a card: every slip is seen, and nothing else that people carry is taken for one."""

from hypothesis import given
from hypothesis import strategies as st

from yikao_devices.cards import (
    CHANCE_MAX,
    DIGITS,
    SCAN_MAX,
    Misread,
    digest_of,
    grouped,
    new_number,
    read_card,
)

chances = st.integers(0, CHANCE_MAX - 1)
numbers = chances.map(new_number)


@given(numbers)
def test_a_number_is_read_as_it_is_printed_and_as_it_is_typed(number: str) -> None:
    assert len(number) == DIGITS
    wide = number.translate({ord(str(n)): chr(0xFF10 + n) for n in range(10)})
    for written in (number, grouped(number), f" {number}\n", number.replace("1", "1-"), wide):
        assert read_card(written) == number


@given(numbers, st.integers(0, DIGITS - 1), st.integers(1, 9))
def test_one_wrong_digit_is_seen(number: str, place: int, further: int) -> None:
    other = str((int(number[place]) + further) % 10)
    assert read_card(number[:place] + other + number[place + 1 :]) is Misread.WRONG


@given(numbers, st.integers(0, DIGITS - 2))
def test_two_digits_that_changed_places_are_seen(number: str, at: int) -> None:
    swapped = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    assert read_card(swapped) == (number if swapped == number else Misread.WRONG)


@given(numbers, st.integers(1, DIGITS - 1))
def test_what_ends_too_soon_is_no_card(number: str, length: int) -> None:
    assert read_card(number[:length]) is Misread.PARTIAL


def test_other_codes_are_no_cards() -> None:
    foreign = (
        "https://u.wechat.com/kFz8x",
        "6222021234567890123x",
        "123456789012345678901",
        "31010519491231002X",
        "٣" * DIGITS,
        "9" * SCAN_MAX * 20,
    )
    assert {read_card(text) for text in foreign} == {Misread.FOREIGN}


@given(st.text())
def test_whatever_is_scanned_is_a_card_or_has_a_reason(text: str) -> None:
    found = read_card(text)
    assert isinstance(found, Misread) or (len(found) == DIGITS and int(found) % 97 == 1)


@given(numbers, numbers)
def test_what_the_registry_keeps_tells_cards_apart_and_no_number(one: str, other: str) -> None:
    assert (digest_of(one) == digest_of(other)) is (one == other)
    assert one not in digest_of(one)
