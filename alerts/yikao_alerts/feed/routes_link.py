"""The link in a page, opened on a phone at night: it shows that somebody is needed, and answers.

Chat apps open every link to draw a preview, so opening changes nothing; only the form does. Who
has the link may answer for the doctor it was sent to, and sees no value: those are behind the
feed's own door.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse

from yikao_alerts.answer import Disposition
from yikao_alerts.escalation import load_policies
from yikao_alerts.feed.feed_view import card_of
from yikao_alerts.feed.routes_episode import said_of
from yikao_alerts.feed.rows import EpisodeRow, LinkRow
from yikao_alerts.feed.web import feed_of, page, words_of
from yikao_alerts.links import PageLink, read_link
from yikao_alerts.rules import load_rules

router: Final = APIRouter(prefix="/p")


@router.get("/{token}")
async def link(request: Request, token: str) -> HTMLResponse:
    """Return the page behind a link; changes nothing."""
    return await _show(request, token, said=None)


@router.post("/{token}")
async def answer(
    request: Request, token: str, disposition: Annotated[Disposition, Form()]
) -> HTMLResponse:
    """Acknowledge for the doctor whom the link was sent to."""
    opened = await _open(request, token)
    if opened is None:
        return _dead(request)
    genuine, _, row = opened
    store = feed_of(request).store
    done = await store.acknowledge(row.episode_id, genuine.doctor_id, disposition)
    return await _show(request, token, said=said_of(done))


async def _show(request: Request, token: str, said: str | None) -> HTMLResponse:
    opened = await _open(request, token)
    if opened is None:
        return _dead(request)
    genuine, shown, row = opened
    async with feed_of(request).store.reader(None) as reader:
        now = reader.now
    return page(
        request,
        "link.html",
        words_of(request, shown.language),
        row=row,
        card=card_of(row, load_policies(), now),
        doctor=shown.doctor_name,
        yours=row.answered_by == genuine.doctor_id,
        said=said,
        dispositions=list(Disposition),
        rules=load_rules(),
        now=now,
    )


async def _open(request: Request, token: str) -> tuple[PageLink, LinkRow, EpisodeRow] | None:
    """Return what a genuine link opens; None for any other."""
    feed = feed_of(request)
    async with feed.store.reader(None) as reader:
        genuine = read_link(feed.settings.link_secret, token, reader.now)
        if genuine is None:
            return None
        shown = await reader.page_of_link(genuine.page_id, genuine.doctor_id)
        row = await reader.episode(shown.episode_id) if shown else None
    return (genuine, shown, row) if shown and row else None


def _dead(request: Request) -> HTMLResponse:
    words = words_of(request)
    return page(
        request,
        "message.html",
        words,
        status=404,
        title=words("link.dead_title"),
        text=words("link.dead_text"),
    )
