"""The operator's page, the team's workload, the health check, the language."""

from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from yikao_alerts.feed import care_store
from yikao_alerts.feed.burden_view import burdens_of
from yikao_alerts.feed.errors import DatabaseAwayError
from yikao_alerts.feed.ledger_view import ledger_csv, ledger_of
from yikao_alerts.feed.operations_view import gateways_of, quarantined, unowned
from yikao_alerts.feed.store import SEEN_WITHIN, Reader
from yikao_alerts.feed.web import (
    LANGUAGE_COOKIE,
    Live,
    feed_of,
    live,
    live_again,
    page,
    reading,
    remember,
    words_of,
)
from yikao_alerts.feed.words import LANGUAGES
from yikao_alerts.rules import load_rules
from yikao_alerts.rules.policy import load_policies

router: Final = APIRouter()


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


@router.get("/workload")
async def workload(request: Request) -> HTMLResponse:
    """Return what each team was asked for in the last weeks."""
    async with reading(request) as reader:
        teams, shadows = await care_store.burden(reader)
        ledger = ledger_of(await care_store.ledger(reader))
        asked = await care_store.asked_of_doctors(reader)
    return page(
        request,
        "workload.html",
        words_of(request),
        burdens=burdens_of(teams, shadows, care_store.BURDEN_WEEKS),
        weeks=care_store.BURDEN_WEEKS,
        ledger=ledger,
        ledger_weeks=care_store.LEDGER_WEEKS,
        rules=load_rules(),
        asked=asked,
        a_day=load_policies()["today"].calls_a_day,
        here="workload",
    )


@router.get("/workload/rules.csv")
async def workload_csv(request: Request) -> Response:
    """Return how often each rule was right, for a spreadsheet."""
    async with reading(request) as reader:
        ledger = ledger_of(await care_store.ledger(reader))
    return Response(ledger_csv(ledger), media_type="text/csv; charset=utf-8")


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


async def _operations(request: Request, reader: Reader) -> Live:
    waiting = await reader.unowned()
    return live(
        request,
        "operations_live.html",
        words_of(request),
        url="/live/operations",
        name="operations",
        waiting=waiting[0].waiting if waiting else 0,
        unowned=[unowned(row) for row in waiting],
        counts=await reader.quarantine_counts(),
        quarantine=[quarantined(row) for row in await reader.quarantine()],
        gateways=gateways_of(await reader.gateways(), reader.now, SEEN_WITHIN),
        device_events=await reader.device_events(),
        pages=await reader.pages(),
        queues=await reader.queues(),
        zone=await reader.zone(),
        now=reader.now,
    )
