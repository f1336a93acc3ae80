"""Tencent Cloud's text messages and calls, from the other side: signatures are computed again.

Answers what SMS 2021-01-11 and VMS 2020-09-02 answer: everything under `Response`, with a status of
200 also for refusals, and each telephone with a code of its own. Standard: TC3-HMAC-SHA256.
"""

import hashlib
import hmac
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any, Final

from yikao_sim.providers.provider import Handled, Message, Setup
from yikao_sim.providers.telephones import (
    APP_ID,
    KEY_ID,
    PARAMETERS,
    SIGNATURE,
    SKEW_MAX_S,
    SMS_TEMPLATE,
    VOICE_TEMPLATE,
    Filled,
    fill,
    is_chinese_mobile,
)
from yikao_sim.providers.wire import Request, Response, answer_json

SIGNED: Final = "content-type;host;x-tc-action"
CHINA: Final = "+86"
CODES: Final = {
    "TEMPLATE": "FailedOperation.TemplateIncorrectOrUnapproved",
    "PARAMETERS": "InvalidParameterValue.TemplateParameterFormatError",
    "LENGTH": "InvalidParameterValue.TemplateParameterLengthLimit",
    "URL": "FailedOperation.ContainSensitiveWord",
}


class _Tencent:
    """What both interfaces do with a request: sign again, take, answer questions."""

    service: str
    version: str

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self.taken: OrderedDict[str, str] = OrderedDict()
        """Numbers of messages and whom they were for."""

    def refusal(self) -> Response:
        return _error("LimitExceeded.DeliveryFrequencyLimit")

    def recipient_refused(self, request: Request) -> Response:
        return _error("InvalidParameterValue.IncorrectPhoneNumber")

    def expire(self) -> None:
        """Lose nothing: every request is signed by itself."""

    def _checked(self, request: Request, now_s: float) -> str | None:
        """Return the code that refuses a request before it is read."""
        headers = request.headers
        if request.method != "POST" or request.path != "/" or request.fields() is None:
            return "InvalidRequest"
        if headers.get("x-tc-version") != self.version:
            return "NoSuchVersion"
        timestamp = headers.get("x-tc-timestamp", "")
        if not timestamp.isdecimal() or abs(now_s - int(timestamp)) > SKEW_MAX_S:
            return "AuthFailure.SignatureExpire"
        if headers.get("authorization") != self._authorization(request, int(timestamp)):
            return "AuthFailure.SignatureFailure"
        return None

    def _authorization(self, request: Request, timestamp: int) -> str:
        headers = request.headers
        lines = "".join(
            f"{name}:{headers.get(name, '')}\n" for name in ("content-type", "host")
        ) + (f"x-tc-action:{headers.get('x-tc-action', '').lower()}\n")
        body_hash = hashlib.sha256(request.body).hexdigest()
        canonical = f"POST\n/\n\n{lines}\n{SIGNED}\n{body_hash}"
        date = datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d")
        scope = f"{date}/{self.service}/tc3_request"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        key = b"TC3" + (self._setup.secret or b"").strip()
        for part in (date, self.service, "tc3_request"):
            key = hmac.digest(key, part.encode(), hashlib.sha256)
        to_sign = f"TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{digest}"
        signature = hmac.digest(key, to_sign.encode(), hashlib.sha256).hex()
        return (
            f"TC3-HMAC-SHA256 Credential={KEY_ID}/{scope}, "
            f"SignedHeaders={SIGNED}, Signature={signature}"
        )

    def _take(self, number: Any, template: str, parameters: Any) -> Message | str:
        """Return the message that arrives at a telephone, or the code that refuses it."""
        names = PARAMETERS[template]
        if not isinstance(parameters, list) or len(parameters) != len(names):
            return CODES["PARAMETERS"]
        filled = fill(template, dict(zip(names, parameters, strict=True)))
        if not isinstance(filled, Filled):
            return CODES[filled]
        if not isinstance(number, str) or not number.startswith(CHINA):
            return "InvalidParameterValue.IncorrectPhoneNumber"
        if not is_chinese_mobile(number.removeprefix(CHINA)) or not self._setup.knows(number):
            return "InvalidParameterValue.IncorrectPhoneNumber"
        provider_id = f"{self.service}:{len(self.taken) + 1}"
        self.taken[provider_id] = number
        return Message(number, filled.text, filled.link, provider_id)


class TencentSms(_Tencent):
    """SendSms and PullSmsSendStatusByPhoneNumber."""

    service = "sms"
    version = "2021-01-11"

    def is_message(self, request: Request) -> bool:
        return request.headers.get("x-tc-action") == "SendSms"

    def recipient_refused(self, request: Request) -> Response:
        fields = request.fields() or {}
        numbers = fields.get("PhoneNumberSet") or [""]
        code = "FailedOperation.PhoneNumberInBlacklist"
        return _response(SendStatusSet=[_status(str(numbers[0]), "", code)])

    def handle(self, request: Request, now_s: float) -> Handled:
        if code := self._checked(request, now_s):
            return Handled(_error(code), fault=code)
        fields = request.fields() or {}
        if fields.get("SmsSdkAppId") != APP_ID:
            return Handled(_error("UnauthorizedOperation.SmsSdkAppIdVerifyFail"), fault="app")
        match request.headers.get("x-tc-action"):
            case "SendSms":
                return self._send(fields)
            case "PullSmsSendStatusByPhoneNumber":
                return Handled(self._statuses(fields))
            case action:
                return Handled(_error("InvalidAction"), fault=str(action))

    def _send(self, fields: dict[str, Any]) -> Handled:
        if fields.get("SignName") != SIGNATURE:
            code = "FailedOperation.SignatureIncorrectOrUnapproved"
            return Handled(_error(code), fault=code)
        if fields.get("TemplateId") != SMS_TEMPLATE:
            return Handled(_error(CODES["TEMPLATE"]), fault=CODES["TEMPLATE"])
        numbers = fields.get("PhoneNumberSet")
        number = numbers[0] if isinstance(numbers, list) and len(numbers) == 1 else None
        taken = self._take(number, SMS_TEMPLATE, fields.get("TemplateParamSet"))
        if isinstance(taken, str):
            status = _status(str(number), "", taken)
            return Handled(_response(SendStatusSet=[status]), fault=taken, owner=str(number))
        status = _status(taken.owner, taken.provider_id, "Ok")
        return Handled(_response(SendStatusSet=[status]), taken, owner=taken.owner)

    def _statuses(self, fields: dict[str, Any]) -> Response:
        number = fields.get("PhoneNumber")
        arrived = {"ReportStatus": "SUCCESS", "Description": "DELIVRD", "PhoneNumber": number}
        ours = [
            {"SerialNo": provider_id, **arrived}
            for provider_id, owner in self.taken.items()
            if owner == number
        ]
        return _response(PullSmsSendStatusSet=ours)


class TencentVoice(_Tencent):
    """SendTtsVoice."""

    service = "vms"
    version = "2020-09-02"

    def is_message(self, request: Request) -> bool:
        return request.headers.get("x-tc-action") == "SendTtsVoice"

    def handle(self, request: Request, now_s: float) -> Handled:
        if code := self._checked(request, now_s):
            return Handled(_error(code), fault=code)
        fields = request.fields() or {}
        if request.headers.get("x-tc-action") != "SendTtsVoice":
            return Handled(_error("InvalidAction"), fault="action")
        if fields.get("VoiceSdkAppid") != APP_ID or fields.get("TemplateId") != VOICE_TEMPLATE:
            return Handled(_error("UnauthorizedOperation.VoiceSdkAppidVerifyFail"), fault="app")
        number = fields.get("CalledNumber")
        taken = self._take(number, VOICE_TEMPLATE, fields.get("TemplateParamSet"))
        if isinstance(taken, str):
            return Handled(_error(taken), fault=taken, owner=str(number))
        status = {"CallId": taken.provider_id, "SessionContext": fields.get("SessionContext", "")}
        return Handled(_response(SendStatus=status), taken, owner=taken.owner)


def _status(number: str, serial: str, code: str) -> dict[str, Any]:
    return {"SerialNo": serial, "PhoneNumber": number, "Fee": 1, "Code": code, "Message": code}


def _error(code: str) -> Response:
    return _response(Error={"Code": code, "Message": "refused"})


def _response(**values: Any) -> Response:
    return answer_json(200, {"Response": {**values, "RequestId": "R-1"}})
