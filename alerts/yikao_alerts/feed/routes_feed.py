"""The first page: what is open, the most urgent first, and how much is known."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from yikao_alerts.clock import story_clock
from yikao_alerts.escalation import load_policies
from yikao_alerts.feed.feed_view import STATE_ORDER, cards, summary_of
from yikao_alerts.feed.store import EPISODES_MAX
from yikao_alerts.feed.web import Live, live, live_again, page, reading, words_of
from yikao_alerts.rules import load_rules

router: Final = APIRouter()

CLOSED_SHOWN: Final = 12
API_FIELDS: Final = (
    "episode_id",
    "resident_code",
    "family",
    "state",
    "rule_id",
    "severity",
    "level",
    "confirmed",
)
API_TIMES: Final = ("measured_at", "opened_at", "level_since", "last_evidence_at", "answered_at")


@router.get("/")
async def feed(request: Request) -> HTMLResponse:
    """Return the page."""
    part = await _part(request)
    return page(request, "feed.html", words_of(request), part=part, here="feed")


@router.get("/live/feed")
async def feed_again(request: Request) -> Response:
    """Return its live part."""
    return live_again(request, await _part(request))


@router.get("/api/episodes")
async def episodes(request: Request) -> JSONResponse:
    """Return the active episodes for scripts: codes and times, no names and no values."""
    async with reading(request) as reader:
        found = await reader.episodes()
    return JSONResponse(
        [
            {name: getattr(row, name) for name in API_FIELDS}
            | {name: at.isoformat() if (at := getattr(row, name)) else None for name in API_TIMES}
            for row in found
            if row.state in STATE_ORDER
        ]
    )


async def _part(request: Request) -> Live:
    async with reading(request) as reader:
        rows = await reader.episodes()
        freshness = await reader.freshness()
        queues = await reader.queues()
        zone = await reader.zone()
    active, closed = cards(rows, load_policies(), reader.now)
    summary = summary_of(
        active,
        freshness,
        queues,
        reader.now,
        more=len(rows) >= EPISODES_MAX,
        speed=story_clock().speed,
    )
    return live(
        request,
        "feed_live.html",
        words_of(request),
        url="/live/feed",
        name="feed",
        active=active,
        closed=closed[:CLOSED_SHOWN],
        summary=summary,
        rules=load_rules(),
        zone=zone,
        now=reader.now,
    )
