"""The link in a test message: whoever opens it and presses the button proves that it reaches them.

As with a page's link, opening changes nothing: chat apps open every link to draw a preview.
"""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from yikao_alerts.feed.web import feed_of, page, words_of
from yikao_alerts.links import read_link
from yikao_alerts.notices import check_of, confirm

router: Final = APIRouter(prefix="/p/check")


@router.get("/{token}")
async def look(request: Request, token: str) -> HTMLResponse:
    """Return the page of a test message; changes nothing."""
    return await _answer(request, token, confirming=False)


@router.post("/{token}")
async def confirmed(request: Request, token: str) -> HTMLResponse:
    """Keep that the contact reaches the doctor to whom it belongs."""
    return await _answer(request, token, confirming=True)


async def _answer(request: Request, token: str, *, confirming: bool) -> HTMLResponse:
    feed = feed_of(request)
    async with feed.store.connection() as (connection, now):
        genuine = read_link(feed.settings.link_secret, token, now)
        if genuine is not None and confirming:
            await confirm(connection, genuine.page_id, genuine.doctor_id, now)
        check = await check_of(connection, genuine.page_id, genuine.doctor_id) if genuine else None
    if check is None:
        words = words_of(request)
        facts = {"title": words("link.dead_title"), "text": words("link.dead_text")}
        return page(request, "message.html", words, status=404, **facts)
    async with feed.store.reader(None) as reader:
        zone = await reader.zone()
    return page(request, "check.html", words_of(request, check.language), check=check, zone=zone)
