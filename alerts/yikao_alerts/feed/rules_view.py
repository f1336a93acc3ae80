"""The rule set as a document that a doctor reads and signs: each rule with all that it says.

Nothing here is written twice: sentences come from the rules themselves, so what is printed is what
the program does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Final

from yikao_alerts.feed.words import Words
from yikao_alerts.limits import Limit
from yikao_alerts.resident import GROUPS, OPTIONS, TARGETS
from yikao_alerts.rules import Rule, RuleSet
from yikao_alerts.rules.model import EVERYBODY, Upgrade, Who
from yikao_alerts.rules.words import limits_text, symptoms_text
from yikao_devices.symptoms import Words as Both

GROUP_ORDER: Final = ("BP", "PR", "GL", "WT", "SP", "TP", "DQ")
ID_LETTERS: Final = 5
"""`BP-13b` is a part of BP-13: the rule is one, with a second condition."""
MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Part:
    """One condition of a rule, with what follows from it."""

    rule: Rule
    limits: str
    who: str
    confirm: str
    changes: tuple[str, ...]
    ends: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One rule: its conditions, and what is the same for all of them."""

    id: str
    name: str
    parts: tuple[Part, ...]
    patient: str
    source: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Group:
    """The rules about one thing, by their id."""

    code: str
    entries: tuple[Entry, ...]


def groups_of(rules: RuleSet, words: Words) -> list[Group]:
    """Return all rules by what they are about."""

    def group(rule: Rule) -> int:
        code = rule.id.partition("-")[0]
        return GROUP_ORDER.index(code) if code in GROUP_ORDER else len(GROUP_ORDER)

    ordered = sorted(rules.rules, key=lambda rule: (group(rule), rule.id))
    return [
        Group(members[0].id.partition("-")[0], tuple(_entries(members, rules, words)))
        for _, found in groupby(ordered, key=group)
        for members in [list(found)]
    ]


def count_of(groups: Sequence[Group]) -> int:
    """Return how many rules there are, the parts of one counted once."""
    return sum(len(group.entries) for group in groups)


def _entries(members: Iterable[Rule], rules: RuleSet, words: Words) -> Iterable[Entry]:
    language = words.language
    for number, found in groupby(members, key=lambda rule: rule.id[:ID_LETTERS]):
        parts = list(found)
        first = parts[0]
        yield Entry(
            number,
            first.name(language),
            tuple(_part(rule, rules, words) for rule in parts),
            next((p for rule in parts if (p := _patient(rule, language))), ""),
            first.source,
            first.evidence,
        )


def _part(rule: Rule, rules: RuleSet, words: Words) -> Part:
    return Part(
        rule,
        rule.limits_text(words.language),
        who_text(rule.who, words),
        _confirm(rule, words),
        tuple(_change(upgrade, words) for upgrade in rule.upgrades)
        + tuple(
            words("rules.down", severity=words.of("severity", down.severity))
            for down in rule.downgrades
        ),
        ends_text(rule, rules, words),
    )


def _patient(rule: Rule, language: str) -> str:
    return rule.patient_zh if language == "zh" else rule.patient_en


@dataclass(frozen=True, slots=True)
class Line:
    """A template of targets, in words."""

    name: str
    rule_id: str
    targets: str
    source: str


def templates_of(rules: RuleSet, words: Words) -> list[Line]:
    """Return the targets by age and condition that hold where a doctor has set none."""
    return [
        Line(
            template.name_zh if words.language == "zh" else template.name_en,
            template.rule_id,
            words("list.comma").join(
                f"{_both(TARGETS[code], words)} {value:g}"
                for code, value in template.targets.items()
            ),
            template.source,
        )
        for template in rules.templates
    ]


def who_text(who: Who, words: Words) -> str:
    """Return whom a rule is for."""
    if who == EVERYBODY:
        return words("rules.everybody")
    comma = words("list.comma")
    parts = [_group(code, words) for code in sorted(who.groups_all)]
    either = [_group(code, words) for code in sorted(who.groups_any)]
    if who.or_age_at_least is not None:
        either.append(words("rules.age_from", age=who.or_age_at_least))
    if either:
        parts.append(f" {words('rules.or_word')} ".join(either))
    parts += [words("rules.not_group", group=_group(g, words)) for g in sorted(who.groups_none)]
    if who.age_at_least is not None:
        parts.append(words("rules.age_from", age=who.age_at_least))
    if who.age_below is not None:
        parts.append(words("rules.age_below", age=who.age_below))
    parts += [_group(code, words) for code in sorted(who.options_all)]
    return comma.join(parts)


def _group(code: str, words: Words) -> str:
    return _both(GROUPS.get(code) or OPTIONS[code], words)


def _both(both: Both, words: Words) -> str:
    return both.zh if words.language == "zh" else both.en


def _confirm(rule: Rule, words: Words) -> str:
    protocol = rule.protocol
    if protocol is None:
        return words("rules.confirm_none")
    return words("rules.confirm_in", protocol=protocol.name, window=f"{protocol.window / MINUTE:g}")


def _change(upgrade: Upgrade, words: Words) -> str:
    """Return what makes a finding of a rule more severe."""
    causes = []
    if upgrade.symptoms:
        causes.append(symptoms_text(upgrade.symptoms, words.language))
    if upgrade.who != EVERYBODY:
        causes.append(who_text(upgrade.who, words))
    if upgrade.limits:
        causes.append(limits_text(upgrade.limits, words.language))
    if upgrade.recheck:
        minutes = f"{upgrade.minutes:g}" if upgrade.minutes is not None else ""
        causes.append(words(f"upgrade.{upgrade.recheck}", minutes=minutes))
    severity = words.of("severity", upgrade.severity)
    return words("rules.up", severity=severity, causes=words("list.and").join(causes))


def ends_text(rule: Rule, rules: RuleSet, words: Words) -> str:
    """Return what ends an episode or an entry of a rule."""
    if rule.human_only:
        return words("rules.ends_human")
    parts = []
    if rule.recheck is not None:
        recheck = rules.rechecks[rule.recheck]
        limits = _all(recheck.resolve, words)
        parts.append(
            words(
                "rules.ends_recheck",
                name=recheck.name,
                rounds=recheck.resolve_rounds,
                limits=limits,
            )
        )
    elif rule.normal is not None:
        limits = _all(rule.normal.limits, words)
        parts.append(words("rules.ends_normal", rounds=rule.normal.rounds, limits=limits))
    parts += _ends(rule, words)
    return words("list.semicolon").join(parts) or words("rules.ends_none")


def _ends(rule: Rule, words: Words) -> list[str]:
    ends = rule.ends
    if ends is None:
        return []
    parts = []
    if ends.limits:
        parts.append(words("rules.ends_limits", limits=_all(ends.limits, words)))
    if ends.level_below is not None:
        parts.append(words("rules.ends_level", pct=f"{100 * ends.level_below:g}"))
    if ends.quiet_days is not None:
        parts.append(words("rules.ends_quiet", days=ends.quiet_days))
    if ends.any_reading:
        parts.append(words("rules.ends_reading"))
    return parts


def _all(limits: Iterable[Limit], words: Words) -> str:
    return limits_text(limits, words.language, "and")
