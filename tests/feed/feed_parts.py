"""Rows for the feed's pure tests, ordinary where nothing else is said."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from yikao_alerts.feed.rows import EpisodeRow, FreshnessRow, QueuesRow, ReadingRow

NOW = datetime(2026, 3, 2, 14, 10, tzinfo=UTC)
"""Monday 22:10 in Shanghai."""
ZONE = "Asia/Shanghai"


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


EPISODE = EpisodeRow(
    episode_id=1,
    family="bp_high",
    state="open",
    rule_id="BP-03",
    severity="page_now",
    level=2,
    confirmed="confirmed",
    measured_at=NOW - minutes(8),
    opened_at=NOW - minutes(6),
    level_since=NOW - minutes(6),
    last_evidence_at=NOW - minutes(7),
    answered_by=None,
    answered_at=None,
    disposition=None,
    closed_at=None,
    answered_by_name=None,
    patient_id=1,
    resident_code="r-01",
    resident_name="张秀英",
    birth_year=1944,
    sex="f",
    own_doctor_name="王医生",
    team_id="north",
    zone=ZONE,
    awaited_until=None,
    latest_at=NOW - minutes(7),
    latest_unit="mmHg",
    latest_flags=(),
    systolic_mmhg=186,
    diastolic_mmhg=112,
    systolic_kpa=None,
    diastolic_kpa=None,
    pulse_bpm=92,
    glucose_mmol_l=None,
    glucose_mg_dl=None,
)
READING = ReadingRow(
    time=NOW,
    kind="blood_pressure",
    unit="mmHg",
    systolic_mmhg=128,
    diastolic_mmhg=78,
    systolic_kpa=None,
    diastolic_kpa=None,
    pulse_bpm=70,
    glucose_mmol_l=None,
    glucose_mg_dl=None,
    meal=None,
    flags=(),
    doubt_s=2,
    received_at=NOW,
    device="00:00:00:00:00:01",
    model="UA-651BLE",
)
IDLE = QueuesRow(eval_waiting=0, eval_oldest_at=None, pages_due=0, page_oldest_at=None)


def episode(**changes: Any) -> EpisodeRow:
    return replace(EPISODE, **changes)


def reading(**changes: Any) -> ReadingRow:
    return replace(READING, **changes)


def glucose(mmol_l: float | None, **changes: Any) -> ReadingRow:
    plain = {"systolic_mmhg": None, "diastolic_mmhg": None, "pulse_bpm": None}
    facts = plain | {"kind": "glucose", "unit": "mmol/L", "glucose_mmol_l": mmol_l} | changes
    return replace(READING, **facts)


def known(count: int) -> list[FreshnessRow]:
    at = NOW - minutes(30)
    return [FreshnessRow(n, f"r-{n:02}", f"居民{n}", at, watched=True) for n in range(count)]
