"""Answers by text message: a code that is good on one telephone, read as people write it."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.reply import CODE_LETTERS, Reply, read_reply, reply_code

SECRET = b"k" * 32
MOBILE = "+8613800138000"


@pytest.mark.parametrize(
    "text",
    [
        "1 A1B2",
        "1A1B2",
        " 1  a1b2\n",
        "1，A1B2",
        "1#A1B2",
        "１ Ａ１Ｂ２",
        "1 AlB2",
        "1 aIb2",
        "1-a1b2",
    ],
)
def test_an_answer_is_read_as_meant(text: str) -> None:
    assert read_reply(text) == Reply("1", "A1B2")


@pytest.mark.parametrize(
    "text",
    ["", "1", "A1B2", "1 A1B", "1 A1B23", "好的", "1 A1B2 谢谢", "T", "1 Ａ１Ｂ二", "x" * 9999],
)
def test_what_is_no_answer_is_none(text: str) -> None:
    assert read_reply(text) is None


@given(st.uuids(), st.text())
def test_every_code_is_read_back(message_id: UUID, address: str) -> None:
    code = reply_code(SECRET, message_id, address)
    assert len(code) == CODE_LETTERS
    assert read_reply(f"1 {code}") == read_reply(f"１{code.lower()}") == Reply("1", code)


@given(st.text())
def test_any_text_is_read_or_not(text: str) -> None:
    reply = read_reply(text)
    assert reply is None or (reply.word.isdecimal() and len(reply.code) == CODE_LETTERS)


def test_a_code_is_of_one_message_one_telephone_and_one_key() -> None:
    seven, eight = UUID(int=7), UUID(int=8)
    code = reply_code(SECRET, seven, MOBILE)
    assert code == reply_code(SECRET, seven, MOBILE)
    others = (
        reply_code(SECRET, eight, MOBILE),
        reply_code(SECRET, seven, "+8613800138001"),
        reply_code(b"l" * 32, seven, MOBILE),
    )
    assert code not in others
