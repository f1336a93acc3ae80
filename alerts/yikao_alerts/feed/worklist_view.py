"""What a doctor has to look at this week: which first, why, and what an empty list may mean.

All of it pure. "Nothing to do" is said only where the days of every resident are closed: a list
that nobody filled is empty too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yikao_alerts.feed.care_rows import EntryRow, KnownRow
from yikao_alerts.feed.feed_view import SEVERITY_ORDER, TONES
from yikao_alerts.feed.label_view import Standing, standing_of
from yikao_alerts.feed.reasons import NEXT_DAY_VISIT, reason_of
from yikao_alerts.feed.words import Words
from yikao_alerts.rules import RuleSet

PUT_OFF_DAYS: Final = range(1, 15)
"""A doctor may put an entry off for at most 14 days (design choice, as for mutes)."""
REASON_MAX: Final = 200
"""Letters of a reason; longer ones belong into the resident's record."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as shown; `rule_name` is the id where today's rules no longer have it."""

    row: EntryRow
    tone: str
    rule_name: str
    reason: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class Worklist:
    """The entries that wait, those put off, and those closed of late."""

    waiting: tuple[Entry, ...]
    put_off: tuple[Entry, ...]
    closed: tuple[Entry, ...]

    @property
    def today(self) -> int:
        """How many of the waiting are for today."""
        return sum(entry.row.severity == "today" for entry in self.waiting)


def worklist_of(rows: Sequence[EntryRow], words: Words, rules: RuleSet, now: datetime) -> Worklist:
    """Return the entries in their three parts: the most severe first, then the oldest."""
    entries = [entry_of(row, words, rules) for row in rows]
    still = sorted((entry for entry in entries if entry.row.closed_at is None), key=_urgency)
    return Worklist(
        tuple(entry for entry in still if not is_put_off(entry.row, now)),
        tuple(entry for entry in still if is_put_off(entry.row, now)),
        tuple(entry for entry in entries if entry.row.closed_at is not None),
    )


def entry_of(row: EntryRow, words: Words, rules: RuleSet) -> Entry:
    """Return how one entry is shown."""
    names = {rule.id: rule.name(words.language) for rule in rules.rules}
    # The rule of a visit is the one that had paged: the entry itself is about the day after.
    visit = row.evidence.get("what") == NEXT_DAY_VISIT
    return Entry(
        row,
        TONES.get(row.severity, "week"),
        words("explain.visit") if visit else names.get(row.rule_id, row.rule_id),
        reason_of(words, row.evidence, row.zone),
        standing_of(row.label, row.reasons or (), row.own_label, words, rules),
    )


def is_put_off(row: EntryRow, now: datetime) -> bool:
    """Return whether somebody has put it off beyond `now`."""
    return row.snoozed_until is not None and row.snoozed_until > now


def is_complete(known: KnownRow) -> bool:
    """Return whether an empty list means that nobody needs anything."""
    return known.residents > 0 and known.closed == known.residents


def _urgency(entry: Entry) -> tuple[int, datetime, int]:
    row = entry.row
    known = row.severity in SEVERITY_ORDER
    rank = SEVERITY_ORDER.index(row.severity) if known else len(SEVERITY_ORDER)
    return rank, row.opened_at, row.entry_id
