"""A Bark server, from the other side: a device key is a person.

Standard: bark-server, API V2; `code` in the body is the word, 200 for a push handed to Apple.
"""

from typing import Final

from yikao_sim.providers.provider import Handled, Message, Setup
from yikao_sim.providers.wire import Request, Response, answer_json

LEVELS: Final = ("critical", "active", "timeSensitive", "passive")
PAYLOAD_MAX_BYTES: Final = 4096
"""What Apple takes in one push."""


class BarkServer:
    """Takes JSON at `/push`."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._known: dict[str, None] = {}

    def is_message(self, request: Request) -> bool:
        return request.method == "POST"

    def handle(self, request: Request, now_s: float) -> Handled:
        fields = request.fields()
        if request.path != "/push" or request.method != "POST" or fields is None:
            return _refused(404, "Cannot POST elsewhere than /push")
        key = fields.get("device_key")
        if not isinstance(key, str) or not key.isalnum() or not self._setup.knows(key):
            return _refused(400, "failed to get device token from database")
        if fields.get("level") not in LEVELS or not fields.get("body"):
            return _refused(400, "not a push: level, body")
        if len(request.body) > PAYLOAD_MAX_BYTES:
            return _refused(500, "push failed: PayloadTooLarge")
        number = str(fields.get("id", ""))
        repeated = number in self._known
        self._known[number] = None
        message = Message(key, str(fields["body"]), str(fields.get("url", "")), number)
        taken = answer_json(200, {"code": 200, "message": "success", "timestamp": int(now_s)})
        return Handled(taken, message, repeated=repeated, owner=key)

    def refusal(self) -> Response:
        return answer_json(200, {"code": 500, "message": "push failed: BadDeviceToken"})

    def recipient_refused(self, request: Request) -> Response:
        return self.refusal()

    def expire(self) -> None:
        """Lose nothing: a device key has no end."""


def _refused(status: int, why: str) -> Handled:
    return Handled(answer_json(status, {"code": status, "message": why}), fault=why)
