"""WeCom, beyond what every channel has to stand: tokens, members, repetitions, the silent limit."""

import asyncio
import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from benches import LINK, line
from hypothesis import given
from hypothesis import strategies as st
from test_faults import play

from yikao_alerts.channels.channel import OutgoingPage
from yikao_alerts.channels.http import Answer
from yikao_alerts.channels.outcome import Delivered, Outcome, Permanent, Retryable
from yikao_alerts.channels.wecom import WeComApp, judge, message_of
from yikao_sim.providers.provider import Setup

APP = WeComApp("ww1", 7, "secret")
TAKEN = {"errcode": 0, "errmsg": "ok", "invaliduser": "", "msgid": "m-1"}


def page(body: str = "【红】", link: str = LINK, attempt: int = 1) -> OutgoingPage:
    return OutgoingPage(UUID(int=1), 7, "wang", "zh", body, link, attempt)


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (TAKEN, Delivered("m-1")),
        (TAKEN | {"invaliduser": "wang"}, Permanent),
        (TAKEN | {"unlicenseduser": "wang"}, Permanent),
        (TAKEN | {"invalidparty": "2"}, Permanent),
        (TAKEN | {"msgid": ""}, Retryable),
        (TAKEN | {"msgid": 7}, Retryable),
        ({"errcode": 81013, "errmsg": "user & party & tag all invalid"}, Permanent),
        ({"errcode": 45009}, Retryable("answered code 45009", 60.0)),
        ({"errcode": 45033}, Retryable("answered code 45033", 1.0)),
        ({"errcode": -1}, Retryable("answered code -1")),
        ({"errcode": 999999}, Retryable("answered code 999999")),
        ({"errcode": "0", "msgid": "m-1"}, Retryable),
        ({"errcode": False, "msgid": "m-1"}, Retryable),
        ({"msgid": "m-1"}, Retryable),
        ([], Retryable),
    ],
)
def test_an_answer_is_judged_by_code_and_recipients(said: object, outcome: Outcome | type) -> None:
    found = judge(Answer(200, json.dumps(said).encode()))
    assert isinstance(found, outcome) if isinstance(outcome, type) else found == outcome


@given(st.binary(), st.integers(100, 599))
def test_whatever_is_answered_is_no_delivery(content: bytes, status: int) -> None:
    assert not isinstance(judge(Answer(status, content)), Delivered)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.sampled_from(["zh", "en"]))
def test_a_message_is_the_same_at_each_attempt_and_keeps_wecoms_lengths(
    body: str, language: str
) -> None:
    first = OutgoingPage(UUID(int=1), 7, "wang", language, body, LINK, 1)
    again = OutgoingPage(UUID(int=1), 7, "wang", language, body, LINK, 9)
    assert message_of(first, APP) == message_of(again, APP)
    card = message_of(first, APP)["template_card"]
    assert len(card["main_title"]["title"]) <= 36 and len(card["sub_title_text"]) <= 160
    plain = message_of(first, WeComApp("ww1", 7, "secret", cards=False))["textcard"]
    assert len(plain["title"]) <= 128 and len(plain["description"].encode()) <= 512


def test_a_notice_has_no_button() -> None:
    message = message_of(page(link=""), APP)
    assert (message["msgtype"], message["text"]) == ("text", {"content": "【红】"})


@pytest.mark.parametrize("change", [{"alone": False}, {"episode_id": 0}])
def test_what_is_not_about_one_episode_has_a_link_alone(change: dict[str, Any]) -> None:
    assert message_of(replace(page(), **change), APP)["msgtype"] == "textcard"


def test_one_token_serves_all_and_is_renewed_once_for_all() -> None:
    async def story() -> None:
        async with line("wecom") as it:
            sent = await asyncio.gather(*(it.send(number) for number in range(10)))
            assert all(isinstance(each, Delivered) for each in sent)
            it.door.provider.expire()
            sent = await asyncio.gather(*(it.send(number) for number in range(10, 20)))
            assert all(isinstance(each, Delivered) for each in sent)
            assert it.door.counts["taken"] == 20
            assert it.door.counts["GET /cgi-bin/gettoken"] == 2

    play(story)


@pytest.mark.parametrize("address", ["@all", "wang|li", "", "王医生", "a" * 65, "-wang", "wang "])
def test_a_page_goes_to_one_member(address: str) -> None:
    async def story() -> None:
        async with line("wecom") as it:
            it.address = address
            assert isinstance(await it.send(), Permanent)
            assert not it.door.counts

    play(story)


def test_a_token_that_is_not_given_sends_nothing() -> None:
    async def story() -> None:
        async with line("wecom", setup=Setup(secret=b"another")) as it:
            assert await it.send() == Permanent("answered code 40001")
            assert not it.door.taken

    play(story)


def test_what_is_too_much_for_a_member_is_agreed_to_and_thrown_away() -> None:
    """Why the pager has a budget: WeCom does not tell."""

    async def story() -> None:
        async with line("wecom") as it:
            sent = [await it.send(number) for number in range(31)]
            assert all(isinstance(each, Delivered) for each in sent)
            assert len(it.door.taken) == 30

    play(story)
