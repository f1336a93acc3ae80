"""Aliyun's signed requests, and what its answers mean.

Standard: "V3 request structure and signature" (ACS3-HMAC-SHA256) of the Alibaba Cloud SDK guide;
parameters stand in the query and the body is empty, as in Dysmsapi and Dyvmsapi 2017-05-25.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote, urlsplit

from yikao_alerts.channels.cloud import LIMIT_PAUSE_S, CloudKey, Signed, field_of
from yikao_alerts.channels.outcome import Ambiguous, Delivered, Outcome, Permanent, Retryable

ALGORITHM: Final = "ACS3-HMAC-SHA256"
VERSION: Final = "2017-05-25"
NONCE_BYTES: Final = 16
OK: Final = "OK"
PASSING: Final = (
    "isv.BUSINESS_LIMIT_CONTROL",
    "isp.",
    "Throttling",
    "ServiceUnavailable",
    "InternalError",
    "InvalidTimeStamp",
    "SignatureNonceUsed",
)
"""Beginnings of codes that may be otherwise in a moment."""
LIMITS: Final = ("isv.BUSINESS_LIMIT_CONTROL", "Throttling")
LONG_LIMITS: Final = ("小时级", "天级")
"""In the message of a limit: of an hour or a day, which no page can wait for."""
STAYING: Final = (
    "isv.",
    "isp.RAM_PERMISSION_DENY",
    "Invalid",
    "Missing",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "Forbidden",
    "NoPermission",
)
"""Beginnings of codes that stay until somebody mends settings, template or telephone number."""


@dataclass(frozen=True, slots=True)
class Api:
    """One of Aliyun's interfaces: where it is, and its version."""

    endpoint: str
    version: str = VERSION


def sign(
    key: CloudKey,
    api: Api,
    action: str,
    parameters: Mapping[str, str],
    at: datetime,
    nonce: str | None = None,
) -> Signed:
    """Return the request for `action`; a nonce of its own for each unless one is given."""
    body_hash = hashlib.sha256(b"").hexdigest()
    headers = {
        "host": urlsplit(api.endpoint).netloc,
        "x-acs-action": action,
        "x-acs-content-sha256": body_hash,
        "x-acs-date": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": nonce or secrets.token_hex(NONCE_BYTES),
        "x-acs-version": api.version,
    }
    query = "&".join(
        f"{quote(name, safe='~')}={quote(value, safe='~')}"
        for name, value in sorted(parameters.items())
    )
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = f"POST\n/\n{query}\n{lines}\n{names}\n{body_hash}"
    to_sign = f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(key.secret.encode(), to_sign.encode(), hashlib.sha256).hex()
    headers["authorization"] = (
        f"{ALGORITHM} Credential={key.id},SignedHeaders={names},Signature={signature}"
    )
    return Signed(f"{api.endpoint}/?{query}", headers)


def judge(answer: Any, id_field: str) -> Outcome | None:
    """Return what an answer means; `id_field` is where the accepted message's number stands."""
    code = field_of(answer, "Code")
    if not isinstance(code, str):
        return None
    if code == OK:
        number = field_of(answer, id_field)
        missing = Ambiguous(f"Aliyun said OK without a {id_field}")
        return Delivered(number) if isinstance(number, str) and number else missing
    reason = f"Aliyun refused: {code}"
    if code == "isp.RAM_PERMISSION_DENY" or _is_long_limit(code, field_of(answer, "Message")):
        return Permanent(reason)
    if code.startswith(PASSING):
        return Retryable(reason, LIMIT_PAUSE_S if code.startswith(LIMITS) else None)
    return Permanent(reason) if code.startswith(STAYING) else Retryable(reason)


def _is_long_limit(code: str, message: Any) -> bool:
    return code.startswith(LIMITS) and any(word in str(message) for word in LONG_LIMITS)
