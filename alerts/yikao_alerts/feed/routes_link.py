"""The link in a page, opened on a phone at night: it shows that somebody is needed, and answers.

Chat apps open every link to draw a preview, so opening answers nothing; only the form does. Who
has the link may answer for the doctor it was sent to, and sees no value: those are behind the
feed's own door.
"""

from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse

from yikao_alerts.answer import Disposition
from yikao_alerts.care_read import load_care
from yikao_alerts.escalation import load_policies
from yikao_alerts.feed.feed_view import addressed, card_of
from yikao_alerts.feed.routes_moves import said_of
from yikao_alerts.feed.rows import EpisodeRow, LinkRow
from yikao_alerts.feed.web import feed_of, page, words_of
from yikao_alerts.links import PageLink, read_link
from yikao_alerts.rules import load_rules

router: Final = APIRouter(prefix="/p")


@router.get("/{token}")
async def link(request: Request, token: str) -> HTMLResponse:
    """Return the page behind a link; answers nothing, and notes that it was opened."""
    if (opened := await _open(request, token)) is not None:
        await feed_of(request).store.note_read(opened[0].page_id)
    return await _show(request, token, said=None)


@router.post("/{token}")
async def answer(
    request: Request, token: str, disposition: Annotated[Disposition, Form()]
) -> HTMLResponse:
    """Acknowledge for the doctor whom the link was sent to."""
    return await _answered(request, token, disposition)


@router.post("/{token}/take")
async def take(
    request: Request, token: str, disposition: Annotated[Disposition | None, Form()] = None
) -> HTMLResponse:
    """Take it for the doctor whom the link was sent to: what was done is said now, or later."""
    return await _answered(request, token, disposition)


async def _answered(request: Request, token: str, disposition: Disposition | None) -> HTMLResponse:
    opened = await _open(request, token)
    if opened is None:
        return _dead(request)
    genuine, _, row = opened
    store = feed_of(request).store
    done = await store.acknowledge(row.episode_id, genuine.doctor_id, disposition)
    word = "taken" if disposition is None else "answered"
    return await _show(request, token, said=said_of(done, word))


async def _show(request: Request, token: str, said: str | None) -> HTMLResponse:
    opened = await _open(request, token)
    if opened is None:
        return _dead(request)
    genuine, shown, row = opened
    async with feed_of(request).store.reader(None) as reader:
        now = reader.now
        together = await reader.told_together(genuine.page_id, genuine.doctor_id)
        care = (await load_care(reader.connection, [row.patient_id], now))[row.patient_id]
    return page(
        request,
        "link.html",
        words_of(request, shown.language),
        row=row,
        card=addressed(card_of(row, load_policies(), now), care, genuine.doctor_id),
        doctor=shown.doctor_name,
        yours=row.answered_by == genuine.doctor_id,
        said=said,
        token=token,
        # By the way this page was reached: the message's links name the outer address.
        together=[(urlsplit(each.link).path, each) for each in together],
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
