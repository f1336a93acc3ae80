"""The keys of every table of a rule set, and which words may stand for a value."""

from collections.abc import Mapping
from typing import Final

from yikao_alerts.contexts import CONTEXTS
from yikao_alerts.history import FIELDS, LOOK_BACK, SOURCES, UNITS
from yikao_alerts.limits import LABELS, OPERATORS
from yikao_alerts.resident import AGE_MAX, GROUPS, OPTIONS, TARGETS
from yikao_alerts.rules.forms import COUNTED, DOWN, PARTS, UP
from yikao_alerts.rules.keys import (
    Key,
    number,
    one_of,
    several_of,
    switch,
    table,
    tables,
    text,
    whole,
)
from yikao_alerts.rules.model import ADDRESSEES, ANY_KIND, PAGING, SEVERITIES
from yikao_devices.blood_pressure import Status
from yikao_devices.clock_epochs import CLOCK_ERROR
from yikao_devices.glucose import SensorStatus
from yikao_devices.symptoms import NONE, SYMPTOMS
from yikao_devices.wire_items import TEXT_MAX

FAMILIES: Final = (
    "bp_high",
    "bp_low",
    "pregnancy",
    "pulse",
    "rhythm",
    "glucose_low",
    "glucose_high",
    "ketone",
    "weight",
    "oxygen",
    "fever",
    "symptom",
    "help",
    "control",
    "trend",
    "glucose_control",
    "glucose_trend",
    "silence",
)
"""Kinds of episodes and worklist entries; data quality opens none."""
STATISTICS: Final = ("mean_of_two_or_three", "second")
EVIDENCE: Final = ("V", "M", "D")
RECHECKS: Final = ("low_twice", "no_recheck", "rising", "crisis_silent")
TIMED_RECHECKS: Final = ("no_recheck", "rising", "crisis_silent")
FLAGS: Final = (
    "hi",
    "lo",
    CLOCK_ERROR,
    *(str(flag.name).lower() for flag in (*Status, *SensorStatus) if "TOO_" not in str(flag.name)),
)
"""What a reading may be marked with: a meter's limits, a wrong clock, the status bits."""

AFTER_DAYS_MAX: Final = 366
ACUTE_H_MAX: Final = LOOK_BACK.total_seconds() / 3600
_DAYS: Final = whole(1, AFTER_DAYS_MAX)
_ROUNDS: Final = whole(1, 10)
_IDS: Final = Key(
    lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
    'Write a list of ids of rules, ["BP-01", ...]',
)
_SYMPTOMS: Final = several_of(sorted(SYMPTOMS - {NONE})).optional
_CONTEXTS: Final = several_of(sorted(CONTEXTS)).optional
_GROUPS: Final = several_of(GROUPS).optional
_AGE: Final = whole(1, AGE_MAX).optional
_FIELD: Final = one_of(LABELS)
_UNIT: Final = one_of(sorted({unit for units in UNITS.values() for unit in units}))
_SAID: Final = Key(
    lambda value: isinstance(value, str) and len(value) <= TEXT_MAX,
    f"Write a text of up to {TEXT_MAX} characters: a gateway takes no more",
    needed=False,
)

Keys = Mapping[str, Key]

TOP: Final[Keys] = {
    "version": text(),
    "profile": text(),
    "late": table(),
    "suppress": table(),
    "rule": tables(),
}
LATE: Final[Keys] = {
    "late_min": number(1, 24 * 60),
    "call_h": number(0.1, 24),
    "information_h": number(0.1, 30 * 24),
    "never": _IDS.optional,
    "source": text(),
}
SUPPRESS: Final[Keys] = {
    "refractory_days": _DAYS,
    "never": _IDS,
    "mute_max_days": _DAYS,
    "never_mutes": several_of(PAGING),
    "source": text(),
}
PROTOCOL: Final[Keys] = {
    "window_min": number(1, 120),
    "gap_s": number(1, 3600),
    "differ_mmhg": number(1, 100).optional,
    "near_mmhg": number(1, 50).optional,
    "statistic": one_of(STATISTICS),
    "source": text(),
}
RECHECK: Final[Keys] = {
    "kind": one_of(FIELDS),
    "every_min": number(1, 240),
    "rounds_max": _ROUNDS,
    "statistic": text().optional,
    "silent_min": number(1, 240),
    "resolve_rounds": _ROUNDS,
    "resolve": tables(),
    "resolve_once": tables().optional,
    "downgrade_rounds": _ROUNDS.optional,
    "downgrade": tables().optional,
    "escalate": tables().optional,
    "still_after_min": number(1, 600).optional,
    "still_rounds": _ROUNDS.optional,
    "still": tables().optional,
    "next_day_task": switch(),
    "source": text(),
}
AVERAGE: Final[Keys] = {
    "days": _DAYS,
    "min_readings": whole(1, 1000).optional,
    "min_days": _DAYS.optional,
    "drop_first": switch(),
    "source": text(),
}
TEMPLATE: Final[Keys] = {
    "rule_id": text(),
    "level": whole(0, 99),
    "who": table(),
    "targets": table(),
    "name_zh": text(),
    "name_en": text(),
    "source": text(),
}
TARGET: Final[Keys] = {name: number(1, 300).optional for name in TARGETS}
WHO: Final[Keys] = {
    "groups_all": _GROUPS,
    "groups_any": _GROUPS,
    "groups_none": _GROUPS,
    "age_at_least": _AGE,
    "age_below": _AGE,
    "or_age_at_least": _AGE,
    "options_all": several_of(OPTIONS).optional,
}
UPGRADE: Final[Keys] = {
    "severity": one_of(PAGING),
    "symptoms": _SYMPTOMS,
    "who": table().optional,
    "limits": tables().optional,
    "recheck": one_of(RECHECKS).optional,
    "minutes": number(1, 24 * 60).optional,
}
DOWNGRADE: Final[Keys] = {
    "severity": one_of(SEVERITIES),
    "who": table(),
    "no_symptom": switch(),
    "limits": tables().optional,
    "within_h": number(0.1, ACUTE_H_MAX).optional,
}
NORMAL: Final[Keys] = {
    "rounds": _ROUNDS,
    "apart_min": number(0, 24 * 60),
    "of": one_of(COUNTED[:2]).optional,
    "all": tables(),
}
ENDS: Final[Keys] = {
    "all": tables().optional,
    "level_below": number(0.001, 0.999).optional,
    "quiet_days": _DAYS.optional,
    "any_reading": switch(),
}
TIMES: Final[Keys] = {
    "count": whole(2, 50),
    "of": one_of(COUNTED),
    "within_h": number(0.1, ACUTE_H_MAX).optional,
    "apart_h": number(0, ACUTE_H_MAX).optional,
}
PORTION: Final[Keys] = {"all": tables(), "op": one_of(OPERATORS), "pct": number(0.01, 100)}
DOUBT: Final[Keys] = {
    "field": _FIELD,
    "unit": one_of(("", *sorted({unit for units in UNITS.values() for unit in units}))),
    "other": _UNIT,
    "low": number(0, 1000),
    "high": number(0, 1000),
    "habit": _UNIT.optional,
    "sources": several_of(SOURCES).optional,
}
FORM_KEYS: Final[Mapping[str, Keys]] = {
    "on_reading": {
        "any": tables().optional,
        "flags": several_of(FLAGS).optional,
        "unless_flags": several_of(FLAGS).optional,
        "with_symptoms": _SYMPTOMS,
        "alone_symptoms": _SYMPTOMS,
        "order": several_of(LABELS).optional,
        "contexts": _CONTEXTS,
        "times": tables().optional,
    },
    "drop": {
        "any": tables(),
        "before": several_of(sorted(CONTEXTS)),
        "after": several_of(sorted(CONTEXTS)),
        "within_min": number(0.1, 60),
    },
    "gain": {"kg": number(0.1, 50), "within_days": number(0.1, ACUTE_H_MAX / 24)},
    "mean": {
        "average": text().optional,
        "days": _DAYS.optional,
        "min_readings": whole(1, 1000).optional,
        "min_days": _DAYS.optional,
        "min_mornings": _DAYS.optional,
        "drop_first": switch(),
        "part": one_of(PARTS).optional,
        "any": tables(),
        "and_part": one_of(PARTS).optional,
        "and_all": tables().optional,
        "contexts": _CONTEXTS,
    },
    "spread": {"any": tables(), "days": _DAYS, "min_days": _DAYS, "min_span": _DAYS},
    "change": {
        "signal": one_of(("systolic", "glucose")),
        "direction": one_of((UP, DOWN)),
        "shift": number(-100, 100),
        "unit": one_of(("mmHg", "%")),
        "mean7": table().optional,
    },
    "share": {
        "days": _DAYS,
        "wear_pct": number(1, 100),
        "cv_above_pct": number(1, 200).optional,
        "any": tables(),
    },
    "late_data": {},
    "clock_error": {
        "flag": one_of(FLAGS),
        "future_min": number(0.1, 24 * 60),
        "offset_min": number(0.1, 24 * 60),
        "year_min": whole(1970, 2200),
    },
    "unit_doubt": {"any": tables()},
    "other_person": {"d2_above": number(0.1, 1000)},
    "device_change": {"mask_days": _DAYS},
    "silence": {"remind_days": _DAYS, "days": _DAYS},
    "targets": {},
}
"""The keys of each form of a rule, beside those of `RULE`."""
RULE: Final[Keys] = {
    "id": text(),
    "form": one_of(FORM_KEYS).optional,
    "family": one_of(FAMILIES).optional,
    "kind": one_of((*FIELDS, ANY_KIND)),
    "severity": one_of(SEVERITIES),
    "level": whole(0, 99),
    "who": table().optional,
    "protocol": text().optional,
    "recheck": text().optional,
    "upgrades": tables().optional,
    "downgrades": tables().optional,
    "normal": table().optional,
    "ends": table().optional,
    "ask_again": switch(),
    "quarantine": switch(),
    "human_only": switch(),
    "addressee": one_of(ADDRESSEES),
    "obstetric": switch(),
    "name_zh": text(),
    "name_en": text(),
    "patient_zh": _SAID,
    "patient_en": _SAID,
    "source": text(),
    "evidence": one_of(EVIDENCE),
}
