"""What the evaluator reads from the database and writes to it: dull, and without a decision.

One transaction holds everything that follows from one look at one resident: the decision record,
the episodes, their pages. There is no moment at which an alert exists without its page.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection
from psycopg.rows import namedtuple_row
from psycopg.types.json import Jsonb

from yikao_alerts.deliberate import Ask, PageDue, PageKnown
from yikao_alerts.episodes import ACTIVE, Change, Episode, Event, Known, State
from yikao_alerts.evaluate import Evaluation, Finding
from yikao_alerts.from_wire import measurement_of
from yikao_alerts.history import (
    LOOK_BACK,
    History,
    Measurement,
    Symptoms,
    history_of,
    key_of,
)
from yikao_alerts.links import PageLink, make_link
from yikao_alerts.roster import Care, Contact, Doctor
from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_devices import wire

SQL: Final = load_sql_blocks("yikao_alerts")
OLDEST: Final = timedelta(days=30)
"""Readings older than this that arrive now are stored, but no rule of this set asks for them."""
CONTEXT: Final = timedelta(hours=26)
"""Loaded beyond the look-back window: a repeat must not be taken for a first reading because its
first has just left the window. Longer than the day after which a late reading only informs."""
LOCK_CLASS: Final = 0x79696B61
"""First key of the advisory lock on a resident; the second is the resident."""

CHANGED: Final = "yikao_changed"
PAGES: Final = "yikao_page"
EVALUATE: Final = "yikao_eval"
COMMANDS: Final = "yikao_command"
"""Notification channels: hints to wake up, never the truth."""


@dataclass(frozen=True, slots=True)
class Linking:
    """How a page's link is made: where the feed is reached, and the key that signs."""

    public_url: str
    secret: bytes

    def url(self, page: PageDue, now: datetime) -> str:
        """Return the address that the doctor opens."""
        token = make_link(self.secret, PageLink(page.page_id, page.doctor.doctor_id), now)
        return f"{self.public_url}/p/{token}"


async def lock_patient(conn: AsyncConnection, patient_id: int) -> None:
    """Wait until nobody else decides about this resident, until the transaction ends."""
    await conn.execute(SQL["lock_patient"], {"lock_class": LOCK_CLASS, "patient_id": patient_id})


async def claim_patient(conn: AsyncConnection, now: datetime) -> int | None:
    """Return a resident to look at, locked, with their queue taken; None when nobody waits.

    A resident whom somebody else has locked is passed over. One who was dealt with between our
    looking and our locking has nothing left to take, and is no work.
    """
    for statement in ("next_queued", "next_timer"):
        while True:
            key = {"now": now, "lock_class": LOCK_CLASS}
            row = await (await conn.execute(SQL[statement], key)).fetchone()
            if row is None:
                break
            who = {"patient_id": row[0]}
            queued = await conn.execute(SQL["take_queued"], who)
            timed = await conn.execute(SQL["clear_timer"], who)
            if queued.rowcount or timed.rowcount:
                return int(row[0])
    return None


async def load_history(conn: AsyncConnection, patient_id: int, now: datetime) -> History:
    """Return what was measured, or arrived, within the look-back window and its context."""
    since = now - LOOK_BACK - CONTEXT
    bounds = {"patient_id": patient_id, "oldest": now - OLDEST, "since": since}
    async with conn.cursor(row_factory=namedtuple_row) as cursor:
        await cursor.execute(SQL["measurements"], bounds)
        measurements = [_measurement(row) for row in await cursor.fetchall()]
        await cursor.execute(SQL["implausible"], bounds)
        for received_at, payload in await cursor.fetchall():
            measurements += _implausible(received_at, bytes(payload))
        await cursor.execute(SQL["symptoms"], bounds)
        symptoms = [
            Symptoms(f"symptom/{reading_id}", at, received_at, frozenset(codes))
            for reading_id, at, received_at, codes in await cursor.fetchall()
        ]
    return history_of(measurements, symptoms)


def _measurement(row: Any) -> Measurement:
    """Return a row as a measurement, its values in the device's own unit."""
    columns = {
        "mmHg": {"systolic": row.systolic_mmhg, "diastolic": row.diastolic_mmhg},
        "kPa": {"systolic": row.systolic_kpa, "diastolic": row.diastolic_kpa},
        "mmol/L": {"glucose": row.glucose_mmol_l},
        "mg/dL": {"glucose": row.glucose_mg_dl},
    }
    values = columns[row.unit] | {"pulse": row.pulse_bpm}
    return Measurement(
        key_of(row.kind, row.address, row.time),
        row.kind,
        row.time,
        row.received_at,
        row.unit,
        {field: value for field, value in values.items() if value is not None},
        frozenset(row.flags),
        row.address,
    )


def _implausible(received_at: datetime, payload: bytes) -> list[Measurement]:
    item = wire.decode_item(payload)
    if isinstance(item, wire.BloodPressureReading | wire.GlucoseReading):
        return [measurement_of(item, received_at, plausible=False)]
    return []


async def load_known(conn: AsyncConnection, patient_id: int, now: datetime) -> Known:
    """Return the resident's active episodes and the findings that have had their effect."""
    cursor = await conn.execute(SQL["active_episodes"], {"patient_id": patient_id})
    episodes = [Episode(row[0], row[1], State(row[2]), *row[3:]) for row in await cursor.fetchall()]
    bounds = {"patient_id": patient_id, "oldest": now - OLDEST}
    cursor = await conn.execute(SQL["known_findings"], bounds)
    findings = frozenset((row[0], row[1], row[2]) for row in await cursor.fetchall())
    return Known({episode.family: episode for episode in episodes}, findings)


async def load_care(conn: AsyncConnection, patient_id: int) -> Care:
    """Return who answers for the resident; the registry guarantees that somebody does."""
    cursor = await conn.execute(SQL["care"], {"patient_id": patient_id})
    row = await cursor.fetchone()
    assert row is not None, "a resident in the queue is in the registry"
    zone, own_id, own_language, duty_id, duty_language = row
    cursor = await conn.execute(SQL["contacts"], {"doctors": [own_id, duty_id]})
    contacts: dict[str, list[Contact]] = {own_id: [], duty_id: []}
    for doctor_id, position, channel, address in await cursor.fetchall():
        contacts[doctor_id].append(Contact(position, channel, address))
    return Care(
        patient_id,
        ZoneInfo(zone),
        Doctor(own_id, own_language, tuple(contacts[own_id])),
        Doctor(duty_id, duty_language, tuple(contacts[duty_id])),
    )


async def save_decision(
    conn: AsyncConnection,
    patient_id: int,
    evaluation: Evaluation,
    history: History,
    code_version: str,
) -> int:
    """Store the decision record and return its number."""
    inputs = [_input(m) for m in history.measurements]
    inputs += [
        {"key": s.key, "at": s.at.isoformat(), "codes": sorted(s.codes)} for s in history.symptoms
    ]
    values = {
        "patient_id": patient_id,
        "now": evaluation.now,
        "digest": evaluation.digest,
        "code_version": code_version,
        "inputs": Jsonb(inputs),
        "findings": Jsonb([_plain(f) for f in evaluation.findings]),
        "refusals": Jsonb([_plain(r) for r in evaluation.refusals]),
    }
    row = await (await conn.execute(SQL["insert_decision"], values)).fetchone()
    assert row is not None, "an insert returns its row"
    return int(row[0])


def _input(measurement: Measurement) -> dict[str, Any]:
    return {
        "key": measurement.key,
        "at": measurement.at.isoformat(),
        "received_at": measurement.received_at.isoformat(),
        "unit": measurement.unit,
        "values": dict(measurement.values),
        "flags": sorted(measurement.flags),
        "plausible": measurement.plausible,
    }


def _plain(value: Any) -> dict[str, Any]:
    return {
        key: part.isoformat() if isinstance(part, datetime) else part
        for key, part in asdict(value).items()
    }


async def save_findings(
    conn: AsyncConnection,
    patient_id: int,
    decision_id: int,
    evaluation: Evaluation,
    history: History,
    episodes: dict[str, Episode],
) -> None:
    """Store each finding once, with the readings it rests on, beside the episode it joined."""
    inputs = {m.key: _input(m) for m in history.measurements}
    for finding in evaluation.findings:
        episode = episodes.get(finding.family or "")
        evidence = {
            "readings": [inputs[key] for key in finding.inputs if key in inputs],
            "statistic": finding.statistic,
            "severity": finding.severity,
            "late": finding.late,
            "waited_until": finding.waited_until and finding.waited_until.isoformat(),
        }
        await conn.execute(
            SQL["insert_finding"],
            {
                "patient_id": patient_id,
                "rule_id": finding.rule_id,
                "trigger_key": finding.trigger,
                "confirmed": finding.confirmed,
                "episode_id": episode.episode_id if episode else None,
                "now": evaluation.now,
                "decision_id": decision_id,
                "evidence": Jsonb(evidence),
            },
        )


async def save_change(
    conn: AsyncConnection, patient_id: int, change: Change, now: datetime
) -> Episode:
    """Store a transition and its line in the episode's story; return it with its number."""
    episode = change.episode
    fields = {name: getattr(episode, name) for name in Episode.__slots__}
    fields |= {"patient_id": patient_id, "state": str(episode.state)}
    fields["closed_at"] = None if episode.state in ACTIVE else now
    if episode.episode_id == 0:
        row = await (await conn.execute(SQL["insert_episode"], fields)).fetchone()
        assert row is not None, "an insert returns its row"
        episode = replace(episode, episode_id=int(row[0]))
    else:
        await conn.execute(SQL["update_episode"], fields)
    await save_event(
        conn,
        episode.episode_id,
        now,
        change.event,
        (change.before, episode.state),
        detail=_cause(change),
    )
    return episode


def _cause(change: Change) -> dict[str, Any]:
    if change.cause is None:
        return {"normal_rounds": change.episode.normal_rounds}
    detail: dict[str, Any] = {"rule": change.cause.rule_id, "inputs": list(change.cause.inputs)}
    if isinstance(change.cause, Finding):
        detail["confirmed"] = change.cause.confirmed
    return detail


async def save_event(
    conn: AsyncConnection,
    episode_id: int,
    at: datetime,
    event: Event | str,
    states: tuple[State, State],
    *,
    actor: str | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Add a line to an episode's story."""
    values = {
        "episode_id": episode_id,
        "at": at,
        "event": str(event),
        "from_state": str(states[0]),
        "to_state": str(states[1]),
        "actor": actor,
        "detail": Jsonb(detail or {}),
    }
    await conn.execute(SQL["insert_event"], values)


async def load_pages(conn: AsyncConnection, episode: Episode) -> list[PageKnown]:
    """Return the pages that the episode's present round has."""
    key = {"episode_id": episode.episode_id, "round": episode.round}
    cursor = await conn.execute(SQL["pages_of_episode"], key)
    return [PageKnown(*row) for row in await cursor.fetchall()]


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
            "now": now,
        }
        await conn.execute(SQL["supersede_pages"], values)
        await conn.execute(SQL["insert_page"], values)


async def save_asks(
    conn: AsyncConnection, patient_id: int, wanted: Iterable[Ask], now: datetime
) -> None:
    """Put what is to be said at home where ingest sends it to the gateway; nothing twice."""
    for ask in wanted:
        values = {
            "command_id": ask.command_id,
            "patient_id": patient_id,
            "device": ask.device,
            "do_what": ask.do,
            "text_zh": ask.text_zh,
            "text_en": ask.text_en,
            "expires_at": ask.expires_at,
            "now": now,
        }
        await conn.execute(SQL["insert_command"], values)


async def set_timer(conn: AsyncConnection, patient_id: int, due_at: datetime) -> None:
    """Have the resident looked at again at `due_at`, whether or not anything arrives."""
    await conn.execute(SQL["set_timer"], {"patient_id": patient_id, "due_at": due_at})


async def cancel_pages(conn: AsyncConnection, episode_id: int) -> None:
    """Cancel what has not gone out yet."""
    await conn.execute(SQL["cancel_pages"], {"episode_id": episode_id})


async def notify(conn: AsyncConnection, channel: str, payload: str = "") -> None:
    """Wake whoever listens; sent when the transaction commits."""
    await conn.execute(SQL["notify"], {"channel": channel, "payload": payload})
