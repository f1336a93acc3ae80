"""Readings of which a person has to say whose they are, and records that contradict each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from yikao_alerts.feed import show
from yikao_alerts.feed.care_rows import ConflictRow, DoubtRow
from yikao_alerts.history import JUDGED


@dataclass(frozen=True, slots=True)
class Doubt:
    """A doubted reading as written."""

    row: DoubtRow
    value: show.Value


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two records of one time: the one that is used, and the one that came after it."""

    row: ConflictRow
    kept: show.Value
    arrived: show.Value


@dataclass(frozen=True, slots=True)
class _Stored:
    """The values of a record that was kept as JSON."""

    systolic_mmhg: float | None
    diastolic_mmhg: float | None
    systolic_kpa: float | None
    diastolic_kpa: float | None
    pulse_bpm: float | None
    glucose_mmol_l: float | None
    glucose_mg_dl: float | None
    weight_kg: float | None
    weight_lb: float | None
    temperature_c: float | None
    temperature_f: float | None
    spo2_pct: float | None


def doubts_of(rows: Sequence[DoubtRow]) -> list[Doubt]:
    """Return doubted readings as written, in the order they came."""
    return [Doubt(row, show.value_of(row, row.unit or "", row.flags or ())) for row in rows]


def conflicts_of(rows: Sequence[ConflictRow]) -> list[Conflict]:
    """Return contradicting records as written."""
    return [
        Conflict(row, *(_value(row.kind, stored) for stored in (row.stored, row.arrived)))
        for row in rows
    ]


def _value(kind: str, stored: Mapping[str, Any]) -> show.Value:
    values = _Stored(**{field.name: stored.get(field.name) for field in fields(_Stored)})
    unit = str(stored.get("unit") or "")
    if kind in JUDGED:
        return show.value_of(values, unit, stored.get("flags") or ())
    return show.vital_of(values, unit)
