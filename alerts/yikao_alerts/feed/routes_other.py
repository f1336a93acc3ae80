"""A resident's two weeks, the operator's page, the health check, the language."""

from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from yikao_alerts.escalation import load_policies
from yikao_alerts.feed.chart import SCALES, chart_of
from yikao_alerts.feed.errors import DatabaseAwayError
from yikao_alerts.feed.feed_view import card_of
from yikao_alerts.feed.operations_view import gateways_of, quarantined
from yikao_alerts.feed.resident_view import days_of, latest_of, mean_of
from yikao_alerts.feed.rows import ResidentRow
from yikao_alerts.feed.store import SEEN_WITHIN, Reader
from yikao_alerts.feed.web import (
    LANGUAGE_COOKIE,
    Live,
    feed_of,
    live,
    live_again,
    not_found,
    page,
    reading,
    remember,
    words_of,
)
from yikao_alerts.feed.words import LANGUAGES
from yikao_alerts.rules import load_rules

router: Final = APIRouter()

CHART_SIZES: Final = {"wide": (840, 280), "narrow": (296, 220)}
"""Two drawings, of which the style sheet shows one: scaled text would be too small on a phone."""


@router.get("/residents/{code}")
async def resident(request: Request, code: str) -> HTMLResponse:
    """Return a resident's page."""
    async with reading(request) as reader:
        row = await reader.resident(code)
        if row is None:
            return not_found(request, words_of(request))
        part = await _resident(request, reader, row)
    return page(request, "resident.html", words_of(request), row=row, part=part, here="resident")


@router.get("/live/residents/{code}")
async def resident_again(request: Request, code: str) -> Response:
    """Return its live part."""
    async with reading(request) as reader:
        row = await reader.resident(code)
        if row is None:
            return not_found(request, words_of(request))
        return live_again(request, await _resident(request, reader, row))


@router.get("/operations")
async def operations(request: Request) -> HTMLResponse:
    """Return the operator's page."""
    async with reading(request) as reader:
        part = await _operations(request, reader)
    return page(request, "operations.html", words_of(request), part=part, here="operations")


@router.get("/live/operations")
async def operations_again(request: Request) -> Response:
    """Return its live part."""
    async with reading(request) as reader:
        return live_again(request, await _operations(request, reader))


@router.get("/healthz")
async def health(request: Request) -> JSONResponse:
    """Return whether the feed can do its work, for a watchdog."""
    try:
        version = await feed_of(request).store.schema_version()
    except DatabaseAwayError:
        return JSONResponse({"database": "away", "schema": None}, 503)
    return JSONResponse({"database": "reachable", "schema": version})


@router.post("/language")
async def language(
    request: Request, language: Annotated[str, Form()], back: Annotated[str, Form()] = "/"
) -> Response:
    """Remember a language and go back to the page."""
    response = RedirectResponse(back if is_own_path(back) else "/", 303)
    if language in LANGUAGES:
        remember(response, request, LANGUAGE_COOKIE, language)
    return response


def is_own_path(path: str) -> bool:
    """Return whether a browser sent to `path` stays with us: `//host` and `/\\host` do not."""
    return path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()


async def _resident(request: Request, reader: Reader, row: ResidentRow) -> Live:
    words = words_of(request)
    readings = await reader.readings(row.patient_id)
    episodes = await reader.episodes_of(row.patient_id)
    charts = {
        kind: {
            name: chart_of(kind, readings, reader.now, row.zone, *size)
            for name, size in CHART_SIZES.items()
        }
        for kind in SCALES
    }
    return live(
        request,
        "resident_live.html",
        words,
        url=f"/live/residents/{quote(row.code)}",
        name="resident",
        row=row,
        days=days_of(readings, words, row.zone),
        latest=latest_of(readings),
        mean=mean_of(readings, reader.now, row.zone),
        charts=charts,
        cards=[card_of(episode, load_policies(), reader.now) for episode in episodes],
        rules=load_rules(),
        now=reader.now,
    )


async def _operations(request: Request, reader: Reader) -> Live:
    return live(
        request,
        "operations_live.html",
        words_of(request),
        url="/live/operations",
        name="operations",
        counts=await reader.quarantine_counts(),
        quarantine=[quarantined(row) for row in await reader.quarantine()],
        gateways=gateways_of(await reader.gateways(), reader.now, SEEN_WITHIN),
        device_events=await reader.device_events(),
        pages=await reader.pages(),
        queues=await reader.queues(),
        zone=await reader.zone(),
        now=reader.now,
    )
