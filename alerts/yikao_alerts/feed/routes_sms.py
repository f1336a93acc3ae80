"""Where the clouds push answers by text message: "1 A1B2" takes the page with that code.

The clouds sign nothing, so that the address itself is the secret: it ends in a token that only the
cloud was told. A code is good on one telephone alone; a stranger who knows the address could still
only answer in the name of a telephone whose code they have read.
"""

import hmac
import logging
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from yikao_alerts.channels.json_text import json_of
from yikao_alerts.channels.sms_reply import PUSHES
from yikao_alerts.feed.web import body_within, feed_of
from yikao_alerts.replied import take_by_reply

BODY_MAX_BYTES: Final = 256 * 1024
"""An answer is well below a kilobyte, and a push has some hundred at most."""

router: Final = APIRouter(prefix="/callback/sms")
_log = logging.getLogger(__name__)


@router.post("/{cloud}/{token}")
async def told(request: Request, cloud: str, token: str) -> Response:
    """Take what is answered; thanked when all of it is kept, pushed again otherwise."""
    feed = feed_of(request)
    push, known = PUSHES.get(cloud), feed.settings.sms_token
    if push is None or not known or not hmac.compare_digest(token.encode(), known.encode()):
        _log.warning("provider callback refused", extra={"provider": "sms"})
        return PlainTextResponse("not for us\n", 404)
    answers = push.read(await _json(request))
    if answers is None:
        _log.warning("provider callback unreadable", extra={"provider": cloud})
        return PlainTextResponse("not an answer by text message\n", 400)
    secret = feed.settings.link_secret
    for incoming in answers:
        async with feed.store.connection() as (connection, now):
            heard = await take_by_reply(connection, now=now, secret=secret, incoming=incoming)
        _log.info("text message answered", extra={"provider": cloud, "outcome": str(heard)})
    return JSONResponse(dict(push.thanks))


async def _json(request: Request) -> object:
    """Return the body's JSON; None for what is none or too long."""
    return json_of(await body_within(request, BODY_MAX_BYTES) or b"")
