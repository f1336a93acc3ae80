"""An ntfy server, from the other side: topics are people, and a token opens them.

Standard: ntfy, "Publish as JSON"; refusals have `code`, `http` and `error` in their body.
"""

import re
from typing import Any, Final

from yikao_sim.providers.provider import Handled, Message, Setup
from yikao_sim.providers.wire import Request, Response, answer_json

MESSAGE_MAX_BYTES: Final = 4096
"""A longer message would arrive as an attached file, which nobody reads at night: cut before."""
_TOPIC: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class NtfyServer:
    """Takes JSON at `/`."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._count = 0

    def is_message(self, request: Request) -> bool:
        return request.method == "POST"

    def handle(self, request: Request, now_s: float) -> Handled:
        secret = (self._setup.secret or b"").strip().decode("latin-1")
        if secret and request.headers.get("authorization") != f"Bearer {secret}":
            return _refused(40101, 401, "unauthorized")
        fields = request.fields()
        if request.path != "/" or request.method != "POST" or fields is None:
            return _refused(40024, 400, "invalid request: request body must be message JSON")
        topic = fields.get("topic")
        if not isinstance(topic, str) or not _TOPIC.fullmatch(topic):
            return _refused(40009, 400, "invalid topic")
        if not self._setup.knows(topic):
            return _refused(40301, 403, "forbidden")
        if fields.get("priority") not in range(1, 6):
            return _refused(40007, 400, "invalid priority parameter")
        text = str(fields.get("message", ""))
        if len(text.encode()) > MESSAGE_MAX_BYTES:
            return _refused(41303, 413, "message too large")
        return self._take(topic, text, fields, now_s)

    def _take(self, topic: str, text: str, fields: dict[str, Any], now_s: float) -> Handled:
        self._count += 1
        provider_id = f"nt{self._count:010d}"
        message = Message(topic, text, str(fields.get("click", "")), provider_id)
        kept = {"id": provider_id, "time": int(now_s), "event": "message", "topic": topic}
        return Handled(answer_json(200, kept | {"message": text}), message, owner=topic)

    def refusal(self) -> Response:
        return answer_json(200, {"time": 0, "event": "keepalive"})

    def recipient_refused(self, request: Request) -> Response:
        return self.refusal()

    def expire(self) -> None:
        """Lose nothing: an access token has no end."""


def _refused(code: int, status: int, error: str) -> Handled:
    return Handled(answer_json(status, {"code": code, "http": status, "error": error}), fault=error)
