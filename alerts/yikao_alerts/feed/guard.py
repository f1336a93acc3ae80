"""The door of the feed: who is let in, what a foreign page may not do, and what browsers are told.

It stands before every route, so that a new one is protected without anybody remembering to.
Standards: Fetch Metadata (Sec-Fetch-Site) and Origin against forged requests, Content Security
Policy Level 3, RFC 7617. Without a users file only loopback names are answered, or a foreign page
could reach this machine under a name of its own (DNS rebinding).
"""

import logging
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from yikao_alerts.feed.settings import is_loopback
from yikao_alerts.feed.users import Users
from yikao_alerts.links import SHORT_PATH

LINK_PREFIX: Final = "/p/"
"""The signed links: the token in the address is the authority, so no password is asked for."""
SHORT_PREFIX: Final = SHORT_PATH
"""The same in twelve characters, for text messages: it leads to the signed link."""
CALLBACK_PREFIX: Final = "/callback/"
"""What message providers tell us: each request is signed by its provider, and by nobody else."""
STATIC_PREFIX: Final = "/static/"
OPEN_PREFIXES: Final = (LINK_PREFIX, SHORT_PREFIX, CALLBACK_PREFIX, STATIC_PREFIX)
OPEN_PATHS: Final = ("/healthz", "/language")
SAFE_METHODS: Final = ("GET", "HEAD", "OPTIONS")

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}

_log = logging.getLogger(__name__)


class Guard:
    """ASGI middleware; puts the signed-in doctor's id, or None, into `scope["doctor_id"]`."""

    def __init__(self, app: ASGIApp, users: Users | None) -> None:
        self._app = app
        self._users = users

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(MutableHeaders(scope=message), scope["path"])
            await send(message)

        refusal = await self._refusal(scope)
        await (refusal or self._app)(scope, receive, send_with_headers)

    async def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        path, method = scope["path"], scope["method"]
        scope["doctor_id"] = None
        if self._users is None and not is_loopback(host_name(headers.get("host", ""))):
            return _say(403, "Only this machine may read the feed: open it as http://127.0.0.1…")
        if method not in SAFE_METHODS and not may_change(headers, path):
            _log.warning("request from another page refused", extra={"method": method})
            return _say(403, "This came from another page, so nothing was changed.")
        if self._users is None or is_open(path):
            return None
        scope["doctor_id"] = await self._users.sign_in(headers.get("authorization"))
        return _ask_to_sign_in() if scope["doctor_id"] is None else None


def is_open(path: str) -> bool:
    """Return whether a page needs no password: none of these shows a reading."""
    return path in OPEN_PATHS or path.startswith(OPEN_PREFIXES)


def may_change(headers: Mapping[str, str], path: str) -> bool:
    """Return whether a request that changes something comes from one of our own pages.

    A browser without Sec-Fetch-Site sends Origin; a page link's own form, which must not tell its
    address to anybody, sends Origin `null`, and nobody can forge it without the token. What a
    provider tells comes from no page, and is signed.
    """
    if path.startswith(CALLBACK_PREFIX):
        return True
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    if path.startswith(LINK_PREFIX) and origin in (None, "null"):
        return True
    return origin is not None and urlsplit(origin).netloc == headers.get("host")


def host_name(host: str) -> str:
    """Return the name in a Host header, without port and brackets; empty for a malformed one."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _add_headers(headers: MutableHeaders, path: str) -> None:
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    secret = path.startswith((LINK_PREFIX, SHORT_PREFIX))
    headers["referrer-policy"] = "no-referrer" if secret else "same-origin"
    # Static files may be kept, but are asked for again: a new version is seen at once.
    keep = "no-cache" if path.startswith(STATIC_PREFIX) else "no-store"
    headers["cache-control"] = keep


def _say(status: int, sentence: str) -> Response:
    return PlainTextResponse(sentence + "\n", status)


def _ask_to_sign_in() -> Response:
    challenge = {"www-authenticate": 'Basic realm="Yikao", charset="UTF-8"'}
    return PlainTextResponse("请登录。 Please sign in.\n", 401, challenge)
