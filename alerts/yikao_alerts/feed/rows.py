"""What the feed reads from the database: one class for each kind of row, without any judgement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class DoctorRow:
    """A doctor and the team."""

    doctor_id: str
    name: str
    team_id: str
    language: str
    team_name: str


@dataclass(frozen=True, slots=True)
class EpisodeRow:
    """An episode, whose it is, who answers for it, and the last reading that bears on it."""

    episode_id: int
    family: str
    state: str
    rule_id: str
    severity: str
    level: int
    confirmed: str
    measured_at: datetime
    opened_at: datetime
    level_since: datetime
    last_evidence_at: datetime
    answered_by: str | None
    answered_at: datetime | None
    disposition: str | None
    closed_at: datetime | None
    answered_by_name: str | None
    patient_id: int
    resident_code: str
    resident_name: str
    birth_year: int | None
    sex: str | None
    own_doctor_name: str
    team_id: str
    zone: str
    awaited_until: datetime | None
    latest_at: datetime | None
    latest_unit: str | None
    latest_flags: Sequence[str] | None
    systolic_mmhg: float | None
    diastolic_mmhg: float | None
    systolic_kpa: float | None
    diastolic_kpa: float | None
    pulse_bpm: float | None
    glucose_mmol_l: float | None
    glucose_mg_dl: float | None
    reopens_at: datetime | None = None
    handed_to: str | None = None
    handed_to_name: str | None = None
    tier: int = 0
    amended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FreshnessRow:
    """A resident: the last measurement, and whether a gateway is there to bring the next."""

    patient_id: int
    resident_code: str
    resident_name: str
    latest_at: datetime | None
    watched: bool


@dataclass(frozen=True, slots=True)
class QueuesRow:
    """What waits for the evaluator and for the pager, and since when."""

    eval_waiting: int
    eval_oldest_at: datetime | None
    pages_due: int
    page_oldest_at: datetime | None


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A finding of an episode with its evidence as stored."""

    rule_id: str
    trigger_key: str
    confirmed: str
    found_at: datetime
    evidence: Mapping[str, Any]
    ruleset_digest: str


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """What a decision refused, and the reading that had met the rule."""

    decided_at: datetime
    refusal: Mapping[str, Any]
    reading: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class EventRow:
    """One line of an episode's story."""

    at: datetime
    event: str
    from_state: str | None
    to_state: str
    actor: str | None
    actor_name: str | None
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HopsRow:
    """When an episode's first reading, decision and page passed each hop, and the first answer."""

    measured_at: datetime | None
    hub_at: datetime | None
    received_at: datetime | None
    decided_at: datetime | None
    paged_at: datetime | None
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class PageRow:
    """A page, to whom, and every attempt to send it."""

    page_id: UUID
    episode_id: int
    step: int
    loop: int
    doctor_id: str
    doctor_name: str
    channel: str
    address: str
    state: str
    attempts: int
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    zone: str
    tries: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class LinkRow:
    """The page that a signed link opens."""

    episode_id: int
    language: str
    doctor_name: str


@dataclass(frozen=True, slots=True)
class TogetherRow:
    """Another page that went in the same message; `link` is its own."""

    link: str
    episode_id: int
    state: str
    resident_name: str


@dataclass(frozen=True, slots=True)
class ResidentRow:
    """A resident and the doctor who answers for them."""

    patient_id: int
    code: str
    name: str
    birth_year: int | None
    sex: str | None
    team_id: str
    zone: str
    team_name: str
    doctor_name: str


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """One reading with the device it came from."""

    time: datetime
    kind: str
    unit: str
    systolic_mmhg: float | None
    diastolic_mmhg: float | None
    systolic_kpa: float | None
    diastolic_kpa: float | None
    pulse_bpm: float | None
    glucose_mmol_l: float | None
    glucose_mg_dl: float | None
    meal: str | None
    flags: Sequence[str]
    doubt_s: float
    received_at: datetime
    device: str | None
    model: str | None
    weight_kg: float | None = None
    weight_lb: float | None = None
    temperature_c: float | None = None
    temperature_f: float | None = None
    spo2_pct: float | None = None
    place: str = "home"


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """Something that could not be used; `payload` is its beginning, None where it is hidden."""

    quarantine_id: int
    received_at: datetime
    gateway_id: str | None
    topic: str
    reason: str
    detail: str
    measured_at: datetime | None
    payload: bytes | None
    payload_bytes: int
    resident_code: str | None


@dataclass(frozen=True, slots=True)
class UnownedRow:
    """Something measured that is nobody's yet; `waiting`: how many of them there are."""

    received_at: datetime
    measured_at: datetime | None
    gateway_id: str | None
    reason: str
    waiting: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class ReasonCountRow:
    """How often something was put in quarantine for one reason."""

    reason: str
    rows: int


@dataclass(frozen=True, slots=True)
class GatewayRow:
    """What a gateway last said of itself; `online` None: it never said anything."""

    gateway_id: str
    online: bool | None
    seen_at: datetime | None
    waiting: int | None
    version: str | None
    configuration: str = "none"
    """What became of the newest configuration wished of it: `none` was, `waiting` for an answer,
    or its own word."""


@dataclass(frozen=True, slots=True)
class DeviceEventRow:
    """What a device did that is no reading."""

    gateway_id: str
    device: str
    code: str
    time: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True)
class ZoneRow:
    """A team's time zone."""

    zone: str
