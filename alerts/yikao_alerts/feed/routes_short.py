"""The short link of a text message: it leads to the page's signed link, which says who may answer.

Its code is 72 random bits, so that nobody finds one by trying; it opens nothing that the signed
link does not, and no longer than that.
"""

from typing import Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from yikao_alerts.feed.metrics import SQL
from yikao_alerts.feed.web import feed_of, not_found, words_of
from yikao_alerts.links import SHORT_PATH

router: Final = APIRouter()


@router.get(f"{SHORT_PATH}{{short}}")
async def short_link(request: Request, short: str) -> Response:
    """Lead to the page's own link; changes nothing."""
    async with feed_of(request).store.connection() as (connection, _):
        key = {"short": short.replace("\0", "")}
        found = await (await connection.execute(SQL["link_of_short"], key)).fetchone()
    # Only its path: we lead to ourselves, whatever stands in the database.
    path = urlsplit(found[0]).path if found else ""
    return RedirectResponse(path, 303) if path else not_found(request, words_of(request))
