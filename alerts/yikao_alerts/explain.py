"""An episode told to a doctor: what was measured, which rule, how it was confirmed, what was
refused and why, who was told, and what ends it.

Everything comes from what was stored when it was decided; nothing is judged anew.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from yikao_alerts.compose import load_texts
from yikao_alerts.feed.words import Words, load_words
from yikao_alerts.limits import LABELS
from yikao_alerts.rules.model import Rule, RuleSet
from yikao_alerts.rules.sentences import over_text, recheck_text

SHOWN: Final = 20
"""Readings, refusals, pages and events of each kind that are told: the newest."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Story:
    """An episode with all that is stored of it, each list in order of time.

    findings: with `evidence`. refusals: as recorded, the first of each. pages, events: as stored.
    """

    episode: Row
    zone: ZoneInfo
    findings: Sequence[Row]
    refusals: Sequence[Row]
    pages: Sequence[Row]
    events: Sequence[Row]


def explained(story: Story, rules: RuleSet | None, language: str) -> list[str]:
    """Return the story as lines in `zh` or `en`; rules: by which it was decided, if at hand."""
    teller = _Teller(load_texts(language)["explain"], load_words(language), language, story)
    rule = (
        next((r for r in rules.rules if r.id == story.episode["rule_id"]), None) if rules else None
    )
    return [
        *teller.head(rule),
        *teller.part("measured", teller.readings()),
        *teller.part("rule", teller.rule(rule)),
        *teller.part("confirmed", teller.confirmations()),
        *teller.part("refused", teller.refusals()),
        *teller.part("told", teller.told()),
        *teller.part("ends", _ends(rule, rules, language)),
    ]


@dataclass(frozen=True, slots=True)
class _Teller:
    words: Mapping[str, str]
    codes: Words
    language: str
    story: Story

    def say(self, key: str, **facts: object) -> str:
        return self.words[key].format(**facts)

    def part(self, title: str, lines: Iterable[str]) -> Iterator[str]:
        """Yield a part's title and its lines, the newest `SHOWN` of them."""
        found = list(lines)
        yield ""
        yield self.say(title)
        yield from (f"  {line}" for line in found[-SHOWN:] or [self.say("nothing")])

    def head(self, rule: Rule | None) -> Iterator[str]:
        episode = self.story.episode
        yield self.say(
            "title",
            episode=episode["episode_id"],
            resident=episode["code"],
            rule=episode["rule_id"],
            name=rule.name(self.language) if rule else "",
        )
        opened = self.at(episode["opened_at"])
        severity = load_texts(self.language)["severity"].get(episode["severity"], "-")
        yield self.say(
            "now", state=self.codes.of("state", episode["state"]), severity=severity, opened=opened
        )

    def readings(self) -> Iterator[str]:
        seen: dict[str, Row] = {}
        for finding in self.story.findings:
            seen |= {reading["key"]: reading for reading in finding["evidence"]["readings"]}
        for reading in sorted(seen.values(), key=lambda each: str(each["at"])):
            yield self.say(
                "reading",
                at=self.at(reading["at"]),
                values=self.values(reading["values"], reading["unit"]),
                received=self.at(reading["received_at"]),
            )

    def rule(self, rule: Rule | None) -> Iterator[str]:
        episode = self.story.episode
        if rule is not None:
            yield f"{rule.id} {rule.name(self.language)}: {rule.limits_text(self.language)}"
            yield self.say("source", source=rule.source, mark=rule.evidence)
        yield self.say("decided", digest=episode["digest"], version=episode["code_version"])

    def confirmations(self) -> Iterator[str]:
        for finding in self.story.findings:
            evidence, how = finding["evidence"], finding["confirmed"]
            key = f"how_{how}" if f"how_{how}" in self.words else "how_other"
            until = evidence.get("waited_until")
            yield self.say(
                key,
                at=f"{self.at(finding['found_at'])} {finding['rule_id']}",
                how=how,
                values=self.values(evidence["statistic"], _unit(evidence["readings"])),
                until=self.say("until", at=self.at(until)) if until else "",
            )

    def refusals(self) -> Iterator[str]:
        for row in self.story.refusals:
            refusal, reading = row["refusal"], row["reading"] or {}
            values = refusal["statistic"] or reading.get("values", {})
            yield self.say(
                "refusal",
                at=self.at(row["decided_at"]),
                rule=refusal["rule_id"],
                why=self.codes.of("why", refusal["why"]),
                values=self.values(values, reading.get("unit", "")),
            )

    def told(self) -> Iterator[str]:
        lines = [
            (
                page["created_at"],
                self.say(
                    "page",
                    at=self.at(page["sent_at"] or page["created_at"]),
                    doctor=page["doctor"],
                    channel=self.codes.of("channel", page["channel"]),
                    state=self.codes.of("page", page["state"]),
                ),
            )
            for page in self.story.pages
        ]
        for event in self.story.events:
            actor = self.say("by", actor=event["actor"]) if event["actor"] else ""
            what = self.codes.of("event", event["event"])
            line = self.say("event", at=self.at(event["at"]), event=what, actor=actor)
            lines.append((event["at"], line))
        return (line for _, line in sorted(lines, key=lambda each: each[0]))

    def values(self, values: Mapping[str, float], unit: str) -> str:
        """Return values with their names, in the unit in which they were measured."""
        parts = [
            f"{LABELS[name][self.language] if name in LABELS else name} {value:g}"
            for name, value in values.items()
        ]
        return f"{', '.join(parts)} {unit}".strip() or "-"

    def at(self, moment: datetime | str) -> str:
        """Return a time on the clock of the resident's team."""
        at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        return at.astimezone(self.story.zone).strftime("%Y-%m-%d %H:%M")


def _unit(readings: Sequence[Row]) -> str:
    return str(readings[0]["unit"]) if readings else ""


def _ends(rule: Rule | None, rules: RuleSet | None, language: str) -> Iterator[str]:
    if rule is None or rules is None:
        return
    if rule.recheck is not None:
        yield recheck_text(rules.rechecks[rule.recheck], language)
    yield over_text(rule, language)
