"""What the evaluator writes: records, findings, episodes, pages, questions, timers.

Dull, and without a decision; many residents at once where the database lets it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from yikao_alerts.compose import facts_to_json
from yikao_alerts.deliberate import Ask, PageDue, Task
from yikao_alerts.episodes import ACTIVE, Change, Episode
from yikao_alerts.evaluate import Evaluation
from yikao_alerts.family import NoticeDue
from yikao_alerts.findings import Finding, Refusal
from yikao_alerts.history import Measurement
from yikao_alerts.identity import Doubt
from yikao_alerts.record import Given, body_of, chained, pack
from yikao_alerts.rules.policy import RED
from yikao_alerts.store import SQL, Linking, jsonb, save_event
from yikao_alerts.store_read import Head, Look

DECISION_TYPES: Final = (
    *("int8", "int4", "timestamptz", "text", "text", "text", "bool", "int4"),
    *("bytea", "bytea", "bytea", "jsonb", "jsonb", "jsonb"),
)
_NOTHING: Final = jsonb([])


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided about a resident, and the record before it."""

    given: Given
    said: Evaluation
    head: Head


async def save_decisions(
    conn: AsyncConnection,
    decided: Sequence[Decided],
    code_version: str,
    *,
    lane: str = "acute",
    shadow: bool = False,
) -> list[int]:
    """Store a record of each decision and return their numbers.

    A trial's record stands by itself: nobody reads along.
    """
    values = {"count": len(decided)}
    numbers = [row[0] for row in await _rows(conn, "decision_numbers", values)]
    async with conn.cursor().copy(SQL["copy_decisions"]) as copy:
        copy.set_types(DECISION_TYPES)
        for number, one in zip(numbers, decided, strict=True):
            given, said, head = one.given, one.said, one.head
            body = body_of(head.seq + 1, given, said, code_version)
            row = (number, given.patient_id, given.now, said.digest, code_version, lane, shadow)
            chain = (head.seq + 1, pack(body), head.hash, chained(head.hash, body))
            await copy.write_row((*row, *chain, *_to_read_along(given, said, shadow)))
    return numbers


async def _rows(
    conn: AsyncConnection, statement: str, values: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    return await (await conn.execute(SQL[statement], values)).fetchall()


def _to_read_along(given: Given, said: Evaluation, shadow: bool) -> tuple[Any, Any, Any]:
    """Return inputs, findings and refusals for those who look into the table."""
    if shadow or not (said.findings or said.refusals):
        return _NOTHING, _NOTHING, _NOTHING
    named = {key for finding in said.findings for key in finding.inputs}
    named |= {key for refusal in said.refusals for key in refusal.inputs}
    inputs = [input_of(m) for m in given.history.measurements if m.key in named]
    return jsonb(inputs), jsonb(said.findings), jsonb(said.refusals)


def input_of(measurement: Measurement) -> dict[str, Any]:
    """Return a measurement as evidence: for people, and for the feed."""
    return {
        "key": measurement.key,
        "at": measurement.at,
        "received_at": measurement.received_at,
        "unit": measurement.unit,
        "values": dict(measurement.values),
        "flags": sorted(measurement.flags),
        "plausible": measurement.plausible,
        "context": measurement.context,
        "source": measurement.source,
    }


def finding_row(
    given: Given, finding: Finding, decision_id: int, episode: Episode | None
) -> dict[str, Any]:
    """Return what is stored of a finding, with the readings and reports it rests on."""
    keys = set(finding.inputs)
    evidence = {
        "readings": [input_of(m) for m in given.history.measurements if m.key in keys],
        "reports": [
            {"key": said.key, "at": said.at, "codes": sorted(said.codes)}
            for said in given.history.symptoms
            if said.key in keys
        ],
        "statistic": finding.statistic,
        "severity": finding.severity,
        "late": finding.late,
        "waited_until": finding.waited_until,
        "because": finding.because,
        "unit_unclear": finding.unit_unclear,
    }
    return {
        "patient_id": given.patient_id,
        "rule_id": finding.rule_id,
        "trigger_key": finding.trigger,
        "confirmed": finding.confirmed,
        "episode_id": episode.episode_id if episode else None,
        "now": given.now,
        "decision_id": decision_id,
        "evidence": jsonb(evidence),
    }


def doubt_row(patient_id: int, doubt: Doubt) -> dict[str, Any]:
    """Return what is stored of a reading that may be another person's."""
    return {
        "patient_id": patient_id,
        "reading_key": doubt.reading_key,
        "measured_at": doubt.measured_at,
        "now": doubt.asked_at,
    }


def entry_row(look: Look, finding: Finding, decision_id: int) -> dict[str, Any]:
    """Return what is stored of a finding for the week: an entry of the worklist."""
    given, keys = look.given, set(finding.inputs)
    readings = [input_of(m) for m in given.history.measurements if m.key in keys]
    return {
        "patient_id": given.patient_id,
        "rule_id": finding.rule_id,
        "severity": finding.severity,
        "day": given.now.astimezone(look.zone).date(),
        "now": given.now,
        "evidence": jsonb({"what": "count", "count": len(readings), "readings": readings}),
        "decision_id": decision_id,
    }


async def save_many(
    conn: AsyncConnection, statement: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Run a statement for each of the rows, without waiting in between."""
    if rows:
        await conn.cursor().executemany(SQL[statement], rows)


async def save_change(
    conn: AsyncConnection, patient_id: int, change: Change, now: datetime
) -> Episode:
    """Store a transition and its line in the episode's story; return it with its number."""
    episode = change.episode
    fields = episode_row(patient_id, episode, now)
    if episode.episode_id == 0:
        ((number,),) = await _rows(conn, "insert_episode", fields)
        episode = replace(episode, episode_id=int(number))
    else:
        await conn.execute(SQL["update_episode"], fields)
    states = (change.before, episode.state)
    await save_event(conn, episode.episode_id, now, change.event, states, detail=_cause(change))
    return episode


def episode_row(patient_id: int, episode: Episode, now: datetime) -> dict[str, Any]:
    """Return what is stored of an episode; one that is over was closed now."""
    fields = {name: getattr(episode, name) for name in Episode.__slots__}
    fields |= {"patient_id": patient_id, "state": str(episode.state)}
    return fields | {"closed_at": None if episode.state in ACTIVE else now}


def _cause(change: Change) -> dict[str, Any]:
    match change.cause:
        case None:
            return {"normal_rounds": change.episode.normal_rounds}
        case Finding() as cause:
            detail = {"rule": cause.rule_id, "inputs": cause.inputs}
            return detail | {"confirmed": cause.confirmed}
        case Refusal() as cause:
            return {"rule": cause.rule_id, "inputs": cause.inputs}


async def save_pages(
    conn: AsyncConnection, pages: Iterable[PageDue], linking: Linking, now: datetime
) -> None:
    """Put pages into the pager's outbox; one that is there already stays as it is.

    A page supersedes what is still due of earlier calls to the same doctor: a provider that comes
    back after hours hands over one page, not all that were ever tried.
    """
    for page in pages:
        values = {
            "page_id": page.page_id,
            "episode_id": page.episode_id,
            "round": page.round,
            "step": page.step,
            "loop": page.loop,
            "doctor_id": page.doctor.doctor_id,
            "contact_position": page.contact.position,
            "channel": page.contact.channel,
            "address": page.contact.address,
            "language": page.doctor.language,
            "body": page.body,
            "link": linking.url(page, now),
            "facts": jsonb(facts_to_json(page.facts)),
            "red": page.facts.severity == RED,
            "by": page.by,
            "now": now,
            "due_at": page.due_at,
        }
        await conn.execute(SQL["supersede_pages"], values)
        await conn.execute(SQL["insert_page"], values)


def notice_row(notice: NoticeDue, now: datetime) -> dict[str, Any]:
    """Return a notice to the family as a page of the outbox."""
    caregiver = notice.caregiver
    return {
        "page_id": notice.page_id,
        "episode_id": notice.episode_id,
        "round": notice.round,
        "step": notice.step,
        "loop": notice.loop,
        "caregiver_id": caregiver.caregiver_id,
        "channel": caregiver.channel,
        "address": caregiver.address,
        "language": caregiver.language,
        "body": notice.body,
        "now": now,
    }


def task_row(patient_id: int, task: Task, now: datetime) -> dict[str, Any]:
    """Return a task as an entry of the worklist."""
    return {
        "patient_id": patient_id,
        "rule_id": task.rule_id,
        "severity": task.severity,
        "day": task.day,
        "now": now,
        "evidence": jsonb(task.evidence),
    }


def ask_row(patient_id: int, ask: Ask, now: datetime) -> dict[str, Any]:
    """Return what is stored of something to be said at home."""
    return {
        "command_id": ask.command_id,
        "patient_id": patient_id,
        "device": ask.device,
        "do_what": ask.do,
        "text_zh": ask.text_zh,
        "text_en": ask.text_en,
        "expires_at": ask.expires_at,
        "show_at": ask.show_at,
        "now": now,
    }


async def withdraw_asks(
    conn: AsyncConnection, patients: Sequence[int], wanted: Sequence[UUID], now: datetime
) -> bool:
    """Take back what was to be said to these residents later and is not `wanted` any more; return
    whether there was anything."""
    values = {"patients": list(patients), "wanted": list(wanted), "now": now}
    return bool(await (await conn.execute(SQL["withdraw_commands"], values)).fetchall())


async def set_timers(conn: AsyncConnection, times: Mapping[int, datetime]) -> None:
    """Have residents looked at again at these times, whether or not anything arrives."""
    if times:
        values = {"patients": list(times), "times": list(times.values())}
        await conn.execute(SQL["set_timers"], values)
