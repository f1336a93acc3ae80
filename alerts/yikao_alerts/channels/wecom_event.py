"""What WeCom tells inside its envelope: who pressed the button of which card.

XML as WeCom writes it; what is not an element of text is overlooked, what declares a document type
is refused unread. Sources: https://developer.work.weixin.qq.com/document/path/90240 (events),
https://developer.work.weixin.qq.com/document/path/90241 (answers).
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from yikao_alerts.channels.wecom import TAKE_KEY
from yikao_alerts.channels.wecom_seal import Stamp

CARD_EVENT: Final = "template_card_event"
_ENCRYPTED: Final = re.compile(
    rb"<Encrypt>\s*(?:<!\[CDATA\[)?([A-Za-z0-9+/=]+)(?:\]\]>)?\s*</Encrypt>"
)
_PAGE: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Press:
    """A member pressed the button of the card of a page. `event_id` is the same at each telling."""

    event_id: str
    page_id: UUID
    member: str


def sealed_in(body: bytes) -> str | None:
    """Return the sealed text in the body of a callback; None when there is none."""
    found = _ENCRYPTED.search(body)
    return found[1].decode() if found else None


def press_in(text: str) -> Press | None:
    """Return the press that an event tells of; None for every other event."""
    if "<!" in text.replace("<![CDATA[", ""):
        return None
    try:
        told = {each.tag: (each.text or "").strip() for each in ElementTree.fromstring(text)}
    except ElementTree.ParseError:
        return None
    member, page = told.get("FromUserName", ""), told.get("TaskId", "")
    wanted = (told.get("MsgType"), told.get("Event"), told.get("EventKey"))
    if wanted != ("event", CARD_EVENT, TAKE_KEY) or not member or not _PAGE.fullmatch(page):
        return None
    names = ("FromUserName", "CreateTime", "TaskId", "EventKey", "ResponseCode")
    facts = "\n".join(told.get(name, "") for name in names)
    return Press(f"wecom:{hashlib.sha256(facts.encode()).hexdigest()}", UUID(page), member)


def button_text(corp_id: str, member: str, created_s: int, text: str) -> str:
    """Return the answer that changes the pressed button to `text`, before it is sealed."""
    return (
        f"<xml><ToUserName>{escape(member)}</ToUserName>"
        f"<FromUserName>{escape(corp_id)}</FromUserName><CreateTime>{created_s}</CreateTime>"
        "<MsgType>update_button</MsgType>"
        f"<Button><ReplaceName>{escape(text)}</ReplaceName></Button></xml>"
    )


def answer_body(stamp: Stamp, sealed: str) -> str:
    """Return the body of an answer around a sealed text."""
    return (
        f"<xml><Encrypt>{sealed}</Encrypt><MsgSignature>{stamp.signature}</MsgSignature>"
        f"<TimeStamp>{escape(stamp.timestamp)}</TimeStamp>"
        f"<Nonce>{escape(stamp.nonce)}</Nonce></xml>"
    )
