"""What one episode rests on, made readable: its readings, the rule behind it, what was refused.

All of it pure. Values are shown as the device gave them, and the rule as it is today; where the
decision was made by another edition of the rules, that is said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from yikao_alerts.feed import show
from yikao_alerts.feed.rows import FindingRow, RefusalRow
from yikao_alerts.rules import Rule, RuleSet


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reading that an episode rests on."""

    key: str
    at: datetime
    received_at: datetime
    value: show.Value
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statistic:
    """What a protocol made of the readings, and of how many."""

    value: show.Value
    readings: int
    confirmed: str
    rule_id: str


@dataclass(frozen=True, slots=True)
class Ground:
    """A rule that was met: None where the rules of today no longer have it."""

    rule_id: str
    rule: Rule | None
    digest: str
    same_edition: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a rule that was met did not page, or not yet."""

    rule_id: str
    rule: Rule | None
    why: str
    at: datetime
    value: show.Value | None
    until: datetime | None
    by: str | None


def evidence_of(findings: Sequence[FindingRow]) -> list[Evidence]:
    """Return the readings behind the findings, each once, the newest first."""
    readings = {
        reading["key"]: _reading(reading)
        for finding in findings
        for reading in finding.evidence.get("readings", ())
    }
    return sorted(readings.values(), key=lambda reading: reading.at, reverse=True)


def statistics_of(findings: Sequence[FindingRow]) -> list[Statistic]:
    """Return the statistic of each finding that a protocol confirmed, or could not."""
    return [
        Statistic(
            show.values_text(finding.evidence["statistic"], _unit(finding.evidence)),
            len(finding.evidence["readings"]),
            finding.confirmed,
            finding.rule_id,
        )
        for finding in findings
        if finding.evidence.get("statistic") and finding.confirmed != "not_needed"
    ]


def grounds_of(rule_id: str, findings: Sequence[FindingRow], rules: RuleSet) -> list[Ground]:
    """Return the rules that were met, the episode's own first, each with its edition once.

    A suspicion rests on no finding yet: then its rule stands alone, in today's edition.
    """
    met = {(finding.rule_id, finding.ruleset_digest) for finding in findings}
    met |= set() if findings else {(rule_id, rules.digest)}
    ordered = sorted(met, key=lambda pair: (pair[0] != rule_id, pair))
    return [
        Ground(found_id, find_rule(rules, found_id), digest, digest == rules.digest)
        for found_id, digest in ordered
    ]


def refused_of(rows: Sequence[RefusalRow], rules: RuleSet) -> list[Refused]:
    """Return what was refused in the episode's time, in order of time."""
    return [
        Refused(
            row.refusal["rule_id"],
            find_rule(rules, row.refusal["rule_id"]),
            row.refusal["why"],
            datetime.fromisoformat(row.refusal["at"]),
            _value(row.reading) if row.reading else None,
            _time(row.refusal.get("until")),
            row.refusal.get("by"),
        )
        for row in sorted(rows, key=lambda row: row.decided_at)
    ]


def find_rule(rules: RuleSet, rule_id: str) -> Rule | None:
    """Return the rule called `rule_id` in today's edition, or None."""
    return next((rule for rule in rules.rules if rule.id == rule_id), None)


def _reading(reading: Mapping[str, Any]) -> Evidence:
    return Evidence(
        reading["key"],
        datetime.fromisoformat(reading["at"]),
        datetime.fromisoformat(reading["received_at"]),
        _value(reading),
        tuple(reading["flags"]),
    )


def _value(reading: Mapping[str, Any]) -> show.Value:
    if not reading.get("values") and reading.get("flags"):
        words = [flag.upper() for flag in reading["flags"] if flag in ("hi", "lo")]
        return show.Value(words[0] if words else "—", "")
    return show.values_text(reading.get("values", {}), reading.get("unit", ""))


def _unit(evidence: Mapping[str, Any]) -> str:
    readings = evidence.get("readings", ())
    return str(readings[0]["unit"]) if readings else ""


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
