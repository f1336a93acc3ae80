"""Who does what a form asks for: the doctor who signed in, else the one chosen in the form.

Without passwords a doctor is chosen by name, as on paper; either way only a doctor of the
resident's own team may act.
"""

from typing import Any

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from yikao_alerts.feed.rows import DoctorRow
from yikao_alerts.feed.store import Reader
from yikao_alerts.feed.web import DOCTOR_COOKIE, remember


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


def back_to(request: Request, path: str, said: str, acting: DoctorRow | None = None) -> Response:
    """Send the browser back to a page that says what was done; remember who did it."""
    mark = "&" if "?" in path else "?"
    response = RedirectResponse(f"{path}{mark}said={said}", 303)
    if acting is not None:
        remember(response, request, DOCTOR_COOKIE, acting.doctor_id)
    return response
