"""Readings and reports, ordinary where nothing else is said, and one look at them."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from yikao_alerts.evaluate import Evaluation, evaluate
from yikao_alerts.history import (
    BLOOD_PRESSURE,
    DEVICE,
    GLUCOSE,
    KETONE,
    SPO2,
    TEMPERATURE,
    WEIGHT,
    History,
    Measurement,
    Symptoms,
    history_of,
    key_of,
)
from yikao_alerts.resident import Resident
from yikao_alerts.rules import RuleSet, load_rules

RULES = load_rules()
ADA = load_rules("international")
ANYBODY = Resident()
HOME = ZoneInfo("Asia/Shanghai")
DAY = datetime(2026, 3, 2, tzinfo=HOME)
CUFF, METER = "C0:FF:EE:00:00:01", "C0:FF:EE:00:00:02"
SOON = timedelta(seconds=5)
"""From the cuff to the server."""


def t(clock: str, day: int = 0) -> datetime:
    """Return a time of the story's day, or so many days later: `t("08:10")`, `t("08:10:30")`."""
    parts = [int(part) for part in clock.split(":")] + [0]
    return DAY + timedelta(days=day, hours=parts[0], minutes=parts[1], seconds=parts[2])


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def bp(
    systolic: float,
    diastolic: float,
    at: datetime,
    *,
    received: datetime | None = None,
    unit: str = "mmHg",
    pulse: float = 80,
    flags: tuple[str, ...] = (),
    plausible: bool = True,
    context: str | None = None,
    device: str = CUFF,
    doubt_s: float = 0.0,
) -> Measurement:
    """Return a reading of the cuff."""
    values = {"systolic": systolic, "diastolic": diastolic, "pulse": pulse}
    return Measurement(
        key_of(BLOOD_PRESSURE, device, at),
        BLOOD_PRESSURE,
        at,
        received or at + SOON,
        unit,
        values,
        frozenset(flags),
        device,
        plausible,
        context,
        doubt_s=doubt_s,
    )


def sugar(
    value: float | None,
    at: datetime,
    *,
    received: datetime | None = None,
    unit: str = "mmol/L",
    flags: tuple[str, ...] = (),
    plausible: bool = True,
    context: str | None = None,
    source: str = DEVICE,
) -> Measurement:
    """Return a reading of the meter; no value where it says HI or LO."""
    return Measurement(
        key_of(GLUCOSE, METER, at),
        GLUCOSE,
        at,
        received or at + SOON,
        unit,
        {} if value is None else {"glucose": value},
        frozenset(flags),
        METER,
        plausible,
        context,
        source,
    )


OTHERS = {
    "ketone": (KETONE, "mmol/L"),
    "weight": (WEIGHT, "kg"),
    "spo2": (SPO2, "%"),
    "temperature": (TEMPERATURE, "Cel"),
}
"""Fields of the other devices, with the kind of reading and the unit."""


def other(
    field: str,
    value: float,
    at: datetime,
    *,
    received: datetime | None = None,
    plausible: bool = True,
    **values: float,
) -> Measurement:
    """Return a reading of another device, by the field it is named after."""
    kind, unit = OTHERS[field]
    return Measurement(
        key_of(kind, field, at),
        kind,
        at,
        received or at + SOON,
        unit,
        {field: value, **values},
        device=field,
        plausible=plausible,
    )


def says(code: str, at: datetime, *, received: datetime | None = None) -> Symptoms:
    """Return the resident's report of one symptom."""
    return Symptoms(f"symptom/{at}/{code}", at, received or at + SOON, frozenset({code}))


def history(*items: Measurement | Symptoms) -> History:
    """Return the history of these readings and reports."""
    return history_of(
        [item for item in items if isinstance(item, Measurement)],
        [item for item in items if isinstance(item, Symptoms)],
    )


def look(
    now: datetime,
    *items: Measurement | Symptoms,
    resident: Resident = ANYBODY,
    rules: RuleSet = RULES,
) -> Evaluation:
    """Return what the rules say of these readings and reports."""
    return evaluate(history(*items), resident, rules, now)


def found(
    now: datetime,
    *items: Measurement | Symptoms,
    resident: Resident = ANYBODY,
    rules: RuleSet = RULES,
) -> list[tuple[str, str, str]]:
    """Return rule, severity and confirmation of each finding that is about the resident."""
    findings = look(now, *items, resident=resident, rules=rules).findings
    return [(f.rule_id, f.severity, f.confirmed) for f in findings if f.family is not None]
