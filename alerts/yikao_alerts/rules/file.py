"""Reading a rule file: everything is checked before anything is believed.

A file is refused as a whole, with every fault and its line: an unknown key, a missing unit, an
unknown symptom, a rule without a source. What was read is named by a digest, which every decision
stores, so that a year later it is known by which text a doctor was woken.
"""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from yikao_alerts.limits import Limit
from yikao_alerts.rules.check import BOUNDS, faults_of, units_of
from yikao_alerts.rules.model import SEVERITIES, Late, Normal, Protocol, Rule, RuleSet
from yikao_devices.toml_lines import FaultyFileError, parse_toml

DIGEST_CHARS: Final = 16
"""64 bits: enough to tell the versions of a file apart, short enough to be read out."""


def parse_rules(text: str, path: str) -> RuleSet:
    """Return the rule set in `text`; refuses it with `FaultyFileError`, all faults at once."""
    values, lines = parse_toml(text, path)
    if faults := faults_of(values, lines):
        raise FaultyFileError(path, faults)
    protocols = {name: _protocol(name, entry) for name, entry in values.get("protocol", {}).items()}
    rules = [_rule(entry, protocols) for entry in values["rule"]]
    rules.sort(key=lambda rule: (-SEVERITIES.index(rule.severity), -rule.level, rule.id))
    digest = hashlib.sha256(text.encode()).hexdigest()[:DIGEST_CHARS]
    return RuleSet(
        values["version"], values["profile"], digest, _late(values["late"]), tuple(rules)
    )


def _late(table: Mapping[str, Any]) -> Late:
    return Late(
        late_after=timedelta(minutes=table["late_min"]),
        call_after=timedelta(hours=table["call_h"]),
        information_after=timedelta(hours=table["information_h"]),
    )


def _protocol(name: str, table: Mapping[str, Any]) -> Protocol:
    return Protocol(
        name,
        window=timedelta(minutes=table["window_min"]),
        gap=timedelta(seconds=table["gap_s"]),
        statistic=table["statistic"],
        differ_mmhg=table.get("differ_mmhg"),
        source=table["source"],
    )


def _rule(table: Mapping[str, Any], protocols: Mapping[str, Protocol]) -> Rule:
    kind, protocol = table["kind"], protocols.get(table.get("protocol", ""))
    lower, higher = table.get("order", ("", ""))
    return Rule(
        id=table["id"],
        family=table.get("family"),
        kind=kind,
        severity=table["severity"],
        level=table["level"],
        any=tuple(_limit(kind, e["field"], e["op"], e) for e in table.get("any", ())),
        flags=frozenset(table.get("flags", ())),
        unless_flags=frozenset(table.get("unless_flags", ())),
        with_symptoms=frozenset(table.get("with_symptoms", ())),
        alone_symptoms=frozenset(table.get("alone_symptoms", ())),
        order=(lower, higher) if lower else None,
        protocol=protocol,
        normal=_normal(kind, table["normal"]) if "normal" in table else None,
        ask_again=table.get("ask_again", protocol is not None),
        quarantine=table.get("quarantine", False),
        late=table.get("late", False),
        human_only=table.get("human_only", False),
        name_zh=table["name_zh"],
        name_en=table["name_en"],
        patient_zh=table.get("patient_zh", ""),
        patient_en=table.get("patient_en", ""),
        source=table["source"],
        evidence=table["evidence"],
    )


def _normal(kind: str, table: Mapping[str, Any]) -> Normal:
    limits = []
    for key in table.keys() - {"rounds", "apart_min"}:
        field, _, bound = key.partition("_")
        limits.append(_limit(kind, field, BOUNDS[bound], table[key]))
    limits.sort(key=lambda limit: (limit.field, limit.op))
    return Normal(kind, tuple(limits), table["rounds"], timedelta(minutes=table["apart_min"]))


def _limit(kind: str, field: str, op: str, table: Mapping[str, Any]) -> Limit:
    return Limit(field, op, {unit: float(table[unit]) for unit in units_of(kind, field)})
