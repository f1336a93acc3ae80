"""Bark: a push message to an iPhone that rings even when the telephone is set to silent.

The address is what the app shows, `https://api.day.app/KEY`. Bark's answer has no number of its
own, so that the page's id stands for it; the acceptance is `code` 200 in the body.
Standard: bark-server, API V2 (`POST /push`), levels after Apple's interruption levels.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from yikao_alerts.channels.channel import OutgoingPage, clip, title_of
from yikao_alerts.channels.http import Answer, Failure, Http, fields_or_failure
from yikao_alerts.channels.outcome import Delivered, Outcome, Permanent, Retryable

OK: Final = 200
LOUD: Final = "critical"
ORDINARY: Final = "timeSensitive"
VOLUME: Final = "10"
"""The loudest."""
GROUP: Final = "yikao"
LETTERS_MAX: Final = 600
"""Apple takes 4,096 bytes with everything in them."""


@dataclass(frozen=True, slots=True)
class Bark:
    """Pushes pages by whichever server their addresses name."""

    http: Http = field(default_factory=Http)

    async def send(self, page: OutgoingPage) -> Outcome:
        """Push the page and read the acceptance from the answer's body."""
        server, _, key = page.address.rstrip("/").rpartition("/")
        if not key or "//" not in server:
            return Permanent("the contact's address is none of Bark's, https://HOST/KEY")
        answer = await self.http.talk().post(f"{server}/push", message_of(page, key))
        return judge(answer, page)

    async def close(self) -> None:
        """Let go of the connections."""
        await self.http.close()


def message_of(page: OutgoingPage, key: str) -> bytes:
    """Return the message as JSON; a repetition replaces what is on the screen."""
    values: dict[str, Any] = {
        "device_key": key,
        "title": title_of(page),
        "body": clip(page.body, LETTERS_MAX),
        "level": LOUD if page.urgent else ORDINARY,
        "group": GROUP,
        "id": str(page.page_id),
    }
    if page.urgent:
        values |= {"volume": VOLUME, "call": "1"}
    if page.link:
        values["url"] = page.link
    return msgspec.json.encode(values)


def judge(answer: Answer | Failure, page: OutgoingPage) -> Outcome:
    """Return what an answer means."""
    fields = fields_or_failure(answer)
    if not isinstance(fields, dict):
        return fields
    if fields.get("code") == OK:
        return Delivered(f"bark:{page.page_id}")
    return Retryable(f"Bark answered code {fields.get('code')}")
