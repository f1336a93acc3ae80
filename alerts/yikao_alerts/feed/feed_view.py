"""What the feed says: which episodes first, how long they wait, and how much is not known.

All of it pure. Red comes first, then who has waited longest. "No alerts" is said only when every
resident's data are fresh and nothing is waiting to be looked at; otherwise it says "unknown".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from yikao_alerts.escalation import Policy, due_calls
from yikao_alerts.feed.rows import EpisodeRow, FreshnessRow, QueuesRow
from yikao_alerts.history import LOOK_BACK
from yikao_alerts.roster import Care

FRESH_WITHIN: Final = LOOK_BACK
"""What the rules look back on: a resident with nothing in it has no decision either."""
BEHIND_AFTER: Final = timedelta(minutes=2)
"""D: evaluator and pager take what is due within seconds; after this they are not at work."""
WORK_TIME: Final = timedelta(seconds=5)
"""Real time they are given all the same in a story that runs faster than life."""

SEVERITY_ORDER: Final = ("page_now", "today", "this_week", "info", "technical")
STATE_ORDER: Final = ("open", "suspected", "answered", "watching")
TONES: Final = {"page_now": "red", "today": "amber"}


@dataclass(frozen=True, slots=True)
class Countdown:
    """What happens next without an answer: `what` names the sentence, `who` the doctor, and `role`
    whom the policy then calls; empty where it calls nobody."""

    at: datetime
    what: str
    who: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """An episode in the list. `tone` is its colour and shape; `unconfirmed` is the tag 未复测."""

    row: EpisodeRow
    tone: str
    unconfirmed: bool
    countdown: Countdown | None


@dataclass(frozen=True, slots=True)
class Summary:
    """How many need somebody, and whether that number can be trusted."""

    open: int
    suspected: int
    answered: int
    residents: int
    unknown: tuple[FreshnessRow, ...]
    evaluator_behind: bool
    pager_behind: bool
    more: bool

    @property
    def waiting(self) -> int:
        """Episodes that may need somebody."""
        return self.open + self.suspected

    @property
    def fresh(self) -> int:
        """Residents of whom enough is known."""
        return self.residents - len(self.unknown)

    @property
    def certain(self) -> bool:
        """Whether "none" may be said: only where everything is known and looked at."""
        known = self.residents > 0 and not self.unknown
        return known and not self.evaluator_behind and not self.pager_behind


def tone_of(row: EpisodeRow) -> str:
    """Return the colour and shape of an episode: never green, whatever its state."""
    match row.state:
        case "open":
            return TONES.get(row.severity, "grey")
        case "suspected":
            return "waiting"
        case "answered" | "watching":
            return "answered"
        case _:
            return "closed"


def card_of(row: EpisodeRow, policies: Mapping[str, Policy], now: datetime) -> Card:
    """Return how an episode is shown at `now`."""
    unconfirmed = row.confirmed in ("unconfirmed", "awaited") and row.state != "dismissed"
    return Card(row, tone_of(row), unconfirmed, countdown_of(row, policies, now))


def countdown_of(
    row: EpisodeRow, policies: Mapping[str, Policy], now: datetime
) -> Countdown | None:
    """Return what comes next if nobody does anything, or None when nothing does."""
    if row.state == "suspected" and row.awaited_until is not None:
        return Countdown(row.awaited_until, "repeat", "")
    policy = policies.get(row.severity)
    if row.state != "open" or policy is None:
        return None
    due, following = due_calls(policy, row.level_since, now, ZoneInfo(row.zone), row.tier)
    role = following.who
    again = "_again" if any(call.who == role for call in due) else ""
    if role == "own_doctor":
        # To whom it was handed over stands in the own doctor's place.
        who = row.handed_to_name or row.own_doctor_name
        what = "own_voice" if following.by == "voice" else f"own{again}"
        return Countdown(following.due_at, what, who, role)
    # Without a name: who is on call is asked of the rota only when the time comes.
    return Countdown(following.due_at, role + again, "", role)


def addressed(card: Card, care: Care, reader: str) -> Card:
    """Return a card as a doctor reads it: where the next call is their own, it says so."""
    shown = card.countdown
    if shown is None or not shown.role:
        return card
    called = care.handed_to(card.row.handed_to).who(shown.role, shown.at)
    if called.doctor_id != reader:
        return card
    what = "you_voice" if shown.what == "own_voice" else "you"
    return replace(card, countdown=replace(shown, what=what, who=""))


def cards(
    rows: Sequence[EpisodeRow], policies: Mapping[str, Policy], now: datetime
) -> tuple[list[Card], list[Card]]:
    """Return the active episodes, the most urgent first, and the closed, the latest first."""
    shown = [card_of(row, policies, now) for row in rows]
    active = [card for card in shown if card.row.state in STATE_ORDER]
    closed = [card for card in shown if card.row.state not in STATE_ORDER]
    return sorted(active, key=_urgency), sorted(closed, key=_closing, reverse=True)


def summary_of(
    active: Sequence[Card],
    freshness: Sequence[FreshnessRow],
    queues: QueuesRow,
    now: datetime,
    *,
    more: bool,
    speed: float = 1.0,
) -> Summary:
    """Return the numbers above the list, and what they cannot tell; `speed` is the clock's."""
    patience = max(BEHIND_AFTER, WORK_TIME * speed)
    states = [card.row.state for card in active]
    return Summary(
        open=states.count("open"),
        suspected=states.count("suspected"),
        answered=states.count("answered") + states.count("watching"),
        residents=len(freshness),
        unknown=tuple(row for row in freshness if not is_fresh(row, now)),
        evaluator_behind=_behind(queues.eval_oldest_at, now, patience),
        pager_behind=_behind(queues.page_oldest_at, now, patience),
        more=more,
    )


def is_fresh(row: FreshnessRow, now: datetime) -> bool:
    """Return whether enough is known of a resident: a reading, and a gateway to bring the next."""
    return row.watched and row.latest_at is not None and now - row.latest_at <= FRESH_WITHIN


def _behind(oldest_at: datetime | None, now: datetime, patience: timedelta) -> bool:
    return oldest_at is not None and now - oldest_at > patience


def _urgency(card: Card) -> tuple[int, int, datetime]:
    row = card.row
    known = row.severity in SEVERITY_ORDER
    # A suspicion has no severity yet; it ranks as the red it may turn out to be.
    severity = SEVERITY_ORDER.index(row.severity) if known else 0
    return STATE_ORDER.index(row.state), severity, row.opened_at


def _closing(card: Card) -> datetime:
    return card.row.closed_at or card.row.opened_at
