"""A channel for a Feishu (Lark) group robot: a signed POST, accepted when `code` is 0.

The address holds the robot's token, its last part; the secret that signs is the robot's own, and
the signature stands in the body. Refusals come with status 200. A robot knows no repetitions.

Source: https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot (format, signature, rate).
"""

import base64
import hashlib
import hmac
from typing import Any, Final

import msgspec

from yikao_alerts.channels.channel import TAKE, OutgoingPage, clip
from yikao_alerts.channels.codes import Codes
from yikao_alerts.channels.http import Answer, Failure, fields_or_failure
from yikao_alerts.channels.outcome import Delivered, Outcome
from yikao_alerts.channels.robot import Robot

TEXT_MAX: Final = 4000
"""Letters: a body may have 20 KiB, and a letter four bytes."""
CODES: Final = Codes(
    permanent=frozenset(
        {
            9499,  # a parameter is not right
            19001,  # no such token
            19021,  # signature or time not right
            19022,  # the sender's address is not allowed
            19024,  # the keyword is missing
            19036,  # too long
        }
    ),
    # Too often, or at a full hour, when everybody sends.
    pauses_s={11232: 5.0, 11233: 5.0},
)


class Feishu(Robot):
    """Sends pages through robots. Tokens are those in their addresses."""

    async def send(self, page: OutgoingPage) -> Outcome:
        """Post the page to its robot."""
        message = self._signature(page.address) | message_of(page)
        answer = await self._http.talk().post(page.address, msgspec.json.encode(message))
        return judge(answer, page)

    def _signature(self, address: str) -> dict[str, str]:
        secret = self._secrets.get(token_of(address))
        if secret is None:
            return {}
        timestamp = str(int(self._now_s()))
        return {"timestamp": timestamp, "sign": sign(secret, timestamp)}


def token_of(address: str) -> str:
    """Return the token in a robot's address: what follows the last slash."""
    return address.partition("?")[0].rpartition("/")[2]


def sign(secret: str, timestamp_s: str) -> str:
    """Return the signature at this second: time and secret are the key, the message is empty."""
    key = f"{timestamp_s}\n{secret}".encode()
    return base64.b64encode(hmac.digest(key, b"", hashlib.sha256)).decode()


def message_of(page: OutgoingPage) -> dict[str, Any]:
    """Return the text with its link as a post; a notice that nobody can answer is plain text."""
    text = clip(page.body, TEXT_MAX)
    if not page.link:
        return {"msg_type": "text", "content": {"text": text}}
    words = {"tag": "text", "text": text}
    link = {"tag": "a", "text": TAKE[page.language], "href": page.link}
    content = {"title": "", "content": [[words], [link]]}
    language = {"zh": "zh_cn", "en": "en_us"}[page.language]
    return {"msg_type": "post", "content": {"post": {language: content}}}


def judge(answer: Answer | Failure, page: OutgoingPage) -> Outcome:
    """Return what an answer means; robots of an older kind say `StatusCode` instead of `code`."""
    fields = fields_or_failure(answer)
    if not isinstance(fields, dict):
        return fields
    code = fields.get("code", fields.get("StatusCode"))
    return CODES.failure(code) or Delivered(f"feishu:{page.page_id}")
