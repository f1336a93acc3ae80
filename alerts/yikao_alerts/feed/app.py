"""The feed as a web application: its parts put together, and what it says when all is not well."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from importlib import resources
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.routing import Route

from yikao_alerts.feed import (
    routes_check,
    routes_episode,
    routes_feed,
    routes_label,
    routes_link,
    routes_metrics,
    routes_moves,
    routes_oncall,
    routes_other,
    routes_profile,
    routes_resident,
    routes_rules,
    routes_short,
    routes_sms,
    routes_treatment,
    routes_wecom,
    routes_worklist,
)
from yikao_alerts.feed.connections import listen
from yikao_alerts.feed.errors import DatabaseAwayError, UnknownDoctorError
from yikao_alerts.feed.guard import Guard
from yikao_alerts.feed.live import EventStream, Hub
from yikao_alerts.feed.settings import FeedSettings
from yikao_alerts.feed.store import Store
from yikao_alerts.feed.users import load_users
from yikao_alerts.feed.web import Feed, not_found, page, words_of

STATIC: Final = Path(str(resources.files("yikao_alerts.feed").joinpath("static")))
ROUTES: Final = (
    routes_feed,
    routes_worklist,
    routes_episode,
    routes_link,
    routes_check,
    routes_oncall,
    routes_metrics,
    routes_moves,
    routes_resident,
    routes_label,
    routes_profile,
    routes_rules,
    routes_short,
    routes_sms,
    routes_treatment,
    routes_wecom,
    routes_other,
)

_log = logging.getLogger(__name__)


def create_app(settings: FeedSettings) -> FastAPI:
    """Return the feed; refuses with `FeedError` a users file that cannot be used."""
    users = load_users(settings.users_file) if settings.users_file else None
    app = FastAPI(lifespan=_lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    hub = Hub()
    app.state.feed = Feed(settings, Store(settings.database_url), hub)
    for routes in ROUTES:
        app.include_router(routes.router)
    app.router.routes.append(Route("/stream", EventStream(hub)))
    app.mount("/static", StaticFiles(directory=STATIC))
    app.add_exception_handler(DatabaseAwayError, _database_away)
    app.add_exception_handler(UnknownDoctorError, _unknown_doctor)
    app.add_exception_handler(RequestValidationError, _bad_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_middleware(Guard, users=users)
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    feed: Feed = app.state.feed
    tasks = [
        asyncio.create_task(feed.hub.run()),
        asyncio.create_task(listen(feed.settings.database_url, feed.hub.note)),
    ]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await feed.store.close()


async def _database_away(request: Request, error: Exception) -> Response:
    # The route and not the address: links and callbacks have secrets in theirs.
    route = getattr(request.scope.get("route"), "path", "")
    _log.error("database away", extra={"path": route, "error": str(error)})
    return _message(request, 503, "away")


async def _unknown_doctor(request: Request, error: Exception) -> Response:
    _log.warning("doctor without registry entry", extra={"doctor": str(error)})
    return _message(request, 403, "unknown_doctor")


async def _bad_request(request: Request, error: Exception) -> Response:
    return _message(request, 400, "bad_request")


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "registered for it alone"
    if error.status_code == 404:
        return not_found(request, words_of(request))
    return _message(request, error.status_code, "bad_request")


def _message(request: Request, status: int, key: str) -> HTMLResponse:
    words = words_of(request)
    title, text = words(f"{key}.title"), words(f"{key}.text")
    return page(request, "message.html", words, status=status, title=title, text=text)
