"""Reading a rule file: everything is checked before anything is believed.

A file is refused as a whole, with every fault and its line: an unknown key, a missing unit, an
unknown symptom, a rule without a source. What was read is named by a digest, which every decision
stores, so that a year later it is known by which text a doctor was woken.
"""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from yikao_alerts.history import FIELDS, PULSE_UNIT, UNITS
from yikao_alerts.limits import OPERATORS, Limit
from yikao_alerts.rules.model import (
    ANY_KIND,
    SEVERITIES,
    Late,
    Normal,
    Protocol,
    Rule,
    RuleSet,
)
from yikao_devices.symptoms import SYMPTOMS
from yikao_devices.toml_lines import Fault, FaultyFileError, Lines, parse_toml

FAMILIES: Final = ("bp_high", "glucose_low", "glucose_high")
STATISTICS: Final = ("mean_of_two_or_three", "second")
EVIDENCE: Final = ("V", "M", "D")

_NEEDED: Final = ("id", "kind", "severity", "level", "name_zh", "name_en", "source", "evidence")
_OPTIONAL: Final = (
    "family",
    "any",
    "flags",
    "unless_flags",
    "with_symptoms",
    "alone_symptoms",
    "order",
    "protocol",
    "normal",
    "ask_again",
    "quarantine",
    "late",
    "human_only",
    "patient_zh",
    "patient_en",
)
_BOUNDS: Final = {"below": "lt", "at_least": "ge"}


def parse_rules(text: str, path: str) -> RuleSet:
    """Return the rule set in `text`; refuses it with `FaultyFileError`, all faults at once."""
    values, lines = parse_toml(text, path)
    reader = _Reader(lines)
    late = reader.late(values.get("late", {}))
    protocols = {
        name: reader.protocol(name, table) for name, table in values.get("protocol", {}).items()
    }
    rules = [
        reader.rule(index, table, protocols) for index, table in enumerate(values.get("rule", []))
    ]
    if reader.faults:
        raise FaultyFileError(path, reader.faults)
    rules.sort(key=lambda rule: (-SEVERITIES.index(rule.severity), -rule.level, rule.id))
    return RuleSet(
        str(values.get("version", "")),
        str(values.get("profile", "")),
        hashlib.sha256(text.encode()).hexdigest()[:16],
        late,
        tuple(rules),
    )


class _Reader:
    """Turns tables into values and collects what is wrong with them."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.faults: list[Fault] = []

    def _fault(self, place: tuple[str, int, str], what: str, fix: str) -> None:
        self.faults.append(Fault(self.lines.of(*place), what, fix))

    def late(self, table: Mapping[str, Any]) -> Late:
        spans = {"late_min": "minutes", "call_h": "hours", "information_h": "hours"}
        for key in spans:
            if not isinstance(table.get(key), int | float):
                self._fault(("late", 0, key), f"[late] {key} is missing", f"Write {key} = a number")
        parts = [timedelta(**{unit: _number(table.get(key))}) for key, unit in spans.items()]
        return Late(*parts)

    def protocol(self, name: str, table: Mapping[str, Any]) -> Protocol:
        place = f"protocol.{name}"
        if table.get("statistic") not in STATISTICS:
            fix = f"Write one of {', '.join(STATISTICS)}"
            self._fault((place, 0, "statistic"), f"{name}: unknown statistic", fix)
        if not table.get("source"):
            self._fault((place, 0, ""), f"{name}: no source", 'Write source = "..."')
        return Protocol(
            name,
            timedelta(minutes=_number(table.get("window_min"))),
            timedelta(seconds=_number(table.get("gap_s"))),
            str(table.get("statistic")),
            table.get("differ_mmhg"),
            str(table.get("source")),
        )

    def rule(self, index: int, table: Mapping[str, Any], protocols: dict[str, Protocol]) -> Rule:
        self._check_keys(index, table)
        self._check_words(index, table, protocols)
        kind = str(table.get("kind"))
        protocol = table.get("protocol")
        return Rule(
            id=str(table.get("id")),
            family=table.get("family"),
            kind=kind,
            severity=str(table.get("severity")),
            level=int(_number(table.get("level"))),
            any=tuple(self._limit(index, kind, entry) for entry in table.get("any", [])),
            flags=frozenset(table.get("flags", ())),
            unless_flags=frozenset(table.get("unless_flags", ())),
            with_symptoms=frozenset(table.get("with_symptoms", ())),
            alone_symptoms=frozenset(table.get("alone_symptoms", ())),
            order=tuple(table["order"]) if "order" in table else None,
            protocol=protocols.get(protocol) if protocol else None,
            normal=self._normal(index, kind, table.get("normal")),
            ask_again=bool(table.get("ask_again", protocol)),
            quarantine=bool(table.get("quarantine")),
            late=bool(table.get("late")),
            human_only=bool(table.get("human_only")),
            name_zh=str(table.get("name_zh")),
            name_en=str(table.get("name_en")),
            patient_zh=str(table.get("patient_zh", "")),
            patient_en=str(table.get("patient_en", "")),
            source=str(table.get("source")),
            evidence=str(table.get("evidence")),
        )

    def _check_keys(self, index: int, table: Mapping[str, Any]) -> None:
        name = table.get("id", f"rule {index + 1}")
        for key in _NEEDED:
            if table.get(key) in (None, ""):
                self._fault(("rule", index, ""), f"{name}: {key} is missing", f"Write {key} = ...")
        for key in table:
            if key not in _NEEDED and key not in _OPTIONAL:
                self._fault(("rule", index, key), f"{name}: unknown key {key}", "Remove it")

    def _check_words(
        self, index: int, table: Mapping[str, Any], protocols: dict[str, Protocol]
    ) -> None:
        """Check each word that has to come from a list of known words."""
        known = {
            "kind": (*FIELDS, ANY_KIND),
            "severity": SEVERITIES,
            "evidence": EVIDENCE,
            "family": (*FAMILIES, None),
            "protocol": (*protocols, None),
        }
        for key, words in known.items():
            if table.get(key) not in words:
                what = f"{table.get('id')}: {key} {table.get(key)!r} is not known"
                fix = f"Write one of {', '.join(word for word in words if word)}"
                self._fault(("rule", index, key), what, fix)
        for key in ("with_symptoms", "alone_symptoms"):
            for code in set(table.get(key, ())) - set(SYMPTOMS):
                what = f"{table.get('id')}: symptom {code!r} is not known"
                self._fault(("rule", index, key), what, "See yikao-gateway report --help")

    def _limit(self, index: int, kind: str, entry: Mapping[str, Any]) -> Limit:
        field, op = str(entry.get("field")), str(entry.get("op"))
        values = {unit: entry[unit] for unit in entry if unit not in ("field", "op")}
        if field not in FIELDS.get(kind, ()) or op not in OPERATORS:
            fix = f"Fields of {kind}: {', '.join(FIELDS.get(kind, ()))}; op: {', '.join(OPERATORS)}"
            self._fault(("rule", index, "any"), f"limit on {field!r} with {op!r}", fix)
        return Limit(field, op, self._per_unit(index, kind, field, values))

    def _per_unit(
        self, index: int, kind: str, field: str, values: Mapping[str, Any]
    ) -> dict[str, float]:
        """Return the numbers of a limit, which has to have one for each unit of its field."""
        units = (PULSE_UNIT,) if field == "pulse" else UNITS.get(kind, ())
        if set(values) != set(units):
            what = f"limit on {field} has the units {', '.join(values) or 'none'}"
            self._fault(("rule", index, "any"), what, f"Give a number for {', '.join(units)}")
        return {unit: _number(values.get(unit)) for unit in units}

    def _normal(self, index: int, kind: str, table: Mapping[str, Any] | None) -> Normal | None:
        if table is None:
            return None
        limits = []
        for key, values in table.items():
            if key in ("rounds", "apart_min"):
                continue
            field, _, bound = key.partition("_")
            if bound not in _BOUNDS:
                fix = "Write FIELD_below or FIELD_at_least"
                self._fault(("rule", index, "normal"), f"normal: unknown key {key}", fix)
                continue
            limits.append(Limit(field, _BOUNDS[bound], self._per_unit(index, kind, field, values)))
        apart = timedelta(minutes=_number(table.get("apart_min")))
        return Normal(tuple(limits), int(_number(table.get("rounds"))), apart)


def _number(value: object) -> float:
    """Return a number, 0 for what is none; its fault has been noted where it was expected."""
    return float(value) if isinstance(value, int | float) else 0.0
