"""What a page has to look like when it arrives: our webhook's format, checked to the letter.

A real provider tolerates much and fails silently later; this one refuses at once and says why.
Format: `Idempotency-Key`, `X-Yikao-Timestamp` and `X-Yikao-Signature` headers over one JSON object
(RFC 8259, HMAC: RFC 2104 with SHA-256).
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec

SIGNATURE_PREFIX: Final = "sha256="
REPLAY_WINDOW_S: Final = 300
"""An attempt that was signed longer ago, or in the future, is somebody else's copy of it."""


class Page(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One page, as the webhook sends it; episode 0: it is about the server, and about nobody."""

    page_id: UUID
    episode: Annotated[int, msgspec.Meta(ge=0)]
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    link: Annotated[str, msgspec.Meta(max_length=2000, pattern=r"^(https?://\S+)?$")]
    language: Literal["zh", "en"]
    attempt: Annotated[int, msgspec.Meta(ge=1)]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is wrong, for whoever wrote the sender, and the HTTP status that says whose fault."""

    status: int
    error: str


def check(
    headers: Mapping[str, str], body: bytes, secret: bytes | None, now_s: float
) -> Page | Refusal:
    """Return the page in `body`, or the first thing that is wrong with it.

    headers: names in lower case. Without a `secret` the signature cannot be and is not checked.
    now_s: real seconds since 1970.
    """
    kind = headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != "application/json":
        return Refusal(415, f"Content-Type is {kind!r}, not application/json")
    if secret is not None and (fault := _signature_fault(headers, body, secret, now_s)):
        return Refusal(401, fault)
    try:
        page = msgspec.json.decode(body, type=Page)
    except msgspec.ValidationError as error:
        return Refusal(422, f"not the page format: {error}")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Refusal(400, f"not JSON: {error}")
    if headers.get("idempotency-key") != str(page.page_id):
        return Refusal(422, "Idempotency-Key is not the page_id")
    return page


def _signature_fault(
    headers: Mapping[str, str], body: bytes, secret: bytes, now_s: float
) -> str | None:
    given = headers.get("x-yikao-signature")
    if given is None:
        return "no X-Yikao-Signature"
    if not given.startswith(SIGNATURE_PREFIX):
        return f"X-Yikao-Signature does not begin with {SIGNATURE_PREFIX}"
    timestamp = headers.get("x-yikao-timestamp", "")
    if not (timestamp.isascii() and timestamp.isdecimal()):
        return "no X-Yikao-Timestamp in seconds since 1970"
    signed = f"{timestamp}.".encode() + body
    genuine = SIGNATURE_PREFIX + hmac.digest(secret, signed, hashlib.sha256).hex()
    if not hmac.compare_digest(given.encode(), genuine.encode()):
        return "X-Yikao-Signature does not fit the body: another secret, or a changed body"
    if abs(now_s - int(timestamp)) > REPLAY_WINDOW_S:
        return f"X-Yikao-Timestamp is more than {REPLAY_WINDOW_S} s from now: sent once more?"
    return None
