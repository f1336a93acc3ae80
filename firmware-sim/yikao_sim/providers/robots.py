"""The group robots of DingTalk and Feishu, as strict as theirs: signature, format, rate.

Both answer 200 to everything and say what they mean with a code; both take the same message twice.
A robot of a doctor's is the token in its address. Sources as in the channels' own modules:
https://open.dingtalk.com/document/orgapp/custom-robots-send-group-messages and
https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
"""

import base64
import hashlib
import hmac
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from yikao_sim.providers.provider import Handled, Message, Setup
from yikao_sim.providers.wire import Request, Response, answer_json

CLOCK_TOLERANCE_S: Final = 3600
DINGTALK_PATH: Final = "/robot/send"
FEISHU_PATH: Final = "/open-apis/bot/v2/hook/"
MINUTE_S: Final = 60.0
BODY_MAX_BYTES: Final = 20_000


@dataclass(slots=True)
class Rate:
    """At most `count` in a minute to each robot; one more blocks it for `blocked_s`."""

    count: int
    blocked_s: float
    _sent: defaultdict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    _until: dict[str, float] = field(default_factory=dict)

    def allows(self, token: str, now_s: float) -> bool:
        """Count one more; False when it is too many."""
        sent = self._sent[token]
        while sent and sent[0] <= now_s - MINUTE_S:
            sent.popleft()
        if now_s < self._until.get(token, 0.0):
            return False
        if len(sent) >= self.count:
            self._until[token] = now_s + self.blocked_s
            return False
        sent.append(now_s)
        return True


class DingTalkRobot:
    """Takes POSTs to `/robot/send?access_token=OWNER`."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._rate = Rate(20, 600.0)
        self._count = 0

    def is_message(self, request: Request) -> bool:
        return request.method == "POST" and request.path == DINGTALK_PATH

    def handle(self, request: Request, now_s: float) -> Handled:
        token = request.query.get("access_token", "")
        if not self.is_message(request):
            return _refused(token, 404, "no such address", http=404)
        if not self._setup.knows(token):
            return _refused(token, 300001, "token is not exist")
        if fault := self._signature_fault(request.query, now_s):
            return _refused(token, 310000, fault)
        if not request.headers.get("content-type", "").startswith("application/json"):
            return _refused(token, 43004, "Content-Type is not application/json")
        message = _dingtalk_text(request)
        if message is None or len(request.body) > BODY_MAX_BYTES:
            return _refused(token, 40035, "not a message")
        if not self._rate.allows(token, now_s):
            return _refused(token, 130101, "send too fast, exceed 20 times per minute")
        self._count += 1
        arrived = Message(token, *message, f"dingtalk-{self._count}")
        return Handled(answer_json(200, {"errcode": 0, "errmsg": "ok"}), arrived, owner=token)

    def refusal(self) -> Response:
        return answer_json(200, {"errcode": -1, "errmsg": "misbehaving on command"})

    def recipient_refused(self, request: Request) -> Response:
        return self.refusal()

    def expire(self) -> None:
        """Lose nothing: a robot's token does not expire."""

    def _signature_fault(self, query: Mapping[str, str], now_s: float) -> str:
        if self._setup.secret is None:
            return ""
        stamp = query.get("timestamp", "")
        if not stamp.isdecimal() or abs(int(stamp) / 1000 - now_s) > CLOCK_TOLERANCE_S:
            return "invalid timestamp"
        text = stamp.encode() + b"\n" + self._setup.secret
        genuine = _base64_hmac(self._setup.secret, text)
        return "" if query.get("sign") == genuine else "sign not match"


class FeishuRobot:
    """Takes POSTs to `/open-apis/bot/v2/hook/OWNER`."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._rate = Rate(100, 0.0)
        self._count = 0

    def is_message(self, request: Request) -> bool:
        return request.method == "POST" and request.path.startswith(FEISHU_PATH)

    def handle(self, request: Request, now_s: float) -> Handled:
        token = request.path.removeprefix(FEISHU_PATH)
        if not self.is_message(request):
            return _refused(token, 404, "no such address", http=404)
        if not self._setup.knows(token):
            return _refused(token, 19001, "param invalid: incoming webhook access token invalid")
        fields = request.fields() or {}
        if fault := self._signature_fault(fields, now_s):
            return _refused(token, 19021, fault)
        message = _feishu_text(fields)
        if message is None:
            return _refused(token, 9499, "Bad Request")
        if len(request.body) > BODY_MAX_BYTES:
            return _refused(token, 19036, "too long")
        if not self._rate.allows(token, now_s):
            return _refused(token, 11232, "frequency limited psm")
        self._count += 1
        arrived = Message(token, *message, f"feishu-{self._count}")
        said = {
            "StatusCode": 0,
            "StatusMessage": "success",
            "code": 0,
            "data": {},
            "msg": "success",
        }
        return Handled(answer_json(200, said), arrived, owner=token)

    def refusal(self) -> Response:
        return answer_json(200, {"code": 11232, "data": {}, "msg": "misbehaving on command"})

    def recipient_refused(self, request: Request) -> Response:
        return self.refusal()

    def expire(self) -> None:
        """Lose nothing: a robot's token does not expire."""

    def _signature_fault(self, fields: Mapping[str, Any], now_s: float) -> str:
        if self._setup.secret is None:
            return ""
        wrong = "sign match fail or timestamp is not within one hour from current time"
        stamp = str(fields.get("timestamp", ""))
        if not stamp.isdecimal() or abs(int(stamp) - now_s) > CLOCK_TOLERANCE_S:
            return wrong
        genuine = _base64_hmac(stamp.encode() + b"\n" + self._setup.secret, b"")
        return "" if fields.get("sign") == genuine else wrong


def _dingtalk_text(request: Request) -> tuple[str, str] | None:
    match request.fields():
        case {"msgtype": "text", "text": {"content": str(text)}} if text:
            return text, ""
        case {
            "msgtype": "actionCard",
            "actionCard": {
                "title": str(title),
                "text": str(text),
                "singleTitle": str(button),
                "singleURL": str(link),
            },
        } if title and text and button and link:
            return text, link
        case _:
            return None


def _feishu_text(fields: Mapping[str, Any]) -> tuple[str, str] | None:
    match fields:
        case {"msg_type": "text", "content": {"text": str(text)}} if text:
            return text, ""
        case {"msg_type": "post", "content": {"post": dict(by_language)}} if by_language:
            return _feishu_post(next(iter(by_language.values())))
        case _:
            return None


def _feishu_post(post: Any) -> tuple[str, str] | None:
    match post:
        case {
            "content": [
                [{"tag": "text", "text": str(text)}],
                [{"tag": "a", "text": str(words), "href": str(link)}],
            ]
        } if text and words and link:
            return text, link
        case _:
            return None


def _refused(owner: str, code: int, why: str, http: int = 200) -> Handled:
    """Return a refusal in both dialects: each reads its own names."""
    said = {"errcode": code, "errmsg": why, "code": code, "msg": why}
    return Handled(answer_json(http, said), fault=f"{code} {why}", owner=owner)


def _base64_hmac(key: bytes, text: bytes) -> str:
    return base64.b64encode(hmac.digest(key, text, hashlib.sha256)).decode()
