"""One episode: what it rests on, who was paged, and the form with which a doctor answers it.

The form is a live part of its own that changes only with the episode's state: a choice half made
is not taken away when a page is sent meanwhile.
"""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from yikao_alerts.answer import Disposition
from yikao_alerts.escalation import load_policies
from yikao_alerts.feed import care_store
from yikao_alerts.feed.acting import who_acts
from yikao_alerts.feed.course_view import ShownCourse, courses_of
from yikao_alerts.feed.episode_view import evidence_of, grounds_of, refused_of, statistics_of
from yikao_alerts.feed.feed_view import card_of
from yikao_alerts.feed.help_view import help_part
from yikao_alerts.feed.hops_view import clock_s, hops_of, span
from yikao_alerts.feed.routes_moves import SAID
from yikao_alerts.feed.rows import EpisodeRow
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
from yikao_alerts.feed.worklist_view import entry_of
from yikao_alerts.rules import RuleSet, load_rules

router: Final = APIRouter()


@router.get("/episodes/{episode_id}")
async def episode(request: Request, episode_id: int) -> HTMLResponse:
    """Return the page."""
    words = words_of(request)
    async with reading(request) as reader:
        row = await reader.episode(episode_id)
        if row is None:
            return not_found(request, words)
        parts = {name: await make(request, reader, row) for name, make in PARTS.items()}
    said = request.query_params.get("said")
    return page(
        request,
        "episode.html",
        words,
        row=row,
        parts=parts,
        said=said if said in SAID else None,
        here="episode",
    )


@router.get("/live/episodes/{episode_id}/{part}")
async def episode_again(request: Request, episode_id: int, part: str) -> Response:
    """Return one of its live parts."""
    async with reading(request) as reader:
        row = await reader.episode(episode_id)
        if row is None or part not in PARTS:
            return not_found(request, words_of(request))
        return live_again(request, await PARTS[part](request, reader, row))


async def _head(request: Request, reader: Reader, row: EpisodeRow) -> Live:
    return live(
        request,
        "episode_head.html",
        words_of(request),
        url=f"/live/episodes/{row.episode_id}/head",
        name="head",
        row=row,
        card=card_of(row, load_policies(), reader.now),
        now=reader.now,
    )


async def _facts(request: Request, reader: Reader, row: EpisodeRow) -> Live:
    findings = await reader.findings(row.episode_id)
    words, rules = words_of(request), load_rules()
    return live(
        request,
        "episode_facts.html",
        words,
        url=f"/live/episodes/{row.episode_id}/facts",
        name="facts",
        row=row,
        evidence=evidence_of(findings),
        statistics=statistics_of(findings),
        grounds=grounds_of(row.rule_id, findings, rules),
        refused=refused_of(await reader.refusals(row), rules),
        courses=await _courses(reader, row, rules),
        visits=[
            entry_of(entry, words, rules)
            for entry in await care_store.entries_of(reader, row.patient_id)
            if entry.evidence.get("episode_id") == row.episode_id
        ],
        records=await care_store.records_of_episode(reader, row.episode_id),
        pages=await reader.pages(row.episode_id),
        events=await reader.events(row.episode_id),
        hops=[
            (hop.name, clock_s(hop.at, row.zone), span(words, hop.after) if hop.after else "")
            for hop in hops_of(await reader.hops(row.episode_id))
        ],
        rules=rules,
        now=reader.now,
    )


async def _courses(reader: Reader, row: EpisodeRow, rules: RuleSet) -> list[ShownCourse]:
    """Return the re-checks of an episode that is not over."""
    if row.closed_at is not None:
        return []
    return courses_of(await reader.courses(row.patient_id, rules), row.family)


async def _answer(request: Request, reader: Reader, row: EpisodeRow) -> Live:
    return live(
        request,
        "episode_answer.html",
        words_of(request),
        url=f"/live/episodes/{row.episode_id}/answer",
        name="answer",
        now=reader.now,
        row=row,
        **await who_acts(request, reader, row.team_id),
        dispositions=list(Disposition),
        colleagues=await reader.colleagues(row.episode_id),
        may_be_silenced=row.severity not in load_rules().suppress.never_mutes,
        mute_max_d=load_rules().suppress.mute_max.days,
    )


PARTS: Final = {"head": _head, "answer": _answer, "help": help_part, "facts": _facts}
"""What of an episode's page keeps itself up to date, by the names its template uses."""
