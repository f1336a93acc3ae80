"""The signed link in a page: it opens one page, for one doctor, for a day, and nothing else.

The token is no login: it shows a masked page and can acknowledge it. HMAC-SHA256 over page,
doctor and expiry, with a key that only the server's processes read.
"""

import base64
import hashlib
import hmac
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

LIFETIME: Final = timedelta(hours=24)
KEY_BYTES: Final = 32
SHORT_PATH: Final = "/s/"
"""Where the feed answers short links."""
_MAC_BYTES: Final = 16
_HEAD: Final = struct.Struct(">16sI")


@dataclass(frozen=True, slots=True)
class PageLink:
    """What a genuine link stands for."""

    page_id: UUID
    doctor_id: str


def make_link(secret: bytes, link: PageLink, now: datetime) -> str:
    """Return the token of a link that is good until `LIFETIME` from `now`."""
    head = _HEAD.pack(link.page_id.bytes, int((now + LIFETIME).timestamp()))
    body = head + link.doctor_id.encode()
    return base64.urlsafe_b64encode(body + _mac(secret, body)).decode().rstrip("=")


def read_link(secret: bytes, token: str, now: datetime) -> PageLink | None:
    """Return what `token` stands for, or None when it is forged, damaged or expired at `now`."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return None
    body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    genuine = hmac.compare_digest(mac, _mac(secret, body))
    canonical = base64.urlsafe_b64encode(raw).decode().rstrip("=") == token
    if not genuine or not canonical or len(body) <= _HEAD.size:
        return None
    page, expires_s = _HEAD.unpack_from(body)
    if now >= datetime.fromtimestamp(expires_s, UTC):
        return None
    return PageLink(UUID(bytes=page), body[_HEAD.size :].decode())


def short_link(link: str, short: str) -> str:
    """Return the link with which a text message opens the same page; short: the page's own code.

    A link to nothing, as a notice has it, stays one.
    """
    parts = urlsplit(link)
    return f"{parts.scheme}://{parts.netloc}{SHORT_PATH}{short}" if link else ""


def _mac(secret: bytes, body: bytes) -> bytes:
    return hmac.digest(secret, b"yikao page link" + body, hashlib.sha256)[:_MAC_BYTES]
