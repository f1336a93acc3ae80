"""The two clouds' formats: signatures as their makers print them, and each answer's meaning."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telephones import APP_ID, KEY, SIGNATURE

from yikao_alerts.channels import aliyun, tencent
from yikao_alerts.channels.cloud import CloudKey, Vendor
from yikao_alerts.channels.outcome import Ambiguous, Delivered, Permanent, Retryable
from yikao_alerts.channels.receipt import Handed, Receipt
from yikao_alerts.channels.sms import AliyunSms, TencentSms
from yikao_alerts.channels.voice import AliyunVoice, TencentVoice

AT = datetime(2026, 3, 1, 18, 30, tzinfo=UTC)
VENDORS: dict[str, Vendor] = {
    "aliyun-sms": AliyunSms(KEY, SIGNATURE),
    "aliyun-voice": AliyunVoice(KEY),
    "tencent-sms": TencentSms(KEY, APP_ID, SIGNATURE),
    "tencent-voice": TencentVoice(KEY, APP_ID),
}
each_vendor = pytest.mark.parametrize("name", VENDORS)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("Code", "BizId", "CallId", "Response", "Error", "SendStatusSet"))
            | st.sampled_from(("SerialNo", "Data", "SmsSendDetailDTOs", "PullSmsSendStatusSet")),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def test_aliyuns_own_example() -> None:
    """Source: Alibaba Cloud SDK, "V3 request structure and signature", fixed parameter example."""
    request = aliyun.sign(
        CloudKey("YourAccessKeyId", "YourAccessKeySecret"),
        aliyun.Api("https://ecs.cn-shanghai.aliyuncs.com", "2014-05-26"),
        "RunInstances",
        {
            "RegionId": "cn-shanghai",
            "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd",
        },
        datetime(2023, 10, 26, 10, 22, 32, tzinfo=UTC),
        "3156853299f313e23d1673dc12e1703d",
    )
    assert request.headers["authorization"] == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;"
        "x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def test_tencents_own_example() -> None:
    """Source: Tencent Cloud API 3.0, "Signature v3", whose secret is 32 asterisks."""
    request = tencent.sign(
        CloudKey("AKID", "*" * 32),
        tencent.Api("https://cvm.tencentcloudapi.com", "cvm", "2017-03-12"),
        "DescribeInstances",
        rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}',
        datetime.fromtimestamp(1551113065, UTC),
    )
    assert request.headers["authorization"].endswith(
        "Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f"
    )


def test_no_two_requests_to_aliyun_are_the_same() -> None:
    api = aliyun.Api("https://dysmsapi.aliyuncs.com")
    one, other = (aliyun.sign(KEY, api, "SendSms", {}, AT) for _ in range(2))
    assert one.headers["x-acs-signature-nonce"] != other.headers["x-acs-signature-nonce"]


def test_a_request_shows_no_key_and_no_number() -> None:
    handed = Handed("1^0", "+8613800138000", AT)
    request = VENDORS["aliyun-sms"].ask(handed, AT)
    assert "13800138000" not in repr(handed) + repr(request)
    assert "only the two" not in repr(KEY)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("isv.BUSINESS_LIMIT_CONTROL", Retryable),
        ("Throttling.User", Retryable),
        ("isp.SYSTEM_ERROR", Retryable),
        ("InvalidTimeStamp.Expired", Retryable),
        ("isv.DAY_LIMIT_CONTROL", Permanent),
        ("isv.MOBILE_NUMBER_ILLEGAL", Permanent),
        ("isv.AMOUNT_NOT_ENOUGH", Permanent),
        ("isv.SMS_TEMPLATE_ILLEGAL", Permanent),
        ("isp.RAM_PERMISSION_DENY", Permanent),
        ("SignatureDoesNotMatch", Permanent),
        ("InvalidAccessKeyId.NotFound", Permanent),
        ("ok", Retryable),
        ("", Retryable),
    ],
)
def test_what_aliyun_refuses(code: str, outcome: type) -> None:
    for name in ("aliyun-sms", "aliyun-voice"):
        answer = {"Code": code, "Message": "OK", "BizId": "1^0", "CallId": "1^0"}
        assert isinstance(VENDORS[name].judge(answer), outcome)


def test_a_limit_is_waited_for() -> None:
    refused = VENDORS["aliyun-sms"].judge({"Code": "isv.BUSINESS_LIMIT_CONTROL"})
    assert isinstance(refused, Retryable) and refused.after_s == 30.0
    status = {"Code": "LimitExceeded.PhoneNumberThirtySecondLimit"}
    refused = VENDORS["tencent-sms"].judge({"Response": {"SendStatusSet": [status]}})
    assert isinstance(refused, Retryable) and refused.after_s == 30.0


@pytest.mark.parametrize(
    ("message", "outcome"),
    [
        ("触发分钟级流控Permits:1", Retryable),
        ("触发小时级流控Permits:5", Permanent),
        ("触发天级流控Permits:40", Permanent),
        (None, Retryable),
    ],
)
def test_no_page_waits_for_the_next_hour_or_day(message: str | None, outcome: type) -> None:
    answer = {"Code": "isv.BUSINESS_LIMIT_CONTROL", "Message": message}
    assert isinstance(VENDORS["aliyun-sms"].judge(answer), outcome)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("LimitExceeded.PhoneNumberThirtySecondLimit", Retryable),
        ("LimitExceeded.DeliveryFrequencyLimit", Retryable),
        ("RequestLimitExceeded", Retryable),
        ("InternalError.Timeout", Retryable),
        ("AuthFailure.SignatureExpire", Retryable),
        ("ok", Retryable),
        ("LimitExceeded.PhoneNumberDailyLimit", Permanent),
        ("AuthFailure.SignatureFailure", Permanent),
        ("FailedOperation.PhoneNumberInBlacklist", Permanent),
        ("FailedOperation.InsufficientBalanceInSmsPackage", Permanent),
        ("InvalidParameterValue.IncorrectPhoneNumber", Permanent),
        ("UnauthorizedOperation.SmsSdkAppIdVerifyFail", Permanent),
    ],
)
def test_what_tencent_refuses(code: str, outcome: type) -> None:
    whole = {"Response": {"Error": {"Code": code}, "RequestId": "R"}}
    one = {"Response": {"SendStatusSet": [{"Code": code, "SerialNo": "1"}]}}
    assert isinstance(VENDORS["tencent-voice"].judge(whole), outcome)
    assert isinstance(VENDORS["tencent-sms"].judge(whole), outcome)
    assert isinstance(VENDORS["tencent-sms"].judge(one), outcome)


def test_one_telephone_refused_is_not_accepted() -> None:
    statuses = [{"Code": "Ok", "SerialNo": "1"}, {"Code": "FailedOperation", "SerialNo": ""}]
    answer = {"Response": {"SendStatusSet": statuses}}
    assert isinstance(VENDORS["tencent-sms"].judge(answer), Permanent)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("aliyun-sms", {"Code": "OK"}),
        ("aliyun-voice", {"Code": "OK", "CallId": ""}),
        ("tencent-sms", {"Response": {"SendStatusSet": []}}),
        ("tencent-voice", {"Response": {"SendStatus": {}}}),
    ],
)
def test_an_acceptance_without_a_number_is_none_that_can_be_relied_on(
    name: str, answer: Any
) -> None:
    assert isinstance(VENDORS[name].judge(answer), Ambiguous)


@each_vendor
@given(answer=JSON)
def test_any_json_means_something_and_is_delivered_only_with_a_number(
    name: str, answer: Any
) -> None:
    vendor, handed = VENDORS[name], Handed("1^0", "+8613800138000", AT)
    outcome = vendor.judge(answer)
    assert not isinstance(outcome, Delivered) or outcome.provider_id
    receipt = vendor.receipt(answer, handed)
    assert receipt is None or receipt.provider_id == "1^0"


@pytest.mark.parametrize(("status", "delivered"), [(1, None), (2, False), (3, True), (None, None)])
def test_aliyuns_receipts(status: int | None, delivered: bool | None) -> None:
    entry = {"SendStatus": status, "ErrCode": "WORD"}
    answer = {"Code": "OK", "SmsSendDetailDTOs": {"SmsSendDetailDTO": [entry]}}
    receipt = VENDORS["aliyun-sms"].receipt(answer, Handed("1^0", "+8613800138000", AT))
    assert receipt == (None if delivered is None else Receipt("1^0", delivered, "WORD"))


@pytest.mark.parametrize(
    ("detail", "delivered"),
    [
        ('{"state": "200000", "endDate": "2026-03-02 02:31:00"}', True),
        ('{"state": "200005", "endDate": "2026-03-02 02:31:00"}', False),
        ('{"state": "200000", "endDate": ""}', None),
        ("{}", None),
        ("no JSON", None),
        (None, None),
    ],
)
def test_a_call_is_delivered_when_it_was_answered(
    detail: str | None, delivered: bool | None
) -> None:
    handed = Handed("1^0", "+8613800138000", AT)
    receipt = VENDORS["aliyun-voice"].receipt({"Code": "OK", "Data": detail}, handed)
    assert (None if receipt is None else receipt.delivered) == delivered


def test_tencents_receipts_are_looked_for_by_number() -> None:
    entries = [
        {"SerialNo": "other", "ReportStatus": "SUCCESS"},
        {"SerialNo": "1^0", "ReportStatus": "FAIL", "Description": "MK:0001"},
    ]
    answer = {"Response": {"PullSmsSendStatusSet": entries}}
    handed = Handed("1^0", "+8613800138000", AT)
    assert VENDORS["tencent-sms"].receipt(answer, handed) == Receipt("1^0", False, "MK:0001")


def test_aliyun_is_asked_for_the_day_in_beijing() -> None:
    question = VENDORS["aliyun-sms"].ask(Handed("1^0", "+8613800138000", AT), AT)
    assert question is not None and "SendDate=20260302" in question.url
    assert "PhoneNumber=13800138000" in question.url
