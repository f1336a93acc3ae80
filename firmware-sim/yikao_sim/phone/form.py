"""What a page has to look like when it arrives: our webhook's format, checked to the letter.

A real provider tolerates much and fails silently later; this one refuses at once and says why.
Format: `Idempotency-Key` and `X-Yikao-Signature` headers over one JSON object (RFC 8259, HMAC:
RFC 2104 with SHA-256).
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec

BODY_MAX_BYTES: Final = 64 * 1024
"""A page is well below a kilobyte; a longer body is refused unread."""
SIGNATURE_PREFIX: Final = "sha256="


class Page(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One page, as the webhook sends it."""

    page_id: UUID
    episode: Annotated[int, msgspec.Meta(ge=1)]
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    link: Annotated[str, msgspec.Meta(max_length=2000, pattern=r"^https?://\S+$")]
    language: Literal["zh", "en"]
    attempt: Annotated[int, msgspec.Meta(ge=1)]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is wrong, for whoever wrote the sender, and the HTTP status that says whose fault."""

    status: int
    error: str


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


def check(headers: Mapping[str, str], body: bytes, secret: bytes | None) -> Page | Refusal:
    """Return the page in `body`, or the first thing that is wrong with it.

    headers: names in lower case. Without a `secret` the signature cannot be and is not checked.
    """
    kind = headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != "application/json":
        return Refusal(415, f"Content-Type is {kind!r}, not application/json")
    if secret is not None and (fault := _signature_fault(headers, body, secret)):
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


def _signature_fault(headers: Mapping[str, str], body: bytes, secret: bytes) -> str | None:
    given = headers.get("x-yikao-signature")
    if given is None:
        return "no X-Yikao-Signature"
    if not given.startswith(SIGNATURE_PREFIX):
        return f"X-Yikao-Signature does not begin with {SIGNATURE_PREFIX}"
    genuine = SIGNATURE_PREFIX + hmac.digest(secret, body, hashlib.sha256).hex()
    if not hmac.compare_digest(given.encode(), genuine.encode()):
        return "X-Yikao-Signature does not fit the body: another secret, or a changed body"
    return None


def accepted(provider_id: str) -> Response:
    """Return the answer that is an acceptance."""
    return _json(200, {"accepted": True, "id": provider_id})


def refused(status: int, error: str) -> Response:
    """Return the answer that is none."""
    return _json(status, {"accepted": False, "error": error})


def _json(status: int, values: dict[str, Any]) -> Response:
    return Response(status, json.dumps(values, ensure_ascii=False).encode())
