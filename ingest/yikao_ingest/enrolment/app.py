"""The counter at which gateways get their certificates: three addresses, all of them over HTTPS.

It knows no doctor, no resident and no page; whoever comes has a claim code or a certificate. What
is refused is answered with a code for which the gateway has a sentence; no secret is ever logged.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

import psycopg
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import PlainTextResponse, Response
from msgspec import DecodeError
from psycopg import AsyncConnection

from yikao_alerts.feed.web import body_within
from yikao_alerts.working import connect
from yikao_devices.enrolment import (
    AUTHORITY_PATH,
    CLAIM_PATH,
    RENEWAL_PATH,
    REQUEST_BYTES_MAX,
    Granted,
    Refusal,
    Refused,
    decode_claim,
    decode_renewal,
    encode,
)
from yikao_ingest.enrolment.store import Answer, Office
from yikao_ingest.enrolment.tries import REFILL_S, Tries
from yikao_ingest.errors import ServerError

BODY_MAX_S: Final = 10.0
"""A request of a few kilobytes that takes longer is given up."""
AT_ONCE: Final = 4
"""Requests at the database at the same time; more wait."""
STATUS: Final = {
    Refusal.UNREADABLE: 400,
    Refusal.CODE_USED: 409,
    Refusal.CODE_EXPIRED: 410,
    Refusal.TOO_MANY: 429,
    Refusal.AWAY: 503,
}
"""Of the other refusals it is 403."""
UNREADABLE: Final = (DecodeError, UnicodeDecodeError, RecursionError)

router: Final = APIRouter()
log = logging.getLogger(__name__)
Asked = TypeVar("Asked")


@dataclass(frozen=True, slots=True)
class Counter:
    """What every request needs. Guessing codes keeps no gateway from renewing."""

    office: Office
    dsn: str
    claims: Tries = field(default_factory=lambda: Tries(now_s=time.monotonic()))
    renewals: Tries = field(default_factory=lambda: Tries(now_s=time.monotonic()))
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))


def create_app(counter: Counter) -> FastAPI:
    """Return the application."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.state.counter = counter
    app.include_router(router)
    return app


@router.get("/healthz")
async def healthz() -> PlainTextResponse:
    """Say that it answers."""
    return PlainTextResponse("ok\n")


@router.get(AUTHORITY_PATH)
async def authority(request: Request) -> PlainTextResponse:
    """Return the authority's certificate, which a gateway compares with its code."""
    return PlainTextResponse(_counter(request).office.authority.pem)


@router.post(CLAIM_PATH)
async def claim(request: Request) -> Response:
    """Give a certificate for a code."""
    counter = _counter(request)
    return await _answer(request, counter.claims, decode_claim, counter.office.claim)


@router.post(RENEWAL_PATH)
async def renew(request: Request) -> Response:
    """Give a certificate for a certificate."""
    counter = _counter(request)
    return await _answer(request, counter.renewals, decode_renewal, counter.office.renew)


async def _answer(
    request: Request,
    tries: Tries,
    decode: Callable[[bytes], Asked],
    work: Callable[[AsyncConnection, Asked], Awaitable[Answer]],
) -> Response:
    address = request.client.host if request.client else ""
    if not tries.allow(address, time.monotonic()):
        return _refused(Refusal.TOO_MANY, address)
    try:
        async with asyncio.timeout(BODY_MAX_S):
            body = await body_within(request, REQUEST_BYTES_MAX)
        asked = decode(body or b"")
    except (TimeoutError, *UNREADABLE):
        return _refused(Refusal.UNREADABLE, address)
    try:
        counter = _counter(request)
        async with counter.slots, await connect(counter.dsn) as conn:
            answer = await work(conn, asked)
    except (psycopg.Error, ServerError) as error:
        # Without its text, which may quote what was sent.
        log.error("no certificate can be given now", extra={"error": type(error).__name__})
        return _refused(Refusal.AWAY, address)
    return _granted(answer) if isinstance(answer, Granted) else _refused(answer, address)


def _granted(granted: Granted) -> Response:
    log.info("certificate given", extra={"gateway": granted.gateway})
    return Response(encode(granted), media_type="application/json")


def _refused(refusal: Refusal, address: str) -> Response:
    log.warning("certificate refused", extra={"code": str(refusal), "address": address})
    headers = {"retry-after": f"{REFILL_S:.0f}"} if refusal is Refusal.TOO_MANY else {}
    return Response(
        encode(Refused(str(refusal))), STATUS.get(refusal, 403), headers, "application/json"
    )


def _counter(request: Request) -> Counter:
    counter = request.app.state.counter
    assert isinstance(counter, Counter), "create_app puts it there"
    return counter
