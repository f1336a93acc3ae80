"""A doctor presses the button of a WeCom card: the real feed, a real database, WeCom's own way."""

from collections.abc import Iterator
from datetime import datetime

import httpx
import pytest
from fix_feed import SECRET, Town, serving

from yikao_alerts.channels.wecom_seal import seal_of
from yikao_alerts.feed.settings import FeedSettings
from yikao_sim.phone.browser import NotAnsweredError
from yikao_sim.providers.provider import Message
from yikao_sim.providers.wecom import CORP_ID
from yikao_sim.providers.wecom_button import Button

TOKEN = "QDG6eK"
KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"


@pytest.fixture
def button(town: Town) -> Iterator[Button]:
    """The callback of a feed that WeCom is set up for."""
    seal = seal_of(CORP_ID, TOKEN, KEY)
    with serving(FeedSettings(town.database_url, SECRET, port=0, wecom=seal)) as url:
        yield Button(f"{url}/callback/wecom", TOKEN, KEY)


def card_of(town: Town, code: str, doctor: str = "wang", member: str = "WangYi") -> Message:
    """Open a red episode, and return the card of a page of it."""
    town.resident(code, "李秀英")
    number = town.red(code)
    ((page_id,),) = town.run(
        "UPDATE page SET channel = 'wecom', address = %(member)s WHERE page_id = ("
        " SELECT page_id FROM page WHERE episode_id = %(id)s AND doctor_id = %(doctor)s"
        " ORDER BY due_at LIMIT 1) RETURNING page_id",
        id=number,
        doctor=doctor,
        member=member,
    )
    return Message(member, "【红】", "", "msg-1", task_id=str(page_id))


def standing(town: Town) -> list[tuple[str, str | None]]:
    return town.run("SELECT state, answered_by FROM episode ORDER BY episode_id")


def events(town: Town, name: str) -> list[tuple[datetime]]:
    return town.run("SELECT at FROM episode_event WHERE event = %(name)s", name=name)


def test_the_address_is_verified_as_wecom_does_it(button: Button) -> None:
    created_s, nonce, sealed = "1409659589", "263014780", button.seal("1616140317555161061")
    signature = seal_of(CORP_ID, TOKEN, KEY).signature(created_s, nonce, sealed)
    query = {"msg_signature": signature, "timestamp": created_s, "nonce": nonce}
    answer = httpx.get(button.url, params=query | {"echostr": sealed}, trust_env=False)
    assert (answer.status_code, answer.text) == (200, "1616140317555161061")
    forged = httpx.get(button.url, params=query | {"echostr": sealed[:-1]}, trust_env=False)
    assert forged.status_code == 403


def test_a_press_takes_the_episode_and_the_card_says_who_has_it(town: Town, button: Button) -> None:
    card = card_of(town, "r-01")
    assert button.press(card, 1) == "已由 王医生 处理"
    assert standing(town) == [("answered", "wang")]
    assert not town.run("SELECT 1 FROM page WHERE state = 'due'")


def test_told_again_it_changes_nothing_and_says_the_same(town: Town, button: Button) -> None:
    card = card_of(town, "r-01")
    told = {button.press(card, 1) for _ in range(3)}
    assert told == {"已由 王医生 处理"}
    assert len(events(town, "taken")) == 1
    ((kept,),) = town.run("SELECT count(*) FROM provider_event")
    assert kept == 1


def test_a_member_is_known_in_small_letters_too(town: Town, button: Button) -> None:
    card = card_of(town, "r-01")
    small = Message(card.owner.lower(), card.text, "", "msg-1", task_id=card.task_id)
    assert button.press(small, 1) == "已由 王医生 处理"


def test_an_old_press_told_late_does_not_take_it_again(town: Town, button: Button) -> None:
    card = card_of(town, "r-01")
    button.press(card, 1)
    town.run("UPDATE episode SET state = 'open', answered_by = NULL, answered_at = NULL")
    assert button.press(card, 1) == "请打开链接"
    assert standing(town) == [("open", None)]
    assert button.press(card, 2) == "已由 王医生 处理"


def test_who_comes_second_sees_who_has_it(town: Town, button: Button) -> None:
    card = card_of(town, "r-01")
    button.press(card, 1)
    town.run("UPDATE page SET doctor_id = 'li' WHERE channel = 'wecom'")
    assert button.press(card, 2) == "已由 王医生 处理"
    assert standing(town) == [("answered", "wang")]


def test_nobody_takes_by_anothers_card(town: Town, button: Button) -> None:
    card = card_of(town, "r-01")
    stranger = Message("LiSi", card.text, "", "msg-1", task_id=card.task_id)
    nobodys = Message(card.owner, card.text, "", "m", task_id=card.task_id[:-4] + "0000")
    assert button.press(stranger, 1) == button.press(nobodys, 2) == ""
    assert standing(town) == [("open", None)]


def test_what_is_forged_changes_nothing(town: Town, button: Button) -> None:
    card = card_of(town, "r-01")
    forged = Button(button.url, "another", KEY)
    with pytest.raises(NotAnsweredError, match="403"):
        forged.press(card, 1)
    for body in (b"", b"<xml>", b"x" * 100_000):
        assert httpx.post(button.url, content=body, trust_env=False).status_code == 403
    assert standing(town) == [("open", None)]


def test_without_a_callback_nothing_is_listened_to(town: Town, feed_url: str) -> None:
    card = card_of(town, "r-01")
    with pytest.raises(NotAnsweredError, match="403"):
        Button(f"{feed_url}/callback/wecom", TOKEN, KEY).press(card, 1)
    assert standing(town) == [("open", None)]
