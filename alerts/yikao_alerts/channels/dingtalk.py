"""A channel for a DingTalk group robot: a signed POST, accepted when `errcode` is 0.

A robot is called by its address, which holds its access token; the secret that signs is the
robot's own. Refusals come with status 200. A robot knows no repetitions: the same page sent twice
is two messages.

Sources: https://open.dingtalk.com/document/orgapp/custom-robots-send-group-messages (format and
rate), https://open.dingtalk.com/document/orgapp/customize-robot-security-settings (signature).
"""

import base64
import hashlib
import hmac
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec

from yikao_alerts.channels.channel import TAKE, OutgoingPage, clip
from yikao_alerts.channels.codes import Codes
from yikao_alerts.channels.http import Answer, Failure, fields_or_failure
from yikao_alerts.channels.outcome import Delivered, Outcome
from yikao_alerts.channels.robot import Robot

TEXT_MAX: Final = 4000
"""Letters: a body may have 20,000 bytes, and a letter four."""
TITLE_MAX: Final = 40
"""Letters of what a locked screen shows."""
BLOCKED_S: Final = 60.0
"""A robot that spoke too often is silent for ten minutes; a page goes elsewhere meanwhile."""
CODES: Final = Codes(
    permanent=frozenset(
        {
            40035,  # a parameter is missing
            43004,  # wrong content type
            300001,  # no such token
            310000,  # signature, keyword or sender's address not right
            400013,  # the group is dissolved
            400101,  # no such token
            400102,  # the robot is switched off
            400105,  # unknown kind of message
            400106,  # no such robot
            430101,  # the link is not allowed
            430102,  # the text is not allowed
            430104,  # the content is not allowed
        }
    ),
    pauses_s={130101: BLOCKED_S, 410100: BLOCKED_S},
)


class DingTalk(Robot):
    """Sends pages through robots. Tokens are those in their addresses."""

    async def send(self, page: OutgoingPage) -> Outcome:
        """Post the page to its robot."""
        body = msgspec.json.encode(message_of(page))
        answer = await self._http.talk().post(self._signed(page.address), body)
        return judge(answer, page)

    def _signed(self, address: str) -> str:
        """Return the address with the signature that is good for this hour."""
        secret = self._secrets.get(token_of(address))
        if secret is None:
            return address
        timestamp = str(int(self._now_s() * 1000))
        values = {"timestamp": timestamp, "sign": sign(secret, timestamp)}
        return f"{address}&{urlencode(values)}"


def token_of(address: str) -> str:
    """Return the access token in a robot's address; empty when there is none."""
    try:
        return parse_qs(urlsplit(address).query).get("access_token", [""])[0]
    except ValueError:
        return ""


def sign(secret: str, timestamp_ms: str) -> str:
    """Return the signature of a request at this millisecond."""
    text = f"{timestamp_ms}\n{secret}"
    return base64.b64encode(hmac.digest(secret.encode(), text.encode(), hashlib.sha256)).decode()


def message_of(page: OutgoingPage) -> dict[str, Any]:
    """Return the card with its one button; a notice that nobody can answer is plain text."""
    if not page.link:
        return {"msgtype": "text", "text": {"content": clip(page.body, TEXT_MAX)}}
    card = {
        "title": clip(page.body, TITLE_MAX),
        "text": clip(page.body, TEXT_MAX),
        "singleTitle": TAKE[page.language],
        "singleURL": page.link,
    }
    return {"msgtype": "actionCard", "actionCard": card}


def judge(answer: Answer | Failure, page: OutgoingPage) -> Outcome:
    """Return what an answer means; a robot gives its messages no number, so they keep ours."""
    fields = fields_or_failure(answer)
    if not isinstance(fields, dict):
        return fields
    return CODES.failure(fields.get("errcode")) or Delivered(f"dingtalk:{page.page_id}")
