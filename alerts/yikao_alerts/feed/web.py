"""From facts to a page: who is reading, in which language, and the HTML that goes out.

Part of a page is "live": it asks again whenever something changed, and is sent only when what it
says has changed, so that nothing moves under a doctor's finger and no reader repeats itself.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from yikao_alerts.clock import story_clock
from yikao_alerts.feed import show
from yikao_alerts.feed.live import Hub
from yikao_alerts.feed.metrics import Metrics
from yikao_alerts.feed.settings import FeedSettings
from yikao_alerts.feed.store import Reader, Store
from yikao_alerts.feed.words import DEFAULT_LANGUAGE, LANGUAGES, Words, load_words

LANGUAGE_COOKIE: Final = "language"
DOCTOR_COOKIE: Final = "doctor"
COOKIE_AGE_S: Final = 365 * 24 * 3600
TOKEN_LETTERS: Final = 16


@dataclass(frozen=True, slots=True)
class Feed:
    """What every handler needs."""

    settings: FeedSettings
    store: Store
    hub: Hub
    metrics: Metrics = field(default_factory=Metrics)


@dataclass(frozen=True, slots=True)
class Live:
    """A part of a page that keeps itself up to date.

    `token` names what it says, `inner` says it, and `html` has the frame around it that asks.
    """

    token: str
    inner: str
    html: str

    def __html__(self) -> str:
        """Let a template print it as it is: it came out of one of ours."""
        return self.html


def feed_of(request: Request) -> Feed:
    """Return the feed that a request came to."""
    feed = request.app.state.feed
    assert isinstance(feed, Feed), "create_app puts it there"
    return feed


async def body_within(request: Request, bytes_max: int) -> bytes | None:
    """Return the body of a request; None for a longer one, which is not read to its end."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > bytes_max:
            return None
    return body


@asynccontextmanager
async def reading(request: Request) -> AsyncIterator[Reader]:
    """Lend what the request's reader may see."""
    async with feed_of(request).store.reader(request.scope["doctor_id"]) as reader:
        yield reader


def words_of(request: Request, preferred: str = DEFAULT_LANGUAGE) -> Words:
    """Return the texts in the reader's language: the one chosen before, else `preferred`."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, preferred)
    return load_words(chosen if chosen in LANGUAGES else DEFAULT_LANGUAGE)


def page(
    request: Request, template: str, words: Words, *, status: int = 200, **facts: Any
) -> HTMLResponse:
    """Return a whole page."""
    return HTMLResponse(_render(template, _context(request, words, facts)), status)


def live(
    request: Request,
    template: str,
    words: Words,
    *,
    url: str,
    name: str,
    now: datetime,
    **facts: Any,
) -> Live:
    """Return the part of a page called `name` that is fetched from `url` again when it changes."""
    body = _render(template, _context(request, words, {"now": now, **facts}))
    token = hashlib.sha256(body.encode()).hexdigest()[:TOKEN_LETTERS]
    inner = _render("live_inner.html", {"token": token, "now": now, "body": body})
    html = _render("live.html", {"name": name, "url": url, "inner": inner})
    return Live(token, inner, html)


def live_again(request: Request, part: Live) -> Response:
    """Return a live part to a page that has an older one; nothing when it has this one."""
    if request.query_params.get("seen") == part.token:
        return Response(status_code=204)
    return HTMLResponse(part.inner)


def not_found(request: Request, words: Words) -> HTMLResponse:
    """Return the page for what is not there, or not this reader's."""
    return page(
        request,
        "message.html",
        words,
        status=404,
        title=words("not_found.title"),
        text=words("not_found.text"),
    )


def remember(response: Response, request: Request, name: str, value: str) -> None:
    """Keep a choice of the reader's in the browser."""
    response.set_cookie(
        name,
        value,
        max_age=COOKIE_AGE_S,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def _context(request: Request, words: Words, facts: dict[str, Any]) -> dict[str, Any]:
    return {"words": words, "path": request.url.path, "speed": story_clock().speed, **facts}


def _render(template: str, facts: dict[str, Any]) -> str:
    return _environment().get_template(template).render(facts)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("yikao_alerts.feed", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["show"] = show
    return environment
