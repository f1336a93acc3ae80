"""What the doctor's pages of detection ask the database; the statements are in sql/care.sql."""

from datetime import timedelta
from typing import Final

from yikao_alerts.asked import AskedRow
from yikao_alerts.feed import care_rows as rows
from yikao_alerts.feed.store import Reader, Row

ENTRIES_MAX: Final = 300
"""More at once than a doctor could look at in a week; the page says when it shows only these."""
DONE_WITHIN: Final = timedelta(days=7)
DAY_CLOSED_WITHIN: Final = timedelta(hours=36)
"""A day closes some hours after its midnight: later than this the daily round is not at work."""
HISTORY_MAX: Final = 20
"""Labels, words of people, profiles and changes of treatment shown of one resident."""
DOUBTS_MAX: Final = 20
RECORDS_MAX: Final = 20
MARKS_MAX: Final = 200
CARE_WITHIN: Final = timedelta(days=28)
CURVES_FROM: Final = timedelta(days=120)
"""The usual level remembers eight weeks and begins two weeks late: older days hardly count."""
PRESSURES_MAX: Final = 5000
BURDEN_WEEKS: Final = 4
LEDGER_WEEKS: Final = 26
"""Half a year: a rule that is met once a month has been judged often enough to say something."""
JOINS_WITHIN: Final = timedelta(hours=24)
"""Findings of one family that are so close are one episode."""


async def worklist(reader: Reader, doctor_id: str | None) -> list[rows.EntryRow]:
    """Return what is open and what was closed of late: of one doctor's residents, or of all."""
    return await _entries(reader, doctor_id=doctor_id)


async def entries_of(reader: Reader, patient_id: int) -> list[rows.EntryRow]:
    """Return one resident's entries."""
    return await _entries(reader, patient_id=patient_id)


async def entry(reader: Reader, entry_id: int) -> rows.EntryRow | None:
    """Return one entry, or None where there is none or another team's."""
    found = await _entries(reader, entry_id=entry_id)
    return found[0] if found else None


async def record_of_entry(reader: Reader, entry_id: int) -> rows.RecordRow | None:
    """Return the record of the decision that opened an entry."""
    return await reader.one(rows.RecordRow, "record_of_entry", entry_id=entry_id)


async def records_of_episode(reader: Reader, episode_id: int) -> list[rows.RecordRow]:
    """Return the records that an episode's findings stand in, in order of time."""
    return await reader.all(
        rows.RecordRow, "records_of_episode", episode_id=episode_id, limit=RECORDS_MAX
    )


async def worklist_count(reader: Reader, doctor_id: str | None) -> int:
    """Return how many entries wait for somebody now."""
    (row,) = await reader.all(rows.CountRow, "worklist_count", doctor=doctor_id, now=reader.now)
    return row.entries


async def worklist_known(reader: Reader, doctor_id: str | None) -> rows.KnownRow:
    """Return of how many residents the days are closed."""
    since = reader.now - DAY_CLOSED_WITHIN
    (row,) = await reader.all(rows.KnownRow, "worklist_known", doctor=doctor_id, closed_since=since)
    return row


async def labels(reader: Reader, patient_id: int) -> list[rows.LabelRow]:
    """Return a resident's labels, the newest first."""
    return await reader.all(rows.LabelRow, "labels", patient_id=patient_id, limit=HISTORY_MAX)


async def overrides(reader: Reader, patient_id: int) -> list[rows.OverrideRow]:
    """Return what people said of a resident's label, the newest first."""
    return await reader.all(rows.OverrideRow, "overrides", patient_id=patient_id, limit=HISTORY_MAX)


async def treatment(reader: Reader, patient_id: int) -> list[rows.TreatmentRow]:
    """Return what was changed in a resident's treatment, the newest first."""
    return await reader.all(
        rows.TreatmentRow, "treatment", patient_id=patient_id, limit=HISTORY_MAX
    )


async def profiles(reader: Reader, patient_id: int) -> list[rows.ProfileRow]:
    """Return what was set for a resident, the newest first: it is what counts."""
    return await reader.all(
        rows.ProfileRow, "profiles", patient_id=patient_id, now=reader.now, limit=HISTORY_MAX
    )


async def doubts(reader: Reader, patient_id: int) -> list[rows.DoubtRow]:
    """Return doubted readings, those without an answer first."""
    return await _of_late(reader, rows.DoubtRow, "doubts", patient_id, DOUBTS_MAX)


async def conflicts(reader: Reader, patient_id: int) -> list[rows.ConflictRow]:
    """Return records that contradict a stored reading, the newest first."""
    return await _of_late(reader, rows.ConflictRow, "conflicts", patient_id, DOUBTS_MAX)


async def pressures(reader: Reader, patient_id: int) -> list[rows.PressureRow]:
    """Return the cuff readings that the resident's curves are made of, in order of time."""
    return await reader.all(
        rows.PressureRow,
        "pressures",
        patient_id=patient_id,
        since=reader.now - CURVES_FROM,
        until=reader.now,
        limit=PRESSURES_MAX,
    )


async def marks(reader: Reader, patient_id: int) -> list[rows.MarkRow]:
    """Return what stands beside the readings of the last weeks, in order of time."""
    return await _of_late(reader, rows.MarkRow, "marks", patient_id, MARKS_MAX)


async def _of_late(
    reader: Reader, row: type[Row], name: str, patient_id: int, limit: int
) -> list[Row]:
    since = reader.now - CARE_WITHIN
    return await reader.all(row, name, patient_id=patient_id, since=since, limit=limit)


async def burden(reader: Reader) -> tuple[list[rows.BurdenRow], list[rows.ShadowRow]]:
    """Return what each team was asked for, and what rule sets on trial would have asked."""
    span = {"since": reader.now - timedelta(weeks=BURDEN_WEEKS), "now": reader.now}
    teams = await reader.all(rows.BurdenRow, "burden", **span)
    shadows = await reader.all(rows.ShadowRow, "shadow_burden", **span, joins_within=JOINS_WITHIN)
    return teams, shadows


async def asked_of_doctors(reader: Reader) -> list[AskedRow]:
    """Return what each doctor was called for in the last weeks, the newest week first."""
    since = reader.now - timedelta(weeks=BURDEN_WEEKS)
    return await reader.all(AskedRow, "asked_of_doctors", since=since, now=reader.now)


async def ledger(reader: Reader) -> list[rows.LedgerRow]:
    """Return what doctors said of the episodes of each rule, the most frequent first."""
    since = reader.now - timedelta(weeks=LEDGER_WEEKS)
    return await reader.all(rows.LedgerRow, "ledger", since=since, now=reader.now)


async def _entries(
    reader: Reader,
    *,
    doctor_id: str | None = None,
    patient_id: int | None = None,
    entry_id: int | None = None,
) -> list[rows.EntryRow]:
    return await reader.all(
        rows.EntryRow,
        "worklist",
        doctor=doctor_id,
        patient_id=patient_id,
        entry_id=entry_id,
        closed_since=reader.now - DONE_WITHIN,
        now=reader.now,
        limit=ENTRIES_MAX,
    )
