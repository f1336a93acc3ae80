"""What a doctor sets for a resident, and readings of which a person has to say whose they are."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Final, Literal
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import FormData

from yikao_alerts.feed import care_store, show
from yikao_alerts.feed.acting import act_on, acting_for, back_to, who_acts
from yikao_alerts.feed.care_rows import ProfileRow
from yikao_alerts.feed.care_writes import add_profile, answer_doubt
from yikao_alerts.feed.doubt_view import conflicts_of, doubts_of
from yikao_alerts.feed.profile_view import (
    BOUNDS,
    NOTE_MAX,
    Entered,
    entered_of,
    lines_of,
    parse_profile,
    resident_of,
    targets_of,
)
from yikao_alerts.feed.rows import DoctorRow, ResidentRow
from yikao_alerts.feed.store import Reader
from yikao_alerts.feed.web import (
    feed_of,
    not_found,
    page,
    reading,
    words_of,
)
from yikao_alerts.resident import GROUPS, OPTIONS, TARGETS
from yikao_alerts.rules import load_rules

router: Final = APIRouter()

SAID: Final = ("no_doctor", "profile_stale", "doubt_own", "doubt_other", "unchanged")
UNFIT: Final = 422
"""HTTP: understood, but not to be done as it stands."""


@router.get("/residents/{code}/profile")
async def profile(request: Request, code: str, said: str = "") -> HTMLResponse:
    """Return the page with the form."""
    async with reading(request) as reader:
        row = await reader.resident(code)
        if row is None:
            return not_found(request, words_of(request))
        newest = await _newest(reader, row)
        return await _page(request, reader, row, entered_of(newest), said=said)


@router.post("/residents/{code}/profile")
async def set_profile(request: Request, code: str) -> Response:
    """Append what the form sets, or show it again with its faults."""
    words = words_of(request)
    form = await request.form()
    fields = {key: value for key, value in form.items() if isinstance(value, str)}
    groups, options = _texts(form, "groups"), _texts(form, "options")
    async with reading(request) as reader:
        row = await reader.resident(code)
        if row is None:
            return not_found(request, words)
        acting = await acting_for(reader, fields.get("doctor", ""), row.team_id)
        parsed = parse_profile(fields, groups, options, words)
        if isinstance(parsed, list):
            entered = Entered(fields, groups, options, fields.get("based_on", ""))
            return await _page(request, reader, row, entered, faults=parsed)
    path, based_on = f"/residents/{quote(row.code)}", fields.get("based_on", "")
    if acting is None:
        return back_to(request, f"{path}/profile", "no_doctor")
    saved = await add_profile(
        feed_of(request).store,
        row.patient_id,
        acting.doctor_id,
        parsed,
        int(based_on) if based_on.isdecimal() else None,
    )
    if not saved:
        return back_to(request, f"{path}/profile", "profile_stale", acting)
    return back_to(request, path, "profile_saved", acting)


@router.get("/residents/{code}/doubts")
async def doubts(request: Request, code: str, said: str = "") -> HTMLResponse:
    """Return the readings that may be somebody else's, and records that contradict each other."""
    words = words_of(request)
    async with reading(request) as reader:
        row = await reader.resident(code)
        if row is None:
            return not_found(request, words)
        doubted = await care_store.doubts(reader, row.patient_id)
        conflicts = await care_store.conflicts(reader, row.patient_id)
        acts = await who_acts(request, reader, row.team_id)
    return page(
        request,
        "doubts.html",
        words,
        row=row,
        doubts=doubts_of(doubted),
        conflicts=conflicts_of(conflicts),
        **acts,
        said=said if said in SAID else None,
        here="resident",
        now=reader.now,
    )


@router.post("/residents/{code}/doubts")
async def settle_doubt(
    request: Request,
    code: str,
    key: Annotated[str, Form()],
    answer: Annotated[Literal["own", "other"], Form()],
    doctor: Annotated[str, Form()] = "",
) -> Response:
    """Say whose a reading is."""

    async def settle(row: ResidentRow, acting: DoctorRow, _: datetime) -> str:
        store = feed_of(request).store
        settled = await answer_doubt(store, row.patient_id, acting.doctor_id, key, answer)
        return f"doubt_{answer}" if settled else "unchanged"

    return await act_on(request, code, doctor, "doubts", settle)


async def _page(
    request: Request,
    reader: Reader,
    row: ResidentRow,
    entered: Entered,
    *,
    said: str = "",
    faults: Sequence[str] = (),
) -> HTMLResponse:
    words, rules = words_of(request), load_rules()
    rows = await care_store.profiles(reader, row.patient_id)
    newest = rows[0] if rows else None
    person = resident_of(row.birth_year, row.sex, newest)
    plain = replace(person, targets={})
    today = show.date_in(reader.now, row.zone)
    return page(
        request,
        "profile.html",
        words,
        status=UNFIT if faults else 200,
        row=row,
        entered=entered,
        faults=faults,
        targets=targets_of(person, rules, today, words),
        defaults={target.code: target for target in targets_of(plain, rules, today, words)},
        lines=lines_of(rows, words),
        bounds=BOUNDS,
        names={"groups": GROUPS, "options": OPTIONS, "targets": TARGETS},
        note_max=NOTE_MAX,
        **await who_acts(request, reader, row.team_id),
        said=said if said in SAID else None,
        here="resident",
        now=reader.now,
    )


async def _newest(reader: Reader, row: ResidentRow) -> ProfileRow | None:
    rows = await care_store.profiles(reader, row.patient_id)
    return rows[0] if rows else None


def _texts(form: FormData, name: str) -> list[str]:
    return [value for value in form.getlist(name) if isinstance(value, str)]
