"""The fake providers are as strict as the real ones: what is not exactly right is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yikao_sim.providers.door import Door
from yikao_sim.providers.faults import FAULTS, Deed, Mischief, parse_fault
from yikao_sim.providers.provider import Setup
from yikao_sim.providers.registry import PROVIDERS
from yikao_sim.providers.wecom import AGENT_ID, CORP_ID, WeCom
from yikao_sim.providers.wire import Request, Response

NOW_S = 1_772_459_400.0
CARD: dict[str, Any] = {
    "card_type": "button_interaction",
    "main_title": {"title": "【红】"},
    "sub_title_text": "",
    "card_action": {"type": 1, "url": "http://127.0.0.1:1/p/x"},
    "task_id": "page-1",
    "button_list": [{"text": "我来处理", "key": "take"}],
}
GOOD: dict[str, Any] = {
    "touser": "wang",
    "msgtype": "template_card",
    "agentid": AGENT_ID,
    "template_card": CARD,
    "enable_duplicate_check": 1,
    "duplicate_check_interval": 1800,
}


class Office:
    """A WeCom with a token in hand."""

    def __init__(self, setup: Setup | None = None) -> None:
        self.wecom = WeCom(setup or Setup())
        self.token = self.ask(CORP_ID)["access_token"]

    def ask(self, corp_id: str, secret: str = "") -> dict[str, Any]:
        query = {"corpid": corp_id, "corpsecret": secret}
        handled = self.wecom.handle(Request("GET", "/cgi-bin/gettoken", query), NOW_S)
        return dict(json.loads(handled.response.body))

    def send(self, fields: object, later_s: float = 0.0) -> tuple[int, bool]:
        """Return the code, and whether it rang."""
        query = {"access_token": self.token}
        body = json.dumps(fields).encode()
        request = Request("POST", "/cgi-bin/message/send", query, {}, body)
        handled = self.wecom.handle(request, NOW_S + later_s)
        rang = handled.message is not None and not handled.repeated
        return json.loads(handled.response.body)["errcode"], rang


def test_wecom_takes_the_same_message_once_until_the_time_is_over() -> None:
    office = Office()
    assert office.send(GOOD) == (0, True)
    assert office.send(GOOD, 1799) == (0, False)
    unchecked = GOOD | {"enable_duplicate_check": 0}
    assert office.send(unchecked)[0] == 40058, "the same task_id in another message"


def test_a_token_lives_two_hours() -> None:
    office = Office()
    assert office.send(GOOD, 7199) == (0, True)
    assert office.send(GOOD, 7200)[0] == 42001
    office.token = "another"
    assert office.send(GOOD)[0] == 40014


def test_a_token_needs_company_and_secret() -> None:
    office = Office()
    office.wecom = WeCom(Setup(secret=b"secret"))
    assert office.ask("ww1")["errcode"] == 40013
    assert office.ask(CORP_ID, "other")["errcode"] == 40001
    assert office.ask(CORP_ID, "secret")["errcode"] == 0


@pytest.mark.parametrize(
    "change",
    [
        {"agentid": 1},
        {"msgtype": "markdown"},
        {"template_card": CARD | {"card_type": "text_notice"}},
        {"template_card": CARD | {"task_id": "page 1"}},
        {"template_card": CARD | {"task_id": "x" * 129}},
        {"template_card": CARD | {"button_list": []}},
        {"template_card": CARD | {"main_title": {"title": ""}}},
        {"template_card": CARD | {"card_action": {"type": 1, "url": "javascript:x"}}},
        {"msgtype": "text", "text": {"content": "长" * 683}},
        {"msgtype": "text", "text": {"content": ""}},
        {"msgtype": "textcard", "textcard": {"title": "x", "description": "长" * 171, "url": "x"}},
    ],
)
def test_wecom_refuses_what_is_not_exactly_a_message(change: dict[str, Any]) -> None:
    assert Office().send(GOOD | change) == (40058, False)


def test_wecom_knows_its_members() -> None:
    assert Office(Setup(frozenset({"li"}))).send(GOOD) == (81013, False)


@pytest.mark.parametrize("name", sorted(PROVIDERS))
@given(data=st.data())
def test_no_request_crashes_a_provider_and_nonsense_never_rings(
    name: str, data: st.DataObject
) -> None:
    texts = st.text(max_size=30)
    request = Request(
        data.draw(st.sampled_from(["GET", "POST", "PUT"])),
        data.draw(st.sampled_from(["/", "/robot/send", "/cgi-bin/message/send"]) | texts),
        data.draw(st.dictionaries(st.sampled_from(["access_token", "timestamp"]), texts)),
        data.draw(st.dictionaries(st.sampled_from(["content-type", "authorization"]), texts)),
        data.draw(st.binary(max_size=200) | st.just(b"{}") | st.just(b'{"touser": 7}')),
    )
    door = Door(PROVIDERS[name](Setup(secret=b"secret")), now_s=lambda: NOW_S)
    assert isinstance(door.receive(request), Response)
    assert not door.taken


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_fault_is_named_as_it_is_asked_for(name: str) -> None:
    assert parse_fault(name).name == name


@pytest.mark.parametrize("text", ["", "429:", "429:-1", "429:99999", "hang:1", "500:1", "501"])
def test_another_fault_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="none of"):
        parse_fault(text)


@given(st.integers(0, 5), st.integers(0, 10))
def test_so_many_times_and_no_more(times: int, asked: int) -> None:
    mischief = Mischief(FAULTS["500"], times)
    found = [mischief.next({Deed.ANSWER}) for _ in range(asked)]
    assert sum(each is not None for each in found) == min(times, asked)
    assert mischief.next({Deed.TLS}) is None
