"""Telephone calls by two clouds: a machine rings, and speaks an approved text.

The only way to wake somebody. A call is accepted when the cloud gives it a number, and delivered
when a receipt says that it was answered; a call to a telephone that is off is accepted too.
Sources: Aliyun Dyvmsapi 2017-05-25 (SingleCallByTts, QueryCallDetailByCallId), Tencent Cloud VMS
2020-09-02 (SendTtsVoice), which tells what became of a call by callback only.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from yikao_alerts.channels import aliyun, tencent
from yikao_alerts.channels.cloud import CloudKey, Message, Signed, bare_number, field_of
from yikao_alerts.channels.json_text import json_of
from yikao_alerts.channels.outcome import Ambiguous, Delivered, Outcome
from yikao_alerts.channels.receipt import Handed, Receipt

ALIYUN: Final = "https://dyvmsapi.aliyuncs.com"
TENCENT: Final = "https://vms.tencentcloudapi.com"
TENCENT_VERSION: Final = "2020-09-02"
NOTICE_PRODUCT: Final = "11000000300006"
"""Aliyun's number of the product "voice notice"."""
OUT_ID_MAX: Final = 15
"""Letters of our reference that Aliyun keeps of a call."""
ANSWERED: Final = "200000"
PLAY_TIMES: Final = 2
"""Somebody woken by it misses the first time."""


@dataclass(frozen=True, slots=True)
class AliyunVoice:
    """Aliyun's calls. `shown_number` is bought there; empty: a number of Aliyun's own."""

    key: CloudKey
    shown_number: str = ""
    endpoint: str = ALIYUN

    def send(self, message: Message, at: datetime) -> Signed:
        """Return a SingleCallByTts request."""
        values = {
            "CalledNumber": bare_number(message.address),
            "TtsCode": message.template,
            "TtsParam": msgspec.json.encode(message.parameters).decode(),
            "PlayTimes": str(PLAY_TIMES),
            "OutId": message.reference.replace("-", "")[:OUT_ID_MAX],
        }
        if self.shown_number:
            values["CalledShowNumber"] = self.shown_number
        return aliyun.sign(self.key, aliyun.Api(self.endpoint), "SingleCallByTts", values, at)

    def judge(self, answer: Any) -> Outcome | None:
        """Return what the answer means."""
        return aliyun.judge(answer, "CallId")

    def ask(self, handed: Handed, at: datetime) -> Signed:
        """Return a QueryCallDetailByCallId request."""
        values = {
            "CallId": handed.provider_id,
            "ProdId": NOTICE_PRODUCT,
            "QueryDate": str(int(handed.at.timestamp() * 1000)),
        }
        api = aliyun.Api(self.endpoint)
        return aliyun.sign(self.key, api, "QueryCallDetailByCallId", values, at)

    def receipt(self, answer: Any, handed: Handed) -> Receipt | None:
        """Return whether the call was answered, once it has ended."""
        if field_of(answer, "Code") != aliyun.OK:
            return None
        detail = _object_in(field_of(answer, "Data"))
        state = field_of(detail, "state")
        if not state or not field_of(detail, "endDate"):
            return None
        return Receipt(handed.provider_id, str(state) == ANSWERED, str(state))


@dataclass(frozen=True, slots=True)
class TencentVoice:
    """Tencent Cloud's calls, of one application."""

    key: CloudKey
    app_id: str
    endpoint: str = TENCENT

    def send(self, message: Message, at: datetime) -> Signed:
        """Return a SendTtsVoice request."""
        values = {
            "TemplateId": message.template,
            "CalledNumber": message.address,
            "VoiceSdkAppid": self.app_id,
            "TemplateParamSet": list(message.parameters.values()),
            "PlayTimes": PLAY_TIMES,
            "SessionContext": message.reference,
        }
        api = tencent.Api(self.endpoint, "vms", TENCENT_VERSION)
        return tencent.sign(self.key, api, "SendTtsVoice", values, at)

    def judge(self, answer: Any) -> Outcome | None:
        """Return what the answer means."""
        if not tencent.is_response(answer):
            return None
        if refusal := tencent.refusal(answer):
            return refusal
        number = field_of(answer, "Response", "SendStatus", "CallId")
        if not isinstance(number, str) or not number:
            return Ambiguous("Tencent Cloud neither refused nor gave a CallId")
        return Delivered(number)

    def ask(self, handed: Handed, at: datetime) -> None:
        """Return None: there is no such question."""

    def receipt(self, answer: Any, handed: Handed) -> None:
        """Return None: nothing was asked."""


def _object_in(text: Any) -> Any:
    """Return the JSON that stands as a text within JSON; None for what is none."""
    return json_of(text) if isinstance(text, str) else None
