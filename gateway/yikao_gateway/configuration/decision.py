"""What becomes of a configuration that the server wishes: tried, kept when it has proved itself, or
given up for the last good one.

Pure: what is remembered and what has happened go in, what is to be remembered comes out. Whoever
keeps it on the disk before acting on it can be killed at any moment: a wish is on trial until it is
proved, and each start with it is counted before it begins.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from msgspec import Struct, json, structs

from yikao_devices.wire import UNREADABLE as NOT_DECODED
from yikao_devices.wire_configuration import (
    LOG_MAX,
    Configuration,
    Outcome,
    Revision,
    decode_configuration,
    faulty_field,
)

STARTS_MAX: Final = 3
"""Starts with a configuration on trial; a gateway that crashes so often goes back by itself."""
UNREADABLE: Final = "unreadable"
"""A field is missing, of another kind, or outside its bounds."""
INCOMPLETE: Final = "incomplete"
"""A field needs another one beside it."""
UNPROVED: Final = "unproved"
"""The broker acknowledged nothing in time, or the page at home did not answer."""
STARTED_ANEW: Final = "started_anew"
"""The gateway started too often before it was proved."""
_FIELD: Final = re.compile(r"`\$\.([a-z0-9_]{1,48})`|field `([a-z0-9_]{1,48})`")
"""Where msgspec says what is wrong."""


class Answer(Struct, frozen=True, omit_defaults=True):
    """What is said of a revision; 0 where its number could not be read, or none ever came."""

    revision: int = 0
    outcome: Outcome = "applied"
    code: str | None = None
    field: str | None = None


class Record(Struct, frozen=True, omit_defaults=True):
    """What a gateway remembers. `good` has proved itself, `trial` has not yet; `starts` with it.

    newest: the highest revision that was ever judged; it and those before it are old news.
    """

    good: Configuration | None = None
    trial: Configuration | None = None
    starts: int = 0
    newest: int = 0
    answer: Answer = Answer()

    @property
    def in_force(self) -> Configuration | None:
        """What the gateway does now."""
        return self.trial or self.good


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that is no configuration; `revision` 0 where not even that can be read."""

    revision: int
    code: str
    field: str | None


class _Numbered(Struct):
    revision: Revision


_number = json.Decoder(_Numbered).decode


def read_offer(payload: bytes, now: datetime) -> Configuration | Refused:
    """Return what the server wishes; its log level ends within a day from `now`."""
    try:
        offer = decode_configuration(payload)
    except NOT_DECODED as error:
        found = _FIELD.search(str(error))
        return Refused(_revision_of(payload), UNREADABLE, found and (found[1] or found[2]))
    if field := faulty_field(offer):
        return Refused(offer.revision, INCOMPLETE, field)
    if offer.log_until is None:
        return offer
    return structs.replace(offer, log_until=min(offer.log_until, now + LOG_MAX))


def offered(record: Record, offer: Configuration | Refused) -> Record:
    """Return what is remembered once `offer` has come; the same record for what is old news."""
    if 0 < offer.revision <= record.newest:
        return record
    newest = max(record.newest, offer.revision)
    if isinstance(offer, Refused):
        answer = Answer(offer.revision, "refused", offer.code, offer.field)
        changed = structs.replace(record, newest=newest, answer=answer)
        # One whose number cannot be read may come again and again.
        return record if changed == record else changed
    answer = Answer(offer.revision, "trying")
    return structs.replace(record, trial=offer, starts=0, newest=newest, answer=answer)


def started(record: Record) -> Record:
    """Return what is remembered at a start of the gateway, before it does what is in force."""
    if record.trial is None:
        return record
    if record.starts >= STARTS_MAX:
        return failed(record, STARTED_ANEW)
    return structs.replace(record, starts=record.starts + 1)


def proved(record: Record) -> Record:
    """Return what is remembered once what is on trial has proved itself."""
    return _ended(record, record.trial, "applied")


def failed(record: Record, code: str) -> Record:
    """Return what is remembered once what is on trial is given up for the last good one."""
    return _ended(record, record.good, "returned", code)


def _ended(
    record: Record, good: Configuration | None, outcome: Outcome, code: str | None = None
) -> Record:
    if record.trial is None:
        return record
    # A newer one may have been refused meanwhile; its answer stands.
    own = record.trial.revision >= record.answer.revision
    answer = Answer(record.trial.revision, outcome, code) if own else record.answer
    return structs.replace(record, good=good, trial=None, starts=0, answer=answer)


def _revision_of(payload: bytes) -> int:
    try:
        return _number(payload).revision
    except NOT_DECODED:
        return 0
