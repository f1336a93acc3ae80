"""Where WeCom tells what a doctor did with a card: the button "I take it" answers the page.

WeCom first asks whether this address can read its envelopes (GET), then sends each event (POST),
up to three times when it gets no answer within five seconds. The answer changes the pressed button
into who has it. Source: https://developer.work.weixin.qq.com/document/path/90930
"""

import logging
import secrets
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import PlainTextResponse, Response

from yikao_alerts.channels.wecom_event import (
    Press,
    answer_body,
    button_text,
    press_in,
    sealed_in,
)
from yikao_alerts.channels.wecom_seal import Seal, Stamp
from yikao_alerts.episode import State
from yikao_alerts.feed.web import body_within, feed_of
from yikao_alerts.feed.words import load_words
from yikao_alerts.pressed import Standing, take

BODY_MAX_BYTES: Final = 64 * 1024
"""An event is about a kilobyte; what is longer is not read to its end."""
OVER: Final = frozenset({State.RESOLVED, State.DISMISSED, State.EXPIRED})

router: Final = APIRouter(prefix="/callback/wecom")
_log = logging.getLogger(__name__)


def _stamp(msg_signature: str = "", timestamp: str = "", nonce: str = "") -> Stamp:
    return Stamp(msg_signature, timestamp, nonce)


Stamped = Annotated[Stamp, Depends(_stamp)]


@router.get("")
async def verify(request: Request, stamp: Stamped, echostr: str = "") -> Response:
    """Return what is in the envelope: so WeCom sees that the address is ours."""
    seal = feed_of(request).settings.wecom
    text = seal.open(stamp, echostr) if seal else None
    return _refused() if text is None else PlainTextResponse(text)


@router.post("")
async def told(request: Request, stamp: Stamped) -> Response:
    """Take the episode whose card was pressed; any other event is heard and left alone."""
    feed = feed_of(request)
    seal = feed.settings.wecom
    sealed = sealed_in(await body_within(request, BODY_MAX_BYTES) or b"")
    text = seal.open(stamp, sealed) if seal and sealed else None
    if seal is None or text is None:
        return _refused()
    press = press_in(text)
    if press is None:
        return PlainTextResponse("")
    async with feed.store.connection() as (connection, now):
        standing = await take(connection, now=now, press=press)
    _log.info("card pressed", extra={"provider": "wecom", "known": standing is not None})
    if standing is None:
        return PlainTextResponse("")
    return _changed_button(seal, stamp, press, standing)


def said_of(standing: Standing) -> str:
    """Return what the button says from now on."""
    words = load_words(standing.language)
    if standing.doctor is not None:
        return words("callback.taken", name=standing.doctor)
    return words("callback.over" if standing.state in OVER else "callback.open")


def _changed_button(seal: Seal, stamp: Stamp, press: Press, standing: Standing) -> Response:
    seconds = int(stamp.timestamp) if stamp.timestamp.isdecimal() else 0
    text = button_text(seal.corp_id, press.member, seconds, said_of(standing))
    beside, sealed = seal.close(text, stamp.timestamp, secrets.token_hex(8))
    return Response(answer_body(beside, sealed), media_type="application/xml")


def _refused() -> Response:
    _log.warning("provider callback refused", extra={"provider": "wecom"})
    return PlainTextResponse("not for us\n", 403)
