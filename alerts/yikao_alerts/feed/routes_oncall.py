"""Who is on call, today and in the next fourteen days, and the forms that change it.

Everybody of a centre sees its rotas and may enter leave, swaps and stand-ins: as on the sheet of
paper at the centre's wall, it is signed, and anybody can read it.
"""

from datetime import date, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from yikao_alerts.feed import show
from yikao_alerts.feed.acting import back_to
from yikao_alerts.feed.oncall_forms import REASON_MAX, Asked, asked
from yikao_alerts.feed.oncall_view import DAYS, column, days_from, line_of, said_line
from yikao_alerts.feed.rows import DoctorRow
from yikao_alerts.feed.store import Reader
from yikao_alerts.feed.web import DOCTOR_COOKIE, feed_of, page, reading, words_of
from yikao_alerts.feed.words import Words
from yikao_alerts.rota.model import Kind, Leave
from yikao_alerts.rota.names import Centre, Names, Person, Said, load_names, load_said
from yikao_alerts.rota.on_call import stands_in
from yikao_alerts.rota.staffing import load_problems
from yikao_alerts.rota.store import Signed, load_leaves, load_rotas, say, say_leave, withdraw

router: Final = APIRouter(prefix="/oncall")

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
DONE: Final = ("leave", "handover", "override", "withdrawn")
REFUSED: Final = ("gone", "no_doctor", "bad_span", "bad_choice", "no_reason")
FORMS: Final = ("leave", "handover", "override")


@router.get("")
async def oncall(request: Request, centre: str = "", said: str = "") -> HTMLResponse:
    """Return the page."""
    words = words_of(request)
    async with reading(request) as reader:
        names = await load_names(reader.connection)
        centres = _centres(reader, names)
        shown = next((c for c in centres if c.centre_id == centre), (*centres, None)[0])
        facts = await _facts(reader, names, shown, words) if shown else {}
    return page(
        request,
        "oncall.html",
        words,
        centre=shown,
        centres=centres,
        viewer=reader.viewer,
        chosen=request.cookies.get(DOCTOR_COOKIE, ""),
        said=said if said in (*DONE, *REFUSED) else None,
        refused=said in REFUSED,
        here="oncall",
        now=reader.now,
        **facts,
    )


async def _facts(reader: Reader, names: Names, centre: Centre, words: Words) -> dict[str, Any]:
    """Return what the page of a centre shows."""
    conn, now, zone = reader.connection, reader.now, ZoneInfo(centre.zone)
    rotas = await load_rotas(conn, now - DAY)
    mine = [r for r in names.rotas.values() if r.centre == centre.centre_id]
    days = days_from(now, zone)
    found = await load_problems(conn, now, now + (DAYS - 1) * DAY)
    said = await load_said(conn, now)
    desk = stands_in(centre.duty_desk, now, await load_leaves(conn, now))
    holidays = next((rota.holidays for rota in rotas.values()), {})
    return {
        "columns": [column(rotas[rota.rota_id], names, days, now) for rota in mine],
        "days": [{"on": day, "holiday": _holiday(day, holidays, words)} for day in days],
        "desk": names.of(desk) if desk else "",
        "lines": [
            line_of(p, words, names, centre.zone) for p in found if centre.centre_id in p.centres
        ],
        "words_said": [
            _said(each, words, names, centre.zone)
            for each in said
            if _of_centre(each, centre, names)
        ],
        "people": [p for p in names.doctors.values() if p.centre == centre.centre_id],
        "doctors": [(p.doctor_id, p.name) for p in _first(names, centre)],
        "rotas": [(rota.rota_id, rota.name) for rota in mine],
        "kinds": [(str(kind), words(f"oncall.kind.{kind}")) for kind in Kind],
        "reason_max": REASON_MAX,
        "begin_hint": _hint(now, zone, 1),
        "end_hint": _hint(now, zone, 13),
    }


def _centres(reader: Reader, names: Names) -> list[Centre]:
    """Return the centres that a reader sees: the own one, or all without a login."""
    if reader.viewer is None:
        return list(names.centres.values())
    own = names.doctors[reader.viewer.doctor_id].centre
    return [names.centres[own]] if own else []


def _first(names: Names, centre: Centre) -> list[Person]:
    """Return all doctors, the centre's own first."""
    return sorted(names.doctors.values(), key=lambda p: (p.centre != centre.centre_id, p.doctor_id))


def _of_centre(said: Said, centre: Centre, names: Names) -> bool:
    if said.rota is not None:
        return names.rotas[said.rota].centre == centre.centre_id
    return names.doctors[said.giver or ""].centre == centre.centre_id


def _said(said: Said, words: Words, names: Names, zone: str) -> dict[str, Any]:
    at = show.moment(words, said.at, zone)
    return {
        "what": said.what,
        "number": said.number,
        "line": said_line(said, words, names, zone),
        "signed": words("oncall.signed", by=names.of(said.by), at=at, reason=said.reason),
    }


def _holiday(day: date, holidays: Any, words: Words) -> str:
    return words.of("oncall.day_kind", holidays[day]) if day in holidays else ""


def _hint(now: datetime, zone: ZoneInfo, hours: int) -> str:
    """Return a time for a form's field: the full hour, so many hours from now."""
    local = (now + hours * HOUR).astimezone(zone).replace(minute=0, tzinfo=None)
    return local.isoformat(timespec="minutes")


@router.post("/withdraw")
async def take_back(request: Request) -> Response:
    """Take back what was said; it stays on record, with who took it back."""
    form = await _form(request)
    async with reading(request) as reader:
        names = await load_names(reader.connection)
        acting, centre = await _acting(reader, names, form)
        said = await load_said(reader.connection, reader.now)
    path = f"/oncall?centre={quote(form.get('centre', ''))}"
    if acting is None or centre is None:
        return back_to(request, path, "no_doctor")
    wanted = (form.get("what"), form.get("number"))
    known = [s for s in said if (s.what, str(s.number)) == wanted and _of_centre(s, centre, names)]
    if not known:
        return back_to(request, path, "gone", acting)
    async with feed_of(request).store.writing() as (conn, now):
        done = await withdraw(conn, known[0].what, known[0].number, acting.doctor_id, now)
    return back_to(request, path, "withdrawn" if done else "gone", acting)


@router.post("/{what}")
async def enter(request: Request, what: str) -> Response:
    """Write leave, a hand-over or an override down."""
    form = await _form(request)
    async with reading(request) as reader:
        names = await load_names(reader.connection)
        acting, centre = await _acting(reader, names, form)
        now = reader.now
    path = f"/oncall?centre={quote(form.get('centre', ''))}"
    if acting is None or centre is None:
        return back_to(request, path, "no_doctor")
    wanted = asked(what, form, centre, names, now) if what in FORMS else "bad_choice"
    if isinstance(wanted, str):
        return back_to(request, path, wanted, acting)
    await _write(request, wanted, acting.doctor_id, form["reason"].strip())
    return back_to(request, path, what, acting)


async def _write(request: Request, wanted: Asked, by: str, reason: str) -> None:
    rota_id, word = wanted
    async with feed_of(request).store.writing() as (conn, now):
        signed = Signed(by, now, reason)
        if isinstance(word, Leave):
            await say_leave(conn, word, signed)
        elif rota_id is not None:
            await say(conn, rota_id, word, signed)


async def _form(request: Request) -> dict[str, str]:
    return {key: value for key, value in (await request.form()).items() if isinstance(value, str)}


async def _acting(
    reader: Reader, names: Names, form: dict[str, str]
) -> tuple[DoctorRow | None, Centre | None]:
    """Return who acts, a doctor of the centre that the form is about, and that centre."""
    centre = names.centres.get(form.get("centre", ""))
    acting = reader.viewer or await reader.doctor(form.get("doctor", ""))
    if acting is None or centre is None:
        return None, None
    mine = names.doctors[acting.doctor_id].centre == centre.centre_id
    return (acting, centre) if mine else (None, None)
