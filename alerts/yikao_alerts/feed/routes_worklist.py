"""The worklist: what the daily round found, to be looked at within the week."""

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from yikao_alerts.feed import care_store
from yikao_alerts.feed.acting import acting_for, back_to, who_acts
from yikao_alerts.feed.care_writes import finish_entry, put_off_entry
from yikao_alerts.feed.episode_view import find_rule
from yikao_alerts.feed.store import Reader
from yikao_alerts.feed.web import (
    Live,
    feed_of,
    live,
    live_again,
    not_found,
    page,
    reading,
    words_of,
)
from yikao_alerts.feed.worklist_view import (
    PUT_OFF_DAYS,
    REASON_MAX,
    entry_of,
    is_complete,
    is_put_off,
    worklist_of,
)
from yikao_alerts.rules import load_rules

router: Final = APIRouter()

SAID: Final = ("done", "put_off", "gone", "no_doctor", "bad_days", "no_reason")
MINE: Final = "mine"
TEAM: Final = "team"
CLOSED_SHOWN: Final = 12


@router.get("/worklist")
async def worklist(request: Request, whose: str = MINE, said: str = "") -> HTMLResponse:
    """Return the page: of the signed-in doctor's own residents, or of the whole team."""
    async with reading(request) as reader:
        part = await _part(request, reader, whose)
    return page(
        request,
        "worklist.html",
        words_of(request),
        part=part,
        here="worklist",
        said=said if said in SAID else None,
    )


@router.get("/live/worklist")
async def worklist_again(request: Request, whose: str = MINE) -> Response:
    """Return its live part."""
    async with reading(request) as reader:
        return live_again(request, await _part(request, reader, whose))


@router.get("/worklist/count")
async def worklist_count(request: Request) -> HTMLResponse:
    """Return the number beside the worklist in the navigation."""
    async with reading(request) as reader:
        count = await care_store.worklist_count(reader, _doctor(reader, MINE))
    return page(request, "worklist_count.html", words_of(request), count=count)


@router.get("/worklist/{entry_id}")
async def entry(request: Request, entry_id: int, whose: str = MINE, said: str = "") -> HTMLResponse:
    """Return the page of one entry, with the forms that settle it."""
    words, rules = words_of(request), load_rules()
    async with reading(request) as reader:
        row = await care_store.entry(reader, entry_id)
        if row is None:
            return not_found(request, words)
        record = await care_store.record_of_entry(reader, entry_id)
        acts = await who_acts(request, reader, row.team_id)
    return page(
        request,
        "worklist_entry.html",
        words,
        row=row,
        entry=entry_of(row, words, rules),
        rule=find_rule(rules, row.rule_id),
        record=record,
        put_off=is_put_off(row, reader.now),
        put_off_days=PUT_OFF_DAYS,
        reason_max=REASON_MAX,
        **acts,
        whose=whose,
        here="worklist",
        said=said if said in SAID else None,
        now=reader.now,
    )


@router.post("/worklist/{entry_id}/done")
async def done(
    request: Request,
    entry_id: int,
    doctor: Annotated[str, Form()] = "",
    back: Annotated[str, Form()] = MINE,
) -> Response:
    """Take an entry from the list."""
    async with reading(request) as reader:
        row = await care_store.entry(reader, entry_id)
        if row is None:
            return not_found(request, words_of(request))
        acting = await acting_for(reader, doctor, row.team_id)
    if acting is None:
        return back_to(request, f"/worklist/{entry_id}", "no_doctor")
    finished = await finish_entry(feed_of(request).store, entry_id, acting.doctor_id)
    return back_to(request, _path(back), "done" if finished else "gone", acting)


@router.post("/worklist/{entry_id}/put-off")
async def put_off(
    request: Request,
    entry_id: int,
    days: Annotated[int, Form()],
    reason: Annotated[str, Form()] = "",
    doctor: Annotated[str, Form()] = "",
    back: Annotated[str, Form()] = MINE,
) -> Response:
    """Hide an entry for some days, with a reason."""
    async with reading(request) as reader:
        row = await care_store.entry(reader, entry_id)
        if row is None:
            return not_found(request, words_of(request))
        acting = await acting_for(reader, doctor, row.team_id)
    reason = reason.strip()
    if acting is None:
        return back_to(request, f"/worklist/{entry_id}", "no_doctor")
    if days not in PUT_OFF_DAYS:
        return back_to(request, f"/worklist/{entry_id}", "bad_days", acting)
    if not 0 < len(reason) <= REASON_MAX:
        return back_to(request, f"/worklist/{entry_id}", "no_reason", acting)
    store = feed_of(request).store
    put = await put_off_entry(store, entry_id, acting.doctor_id, timedelta(days=days), reason)
    return back_to(request, _path(back), "put_off" if put else "gone", acting)


async def _part(request: Request, reader: Reader, whose: str) -> Live:
    words = words_of(request)
    shown = TEAM if whose == TEAM else MINE
    doctor_id = _doctor(reader, shown)
    rows = await care_store.worklist(reader, doctor_id)
    known = await care_store.worklist_known(reader, doctor_id)
    entries = worklist_of(rows, words, load_rules(), reader.now)
    return live(
        request,
        "worklist_live.html",
        words,
        url=f"/live/worklist?whose={shown}",
        name="worklist",
        whose=shown,
        viewer=reader.viewer,
        entries=entries,
        closed=entries.closed[:CLOSED_SHOWN],
        known=known,
        complete=is_complete(known),
        more=len(rows) >= care_store.ENTRIES_MAX,
        now=reader.now,
    )


def _doctor(reader: Reader, whose: str) -> str | None:
    """Return whose residents are shown: nobody signed in sees everybody's."""
    return None if whose == TEAM or reader.viewer is None else reader.viewer.doctor_id


def _path(back: str) -> str:
    return "/worklist?whose=team" if back == TEAM else "/worklist"
