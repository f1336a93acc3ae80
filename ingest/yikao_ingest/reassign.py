"""Whose is it, now that the registry says otherwise? What a device measured, and where it belongs.

Pure: records and bindings go in, what has to be put elsewhere comes out. A record is where it
belongs when the registry names its holder for the time of the measurement; of a time for which it
names nobody, a record stays with whom it is. Several records of one moment under one resident are
kept as ingest keeps them: the first that arrived is the reading, each other one is a conflict.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from yikao_ingest.directory import Binding, Device


class Outcome(StrEnum):
    """What a record is under its resident."""

    STORED = "stored"
    CONFLICT = "conflict"
    REPETITION = "repetition"
    """It says what the reading says, word for word: it is kept once."""


@dataclass(frozen=True, slots=True)
class Record:
    """Something that a device measured, as it is kept: as the reading of its moment, or, with
    `conflict_id`, as a conflict beside that. content: what the device said, comparable."""

    patient_id: int
    time: datetime
    kind: str
    user_slot: int | None
    received_at: datetime
    content: str
    conflict_id: UUID | None = None

    @property
    def outcome(self) -> Outcome:
        """What it is now."""
        return Outcome.STORED if self.conflict_id is None else Outcome.CONFLICT


@dataclass(frozen=True, slots=True)
class Placed:
    """A record that has to be put elsewhere: to this resident, as this."""

    record: Record
    patient_id: int
    outcome: Outcome

    @property
    def moves(self) -> bool:
        """Whether it becomes another resident's."""
        return self.patient_id != self.record.patient_id


@dataclass(frozen=True, slots=True)
class Span:
    """A time from `since` up to `until`; None: without an end on that side."""

    since: datetime | None
    until: datetime | None


def disputed(before: Iterable[Binding], after: Iterable[Binding]) -> Span | None:
    """Return the time of which two registries may say otherwise whose a device was, in one span;
    None where they say the same."""
    changed = set(before) ^ set(after)
    if not changed:
        return None
    begins = [binding.since for binding in changed]
    ends = [binding.until for binding in changed]
    return Span(
        None if None in begins else min(at for at in begins if at is not None),
        None if None in ends else max(at for at in ends if at is not None),
    )


def owner(device: Device, at: datetime, user: int | None, holder: int) -> int:
    """Return whose it is that a device measured, when it is `holder`'s until now."""
    named = device.patient(at, user)
    return holder if named is None else named


def placed(records: Iterable[Record], device: Device) -> list[Placed]:
    """Return what has to be put elsewhere of a device's records, in order of time.

    records: of each moment all there are, whoever has them. What is in place is left alone, also
    where two records of one moment contradict each other.
    """
    moments: dict[tuple[datetime, str], list[Record]] = defaultdict(list)
    for record in records:
        moments[record.time, record.kind].append(record)
    done: list[Placed] = []
    for _, moment in sorted(moments.items()):
        owners = [owner(device, r.time, r.user_slot, r.patient_id) for r in moment]
        if any(own != r.patient_id for own, r in zip(owners, moment, strict=True)):
            done += _of_moment(moment, owners)
    return done


def _of_moment(moment: Sequence[Record], owners: Sequence[int]) -> Iterator[Placed]:
    """Yield what changes of a moment of which at least one record changes hands."""
    by_owner: Mapping[int, list[Record]] = defaultdict(list)
    for own, record in zip(owners, moment, strict=True):
        by_owner[own].append(record)
    for own, records in sorted(by_owner.items()):
        # Ingest puts the first that arrives; of one message nobody knows any more which that was.
        first, *others = sorted(records, key=lambda r: (r.received_at, r.content))
        in_place = (first.patient_id, first.outcome) == (own, Outcome.STORED)
        if not in_place:
            yield Placed(first, own, Outcome.STORED)
        for other in others:
            same = other.content == first.content
            outcome = Outcome.REPETITION if same else Outcome.CONFLICT
            # A conflict tells beside what it stands: when that is another one, it is written anew.
            if not in_place or (other.patient_id, other.outcome) != (own, outcome):
                yield Placed(other, own, outcome)
