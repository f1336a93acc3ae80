"""Computing old decisions again: the same input, by the same rules, must give the same bytes.

Each stored record is unpacked, its place in the chain is checked, and what was decided is decided
anew. Whatever does not agree is told; nothing is ever repaired.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from yikao_alerts.evaluate import Evaluation, Finding
from yikao_alerts.judged import judged
from yikao_alerts.record import GENESIS, Record, RecordError, body_of, chained, read_body, unpack
from yikao_alerts.rules.model import RuleSet


class What(StrEnum):
    """What does not agree."""

    DAMAGED = "damaged"
    """The bytes are no record."""
    HASH = "hash"
    """The bytes are not those that were hashed."""
    CHAIN = "chain"
    """The record does not follow the one before it: one was changed, added or taken out."""
    ROW = "row"
    """The row says something else than the record in it."""
    RULES = "rules"
    """The rules that decided are not at hand."""
    OUTCOME = "outcome"
    """Computed again, the decision is another one."""
    INPUT = "input"
    """A reading in the record is not the one that is stored."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A decision as it stands in the database."""

    decision_id: int
    patient_id: int
    decided_at: datetime
    digest: str
    code_version: str
    shadow: bool
    seq: int
    body: bytes
    prev_hash: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that does not agree, for the operator."""

    decision_id: int
    patient_id: int
    what: What
    detail: str


Chain = tuple[int, bool]
"""Whose, and whether of a rule set on trial."""


@dataclass(slots=True)
class Replay:
    """Checks records in the order in which they were stored.

    rules: by digest. whole: the records begin with the first of each chain; else the first that is
    seen of a chain is believed to follow from what came before it.
    """

    rules: Mapping[str, RuleSet]
    whole: bool
    heads: dict[Chain, tuple[int, bytes]] = field(default_factory=dict)

    def check(self, row: Stored) -> tuple[Record | None, list[Difference]]:
        """Return the record in a row, and what does not agree with it."""
        try:
            body = unpack(row.body)
            record = read_body(body)
        except RecordError as error:
            return None, [_difference(row, What.DAMAGED, str(error))]
        found = [*self._chain(row, body), *_row(row, record), *self._outcome(row, record, body)]
        return record, found

    def _chain(self, row: Stored, body: bytes) -> Iterator[Difference]:
        if chained(row.prev_hash, body) != row.hash:
            yield _difference(row, What.HASH, f"number {row.seq}")
        chain = row.patient_id, row.shadow
        first = (0, GENESIS) if self.whole else (row.seq - 1, row.prev_hash)
        seq, before = self.heads.get(chain, first)
        if (seq + 1, before) != (row.seq, row.prev_hash):
            yield _difference(row, What.CHAIN, f"number {row.seq} after number {seq}")
        self.heads[chain] = row.seq, row.hash

    def _outcome(self, row: Stored, record: Record, body: bytes) -> Iterator[Difference]:
        rules = self.rules.get(record.digest)
        if rules is None:
            yield _difference(row, What.RULES, f"{record.digest}, by yikao {record.code_version}")
            return
        again = body_of(record.seq, record.given, judged(record.given, rules), record.code_version)
        if again != body:
            yield _difference(row, What.OUTCOME, _first_difference(body, again))


def _row(row: Stored, record: Record) -> Iterator[Difference]:
    given = record.given
    inside = (given.patient_id, given.now, record.digest, record.code_version, record.seq)
    beside = (row.patient_id, row.decided_at, row.digest, row.code_version, row.seq)
    if inside != beside:
        yield _difference(row, What.ROW, "the columns beside the record were changed")


def _difference(row: Stored, what: What, detail: str) -> Difference:
    return Difference(row.decision_id, row.patient_id, what, detail)


def _first_difference(one: bytes, other: bytes) -> str:
    """Return where two canonical texts part, and what each says there."""
    at = next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )
    start = max(0, at - 20)
    return f"byte {at}: recorded {one[start : at + 40]!r}, computed {other[start : at + 40]!r}"


Identity = tuple[str, str, str, str]
"""Rule, trigger, how it was confirmed, severity."""


@dataclass(frozen=True, slots=True)
class Change:
    """What other rules make of one decision: findings that are new, and such that are gone."""

    new: frozenset[Identity]
    gone: frozenset[Identity]


def compared(record: Record, rules: RuleSet) -> Change:
    """Return how `rules` would have decided otherwise on what the record holds."""
    said: Evaluation = judged(record.given, rules)
    before, after = _identities(record.findings), _identities(said.findings)
    return Change(after - before, before - after)


def _identities(findings: tuple[Finding, ...]) -> frozenset[Identity]:
    return frozenset((f.rule_id, f.trigger, f.confirmed, f.severity) for f in findings)
