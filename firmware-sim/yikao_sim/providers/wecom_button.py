"""The button on a WeCom card, pressed: WeCom tells the application, sealed, and reads its answer.

Written from WeCom's description alone, so that both sides are checked against each other.
https://developer.work.weixin.qq.com/document/path/90968 (envelope),
https://developer.work.weixin.qq.com/document/path/90240 (event).
"""

import base64
import hashlib
import os
import re
import struct
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from yikao_sim.errors import SimError
from yikao_sim.phone.browser import NotAnsweredError
from yikao_sim.phone.loopback import is_loopback
from yikao_sim.providers.provider import Message
from yikao_sim.providers.wecom import AGENT_ID, CORP_ID

TIMEOUT_S: Final = 5.0
"""WeCom waits no longer, and tells it again."""
ANSWER_MAX_BYTES: Final = 64 * 1024
BUTTON_KEY: Final = "take"
_PAD: Final = 32


@dataclass(frozen=True, slots=True)
class Button:
    """What WeCom's console knows of an application's callback: address, token, EncodingAESKey."""

    url: str
    token: str = field(repr=False)
    encoded_key: str = field(repr=False)
    corp_id: str = CORP_ID

    def event(self, message: Message, created_s: int, response_code: str = "code-1") -> str:
        """Return what is told when the member presses the button of a message's card."""
        return (
            f"<xml><ToUserName><![CDATA[{self.corp_id}]]></ToUserName>"
            f"<FromUserName><![CDATA[{message.owner}]]></FromUserName>"
            f"<CreateTime>{created_s}</CreateTime><MsgType><![CDATA[event]]></MsgType>"
            "<Event><![CDATA[template_card_event]]></Event>"
            f"<EventKey><![CDATA[{BUTTON_KEY}]]></EventKey>"
            f"<TaskId><![CDATA[{message.task_id}]]></TaskId>"
            "<CardType><![CDATA[button_interaction]]></CardType>"
            f"<ResponseCode><![CDATA[{response_code}]]></ResponseCode>"
            f"<AgentID>{AGENT_ID}</AgentID></xml>"
        )

    def envelope(self, text: str, created_s: int, nonce: str = "263014780") -> tuple[str, bytes]:
        """Return query and body of the request that tells `text`."""
        sealed = self.seal(text)
        query = {
            "msg_signature": self._signature(str(created_s), nonce, sealed),
            "timestamp": str(created_s),
            "nonce": nonce,
        }
        body = (
            f"<xml><ToUserName><![CDATA[{self.corp_id}]]></ToUserName>"
            f"<AgentID><![CDATA[{AGENT_ID}]]></AgentID>"
            f"<Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
        )
        return urlencode(query), body.encode()

    def press(self, message: Message, created_s: int) -> str:
        """Tell the application and return what the button says then; blocks for `TIMEOUT_S`.

        Raises `NotAnsweredError` when there is no answer, or none that WeCom would read.
        """
        if not is_loopback(urlsplit(self.url).hostname or ""):
            raise NotAnsweredError("the callback leads away from this machine and is not told")
        query, body = self.envelope(self.event(message, created_s), created_s)
        request = urllib.request.Request(f"{self.url}?{query}", body, {"Content-Type": "text/xml"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=TIMEOUT_S) as answer:
                return self.new_text(answer.read(ANSWER_MAX_BYTES))
        except urllib.error.HTTPError as error:
            error.close()
            raise NotAnsweredError(f"the callback answered {error.code}") from error
        except OSError as error:
            raise NotAnsweredError(f"the callback is not reached: {error}") from error

    def new_text(self, answer: bytes) -> str:
        """Return what an application's answer makes of the button; empty when nothing."""
        if not answer:
            return ""
        try:
            parts = {each.tag: each.text or "" for each in ElementTree.fromstring(answer)}
            sealed = parts["Encrypt"]
            genuine = self._signature(parts["TimeStamp"], parts["Nonce"], sealed)
            if parts["MsgSignature"] != genuine:
                raise NotAnsweredError("the answer's signature is not right")
            told = ElementTree.fromstring(self.unseal(sealed))
        except (ElementTree.ParseError, KeyError, ValueError) as error:
            raise NotAnsweredError(f"the answer is not to be read: {error}") from error
        return told.findtext("Button/ReplaceName") or ""

    def seal(self, text: str) -> str:
        """Return the sealed text."""
        content = text.encode()
        inside = os.urandom(16) + struct.pack(">I", len(content)) + content + self.corp_id.encode()
        inside += bytes([_PAD - len(inside) % _PAD]) * (_PAD - len(inside) % _PAD)
        context = self._cipher().encryptor()
        return base64.b64encode(context.update(inside) + context.finalize()).decode()

    def unseal(self, sealed: str) -> str:
        """Return what is sealed; refuses with `ValueError` what is not for this company."""
        context = self._cipher().decryptor()
        inside = context.update(base64.b64decode(sealed)) + context.finalize()
        inside = inside[: -inside[-1]]
        (length,) = struct.unpack(">I", inside[16:20])
        if inside[20 + length :] != self.corp_id.encode():
            raise ValueError("sealed for somebody else")
        return inside[20 : 20 + length].decode()

    def _cipher(self) -> Cipher[CBC]:
        key = base64.b64decode(self.encoded_key + "=")
        return Cipher(AES(key), CBC(key[:16]))

    def _signature(self, timestamp: str, nonce: str, sealed: str) -> str:
        parts = "".join(sorted([self.token, timestamp, nonce, sealed]))
        return hashlib.sha1(parts.encode()).hexdigest()


def button_of(url: str, token: str, encoded_key: str) -> Button:
    """Return the button of a callback; refuses with `SimError` what the console would not take."""
    if not token or re.fullmatch(r"[A-Za-z0-9]{43}", encoded_key) is None:
        raise SimError("a callback has a token, and an EncodingAESKey of 43 letters and digits")
    return Button(url, token, encoded_key)
