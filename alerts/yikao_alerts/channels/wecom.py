"""A channel for WeCom (企业微信): an application's message to one member, with a button to take it.

WeCom agrees with `errcode` 0 and still may not have reached the member: then it lists the member
as refused, which is no delivery. Messages of identical content are taken once (the duplicate check
is switched on), so that an attempt that brought no answer is simply repeated.

Sources: https://developer.work.weixin.qq.com/document/path/90236 (messages, cards, limits),
https://developer.work.weixin.qq.com/document/path/91039 (access token),
https://developer.work.weixin.qq.com/document/path/90313 (codes).
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from yikao_alerts.channels.addresses import address_fits
from yikao_alerts.channels.channel import TAKE, OutgoingPage, clip
from yikao_alerts.channels.codes import Codes
from yikao_alerts.channels.http import Answer, Failure, Http, Talk, fields_or_failure
from yikao_alerts.channels.outcome import Ambiguous, Delivered, Outcome, Permanent, Retryable

BASE: Final = "https://qyapi.weixin.qq.com"
DUPLICATE_CHECK_S: Final = 4 * 3600
"""The longest WeCom offers; a page is not sent again after so long."""
TITLE_MAX: Final = 36
DETAIL_MAX: Final = 160
CARD_TEXT_MAX: Final = 120
"""Letters: a text card's description may have 512 bytes, and a letter four."""
TEXT_MAX: Final = 500
"""Letters: a text may have 2,048 bytes."""
TAKE_KEY: Final = "take"
"""What the button of a card is called when it comes back."""

TOKEN_GONE: Final = frozenset({40014, 42001})
"""The token is not or no longer valid; a new one is asked for, once."""
REFUSED: Final = ("invaliduser", "unlicenseduser", "invalidparty", "invalidtag")
CODES: Final = Codes(
    permanent=frozenset(
        {
            40001,  # secret not right
            40003,  # no such member
            40008,  # kind of message not right
            40013,  # no such company
            40056,  # no such application
            40058,  # a parameter is not right
            44004,  # empty
            46004,  # no such member
            48002,  # the application may not
            60011,  # the application may not see the member
            60020,  # this server's address is not allowed
            60111,  # no such member
            81013,  # no recipient is reached
            82001,  # nobody named
            301002,  # the application may not
        }
    ),
    pauses_s={45009: 60.0, 45033: 1.0},
)


@dataclass(frozen=True, slots=True)
class WeComApp:
    """The application that sends. `cards`: it has a callback address, so that buttons work."""

    corp_id: str
    agent_id: int
    secret: str = field(repr=False)
    base: str = BASE
    cards: bool = True


class WeCom:
    """Sends pages as an application; keeps its access token until WeCom says that it is over."""

    def __init__(self, app: WeComApp, http: Http | None = None) -> None:
        self._app = app
        self._http = http or Http()
        self._token = ""
        self._renewing = asyncio.Lock()

    async def send(self, page: OutgoingPage) -> Outcome:
        """Hand the page over; a token that expires on the way is renewed and the page sent."""
        # `@all` and lists with `|` are no member: a page goes to one person.
        if not address_fits("wecom", page.address):
            return Permanent("the contact's address is no WeCom member id; mend the registry")
        talk = self._http.talk()
        body = msgspec.json.encode(message_of(page, self._app))
        token = await self._valid_token(talk, expired="")
        answer = await self._post(talk, token, body)
        if isinstance(token, str) and _token_gone(answer):
            answer = await self._post(talk, await self._valid_token(talk, expired=token), body)
        return judge(answer)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.close()

    async def _post(
        self, talk: Talk, token: str | Retryable | Permanent, body: bytes
    ) -> Answer | Failure:
        if not isinstance(token, str):
            return token
        query = urlencode({"access_token": token})
        return await talk.post(f"{self._app.base}/cgi-bin/message/send?{query}", body)

    async def _valid_token(self, talk: Talk, expired: str) -> str | Retryable | Permanent:
        """Return the token, a new one when the kept one is `expired`; whoever comes first asks."""
        async with self._renewing:
            if self._token in ("", expired):
                token = await self._ask_token(talk)
                if not isinstance(token, str):
                    return token
                self._token = token
            return self._token

    async def _ask_token(self, talk: Talk) -> str | Retryable | Permanent:
        query = urlencode({"corpid": self._app.corp_id, "corpsecret": self._app.secret})
        answer = await talk.get(f"{self._app.base}/cgi-bin/gettoken?{query}")
        fields = fields_or_failure(answer)
        if isinstance(fields, Ambiguous):
            # No page has left yet.
            return Retryable(f"no token: {fields.reason}")
        if not isinstance(fields, dict):
            return fields
        token = fields.get("access_token")
        if failure := CODES.failure(fields.get("errcode")):
            return failure
        return token if isinstance(token, str) and token else Retryable("answered without a token")


def message_of(page: OutgoingPage, app: WeComApp) -> dict[str, Any]:
    """Return the message: the same for every attempt, or WeCom would not know it again.

    A button answers one episode; what is about several, or about none, has a link alone.
    """
    if not page.link:
        kind, content = "text", {"content": clip(page.body, TEXT_MAX)}
    elif app.cards and page.alone and page.episode_id:
        kind, content = "template_card", _button_card(page)
    else:
        kind, content = "textcard", _text_card(page)
    return {
        "touser": page.address,
        "msgtype": kind,
        "agentid": app.agent_id,
        kind: content,
        "enable_duplicate_check": 1,
        "duplicate_check_interval": DUPLICATE_CHECK_S,
    }


def _button_card(page: OutgoingPage) -> dict[str, Any]:
    return {
        "card_type": "button_interaction",
        "main_title": {"title": clip(page.body, TITLE_MAX)},
        "sub_title_text": clip(page.body, DETAIL_MAX) if len(page.body) > TITLE_MAX else "",
        "card_action": {"type": 1, "url": page.link},
        "task_id": str(page.page_id),
        "button_list": [{"text": TAKE[page.language], "style": 1, "key": TAKE_KEY}],
    }


def _text_card(page: OutgoingPage) -> dict[str, Any]:
    return {
        "title": clip(page.body, TITLE_MAX),
        "description": clip(page.body, CARD_TEXT_MAX),
        "url": page.link,
        "btntxt": TAKE[page.language],
    }


def _token_gone(answer: object) -> bool:
    fields = answer.fields() if isinstance(answer, Answer) else None
    return fields is not None and fields.get("errcode") in TOKEN_GONE


def judge(answer: Answer | Failure) -> Outcome:
    """Return what an answer means: agreed, and nobody refused, is a delivery."""
    fields = fields_or_failure(answer)
    if not isinstance(fields, dict):
        return fields
    if failure := CODES.failure(fields.get("errcode")):
        return failure
    if refused := [name for name in REFUSED if fields.get(name)]:
        return Permanent(f"agreed, but the recipient is refused: {', '.join(refused)}")
    message_id = fields.get("msgid")
    if not isinstance(message_id, str) or not message_id:
        return Retryable("answered without a message id")
    return Delivered(message_id)
