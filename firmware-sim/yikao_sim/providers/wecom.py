"""WeCom as an application meets it: tokens, members, cards, and a limit that nobody is told of.

Strict where WeCom is: a token is asked for with company and secret, and expires; a card is exactly
a card; identical messages within the asked-for time arrive once; more than 30 a minute to a member
are agreed to and thrown away. https://developer.work.weixin.qq.com/document/path/90236
"""

import json
import re
from collections import OrderedDict, defaultdict, deque
from collections.abc import Mapping
from typing import Any, Final

from yikao_sim.providers.provider import Handled, Message, Setup
from yikao_sim.providers.wire import Request, Response, answer_json

CORP_ID: Final = "ww0000000000000000"
AGENT_ID: Final = 1000002
TOKEN_PATH: Final = "/cgi-bin/gettoken"
SEND_PATH: Final = "/cgi-bin/message/send"
TOKEN_LIVES_S: Final = 7200
DUPLICATE_MAX_S: Final = 4 * 3600
MEMBER_A_MINUTE: Final = 30
MINUTE_S: Final = 60.0
REMEMBERED_MAX: Final = 10_000
TASK_ID: Final = re.compile(r"[A-Za-z0-9_@-]{1,128}")
_TEXT_MAX_BYTES: Final = 2048


class WeCom:
    """Gives out tokens at `/cgi-bin/gettoken`, takes messages at `/cgi-bin/message/send`."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._tokens: dict[str, float] = {}
        self._seen: OrderedDict[str, tuple[float, Message]] = OrderedDict()
        self._tasks: set[str] = set()
        self._sent: defaultdict[str, deque[float]] = defaultdict(deque)
        self._count = 0

    def is_message(self, request: Request) -> bool:
        return request.method == "POST" and request.path == SEND_PATH

    def handle(self, request: Request, now_s: float) -> Handled:
        if request.method == "GET" and request.path == TOKEN_PATH:
            return self._token(request.query, now_s)
        if not self.is_message(request):
            return _refused("", 404, "no such address", status=404)
        token = request.query.get("access_token", "")
        if token not in self._tokens:
            return _refused("", 40014, "invalid access_token")
        if self._tokens[token] <= now_s:
            return _refused("", 42001, "access_token expired")
        return self._take(request, now_s)

    def refusal(self) -> Response:
        return _refused("", -1, "system busy").response

    def recipient_refused(self, request: Request) -> Response:
        member = str((request.fields() or {}).get("touser", "")).lower()
        said = {"errcode": 0, "errmsg": "ok", "invaliduser": member, "msgid": "none"}
        return answer_json(200, said)

    def expire(self) -> None:
        """Let every token expire."""
        self._tokens = dict.fromkeys(self._tokens, 0.0)

    def _token(self, query: Mapping[str, str], now_s: float) -> Handled:
        if query.get("corpid") != CORP_ID:
            return _refused("", 40013, "invalid corpid")
        secret = self._setup.secret
        if secret is not None and query.get("corpsecret", "").encode() != secret:
            return _refused("", 40001, "invalid credential")
        self._count += 1
        token = f"token-{self._count}"
        self._tokens[token] = now_s + TOKEN_LIVES_S
        said = {"errcode": 0, "errmsg": "ok", "access_token": token, "expires_in": TOKEN_LIVES_S}
        return Handled(answer_json(200, said))

    def _take(self, request: Request, now_s: float) -> Handled:
        fields = request.fields() or {}
        member = str(fields.get("touser", ""))
        content = _content(fields)
        if content is None or fields.get("agentid") != AGENT_ID:
            return _refused(member, 40058, "not a message")
        if not self._setup.knows(member):
            return _refused(member, 81013, "user & party & tag all invalid")
        known = self._known(fields, now_s)
        if known is not None:
            return Handled(_agreed(known.provider_id), known, repeated=True, owner=member)
        task_id = content[2]
        if task_id in self._tasks:
            return _refused(member, 40058, "task_id is not new")
        self._count += 1
        message = Message(member, content[0], content[1], f"msg-{self._count}", task_id=task_id)
        self._remember(fields, message, now_s)
        if not self._allows(member, now_s):
            # Agreed to and thrown away: nobody is told.
            return Handled(_agreed(message.provider_id), fault="thrown away", owner=member)
        return Handled(_agreed(message.provider_id), message, owner=member)

    def _known(self, fields: Mapping[str, Any], now_s: float) -> Message | None:
        seconds = fields.get("duplicate_check_interval", 1800)
        if fields.get("enable_duplicate_check") != 1 or not 0 < seconds <= DUPLICATE_MAX_S:
            return None
        at, message = self._seen.get(_key(fields), (0.0, None))
        return message if now_s - at < seconds else None

    def _remember(self, fields: Mapping[str, Any], message: Message, now_s: float) -> None:
        self._seen[_key(fields)] = (now_s, message)
        if message.task_id:
            self._tasks.add(message.task_id)
        if len(self._seen) > REMEMBERED_MAX:
            self._seen.popitem(last=False)

    def _allows(self, member: str, now_s: float) -> bool:
        sent = self._sent[member]
        while sent and sent[0] <= now_s - MINUTE_S:
            sent.popleft()
        sent.append(now_s)
        return len(sent) <= MEMBER_A_MINUTE


def _key(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, sort_keys=True)


def _content(fields: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """Return text, link and task of a message; None for what is no message."""
    match fields:
        case {"msgtype": "text", "text": {"content": str(text)}}:
            return (text, "", "") if 0 < len(text.encode()) <= _TEXT_MAX_BYTES else None
        case {"msgtype": "textcard", "textcard": dict(card)}:
            return _text_card(card)
        case {"msgtype": "template_card", "template_card": dict(card)}:
            return _button_card(card)
        case _:
            return None


def _text_card(card: Mapping[str, Any]) -> tuple[str, str, str] | None:
    match card:
        case {"title": str(title), "description": str(text), "url": str(url)}:
            fits = 0 < len(title) <= 128 and 0 < len(text.encode()) <= 512
            return (text, url, "") if fits and _is_link(url) else None
        case _:
            return None


def _button_card(card: Mapping[str, Any]) -> tuple[str, str, str] | None:
    match card:
        case {
            "card_type": "button_interaction",
            "main_title": {"title": str(title)},
            "sub_title_text": str(detail),
            "card_action": {"type": 1, "url": str(url)},
            "task_id": str(task_id),
            "button_list": [{"text": str(button), "key": str(key)}],
        }:
            fits = title and button and key and TASK_ID.fullmatch(task_id) and _is_link(url)
            return (detail or title, url, task_id) if fits else None
        case _:
            return None


def _is_link(url: str) -> bool:
    return url.startswith(("http://", "https://")) and len(url) <= 2048


def _agreed(message_id: str) -> Response:
    said = {"errcode": 0, "errmsg": "ok", "invaliduser": "", "msgid": message_id}
    return answer_json(200, said)


def _refused(owner: str, code: int, why: str, status: int = 200) -> Handled:
    said = {"errcode": code, "errmsg": why}
    return Handled(answer_json(status, said), fault=f"{code} {why}", owner=owner)
