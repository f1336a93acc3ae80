"""For whoever answers: what the resident said, how often, and where an ambulance has to go.

The address, the telephone and whom to ring stand on the page of an episode for now, for a doctor
who has signed in and whose team's resident it is; on no other page, in no page that rings.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from fastapi import Request

from yikao_alerts.episode import ACTIVE, HELP
from yikao_alerts.feed.rows import EpisodeRow, FindingRow
from yikao_alerts.feed.store import Reader
from yikao_alerts.feed.web import Live, live, words_of
from yikao_alerts.feed.words import Words
from yikao_devices.symptoms import SYMPTOM_WORDS

URGENT: Final = "page_now"


@dataclass(frozen=True, slots=True)
class HomeRow:
    """Where a resident lives and whom to ring, as the registry has it; None where it says not."""

    address: str | None
    phone: str | None
    emergency_contact: str | None


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that a resident said: codes of the symptom table."""

    at: datetime
    codes: tuple[str, ...]

    def text(self, words: Words) -> str:
        """Return it in words; a code that this version does not know stands as it is."""
        said = [_word(code, words.language) for code in sorted(self.codes)]
        return words("list.semicolon").join(said)


def _word(code: str, language: str) -> str:
    known = SYMPTOM_WORDS.get(code)
    return code if known is None else str(getattr(known, language))


def said_of(findings: Iterable[FindingRow]) -> list[Said]:
    """Return what was said of all that the findings rest on, each once, the newest first."""
    reports: dict[str, Mapping[str, Any]] = {
        report["key"]: report
        for finding in findings
        for report in finding.evidence.get("reports", ())
    }
    said = (Said(datetime.fromisoformat(r["at"]), tuple(r["codes"])) for r in reports.values())
    return sorted(said, key=lambda each: each.at, reverse=True)


def calls_of(findings: Sequence[FindingRow], family: str) -> int:
    """Return how often somebody has asked to be called."""
    return len(findings) if family == HELP else 0


async def home_of(reader: Reader, row: EpisodeRow) -> HomeRow | None:
    """Return where an ambulance has to go; None for whoever need not know."""
    if reader.viewer is None or row.severity != URGENT or row.state not in ACTIVE:
        return None
    return await reader.one(HomeRow, "home", patient_id=row.patient_id)


async def help_part(request: Request, reader: Reader, row: EpisodeRow) -> Live:
    """Return the live part of an episode's page that helps whoever answers."""
    findings = await reader.findings(row.episode_id)
    return live(
        request,
        "episode_help.html",
        words_of(request),
        url=f"/live/episodes/{row.episode_id}/help",
        name="help",
        now=reader.now,
        row=row,
        home=await home_of(reader, row),
        said=said_of(findings),
        calls=calls_of(findings, row.family),
    )
