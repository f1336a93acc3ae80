"""The claim code: what a nurse types is read as she means it, and a slip is found on the spot."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from yikao_devices.claim_code import (
    ALPHABET,
    GROUP,
    LETTERS,
    SECRET_BYTES,
    TEXT_MAX,
    ClaimCodeError,
    make_code,
    parse_code,
)

SECRETS = st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES)
CERTIFICATES = st.binary(min_size=1, max_size=50)
TEXTS = st.builds(lambda secret, der: make_code(secret, der).text, SECRETS, CERTIFICATES)


@given(SECRETS, CERTIFICATES, CERTIFICATES)
def test_a_code_says_its_secret_and_its_authority(secret: bytes, ours: bytes, other: bytes) -> None:
    code = make_code(secret, ours)
    assert parse_code(code.text) == code
    assert code.names(ours)
    assert code.names(other) == (ours == other)
    assert [len(group) for group in code.text.split("-")] == [GROUP] * (LETTERS // GROUP)
    assert code.secret not in repr(code)


@given(TEXTS, st.data())
def test_a_code_is_read_however_it_is_typed(text: str, data: st.DataObject) -> None:
    misread = {"0": "0oO", "1": "1iIlL"}
    typed = ""
    for letter in text:
        if letter == "-":
            typed += data.draw(st.sampled_from(["-", " ", "", "–", "－", " - ", "_", "\n"]))
        else:
            letter = data.draw(st.sampled_from(misread.get(letter, letter + letter.lower())))
            wide = chr(ord(letter) + 0xFEE0)
            typed += data.draw(st.sampled_from([letter, letter, wide]))
    assert parse_code(typed[:TEXT_MAX]) == parse_code(text)


@given(TEXTS, st.data())
def test_one_wrong_letter_is_found(text: str, data: st.DataObject) -> None:
    letters = text.replace("-", "")
    place = data.draw(st.integers(0, LETTERS - 1))
    wrong = data.draw(st.sampled_from(ALPHABET))
    assume(wrong != letters[place])
    with pytest.raises(ClaimCodeError, match="do not fit together") as caught:
        parse_code(letters[:place] + wrong + letters[place + 1 :])
    assert letters[:5] not in str(caught.value)


@given(TEXTS, st.data())
def test_two_letters_changed_round_are_found(text: str, data: st.DataObject) -> None:
    letters = text.replace("-", "")
    place = data.draw(st.integers(0, LETTERS - 2))
    one, two = letters[place : place + 2]
    assume(one != two)
    with pytest.raises(ClaimCodeError):
        parse_code(letters[:place] + two + one + letters[place + 2 :])


@given(st.text(max_size=2 * TEXT_MAX))
def test_any_other_text_is_refused_and_nothing_else_happens(text: str) -> None:
    with pytest.raises(ClaimCodeError):
        parse_code(text)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("", "this has 0"),
        ("ABCDE-FGHJK", "this has 10"),
        ("ABCU", "letter 4"),
        ("é" + "A" * 39, "letter 1"),
        ("A" * 201, "far longer"),
    ],
)
def test_what_is_wrong_is_told(typed: str, told: str) -> None:
    with pytest.raises(ClaimCodeError, match=told):
        parse_code(typed)


def test_a_code_stays_what_it_is() -> None:
    """Printed codes and older gateways must go on to be understood."""
    assert make_code(bytes(range(10)), b"certificate").text == (
        "000G4-0R40M-30E20-90FB6-VM486-Q0WMF-RJHK7-A43AT"
    )
