"""Text messages by two clouds: what is sent, what its answer means, and whether it arrived.

Neither cloud recognizes a repetition: a page whose first attempt was ambiguous may come twice, with
the same code in it. Sources: Aliyun Dysmsapi 2017-05-25 (SendSms, QuerySendDetails), Tencent Cloud
SMS 2021-01-11 (SendSms, PullSmsSendStatusByPhoneNumber).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

import msgspec

from yikao_alerts.channels import aliyun, tencent
from yikao_alerts.channels.cloud import (
    CloudKey,
    Message,
    Signed,
    bare_number,
    entries_of,
    field_of,
)
from yikao_alerts.channels.outcome import Ambiguous, Delivered, Outcome
from yikao_alerts.channels.receipt import Handed, Receipt

ALIYUN: Final = "https://dysmsapi.aliyuncs.com"
TENCENT: Final = "https://sms.tencentcloudapi.com"
TENCENT_VERSION: Final = "2021-01-11"
BEIJING: Final = timezone(timedelta(hours=8))
"""In whose days Aliyun counts messages."""
PAGE_SIZE: Final = 50
"""Messages of one day to one telephone that an answer lists; we ask for a single one."""
ASKED_BACK: Final = timedelta(minutes=5)
"""How long before the acceptance Tencent Cloud is asked from: its clock is not ours."""
STATUSES_MAX: Final = 100
FAILED: Final = 2
ARRIVED: Final = 3


@dataclass(frozen=True, slots=True)
class AliyunSms:
    """Aliyun's text messages, under an approved signature."""

    key: CloudKey
    signature: str
    endpoint: str = ALIYUN

    def send(self, message: Message, at: datetime) -> Signed:
        """Return a SendSms request."""
        values = {
            "PhoneNumbers": bare_number(message.address),
            "SignName": self.signature,
            "TemplateCode": message.template,
            "TemplateParam": msgspec.json.encode(message.parameters).decode(),
            "OutId": message.reference,
        }
        return aliyun.sign(self.key, aliyun.Api(self.endpoint), "SendSms", values, at)

    def judge(self, answer: Any) -> Outcome | None:
        """Return what the answer means."""
        return aliyun.judge(answer, "BizId")

    def ask(self, handed: Handed, at: datetime) -> Signed:
        """Return a QuerySendDetails request for this one message."""
        values = {
            "PhoneNumber": bare_number(handed.address),
            "BizId": handed.provider_id,
            "SendDate": handed.at.astimezone(BEIJING).strftime("%Y%m%d"),
            "PageSize": str(PAGE_SIZE),
            "CurrentPage": "1",
        }
        return aliyun.sign(self.key, aliyun.Api(self.endpoint), "QuerySendDetails", values, at)

    def receipt(self, answer: Any, handed: Handed) -> Receipt | None:
        """Return the receipt of the one message that was asked for."""
        if field_of(answer, "Code") != aliyun.OK:
            return None
        for entry in entries_of(field_of(answer, "SmsSendDetailDTOs", "SmsSendDetailDTO")):
            status = field_of(entry, "SendStatus")
            if status in (FAILED, ARRIVED):
                reason = str(field_of(entry, "ErrCode"))
                return Receipt(handed.provider_id, status == ARRIVED, reason)
        return None


@dataclass(frozen=True, slots=True)
class TencentSms:
    """Tencent Cloud's text messages, of one application and under an approved signature."""

    key: CloudKey
    app_id: str
    signature: str
    endpoint: str = TENCENT

    def send(self, message: Message, at: datetime) -> Signed:
        """Return a SendSms request."""
        values = {
            "PhoneNumberSet": [message.address],
            "SmsSdkAppId": self.app_id,
            "SignName": self.signature,
            "TemplateId": message.template,
            "TemplateParamSet": list(message.parameters.values()),
            "SessionContext": message.reference,
        }
        return tencent.sign(self.key, self._api(), "SendSms", values, at)

    def judge(self, answer: Any) -> Outcome | None:
        """Return what the answer means: each telephone has a code of its own."""
        if not tencent.is_response(answer):
            return None
        if refusal := tencent.refusal(answer):
            return refusal
        statuses = entries_of(field_of(answer, "Response", "SendStatusSet"))
        codes = [str(field_of(status, "Code")) for status in statuses]
        for code in codes:
            if code != "Ok":
                return tencent.judge_code(code)
        number = field_of(statuses[0], "SerialNo") if statuses else None
        if not isinstance(number, str) or not number:
            return Ambiguous("Tencent Cloud neither refused nor gave a SerialNo")
        return Delivered(number)

    def ask(self, handed: Handed, at: datetime) -> Signed:
        """Return a request for what became of messages to this telephone since."""
        values = {
            "BeginTime": int((handed.at - ASKED_BACK).timestamp()),
            "EndTime": int(at.timestamp()),
            "Offset": 0,
            "Limit": STATUSES_MAX,
            "PhoneNumber": handed.address,
            "SmsSdkAppId": self.app_id,
        }
        return tencent.sign(self.key, self._api(), "PullSmsSendStatusByPhoneNumber", values, at)

    def receipt(self, answer: Any, handed: Handed) -> Receipt | None:
        """Return the receipt among all those of the telephone."""
        for entry in entries_of(field_of(answer, "Response", "PullSmsSendStatusSet")):
            status = field_of(entry, "ReportStatus")
            ours = field_of(entry, "SerialNo") == handed.provider_id
            if ours and status in ("SUCCESS", "FAIL"):
                reason = str(field_of(entry, "Description"))
                return Receipt(handed.provider_id, status == "SUCCESS", reason)
        return None

    def _api(self) -> tencent.Api:
        return tencent.Api(self.endpoint, "sms", TENCENT_VERSION)
