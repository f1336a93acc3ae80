"""A cuff that many use: whose card was held before the reader, and which reading is his.

A reading goes with a card only where nobody else can be meant. It has to be measured after the card
was read and within `CHOICE_MAX`, by a clock that was compared; it is the first such one; and when
its measuring must have begun, that card was the one that counted. What a cuff had stored from
before, or nobody held a card for, goes as nobody's: the server keeps it until a person says whose
it is. A wrong name is worse than none.

Who measures stays on the disk: a gateway that starts anew knows it, and gives one card to one
reading, whenever it is killed. No name is here, and the card's number is never shown again.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from msgspec import DecodeError, Struct, json, structs

from yikao_devices.cards import TAIL, Misread, read_card
from yikao_devices.wire_items import Card, Item, Reading
from yikao_gateway.store.database import Database

log = logging.getLogger(__name__)

CHOICE_MAX: Final = timedelta(minutes=5)
"""So long a card counts: sitting down, resting for a minute or two, and one measurement."""
MEASURING_MIN: Final = timedelta(seconds=20)
"""No cuff on an arm is done sooner (inflating takes 10 s, deflating at 2 to 3 mmHg/s far longer):
what arrives earlier than this after a card was read was begun before."""
PROMPT: Final = timedelta(seconds=60)
"""What arrives so soon after it was measured was read while the person still sat there."""
DOUBT_MAX_S: Final = 30.0
"""Of a time more doubtful than this nobody can say whether it lies before the card."""
SHOWN: Final = timedelta(seconds=60)
"""How long the page tells what became of a card, of a measurement, of a wrong scan: the next one
who sits down shall not read it."""
CHOICES_MAX: Final = 64
"""Cards remembered: a measurement that was not fetched at once may still come."""
KEY: Final = "station"
"""Of the table `meta`."""


class Choice(Struct, frozen=True):
    """A card that was read at `at`, and the one reading that went with it."""

    card: Card
    at: datetime
    reading_id: UUID | None = None
    kept_at: datetime | None = None

    @property
    def until(self) -> datetime:
        """When the card counts no longer."""
        return self.at + CHOICE_MAX


class _Memory(Struct, frozen=True):
    """What is remembered across restarts, the newest last."""

    choices: tuple[Choice, ...] = ()


_decode_memory: Final = json.Decoder(_Memory).decode


class Step(StrEnum):
    """What the page says to whoever stands before it."""

    INVITE = "invite"
    MEASURE = "measure"
    KEPT = "kept"
    OVER = "over"
    STRAY = "stray"
    """Somebody has measured without a card."""


@dataclass(frozen=True, slots=True)
class StationNow:
    """How it stands. tail: the last digits of the card, `until` when it counts no longer; misread:
    why the last scan was no card."""

    step: Step
    tail: str = ""
    until: datetime | None = None
    misread: Misread | None = None


class Station:
    """Keeps who is about to measure. now: the gateway's clock, aware."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._choices = _remembered(database)
        self._misread: tuple[datetime, Misread] | None = None
        self._stray_at: datetime | None = None

    def scan(self, text: str) -> None:
        """Take what the reader typed; of two cards the later counts. Raises `StorageError`."""
        if not text.strip():
            return
        now, card = self._now(), read_card(text)
        if isinstance(card, Misread):
            log.info("scan is no card", extra={"why": card.value})
            self._misread = (now, card)
            return
        self._remember((*self._choices, Choice(card, now))[-CHOICES_MAX:])
        self._misread = self._stray_at = None
        log.info("card read")

    def cancel(self) -> None:
        """Forget the card that waits for its measurement. Raises `StorageError`."""
        self._remember(tuple(each for each in self._choices if each.reading_id is not None))

    def placed(self, items: Sequence[Item]) -> list[Item]:
        """Return items as they go from a station: measured here, with the card they belong to.

        Which reading took which card is on the disk before the reading is. Raises `StorageError`.
        """
        return [self._placed(item) if isinstance(item, Reading) else item for item in items]

    def now(self) -> StationNow:
        """Return how it stands."""
        at, newest = self._now(), self._choices[-1] if self._choices else None
        misread = None
        if self._misread is not None and at - self._misread[0] < SHOWN:
            misread = self._misread[1]
        step = _step(newest, at)
        kept_at = newest.kept_at if newest is not None else None
        if step is not Step.MEASURE and self._is_stray(at, kept_at):
            step = Step.STRAY
        if newest is not None and step in (Step.MEASURE, Step.KEPT):
            return StationNow(step, newest.card[-TAIL:], newest.until, misread)
        return StationNow(step, misread=misread)

    def _is_stray(self, now: datetime, kept_at: datetime | None) -> bool:
        """Return whether the last that was measured, a moment ago, was measured without a card."""
        stray_at = self._stray_at
        if stray_at is None or (kept_at is not None and stray_at < kept_at):
            return False
        return now - stray_at < SHOWN

    def _placed(self, item: Reading) -> Item:
        taken = (each for each in self._choices if each.reading_id == item.reading_id)
        choice = next(taken, None)
        if choice is None and self._is_new(item):
            choice = self._take(item)
        if choice is None:
            return structs.replace(item, place="office")
        return structs.replace(item, place="office", card=choice.card)

    def _take(self, item: Reading) -> Choice | None:
        """Return the card that goes with a new reading; it goes with no other from now on."""
        choice = _choice_for(item, self._choices)
        if choice is None:
            if timedelta(0) <= self._now() - item.measured_at < PROMPT:
                self._stray_at = self._now()
            return None
        used = structs.replace(choice, reading_id=item.reading_id, kept_at=self._now())
        self._remember(tuple(used if each is choice else each for each in self._choices))
        return used

    def _is_new(self, item: Reading) -> bool:
        """Return whether a reading is not in the outbox yet: what comes again takes no card."""
        asked = "SELECT 1 FROM item WHERE reading_id = ?"
        return not self._database.read(asked, (item.reading_id.bytes,))

    def _remember(self, choices: tuple[Choice, ...]) -> None:
        """Keep in mind what is on the disk, and nothing else."""
        with self._database.write() as cursor:
            cursor.execute(
                "INSERT INTO meta VALUES (?, ?)"
                " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (KEY, json.encode(_Memory(choices)).decode()),
            )
        self._choices = choices


def _choice_for(item: Reading, choices: Sequence[Choice]) -> Choice | None:
    """Return the card that goes with a reading, None where somebody else could be meant."""
    if item.doubt_s > DOUBT_MAX_S:
        return None
    choice = _counted_at(choices, _begun_by(item))
    if choice is None or choice.reading_id is not None:
        return None
    return choice if choice.at <= item.measured_at <= choice.until else None


def _begun_by(item: Reading) -> datetime:
    """Return when the measuring had begun at the latest.

    Some cuffs write down when it began, others when it ended. What came promptly was under way for
    the last 20 seconds before it came; of what came later its own time is taken for the end.
    """
    arrived, measured = item.clocks.t_hub, item.measured_at
    if arrived - measured > PROMPT:
        return measured - MEASURING_MIN
    return min(measured, arrived - MEASURING_MIN)


def _counted_at(choices: Sequence[Choice], at: datetime) -> Choice | None:
    """Return the card that counted at a moment: the last one that had been read by then."""
    before = [choice for choice in choices if choice.at <= at]
    return before[-1] if before and at <= before[-1].until else None


def _step(newest: Choice | None, now: datetime) -> Step:
    match newest:
        case None:
            return Step.INVITE
        case Choice(kept_at=datetime() as kept_at):
            return Step.KEPT if now - kept_at < SHOWN else Step.INVITE
        case Choice(until=until) if now < until:
            return Step.MEASURE
        case Choice(until=until):
            return Step.OVER if now - until < SHOWN else Step.INVITE


def _remembered(database: Database) -> tuple[Choice, ...]:
    rows = database.read("SELECT value FROM meta WHERE key = ?", (KEY,))
    try:
        return _decode_memory(rows[0][0]).choices if rows else ()
    except DecodeError as error:
        log.warning("cards of before are unreadable", extra={"why": str(error)})
        return ()
