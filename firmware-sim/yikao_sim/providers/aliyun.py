"""Aliyun's text messages and calls, from the other side: signatures are computed again.

Answers what Dysmsapi and Dyvmsapi 2017-05-25 answer, with their codes: `Code` is OK, or says why
not, business refusals under a status of 200. Standard: ACS3-HMAC-SHA256.
"""

import hashlib
import hmac
import json
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

import msgspec

from yikao_sim.providers.provider import Handled, Message, Setup
from yikao_sim.providers.telephones import (
    KEY_ID,
    REMEMBERED_MAX,
    SIGNATURE,
    SKEW_MAX_S,
    SMS_TEMPLATE,
    VOICE_TEMPLATE,
    Filled,
    fill,
    is_chinese_mobile,
)
from yikao_sim.providers.wire import Request, Response, answer_json

VERSION: Final = "2017-05-25"
SIGNED: Final = (
    "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version"
)
NOTICE: Final = "11000000300006"
ANSWERED: Final = "200000"
CODES: Final = {
    "TEMPLATE": "isv.SMS_TEMPLATE_ILLEGAL",
    "PARAMETERS": "isv.TEMPLATE_MISSING_PARAMETERS",
    "LENGTH": "isv.PARAM_LENGTH_LIMIT",
    "URL": "isv.PARAM_NOT_SUPPORT_URL",
}
LIMIT: Final = "isv.BUSINESS_LIMIT_CONTROL"


class _Aliyun:
    """What both interfaces do with a request: sign again, take, answer questions."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._nonces: OrderedDict[str, None] = OrderedDict()
        self.taken: OrderedDict[str, str] = OrderedDict()
        """Numbers of messages and whom they were for."""

    def refusal(self) -> Response:
        return _answer(LIMIT, "misbehaving on command")

    def recipient_refused(self, request: Request) -> Response:
        return _answer("isv.MOBILE_NUMBER_ILLEGAL", "misbehaving on command")

    def expire(self) -> None:
        """Lose nothing: every request is signed by itself."""

    def _checked(self, request: Request, now_s: float) -> Response | None:
        """Return what refuses a request before it is read."""
        headers = request.headers
        if request.method != "POST" or request.path != "/":
            return _answer("InvalidAction.NotFound", "POST / it is", 404)
        if headers.get("x-acs-version") != VERSION:
            return _answer("InvalidVersion", "no such version", 400)
        if fault := _signature_fault(request, self._setup.secret):
            return _answer(fault, "computed again, it is another", 400)
        if _away_s(headers["x-acs-date"], now_s) > SKEW_MAX_S:
            return _answer("InvalidTimeStamp.Expired", "another clock", 400)
        nonce = headers["x-acs-signature-nonce"]
        if nonce in self._nonces:
            return _answer("SignatureNonceUsed", "sent once more", 400)
        self._nonces[nonce] = None
        if len(self._nonces) > REMEMBERED_MAX:
            self._nonces.popitem(last=False)
        return None

    def _take(self, number: str, kind: str, filled: Filled | str) -> Handled:
        if isinstance(filled, str):
            return _refused(CODES[filled], number)
        if not is_chinese_mobile(number):
            return _refused("isv.MOBILE_NUMBER_ILLEGAL", number)
        if not self._setup.knows(number):
            return _refused("isv.MOBILE_NUMBER_ILLEGAL", number)
        provider_id = f"{len(self.taken) + 1}^0"
        self.taken[provider_id] = number
        message = Message(number, filled.text, filled.link, provider_id)
        return Handled(_ok(**{kind: provider_id}), message, owner=number)


class AliyunSms(_Aliyun):
    """SendSms and QuerySendDetails."""

    def is_message(self, request: Request) -> bool:
        return request.headers.get("x-acs-action") == "SendSms"

    def handle(self, request: Request, now_s: float) -> Handled:
        if refusal := self._checked(request, now_s):
            return Handled(refusal, fault=refusal.body.decode())
        values = request.query
        match request.headers.get("x-acs-action"):
            case "SendSms":
                number = values.get("PhoneNumbers", "")
                if values.get("SignName") != SIGNATURE:
                    return _refused("isv.SMS_SIGNATURE_ILLEGAL", number)
                if values.get("TemplateCode") != SMS_TEMPLATE:
                    return _refused("isv.SMS_TEMPLATE_ILLEGAL", number)
                return self._take(number, "BizId", _filled(SMS_TEMPLATE, values, "TemplateParam"))
            case "QuerySendDetails":
                return Handled(self._details(values.get("BizId", ""), values["PhoneNumber"]))
            case action:
                return Handled(_answer("InvalidAction.NotFound", str(action), 404), fault="action")

    def _details(self, provider_id: str, number: str) -> Response:
        ours = self.taken.get(provider_id) == number
        entry = {"PhoneNum": number, "SendStatus": 3, "ErrCode": "DELIVERED"}
        details = {"SmsSendDetailDTO": [entry] if ours else []}
        return _ok(TotalCount=str(int(ours)), SmsSendDetailDTOs=details)


class AliyunVoice(_Aliyun):
    """SingleCallByTts and QueryCallDetailByCallId."""

    def is_message(self, request: Request) -> bool:
        return request.headers.get("x-acs-action") == "SingleCallByTts"

    def handle(self, request: Request, now_s: float) -> Handled:
        if refusal := self._checked(request, now_s):
            return Handled(refusal, fault=refusal.body.decode())
        values = request.query
        match request.headers.get("x-acs-action"):
            case "SingleCallByTts":
                number = values.get("CalledNumber", "")
                if values.get("TtsCode") != VOICE_TEMPLATE:
                    return _refused("isv.TTS_TEMPLATE_ILLEGAL", number)
                return self._take(number, "CallId", _filled(VOICE_TEMPLATE, values, "TtsParam"))
            case "QueryCallDetailByCallId" if values.get("ProdId") == NOTICE:
                return Handled(self._detail(values.get("CallId", ""), now_s))
            case action:
                return Handled(_answer("InvalidAction.NotFound", str(action), 404), fault="action")

    def _detail(self, provider_id: str, now_s: float) -> Response:
        if provider_id not in self.taken:
            return _answer("isv.INVALID_PARAMETERS", "no such call")
        ended = datetime.fromtimestamp(now_s, UTC).strftime("%Y-%m-%d %H:%M:%S")
        detail = {"callee": self.taken[provider_id], "state": ANSWERED, "endDate": ended}
        return _ok(Data=json.dumps(detail))


def _filled(template: str, values: Any, name: str) -> Filled | str:
    try:
        parameters = msgspec.json.decode(values.get(name, ""), type=dict[str, Any])
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeEncodeError):
        return "PARAMETERS"
    return fill(template, parameters)


def _signature_fault(request: Request, secret: bytes | None) -> str | None:
    """Return the code of what is wrong with a signature; None when it is right."""
    headers = request.headers
    names = SIGNED.split(";")
    body_hash = hashlib.sha256(request.body).hexdigest()
    if any(name not in headers for name in names):
        return "MissingParameter"
    if headers["x-acs-content-sha256"] != body_hash:
        return "InvalidContentSha256"
    query = "&".join(
        f"{quote(name, safe='~')}={quote(value, safe='~')}"
        for name, value in sorted(request.query.items())
    )
    lines = "".join(f"{name}:{headers[name]}\n" for name in names)
    canonical = f"POST\n/\n{query}\n{lines}\n{SIGNED}\n{body_hash}"
    to_sign = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest((secret or b"").strip(), to_sign.encode(), hashlib.sha256).hex()
    genuine = f"ACS3-HMAC-SHA256 Credential={KEY_ID},SignedHeaders={SIGNED},Signature={signature}"
    given = headers.get("authorization", "")
    if f"Credential={KEY_ID}," not in given:
        return "InvalidAccessKeyId.NotFound"
    return (
        None if hmac.compare_digest(given.encode(), genuine.encode()) else "SignatureDoesNotMatch"
    )


def _away_s(date: str, now_s: float) -> float:
    try:
        told = datetime.strptime(date, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return float("inf")
    return abs(now_s - told.timestamp())


def _refused(code: str, owner: str) -> Handled:
    return Handled(_answer(code, "refused"), fault=code, owner=owner)


def _answer(code: str, message: str, status: int = 200) -> Response:
    return answer_json(status, {"Code": code, "Message": message, "RequestId": "R-1"})


def _ok(**values: Any) -> Response:
    return answer_json(200, {"Code": "OK", "Message": "OK", "RequestId": "R-1", **values})
