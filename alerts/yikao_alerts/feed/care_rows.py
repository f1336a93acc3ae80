"""Rows behind the doctor's pages of detection: one class for each kind, without any judgement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An entry of the worklist, whose it is, and how the resident stands."""

    entry_id: int
    rule_id: str
    severity: str
    opened_at: datetime
    evidence: Mapping[str, Any]
    closed_at: datetime | None
    closed_why: str | None
    snoozed_until: datetime | None
    snooze_reason: str | None
    snoozed_by_name: str | None
    done_by_name: str | None
    patient_id: int
    resident_code: str
    resident_name: str
    birth_year: int | None
    sex: str | None
    doctor_id: str
    doctor_name: str
    team_id: str
    zone: str
    label: str | None
    reasons: Sequence[Mapping[str, Any]] | None
    own_label: str | None


@dataclass(frozen=True, slots=True)
class RecordRow:
    """A decision record: its number in the chain and its hash, None from before there were any."""

    seq: int | None
    decided_at: datetime
    hash: str | None


@dataclass(frozen=True, slots=True)
class CountRow:
    """How many entries wait."""

    entries: int


@dataclass(frozen=True, slots=True)
class KnownRow:
    """Of how many residents the last day is closed, and which day that was."""

    residents: int
    closed: int
    through_day: date | None


@dataclass(frozen=True, slots=True)
class LabelRow:
    """How a resident stood from a moment on, by the rules."""

    at: datetime
    label: str
    reasons: Sequence[Mapping[str, Any]]
    version: str


@dataclass(frozen=True, slots=True)
class OverrideRow:
    """A person's word on the label, for a time."""

    label: str
    reason: str
    set_at: datetime
    expires_at: datetime
    set_by_name: str


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """What was set for a resident, from when on and by whom."""

    profile_id: int
    valid_from: datetime
    groups: Sequence[str]
    targets: Mapping[str, float]
    options: Sequence[str]
    note: str
    set_by_name: str


@dataclass(frozen=True, slots=True)
class TreatmentRow:
    """What was changed in the treatment, from which day on, by whom; and whether it still holds."""

    change_id: int
    signal: str
    change: str
    from_day: date
    note: str
    set_at: datetime
    set_by_name: str
    taken_back_at: datetime | None
    taken_back_by_name: str | None


@dataclass(frozen=True, slots=True)
class DoubtRow:
    """A reading that may be somebody else's; its values are None where it is not stored."""

    reading_key: str
    measured_at: datetime
    asked_at: datetime
    answer: str | None
    answered_at: datetime | None
    answered_by_name: str | None
    unit: str | None
    flags: Sequence[str] | None
    systolic_mmhg: float | None
    diastolic_mmhg: float | None
    systolic_kpa: float | None
    diastolic_kpa: float | None
    pulse_bpm: float | None
    glucose_mmol_l: float | None
    glucose_mg_dl: float | None


@dataclass(frozen=True, slots=True)
class ConflictRow:
    """Two records under one resident, time and device: both as they were stored."""

    received_at: datetime
    time: datetime
    kind: str
    stored: Mapping[str, Any]
    arrived: Mapping[str, Any]
    device: str | None
    model: str | None


@dataclass(frozen=True, slots=True)
class PressureRow:
    """One cuff reading that counts, in mmHg; pulse 0 where there was none."""

    time: datetime
    systolic_mmhg: float
    diastolic_mmhg: float
    pulse_bpm: float


@dataclass(frozen=True, slots=True)
class MarkRow:
    """Something to see beside the readings: `what` is `finding` or `device`."""

    at: datetime
    code: str
    what: str


@dataclass(frozen=True, slots=True)
class BurdenRow:
    """What a team was asked for in some weeks, and how much of it doctors called true."""

    team_id: str
    team_name: str
    residents: int
    pages: int
    tasks: int
    entries: int
    judged: int
    true_alerts: int


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """What doctors said of the episodes of one rule; judged: those they said anything of."""

    rule_id: str
    episodes: int
    judged: int
    false_alarms: int
    technical: int


@dataclass(frozen=True, slots=True)
class ShadowRow:
    """What a rule set on trial would have asked a team for in the same weeks."""

    team_id: str
    digest: str
    name: str
    pages: int
    tasks: int
    entries: int
