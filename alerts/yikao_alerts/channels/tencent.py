"""Tencent Cloud's signed requests, and what its answers mean.

Standard: Tencent Cloud API 3.0, signature method v3 (TC3-HMAC-SHA256); one JSON object is posted,
and the answer stands under `Response`, with `Error` in it when the whole request was refused.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from yikao_alerts.channels.cloud import LIMIT_PAUSE_S, CloudKey, Signed, field_of
from yikao_alerts.channels.outcome import Outcome, Permanent, Retryable

ALGORITHM: Final = "TC3-HMAC-SHA256"
CONTENT_TYPE: Final = "application/json; charset=utf-8"
SIGNED_HEADERS: Final = "content-type;host;x-tc-action"
REGION: Final = "ap-guangzhou"
USED_UP: Final = (
    "LimitExceeded.PhoneNumberOneHourLimit",
    "LimitExceeded.PhoneNumberDailyLimit",
    "LimitExceeded.AppMainlandChinaDailyLimit",
    "LimitExceeded.DailyLimit",
)
"""Limits that a page cannot wait for: another contact is needed."""
LIMITS: Final = ("LimitExceeded", "RequestLimitExceeded")
PASSING: Final = ("InternalError", "ResourceUnavailable", "AuthFailure.SignatureExpire")
STAYING: Final = (
    "AuthFailure",
    "UnauthorizedOperation",
    "UnsupportedOperation",
    "InvalidParameter",
    "MissingParameter",
    "UnknownParameter",
    "FailedOperation",
    "InvalidAction",
    "NoSuch",
    "OperationDenied",
)
"""Beginnings of codes that stay until somebody mends settings, template or telephone number."""


@dataclass(frozen=True, slots=True)
class Api:
    """One of Tencent Cloud's interfaces: where it is, its name in the signature, its version."""

    endpoint: str
    service: str
    version: str
    region: str = REGION


def sign(
    key: CloudKey, api: Api, action: str, values: Mapping[str, Any] | bytes, at: datetime
) -> Signed:
    """Return the request for `action` with `values`, or with a body that is JSON already."""
    body = values if isinstance(values, bytes) else msgspec.json.encode(values)
    host = urlsplit(api.endpoint).netloc
    lines = f"content-type:{CONTENT_TYPE}\nhost:{host}\nx-tc-action:{action.lower()}\n"
    canonical = f"POST\n/\n\n{lines}\n{SIGNED_HEADERS}\n{hashlib.sha256(body).hexdigest()}"
    timestamp, date = int(at.timestamp()), at.astimezone(UTC).strftime("%Y-%m-%d")
    scope = f"{date}/{api.service}/tc3_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"{ALGORITHM}\n{timestamp}\n{scope}\n{digest}"
    signature = hmac.digest(_signing_key(key, date, api), to_sign.encode(), hashlib.sha256).hex()
    headers = {
        "content-type": CONTENT_TYPE,
        "host": host,
        "x-tc-action": action,
        "x-tc-region": api.region,
        "x-tc-timestamp": str(timestamp),
        "x-tc-version": api.version,
        "authorization": f"{ALGORITHM} Credential={key.id}/{scope}, "
        f"SignedHeaders={SIGNED_HEADERS}, Signature={signature}",
    }
    return Signed(f"{api.endpoint}/", headers, body)


def refusal(answer: Any) -> Outcome | None:
    """Return why the whole request was refused; None when it was not."""
    error = field_of(answer, "Response", "Error")
    return None if error is None else judge_code(str(field_of(error, "Code")))


def is_response(answer: Any) -> bool:
    """Return whether this is an answer of Tencent Cloud's at all."""
    return isinstance(field_of(answer, "Response"), dict)


def judge_code(code: str) -> Outcome:
    """Return what a code that is no acceptance means."""
    reason = f"Tencent Cloud refused: {code}"
    if code.startswith(USED_UP):
        return Permanent(reason)
    if code.startswith(LIMITS):
        return Retryable(reason, LIMIT_PAUSE_S)
    stays = code.startswith(STAYING) and not code.startswith(PASSING)
    return Permanent(reason) if stays else Retryable(reason)


def _signing_key(key: CloudKey, date: str, api: Api) -> bytes:
    secret = f"TC3{key.secret}".encode()
    for part in (date, api.service, "tc3_request"):
        secret = hmac.digest(secret, part.encode(), hashlib.sha256)
    return secret
