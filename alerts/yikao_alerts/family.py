"""What the family is told: that a doctor was called, that nobody measured. No doctor is replaced.

Fixed words without a value, a diagnosis or a name, to those who agreed to it (`caregiver`). They go
through the pager's outbox as pages without a link: whoever gets one cannot answer for a doctor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

from yikao_alerts.compose import load_texts
from yikao_alerts.course import SILENT
from yikao_alerts.deliberate import NAMESPACE, PageKnown
from yikao_alerts.episode import Change, Episode, State
from yikao_alerts.findings import Finding
from yikao_alerts.roster import Care, Caregiver
from yikao_alerts.rules.policy import RED

NOTICES: Final[Mapping[str, int]] = {"red": 200, "unmeasured": 201}
"""What there is to tell, as in the registry, and the step that its pages have: behind every
call's."""


@dataclass(frozen=True, slots=True)
class NoticeDue:
    """One notice to one caregiver, due now."""

    page_id: UUID
    episode_id: int
    round: int
    step: int
    loop: int
    caregiver: Caregiver
    body: str


def notices_due(
    episode: Episode, care: Care, known: Sequence[PageKnown], done: Sequence[Change]
) -> list[NoticeDue]:
    """Return what the family is to be told of an episode and was not yet, each once.

    Day and night: only red has notices. known: the pages of the episode's present round; what was
    told in an earlier one has the same page_id. done: what has just happened.
    """
    told = {(page.step, page.loop) for page in known}
    return [
        _notice(episode, kind, number, caregiver)
        for kind in _kinds(episode, done)
        for number, caregiver in enumerate(care.caregivers)
        if kind in caregiver.notices and (NOTICES[kind], number) not in told
    ]


def _kinds(episode: Episode, done: Sequence[Change]) -> list[str]:
    if episode.state is not State.OPEN or episode.severity != RED:
        return []
    causes = [change.cause for change in done if change.episode.family == episode.family]
    silent = any(isinstance(cause, Finding) and cause.confirmed == SILENT for cause in causes)
    return ["red", "unmeasured"] if silent else ["red"]


def _notice(episode: Episode, kind: str, number: int, caregiver: Caregiver) -> NoticeDue:
    key = f"notice|{episode.episode_id}|{kind}|{caregiver.caregiver_id}"
    return NoticeDue(
        uuid5(NAMESPACE, key),
        episode.episode_id,
        episode.round,
        NOTICES[kind],
        number,
        caregiver,
        load_texts(caregiver.language)["family"][kind],
    )
