"""What a doctor changed in a resident's treatment: written down so that the trends expect it.

Only the direction and the day: which drug and how much of it stands in the patient's file.
"""

from datetime import date, datetime, timedelta
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from yikao_alerts.feed import care_store, show
from yikao_alerts.feed.acting import act_on, who_acts
from yikao_alerts.feed.care_writes import TreatmentSet, add_treatment, take_back_treatment
from yikao_alerts.feed.profile_view import NOTE_MAX
from yikao_alerts.feed.rows import DoctorRow, ResidentRow
from yikao_alerts.feed.web import feed_of, not_found, page, reading, words_of

router: Final = APIRouter()

SIGNALS: Final = ("pressure", "glucose")
CHANGES: Final = ("lowers", "raises", "accepted")
BACK: Final = timedelta(days=180)
"""Older changes say nothing of today's usual level: it remembers eight weeks."""
SAID: Final = ("no_doctor", "bad_day", "unchanged", "treatment_set", "treatment_back")


@router.get("/residents/{code}/treatment")
async def treatment(request: Request, code: str, said: str = "") -> HTMLResponse:
    """Return the page."""
    words = words_of(request)
    async with reading(request) as reader:
        row = await reader.resident(code)
        if row is None:
            return not_found(request, words)
        changes = await care_store.treatment(reader, row.patient_id)
        acts = await who_acts(request, reader, row.team_id)
    today = show.date_in(reader.now, row.zone)
    return page(
        request,
        "treatment.html",
        words,
        row=row,
        changes=changes,
        signals=SIGNALS,
        kinds=CHANGES,
        today=today,
        oldest=today - BACK,
        note_max=NOTE_MAX,
        **acts,
        said=said if said in SAID else None,
        here="resident",
        now=reader.now,
    )


@router.post("/residents/{code}/treatment")
async def change_treatment(
    request: Request,
    code: str,
    signal: Annotated[Literal["pressure", "glucose"], Form()],
    change: Annotated[Literal["lowers", "raises", "accepted"], Form()],
    from_day: Annotated[date, Form()],
    note: Annotated[str, Form()] = "",
    doctor: Annotated[str, Form()] = "",
) -> Response:
    """Write a change down."""

    async def add(row: ResidentRow, acting: DoctorRow, now: datetime) -> str:
        today = show.date_in(now, row.zone)
        if not today - BACK <= from_day <= today:
            return "bad_day"
        told = TreatmentSet(signal, change, from_day, note.strip()[:NOTE_MAX])
        store, who = feed_of(request).store, acting.doctor_id
        added = await add_treatment(store, row.patient_id, who, told, row.zone)
        return "treatment_set" if added else "unchanged"

    return await act_on(request, code, doctor, "treatment", add)


@router.post("/residents/{code}/treatment/{change_id}/back")
async def take_back(
    request: Request, code: str, change_id: int, doctor: Annotated[str, Form()] = ""
) -> Response:
    """Take a change back that was entered by mistake."""

    async def withdraw(row: ResidentRow, acting: DoctorRow, _: datetime) -> str:
        store, who = feed_of(request).store, acting.doctor_id
        taken = await take_back_treatment(store, row.patient_id, who, change_id, row.zone)
        return "treatment_back" if taken else "unchanged"

    return await act_on(request, code, doctor, "treatment", withdraw)
