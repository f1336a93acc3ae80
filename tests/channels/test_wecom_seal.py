"""WeCom's envelope: its own published example opens, ours come back, and nothing else opens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.channels.wecom_event import answer_body, press_in, sealed_in
from yikao_alerts.channels.wecom_seal import KeyFormError, Stamp, seal_of
from yikao_sim.providers.provider import Message
from yikao_sim.providers.wecom_button import Button

TOKEN = "QDG6eK"
KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
SEAL = seal_of("wx5823bf96d3bd56c7", TOKEN, KEY)
BUTTON = Button("http://127.0.0.1:1", TOKEN, KEY, SEAL.corp_id)
PAGE = "3b241101-e2bb-4255-8caf-4136c566a962"
CARD = Message("wang", "【红】", "http://127.0.0.1:1/p/x", "msg-1", task_id=PAGE)


def test_the_published_example_opens() -> None:
    """Source: the sample code beside https://developer.work.weixin.qq.com/document/path/90307."""
    stamp = Stamp("5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3", "1409659589", "263014780")
    sealed = (
        "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ=="
    )
    assert SEAL.open(stamp, sealed) == "1616140317555161061"


@given(st.text(), st.text(), st.text())
def test_what_is_sealed_opens_and_nowhere_else(text: str, timestamp: str, nonce: str) -> None:
    text, timestamp, nonce = (
        each.encode("utf-8", "replace").decode() for each in (text, timestamp, nonce)
    )
    stamp, sealed = SEAL.close(text, timestamp, nonce)
    assert SEAL.open(stamp, sealed) == text
    assert BUTTON.unseal(sealed) == text
    assert seal_of("ww1", TOKEN, KEY).open(stamp, sealed) is None
    assert seal_of(SEAL.corp_id, "other", KEY).open(stamp, sealed) is None
    assert SEAL.open(Stamp(stamp.signature, timestamp + "1", nonce), sealed) is None


@given(st.binary(max_size=200), st.text(max_size=20))
def test_no_bytes_and_no_letters_crash_it(raw: bytes, text: str) -> None:
    for sealed in (raw.hex(), raw.decode("latin-1"), text):
        stamp = Stamp(SEAL.signature("1", "2", sealed), "1", "2")
        SEAL.open(stamp, sealed)
        assert SEAL.open(Stamp(text, "1", "2"), sealed) is None
    sealed_in(raw)
    press_in(raw.decode("latin-1"))
    press_in(text)


@given(st.integers(0, 400), st.integers(1, 255))
def test_a_changed_letter_opens_nothing(place: int, by: int) -> None:
    query, body = BUTTON.envelope(BUTTON.event(CARD, 1), 1)
    signature = dict(part.split("=") for part in query.split("&"))["msg_signature"]
    sealed = sealed_in(body)
    assert sealed is not None
    place %= len(sealed)
    changed = sealed[:place] + chr((ord(sealed[place]) + by) % 256) + sealed[place + 1 :]
    assert SEAL.open(Stamp(signature, "1", "263014780"), sealed) is not None
    assert SEAL.open(Stamp(signature, "1", "263014780"), changed) is None


def test_a_press_is_read_and_is_the_same_at_each_telling() -> None:
    told = press_in(BUTTON.event(CARD, 1))
    assert told is not None and (str(told.page_id), told.member) == (PAGE, "wang")
    assert press_in(BUTTON.event(CARD, 1)) == told
    again = press_in(BUTTON.event(CARD, 2))
    assert again is not None and again.event_id != told.event_id


@pytest.mark.parametrize(
    "change",
    [
        ("template_card_event", "enter_agent"),
        ("[event]", "[text]"),
        ("[take]", "[other]"),
        (PAGE, "page-7"),
        ("[wang]", "[]"),
        ("<xml>", '<!DOCTYPE x [<!ENTITY a "b">]><xml>'),
        ("</xml>", ""),
    ],
)
def test_every_other_event_is_none(change: tuple[str, str]) -> None:
    event = BUTTON.event(CARD, 1)
    assert change[0] in event
    assert press_in(event.replace(*change)) is None


def test_an_answer_is_read_by_the_other_side() -> None:
    text = "<xml><Button><ReplaceName>已由王医生处理 &amp; &lt;x&gt;</ReplaceName></Button></xml>"
    answer = answer_body(*SEAL.close(text, "1", "<&>"))
    assert BUTTON.new_text(answer.encode()) == "已由王医生处理 & <x>"


@pytest.mark.parametrize("key", ["", KEY[:-1], KEY + "A", KEY[:-1] + "="])
def test_a_key_of_another_form_is_refused(key: str) -> None:
    with pytest.raises(KeyFormError, match="43"):
        seal_of("ww1", TOKEN, key)
