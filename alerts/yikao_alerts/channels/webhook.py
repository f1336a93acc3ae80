"""A channel for any system that takes signed HTTP: one POST of JSON, accepted by its answer.

The receiver gets the page's id as `Idempotency-Key`, the same at each attempt, and an HMAC-SHA256
of the body as `X-Yikao-Signature: sha256=…`. It has to answer JSON with `"accepted": true` and an
`"id"`; anything else is not an acceptance, whatever the status.
"""

import asyncio
import hashlib
import hmac
from typing import Any, Final

import httpx
import msgspec

from yikao_alerts.channels.channel import SEND_TIMEOUT_S, OutgoingPage
from yikao_alerts.channels.outcome import Ambiguous, Delivered, Outcome, Permanent, Retryable

CONNECT_TIMEOUT_S: Final = 3.0
ANSWER_MAX: Final = 64 * 1024
"""Bytes of an answer that are read; no acceptance is longer."""
RETRY_AFTER_MAX_S: Final = 60.0
"""A provider that asks for a longer pause is asked again after this: somebody is waiting."""
PERMANENT: Final = frozenset({400, 401, 403, 404, 405, 410, 413, 415, 422})


class Webhook:
    """Posts pages to their address."""

    def __init__(self, secret: bytes, client: httpx.AsyncClient | None = None) -> None:
        self._secret = secret
        # A redirect would turn the POST into a GET that somebody answers with 200.
        self._client = client or httpx.AsyncClient(
            timeout=httpx.Timeout(SEND_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            follow_redirects=False,
            trust_env=False,
        )

    async def send(self, page: OutgoingPage) -> Outcome:
        """Post the page and read the acceptance from the answer's body."""
        body = msgspec.json.encode(
            {
                "page_id": str(page.page_id),
                "episode": page.episode_id,
                "text": page.body,
                "link": page.link,
                "language": page.language,
                "attempt": page.attempt,
            }
        )
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": str(page.page_id),
            "X-Yikao-Signature": f"sha256={_signature(self._secret, body)}",
        }
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                return await self._post(page.address, body, headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return Retryable(f"no connection: {type(error).__name__}")
        except (httpx.UnsupportedProtocol, httpx.InvalidURL):
            return Permanent("the contact's address is no http(s) address; mend the registry")
        except (TimeoutError, httpx.HTTPError) as error:
            return Ambiguous(f"handed over, then {type(error).__name__}")

    async def _post(self, address: str, body: bytes, headers: dict[str, str]) -> Outcome:
        async with self._client.stream("POST", address, content=body, headers=headers) as answer:
            content = b""
            async for chunk in answer.aiter_bytes():
                content += chunk
                if len(content) > ANSWER_MAX:
                    break
            return judge(answer.status_code, answer.headers.get("Retry-After"), content)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()


def judge(status: int, retry_after: str | None, content: bytes) -> Outcome:
    """Return what an answer means; only a positive word in its body is an acceptance."""
    if status in PERMANENT:
        return Permanent(f"answered {status}")
    if not 200 <= status < 300:
        return Retryable(f"answered {status}", _seconds(retry_after))
    try:
        answer: Any = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Retryable("answered something that is no JSON")
    if isinstance(answer, dict) and answer.get("accepted") is True and answer.get("id"):
        return Delivered(str(answer["id"]))
    return Retryable("answered without accepting")


def _seconds(retry_after: str | None) -> float | None:
    if retry_after is None or not retry_after.isdecimal():
        return None
    return min(float(retry_after), RETRY_AFTER_MAX_S)


def _signature(secret: bytes, body: bytes) -> str:
    return hmac.digest(secret, body, hashlib.sha256).hex()
