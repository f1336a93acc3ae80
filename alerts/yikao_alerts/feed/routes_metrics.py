"""The figures of the server for Prometheus, behind the feed's own door."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from yikao_alerts.feed.metrics import CONTENT_TYPE
from yikao_alerts.feed.web import feed_of

router: Final = APIRouter()


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Return the figures in the text format."""
    feed = feed_of(request)
    async with feed.store.connection() as (connection, now):
        await feed.metrics.read(connection, now)
    return Response(feed.metrics.text(), media_type=CONTENT_TYPE)
