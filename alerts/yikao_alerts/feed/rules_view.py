"""The rule set as a document that a doctor reads and signs: each rule with all that it says.

Nothing here is written twice: sentences come from the rules themselves, so what is printed is what
the program does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from string import ascii_lowercase
from typing import Final

from yikao_alerts.feed.profile_view import target_text
from yikao_alerts.feed.words import Words
from yikao_alerts.rules import Rule, RuleSet
from yikao_alerts.rules.sentences import (
    confirm_text,
    downgrade_text,
    over_text,
    recheck_text,
    upgrade_text,
    who_text,
)

GROUP_ORDER: Final = ("BP", "PR", "GL", "WT", "SP", "TP", "HELP", "DQ")
PART_LETTERS: Final = ascii_lowercase
"""`BP-13b` is a part of BP-13: the rule is one, with a second condition."""


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
    for number, found in groupby(members, key=lambda rule: rule.id.rstrip(PART_LETTERS)):
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
        who_text(rule.who, words.language),
        confirm_text(rule, words.language) or words("rules.confirm_none"),
        _changes(rule, words),
        _over(rule, rules, words),
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
            words("list.semicolon").join(
                target_text(code, value, words) for code, value in template.targets.items()
            ),
            template.source,
        )
        for template in rules.templates
    ]


def _changes(rule: Rule, words: Words) -> tuple[str, ...]:
    """Return what makes a finding of a rule more severe, or less."""
    language = words.language
    told = [(each.severity, upgrade_text(each, language)) for each in rule.upgrades]
    told += [(each.severity, downgrade_text(each, language)) for each in rule.downgrades]
    return tuple(
        words("rules.change", severity=words.of("severity", severity), causes=causes)
        for severity, causes in told
    )


def _over(rule: Rule, rules: RuleSet, words: Words) -> str:
    """Return what happens at home after a page, and when what the rule began is over."""
    language = words.language
    parts = [recheck_text(rules.rechecks[rule.recheck], language)] if rule.recheck else []
    parts += [over_text(rule, language)]
    return words("list.semicolon").join(filter(None, parts)) or words("rules.ends_none")
