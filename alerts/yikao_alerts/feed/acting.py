"""Who does what a form asks for: the doctor who signed in, else the one chosen in the form.

Without passwords a doctor is chosen by name, as on paper; either way only a doctor of the
resident's own team may act.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from yikao_alerts.feed.rows import DoctorRow, ResidentRow
from yikao_alerts.feed.store import Reader
from yikao_alerts.feed.web import DOCTOR_COOKIE, not_found, reading, remember, words_of

Act = Callable[[ResidentRow, DoctorRow, datetime], Awaitable[str]]
"""Does for a resident what a doctor asks for now; returns the word for what became of it."""


async def acting_for(reader: Reader, named: str, team_id: str) -> DoctorRow | None:
    """Return who acts for a resident of `team_id`, or None where that may not be."""
    acting = reader.viewer or await reader.doctor(named)
    return acting if acting is not None and acting.team_id == team_id else None


async def who_acts(request: Request, reader: Reader, team_id: str) -> dict[str, Any]:
    """Return what a form needs to ask who acts: who signed in, else whom to choose from."""
    return {
        "viewer": reader.viewer,
        "doctors": await reader.doctors(team_id),
        "chosen": request.cookies.get(DOCTOR_COOKIE, ""),
    }


async def act_on(request: Request, code: str, named: str, where: str, act: Act) -> Response:
    """Do what a form on the resident's page `where` asks for, and show that page as it is then."""
    async with reading(request) as reader:
        row = await reader.resident(code)
        if row is None:
            return not_found(request, words_of(request))
        acting = await acting_for(reader, named, row.team_id)
    path = f"/residents/{quote(row.code)}/{where}"
    if acting is None:
        return back_to(request, path, "no_doctor")
    return back_to(request, path, await act(row, acting, reader.now), acting)


def back_to(request: Request, path: str, said: str, acting: DoctorRow | None = None) -> Response:
    """Send the browser back to a page that says what was done; remember who did it."""
    mark = "&" if "?" in path else "?"
    response = RedirectResponse(f"{path}{mark}said={said}", 303)
    if acting is not None:
        remember(response, request, DOCTOR_COOKIE, acting.doctor_id)
    return response
