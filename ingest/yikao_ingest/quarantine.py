"""What lies in quarantine, judged again: by today's registry, as of the moment when it came.

Pure: an entry and the registry go in; what of it can be used now comes out, and why the rest still
cannot. What was late then is late now, and what lay in the future then does so for good.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from yikao_alerts.rules import RuleSet
from yikao_devices import topics
from yikao_ingest.accept import (
    Accepted,
    Incoming,
    Judged,
    Quarantined,
    judge,
    judge_item,
)
from yikao_ingest.directory import Directory
from yikao_ingest.packed import pack
from yikao_ingest.reasons import OF_MESSAGES, Reason
from yikao_ingest.signature import encode_base64url


@dataclass(frozen=True, slots=True)
class Message:
    """The message that an item came in, as it is kept."""

    payload: bytes
    key_id: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in quarantine: one item, or a message that was refused as a whole.

    key_id, signature: of a whole message, None in entries of older versions. message: of an item,
    None where it is not known.
    """

    quarantine_id: int
    received_at: datetime
    gateway_id: str | None
    topic: str
    reason: Reason
    detail: str
    payload: bytes
    reading_id: UUID | None
    patient_id: int | None
    measured_at: datetime | None
    key_id: str | None = None
    signature: str | None = None
    message: Message | None = None

    @property
    def whole(self) -> bool:
        """Whether it is a message, not an item."""
        return self.signature is not None or self.reason in OF_MESSAGES

    @property
    def as_before(self) -> Quarantined:
        """The verdict on it that stands."""
        known = (self.reading_id, self.patient_id, self.measured_at)
        return Quarantined(self.reason, self.detail, self.payload, *known)


@dataclass(frozen=True, slots=True)
class Again:
    """The second verdict on entries that came together.

    usable: what can be stored now; None where nothing can. of: the entries that it is made of, one
    for each item; only a whole message is one entry of several items. still: what stays, and why.
    """

    usable: Judged | None
    of: tuple[Entry, ...]
    still: tuple[tuple[Entry, Quarantined], ...]


def judge_again(entries: Sequence[Entry], directory: Directory, rules: RuleSet) -> Again:
    """Return what of these entries can be used now.

    entries: one whole message, or items of one message; all came at one moment.
    """
    first = entries[0]
    if first.whole:
        return _message(first, directory, rules)
    verdicts = [(entry, _item(entry, directory, rules)) for entry in entries]
    taken = [(entry, item) for entry, item in verdicts if not isinstance(item, Quarantined)]
    still = tuple((entry, item) for entry, item in verdicts if isinstance(item, Quarantined))
    if not taken:
        return Again(None, (), still)
    message = first.message or Message(first.payload, "", b"")
    judged = Judged(
        Incoming(first.topic, message.payload, message.key_id, encode_base64url(message.signature)),
        topics.parse_topic(first.topic),
        message.signature,
        tuple(item for _, item in taken),
        kept=pack(message.payload),
    )
    return Again(judged, tuple(entry for entry, _ in taken), still)


def _message(entry: Entry, directory: Directory, rules: RuleSet) -> Again:
    if entry.signature is None:
        return Again(None, (), ((entry, entry.as_before),))
    incoming = Incoming(entry.topic, entry.payload, entry.key_id or "", entry.signature)
    judged = judge(incoming, directory, rules, entry.received_at)
    match judged.items:
        case (Quarantined() as refused,) if judged.whole:
            return Again(None, (), ((entry, refused),))
        case _:
            return Again(judged, (entry,), ())


def _item(entry: Entry, directory: Directory, rules: RuleSet) -> Accepted | Quarantined:
    """Return the verdict on an item: that its gateway had signed it was found when it came."""
    gateway = directory.gateways.get(entry.gateway_id or "")
    if gateway is None:
        return entry.as_before
    raw = msgspec.Raw(entry.payload)
    return judge_item(raw, gateway, directory, rules, entry.received_at)
