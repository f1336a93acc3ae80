"""A channel for any system that takes signed HTTP: one POST of JSON, accepted by its answer.

The receiver gets the page's id as `Idempotency-Key`, the same at each attempt, the time of this
attempt as `X-Yikao-Timestamp` (seconds since 1970), and as `X-Yikao-Signature: sha256=…` an
HMAC-SHA256 of timestamp, full stop and body. It refuses a timestamp more than `REPLAY_WINDOW_S`
away from its own clock, so that what was listened to cannot be sent once more. It has to answer
JSON with `"accepted": true` and an `"id"`; anything else is not an acceptance, whatever the status.
"""

import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Final

import msgspec

from yikao_alerts.channels.channel import OutgoingPage, clip
from yikao_alerts.channels.http import Answer, Failure, Http, fields_or_failure
from yikao_alerts.channels.outcome import Delivered, Outcome, Retryable

TEXT_MAX: Final = 1000
"""Letters; a page has far fewer, and a receiver may count on it."""
REPLAY_WINDOW_S: Final = 300
"""What a receiver allows between the timestamp and its own clock."""


class Webhook:
    """Posts pages to their address; `now_s` is the real time, seconds since 1970."""

    def __init__(
        self, secret: bytes, http: Http | None = None, now_s: Callable[[], float] = time.time
    ) -> None:
        self._secret = secret
        self._http = http or Http()
        self._now_s = now_s

    async def send(self, page: OutgoingPage) -> Outcome:
        """Post the page and read the acceptance from the answer's body."""
        body = msgspec.json.encode(
            {
                "page_id": str(page.page_id),
                "episode": page.episode_id,
                "text": clip(page.body, TEXT_MAX),
                "link": page.link,
                "language": page.language,
                "attempt": page.attempt,
            }
        )
        timestamp = str(int(self._now_s()))
        headers = {
            "Idempotency-Key": str(page.page_id),
            "X-Yikao-Timestamp": timestamp,
            "X-Yikao-Signature": f"sha256={signature(self._secret, timestamp, body)}",
        }
        answer = await self._http.talk().post(page.address, body, headers)
        return judge(answer)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.close()


def judge(answer: Answer | Failure) -> Outcome:
    """Return what an answer means; only a positive word in its body is an acceptance."""
    fields = fields_or_failure(answer)
    if not isinstance(fields, dict):
        return fields
    if fields.get("accepted") is True and fields.get("id"):
        return Delivered(str(fields["id"]))
    return Retryable("answered without accepting")


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """Return the signature of one attempt, in hexadecimal."""
    return hmac.digest(secret, f"{timestamp}.".encode() + body, hashlib.sha256).hex()
