"""The decision record: all that a decision was given and all that it said, as bytes for good.

Whoever asks a year later why somebody was woken, or why nobody was, gets the readings, the
resident's settings, the rules and the reasons as they were, and can compute the decision again:
the same input gives the same bytes. Each record carries the hash of the one before it, so that
none can be changed, added or taken out without its successors showing it.

The bytes are JSON in a fixed order, arrays for what is always there. They are hashed as they are
and stored compressed.
"""

import hashlib
import zlib
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Final

import msgspec
from msgspec import Raw, Struct

from yikao_alerts.course import Course
from yikao_alerts.evaluate import Evaluation
from yikao_alerts.findings import Finding, Refusal
from yikao_alerts.history import History, Measurement, Profile, Symptoms, key_of
from yikao_alerts.resident import Resident

VERSION: Final = 1
GENESIS: Final = bytes(32)
"""What the first record of a chain has for the hash of the one before it."""
BODY_BYTES_MAX: Final = 4 * 1024 * 1024
"""A longer body than eight days of readings can make is damaged or hostile: it is not unpacked."""
COMPRESSION: Final = 1
"""Of zlib: a tenth more room than its default takes, in two thirds of the time."""


class RecordError(ValueError):
    """Bytes that are no record: damaged, or of a version this code does not know."""


@dataclass(frozen=True, slots=True)
class Given:
    """All that a look at one resident is given, but for the rules."""

    patient_id: int
    now: datetime
    history: History
    resident: Resident
    told: tuple[Finding, ...] = ()
    """What closed days found that is for today (BP-07)."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it is read again."""

    seq: int
    given: Given
    digest: str
    code_version: str
    findings: tuple[Finding, ...]
    refusals: tuple[Refusal, ...]


class _Person(Struct, array_like=True, frozen=True):
    birth_year: int | None
    sex: str | None
    groups: frozenset[str]
    targets: dict[str, float]
    options: frozenset[str]


class _Measured(Struct, array_like=True, frozen=True):
    """`Measurement` without the key, which follows from the rest."""

    kind: str
    device: str
    at: datetime
    received_at: datetime
    unit: str
    values: dict[str, float]
    flags: frozenset[str]
    plausible: bool
    context: str | None
    source: str
    doubt_s: float


_AS_MEASURED: Final = attrgetter(*_Measured.__struct_fields__)


class _Reported(Struct, array_like=True, frozen=True):
    key: str
    at: datetime
    received_at: datetime
    codes: frozenset[str]


_AS_REPORTED: Final = attrgetter(*_Reported.__struct_fields__)


class _Body(Struct, array_like=True, frozen=True):
    version: int
    seq: int
    patient_id: int
    now: datetime
    digest: str
    code_version: str
    resident: _Person
    measurements: tuple[_Measured, ...]
    symptoms: tuple[_Reported, ...]
    profile: Profile | None
    devices: frozenset[str]
    unit_habit: dict[str, str]
    told: tuple[Finding, ...]
    findings: tuple[Finding, ...]
    refusals: tuple[Refusal, ...]
    courses: Raw
    """For the comparison alone: the escalations that came of them are among the findings."""


_ENCODER: Final = msgspec.json.Encoder(order="sorted")
_DECODER: Final = msgspec.json.Decoder(_Body)


def body_of(seq: int, given: Given, said: Evaluation, code_version: str) -> bytes:
    """Return the canonical bytes of a decision: the number in its chain, input and output."""
    history, resident = given.history, given.resident
    return _ENCODER.encode(
        (
            VERSION,
            seq,
            given.patient_id,
            given.now,
            said.digest,
            code_version,
            (
                resident.birth_year,
                resident.sex,
                resident.groups,
                dict(resident.targets),
                resident.options,
            ),
            [_AS_MEASURED(measurement) for measurement in history.measurements],
            [_AS_REPORTED(report) for report in history.symptoms],
            history.profile,
            history.devices,
            dict(history.unit_habit),
            given.told,
            said.findings,
            said.refusals,
            [_course(course) for course in said.courses],
        )
    )


def _course(course: Course) -> tuple[object, ...]:
    """Return how a re-check stands: its rounds with the readings that count."""
    rounds = [
        (r.number, r.due_at, r.grade, [m.key for m in r.used], r.mean, r.decided_at)
        for r in course.rounds
    ]
    facts = (course.rule_id, course.family, course.trigger, course.recheck.name)
    ends = (course.downgraded, course.resolved, course.over_at, course.look_again_at)
    return (*facts, course.started_at, rounds, *ends)


def read_body(body: bytes) -> Record:
    """Return the record in canonical bytes; refuses with `RecordError` what is none."""
    try:
        read = _DECODER.decode(body)
    except msgspec.MsgspecError as error:
        raise RecordError(f"not a decision record: {error}") from error
    if read.version != VERSION:
        raise RecordError(f"a record of version {read.version}, known is {VERSION}")
    who = read.resident
    history = History(
        tuple(_measurement(m) for m in read.measurements),
        tuple(Symptoms(s.key, s.at, s.received_at, s.codes) for s in read.symptoms),
        read.profile,
        read.devices,
        read.unit_habit,
    )
    resident = Resident(who.birth_year, who.sex, who.groups, who.targets, who.options)
    given = Given(read.patient_id, read.now, history, resident, read.told)
    return Record(read.seq, given, read.digest, read.code_version, read.findings, read.refusals)


def _measurement(m: _Measured) -> Measurement:
    return Measurement(
        key_of(m.kind, m.device, m.at),
        m.kind,
        m.at,
        m.received_at,
        m.unit,
        m.values,
        m.flags,
        m.device,
        m.plausible,
        m.context,
        m.source,
        m.doubt_s,
    )


def chained(before: bytes, body: bytes) -> bytes:
    """Return the hash of a record (32 bytes): of the one before it, and of its own bytes."""
    return hashlib.sha256(before + body).digest()


def pack(body: bytes) -> bytes:
    """Return the bytes as they are stored."""
    return zlib.compress(body, COMPRESSION)


def unpack(stored: bytes) -> bytes:
    """Return the canonical bytes of what is stored; refuses with `RecordError` what is damaged."""
    unpacking = zlib.decompressobj()
    try:
        body = unpacking.decompress(stored, BODY_BYTES_MAX)
    except zlib.error as error:
        raise RecordError(f"a record that cannot be unpacked: {error}") from error
    if not unpacking.eof:
        raise RecordError("a record that is cut off, or too long to be one")
    return body
