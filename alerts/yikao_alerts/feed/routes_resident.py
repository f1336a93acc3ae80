"""A resident's page: how the resident stands, the last weeks drawn and listed, what was set.

Everything that is typed has a page of its own, so that news cannot take away what is half written.
"""

from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from yikao_alerts.escalation import load_policies
from yikao_alerts.feed import care_store, show
from yikao_alerts.feed.care_rows import MarkRow
from yikao_alerts.feed.chart import SCALES, Chart, Happening, Over, chart_of
from yikao_alerts.feed.curves import Curves, curves_of, drift_of
from yikao_alerts.feed.feed_view import card_of
from yikao_alerts.feed.label_view import override_at, standing_of
from yikao_alerts.feed.profile_view import group_words, home_band, resident_of, targets_of
from yikao_alerts.feed.resident_view import (
    HOME_BAND,
    counted,
    days_of,
    latest_of,
    mean_of,
    vitals_of,
    week_of,
)
from yikao_alerts.feed.rows import ReadingRow, ResidentRow
from yikao_alerts.feed.store import Reader
from yikao_alerts.feed.web import (
    Live,
    live,
    live_again,
    not_found,
    page,
    reading,
    words_of,
)
from yikao_alerts.feed.words import Words
from yikao_alerts.feed.worklist_view import worklist_of
from yikao_alerts.rules import RuleSet, load_rules

router: Final = APIRouter()

SAID: Final = ("label_set", "label_ended", "profile_saved", "doubt_own", "doubt_other", "unchanged")
CHARTS: Final = {"wide": (840, 300, 28), "narrow": (310, 240, 14)}
"""Two drawings (width and height in pixels, days), of which the style sheet shows one: scaled text
would be too small on a phone, and four weeks too dense."""
LISTED: Final = timedelta(days=14)


@router.get("/residents/{code}")
async def resident(request: Request, code: str, said: str = "") -> HTMLResponse:
    """Return a resident's page."""
    async with reading(request) as reader:
        row = await reader.resident(code)
        if row is None:
            return not_found(request, words_of(request))
        part = await _part(request, reader, row)
    return page(
        request,
        "resident.html",
        words_of(request),
        row=row,
        part=part,
        now=reader.now,
        here="resident",
        said=said if said in SAID else None,
    )


@router.get("/live/residents/{code}")
async def resident_again(request: Request, code: str) -> Response:
    """Return its live part."""
    async with reading(request) as reader:
        row = await reader.resident(code)
        if row is None:
            return not_found(request, words_of(request))
        return live_again(request, await _part(request, reader, row))


async def _part(request: Request, reader: Reader, row: ResidentRow) -> Live:
    words, rules = words_of(request), load_rules()
    readings, vitals = await reader.readings(row.patient_id), await reader.vitals(row.patient_id)
    episodes = await reader.episodes_of(row.patient_id)
    listed = [one for one in readings if one.time >= reader.now - LISTED]
    return live(
        request,
        "resident_live.html",
        words,
        url=f"/live/residents/{quote(row.code)}",
        name="resident",
        row=row,
        days=days_of(listed, words, row.zone),
        vitals=vitals_of(vitals),
        latest=latest_of(readings + vitals),
        cards=[card_of(episode, load_policies(), reader.now) for episode in episodes],
        rules=rules,
        now=reader.now,
        **await _care(reader, row, words, rules, readings),
    )


async def _care(
    reader: Reader, row: ResidentRow, words: Words, rules: RuleSet, readings: list[ReadingRow]
) -> dict[str, Any]:
    """Return what detection knows of a resident: label, worklist, settings, doubts, drawings."""
    labels = await care_store.labels(reader, row.patient_id)
    word = override_at(await care_store.overrides(reader, row.patient_id), reader.now)
    profiles = await care_store.profiles(reader, row.patient_id)
    newest = profiles[0] if profiles else None
    label = labels[0] if labels else None
    person = resident_of(row.birth_year, row.sex, newest)
    today = show.date_in(reader.now, row.zone)
    band = home_band(person, rules, today)
    pressures = await care_store.pressures(reader, row.patient_id)
    curves = curves_of(pressures, reader.now, row.zone)
    marks = await care_store.marks(reader, row.patient_id)
    doubts = await care_store.doubts(reader, row.patient_id)
    entries = await care_store.entries_of(reader, row.patient_id)
    own = counted(readings, {doubt.measured_at for doubt in doubts if doubt.answer != "own"})
    return {
        "label": label,
        "word": word,
        "standing": standing_of(
            label.label if label else None,
            label.reasons if label else (),
            word.label if word else None,
            words,
            rules,
        ),
        "entries": worklist_of(entries, words, rules, reader.now),
        "profile": newest,
        "groups": group_words(newest.groups if newest else (), words),
        "targets": targets_of(person, rules, today, words),
        "limit": "/".join(show.number(value) for value in reversed(band or HOME_BAND)),
        "mean": mean_of(own, reader.now, row.zone),
        "week": week_of(own, reader.now, row.zone, words, band or HOME_BAND),
        "doubts": [doubt for doubt in doubts if doubt.answer is None],
        "conflicts": len(await care_store.conflicts(reader, row.patient_id)),
        "drift": drift_of(pressures, reader.now),
        "charts": _charts(readings, reader, row, band, _over(curves, marks, words, rules)),
    }


def _charts(
    readings: list[ReadingRow],
    reader: Reader,
    row: ResidentRow,
    band: tuple[float, float] | None,
    over: dict[str, Over],
) -> dict[str, dict[str, Chart | None]]:
    return {
        kind: {
            name: chart_of(
                kind,
                readings,
                reader.now,
                row.zone,
                (width, height),
                days=days,
                band=band if kind == "blood_pressure" else None,
                over=over[kind],
            )
            for name, (width, height, days) in CHARTS.items()
        }
        for kind in SCALES
    }


def _over(curves: Curves, marks: list[MarkRow], words: Words, rules: RuleSet) -> dict[str, Over]:
    """Return what lies over each drawing; a finding is marked where its kind is drawn."""
    by_id = {rule.id: rule for rule in rules.rules}
    drawn: dict[str, list[Happening]] = {kind: [] for kind in SCALES}
    for mark in marks:
        rule = by_id.get(mark.code) if mark.what == "finding" else None
        title = rule.name(words.language) if rule else mark.code
        for kind, happenings in drawn.items():
            if rule is None or rule.kind in (kind, "any"):
                happenings.append(Happening(mark.at, mark.what, title))
    lines = {"baseline": curves.baseline, "level": curves.level, "mean7": curves.mean7}
    return {
        kind: Over(lines if kind == "blood_pressure" else {}, happenings)
        for kind, happenings in drawn.items()
    }
