"""ntfy: a message to a topic that a doctor's telephone listens to, on a server of one's own.

The address is the topic, `https://ntfy.example.org/TOPIC`; whoever knows it may read, so that it is
a secret of the registry. The access token goes to the one server it is for and to no other.
Standard: ntfy, "Publish as JSON" (docs.ntfy.sh/publish): accepted is what has an `id` and
`event: message`.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from yikao_alerts.channels.channel import OutgoingPage, clip, title_of
from yikao_alerts.channels.http import Answer, Failure, Http, fields_or_failure
from yikao_alerts.channels.outcome import Delivered, Outcome, Permanent, Retryable

URGENT: Final = 5
"""Rings and vibrates without end, through "do not disturb"."""
ORDINARY: Final = 3
OPEN: Final = {"zh": "打开", "en": "Open"}
TAG: Final = "rotating_light"
LETTERS_MAX: Final = 1000
"""ntfy takes 4,096 bytes, four for a letter at most; what is longer becomes an attached file."""


@dataclass(frozen=True, slots=True)
class Ntfy:
    """Publishes pages. `server` is whose topics get the token, `https://HOST`."""

    server: str = ""
    token: str = field(default="", repr=False)
    http: Http = field(default_factory=Http)

    async def send(self, page: OutgoingPage) -> Outcome:
        """Publish the page and read the message's id from the answer."""
        server, _, topic = page.address.rpartition("/")
        if not topic or "//" not in server:
            return Permanent("the contact's address is no topic, https://HOST/TOPIC")
        headers = {}
        if self.token and server == self.server.rstrip("/"):
            headers["Authorization"] = f"Bearer {self.token}"
        answer = await self.http.talk().post(f"{server}/", message_of(page, topic), headers)
        return judge(answer)

    async def close(self) -> None:
        """Let go of the connections."""
        await self.http.close()


def message_of(page: OutgoingPage, topic: str) -> bytes:
    """Return the message as JSON; touching it opens the page."""
    values: dict[str, Any] = {
        "topic": topic,
        "title": title_of(page),
        "message": clip(page.body, LETTERS_MAX),
        "priority": URGENT if page.urgent else ORDINARY,
    }
    if page.urgent:
        values["tags"] = [TAG]
    if page.link:
        view = {"action": "view", "label": OPEN[page.language], "url": page.link}
        values |= {"click": page.link, "actions": [view]}
    return msgspec.json.encode(values)


def judge(answer: Answer | Failure) -> Outcome:
    """Return what an answer means."""
    fields = fields_or_failure(answer)
    if not isinstance(fields, dict):
        return fields
    number = fields.get("id")
    if isinstance(number, str) and number and fields.get("event") == "message":
        return Delivered(number)
    return Retryable("ntfy answered without a message's id")
