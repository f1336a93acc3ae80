"""Every provider is spoken to over HTTP from here: with a bound on all of it, and no exception.

Whether a page may have arrived is decided by one fact, whether the first byte of the request had
left; whatever fails before is retried without harm, whatever fails later is ambiguous. Redirects
are not followed: they would turn the POST into a GET that somebody answers with 200.

Standards: HTTP semantics (RFC 9110, Retry-After: 10.2.3), TLS server identity (RFC 9525).
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

from yikao_alerts.channels.channel import SEND_TIMEOUT_S
from yikao_alerts.channels.json_text import json_of
from yikao_alerts.channels.outcome import Ambiguous, Permanent, Retryable

CONNECT_TIMEOUT_S: Final = 3.0
ANSWER_MAX: Final = 64 * 1024
"""Bytes of an answer that are read; no acceptance is longer."""
RETRY_AFTER_MAX_S: Final = 60.0
"""A provider that asks for a longer pause is asked again after this: somebody is waiting."""
CONNECTIONS: Final = httpx.Limits(max_connections=100, max_keepalive_connections=40)
REFUSED: Final = frozenset({400, 401, 403, 404, 405, 410, 413, 415, 422})
"""Statuses that another attempt with the same request would meet again."""

Failure = Retryable | Permanent | Ambiguous
"""What an exchange that brought no answer means for the page."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider answered, as far as it was read."""

    status: int
    content: bytes
    retry_after_s: float | None = None

    def failure(self) -> Retryable | Permanent | None:
        """Return what the status alone decides; None when the body has to be asked."""
        if 200 <= self.status < 300:
            return None
        if 300 <= self.status < 400:
            return Permanent(f"answered {self.status}, which leads elsewhere; mend the address")
        if self.status in REFUSED:
            return Permanent(f"answered {self.status}")
        return Retryable(f"answered {self.status}", self.retry_after_s)

    def fields(self) -> dict[str, Any] | None:
        """Return the JSON object in the body; None when there is none."""
        found = json_of(self.content)
        return found if isinstance(found, dict) else None


NOT_JSON: Final = Retryable("answered something that is no JSON object")


def fields_or_failure(answer: Answer | Failure) -> dict[str, Any] | Failure:
    """Return the JSON object of an answer whose status is 2xx; else what it means instead."""
    if not isinstance(answer, Answer):
        return answer
    if failure := answer.failure():
        return failure
    fields = answer.fields()
    return NOT_JSON if fields is None else fields


_OURS: Final = (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError)
"""What httpx refuses before anybody else sees it."""


@dataclass(slots=True)
class _Progress:
    """Whether a request has begun to leave; httpx tells by its trace extension."""

    sent: bool = False

    async def __call__(self, event: str, _: object) -> None:
        self.sent = self.sent or event.endswith("send_request_headers.started")


@dataclass(frozen=True, slots=True)
class Talk:
    """The exchanges that one page needs, all of them before `until_s` of the loop's time."""

    client: httpx.AsyncClient
    until_s: float

    async def post(
        self, url: str, content: bytes, headers: Mapping[str, str] | None = None
    ) -> Answer | Failure:
        """Post `content`, JSON unless `headers` say otherwise."""
        given = {"Content-Type": "application/json; charset=utf-8"} | dict(headers or {})
        return await self._exchange("POST", url, content, given)

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer | Failure:
        """Get what is at `url`."""
        return await self._exchange("GET", url, b"", dict(headers or {}))

    async def _exchange(
        self, method: str, url: str, content: bytes, headers: dict[str, str]
    ) -> Answer | Failure:
        progress = _Progress()
        try:
            request = self.client.build_request(
                method,
                url,
                content=content,
                # Without compression the bound on what is read is a bound on what is kept.
                headers={"Accept-Encoding": "identity"} | headers,
                extensions={"trace": progress},
            )
            async with asyncio.timeout_at(self.until_s):
                return await _ask(self.client, request)
        except (*_OURS, TimeoutError, OSError, httpx.HTTPError, ValueError) as error:
            return _failure(error, sent=progress.sent)


@dataclass(slots=True)
class Http:
    """A client for one provider; `close` it in the loop that used it.

    trust: whose certificates are believed instead of the system's. timeout_s: for a whole `Talk`.
    """

    timeout_s: float = SEND_TIMEOUT_S
    trust: ssl.SSLContext | None = None
    _client: httpx.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        self._client = httpx.AsyncClient(
            # How long the whole may take is the talk's business.
            timeout=httpx.Timeout(None, connect=min(CONNECT_TIMEOUT_S, self.timeout_s)),
            follow_redirects=False,
            trust_env=False,
            verify=self.trust or True,
            limits=CONNECTIONS,
        )

    def talk(self) -> Talk:
        """Begin what one page needs: its time runs from now."""
        return Talk(self._client, asyncio.get_running_loop().time() + self.timeout_s)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()


def _failure(error: Exception, *, sent: bool) -> Failure:
    """Return what an exchange that broke off means for the page."""
    # A host name that no name service could be asked for is a UnicodeError.
    if isinstance(error, _OURS) or (isinstance(error, UnicodeError) and not sent):
        return Permanent("the contact's address is no http(s) address; mend the registry")
    name = type(error).__name__
    return Ambiguous(f"handed over, then {name}") if sent else Retryable(f"no connection: {name}")


async def _ask(client: httpx.AsyncClient, request: httpx.Request) -> Answer:
    answer = await client.send(request, stream=True)
    try:
        content = b""
        async for chunk in answer.aiter_raw():
            content += chunk
            if len(content) > ANSWER_MAX:
                break
    finally:
        await answer.aclose()
    headers = answer.headers
    after_s = retry_after_s(headers.get("Retry-After"), headers.get("Date"))
    return Answer(answer.status_code, content, after_s)


def retry_after_s(retry_after: str | None, date: str | None = None) -> float | None:
    """Return the pause a provider asks for, bounded; None when it asks for none one can read.

    A moment is counted from the provider's own `date`, so that no two clocks are compared.
    """
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdecimal():
        return min(float(retry_after), RETRY_AFTER_MAX_S)
    try:
        pause = parsedate_to_datetime(retry_after) - parsedate_to_datetime(date or "")
    except (ValueError, TypeError):
        return None
    return max(0.0, min(pause.total_seconds(), RETRY_AFTER_MAX_S))
