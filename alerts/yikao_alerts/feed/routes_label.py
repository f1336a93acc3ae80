"""A resident's label over time, and the form with which a doctor sets it for some days."""

from datetime import timedelta
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from yikao_alerts.feed import care_store
from yikao_alerts.feed.acting import acting_for, back_to, who_acts
from yikao_alerts.feed.care_writes import set_label
from yikao_alerts.feed.label_view import (
    LABELS,
    OVERRIDE_DAYS,
    changes_of,
    override_at,
    standing_of,
)
from yikao_alerts.feed.web import (
    feed_of,
    not_found,
    page,
    reading,
    words_of,
)
from yikao_alerts.feed.worklist_view import REASON_MAX
from yikao_alerts.rules import load_rules

router: Final = APIRouter()

SAID: Final = ("no_doctor", "no_reason", "unchanged")


@router.get("/residents/{code}/label")
async def label(request: Request, code: str, said: str = "") -> HTMLResponse:
    """Return the page."""
    words, rules = words_of(request), load_rules()
    async with reading(request) as reader:
        row = await reader.resident(code)
        if row is None:
            return not_found(request, words)
        labels = await care_store.labels(reader, row.patient_id)
        overrides = await care_store.overrides(reader, row.patient_id)
        acts = await who_acts(request, reader, row.team_id)
    word = override_at(overrides, reader.now)
    newest = labels[0] if labels else None
    return page(
        request,
        "label.html",
        words,
        row=row,
        standing=standing_of(
            newest.label if newest else None,
            newest.reasons if newest else (),
            word.label if word else None,
            words,
            rules,
        ),
        newest=newest,
        word=word,
        changes=changes_of(labels, overrides, words, rules),
        labels=LABELS,
        override_days=OVERRIDE_DAYS,
        reason_max=REASON_MAX,
        **acts,
        said=said if said in SAID else None,
        here="resident",
        now=reader.now,
    )


@router.post("/residents/{code}/label")
async def set_the_label(
    request: Request,
    code: str,
    label: Annotated[str, Form()] = "",
    days: Annotated[int, Form()] = 0,
    reason: Annotated[str, Form()] = "",
    doctor: Annotated[str, Form()] = "",
) -> Response:
    """Let a doctor's word stand for some days; 0 days take an earlier word back."""
    async with reading(request) as reader:
        row = await reader.resident(code)
        if row is None:
            return not_found(request, words_of(request))
        acting = await acting_for(reader, doctor, row.team_id)
        word = override_at(await care_store.overrides(reader, row.patient_id), reader.now)
    path, reason = f"/residents/{quote(row.code)}", reason.strip()
    if acting is None:
        return back_to(request, f"{path}/label", "no_doctor")
    ends = days == 0
    if ends:
        if word is None:
            return back_to(request, f"{path}/label", "unchanged", acting)
        label, reason = word.label, word.reason
    elif label not in LABELS or days not in OVERRIDE_DAYS:
        return back_to(request, f"{path}/label", "unchanged", acting)
    if not 0 < len(reason) <= REASON_MAX:
        return back_to(request, f"{path}/label", "no_reason", acting)
    store, stands = feed_of(request).store, timedelta(days=days)
    await set_label(store, row.patient_id, acting.doctor_id, label, reason, stands)
    return back_to(request, path, "label_ended" if ends else "label_set", acting)
