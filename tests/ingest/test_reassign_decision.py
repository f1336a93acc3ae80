"""Who gets what by a corrected registry, decided without a database: nothing lost, and whatever was
said before, the last word counts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from clinic import MINUTE, NAMESPACE, NOW, QIAN, ZHAO
from fix_hypothesis import examples
from hypothesis import assume, given
from hypothesis import strategies as st

from yikao_ingest.directory import ANYBODY, Binding, Device
from yikao_ingest.reassign import Outcome, Placed, Record, Span, disputed, owner, placed

SUN = 3
TIMES = [NOW + MINUTE * n for n in range(4)]
SLOTS = (None, 1, 2)
bounds = st.sampled_from([None, *TIMES])
bindings = st.builds(
    Binding, st.sampled_from([ANYBODY, 1, 2]), st.sampled_from([ZHAO, QIAN, SUN]), bounds, bounds
)
devices = st.lists(bindings, max_size=4).map(lambda held: Device(1, "A", "gw-1", tuple(held)))


@st.composite
def kept(draw: st.DrawFn) -> list[Record]:
    """Return records as ingest keeps them under one registry, each with a content of its own."""
    device = draw(devices)
    arrived = draw(st.lists(st.tuples(st.sampled_from(TIMES), st.sampled_from(SLOTS)), max_size=12))
    found: list[Record] = []
    for number, (at, slot) in enumerate(arrived):
        patient = device.patient(at, slot) or ZHAO
        received = NOW + timedelta(hours=1, seconds=number)
        there = any((r.patient_id, r.time) == (patient, at) for r in found)
        found.append(
            Record(
                *(patient, at, "blood_pressure", slot, received, f"{number} {slot}"),
                uuid5(NAMESPACE, str(number)) if there else None,
            )
        )
    return found


def carried_out(records: Sequence[Record], moves: Iterable[Placed]) -> list[Record]:
    """Return the records as they are afterwards."""
    after = {record.content: record for record in records}
    for move in moves:
        made: UUID | None = None
        if move.outcome is not Outcome.STORED:
            made = uuid5(NAMESPACE, move.record.content)
        after[move.record.content] = replace(
            move.record, patient_id=move.patient_id, conflict_id=made
        )
    return list(after.values())


def told(records: Iterable[Record]) -> set[tuple[int, str, Outcome]]:
    return {(record.patient_id, record.content, record.outcome) for record in records}


@given(kept(), st.lists(devices, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_nothing_is_lost_and_each_moment_has_one_reading(
    records: list[Record], registries: list[Device], random: object
) -> None:
    for device in registries:
        expected = {r.content: owner(device, r.time, r.user_slot, r.patient_id) for r in records}
        random.shuffle(records)  # type: ignore[attr-defined]
        records = carried_out(records, placed(records, device))
        assert {record.content: record.patient_id for record in records} == expected
        readings = Counter((r.patient_id, r.time) for r in records if r.conflict_id is None)
        assert set(readings.values()) <= {1}
        for record in records:
            assert readings[record.patient_id, record.time] == 1
        assert placed(records, device) == []


@given(kept(), st.lists(devices, max_size=3), devices)
def test_the_last_word_counts_whatever_was_said_before(
    records: list[Record], before: list[Device], last: Device
) -> None:
    everybody = replace(last, bindings=(*last.bindings, Binding(ANYBODY, SUN, None, None)))
    direct = carried_out(records, placed(records, everybody))
    for device in before:
        records = carried_out(records, placed(records, device))
    records = carried_out(records, placed(records, everybody))
    assert told(records) == told(direct)


@given(devices, devices, st.sampled_from(TIMES), st.sampled_from(SLOTS))
@examples(150)
def test_only_in_the_disputed_time_can_something_change_hands(
    one: Device, other: Device, at: datetime, slot: int | None
) -> None:
    # No slot is two residents' at a time: the file's check refuses that.
    assume(not _overlaps(one.bindings) and not _overlaps(other.bindings))
    span = disputed(one.bindings, other.bindings) or Span(NOW, NOW)
    inside = (span.since is None or span.since <= at) and (span.until is None or at < span.until)
    assert inside or one.patient(at, slot) == other.patient(at, slot)


def _overlaps(held: Sequence[Binding]) -> bool:
    for place, a in enumerate(held):
        for b in held[place + 1 :]:
            apart = (a.until is not None and b.since is not None and a.until <= b.since) or (
                b.until is not None and a.since is not None and b.until <= a.since
            )
            if a.user_slot == b.user_slot and not apart:
                return True
    return False


def test_two_slots_of_one_second_become_a_reading_and_a_conflict_and_part_again() -> None:
    first = Record(QIAN, NOW, "blood_pressure", 1, NOW + MINUTE, "128/82")
    second = Record(ZHAO, NOW, "blood_pressure", 2, NOW, "131/84")
    together = Device(1, "A", "gw-1", (Binding(ANYBODY, QIAN, None, None),))
    apart = Device(1, "A", "gw-1", (Binding(1, QIAN, None, None), Binding(2, ZHAO, None, None)))
    moves = placed([first, second], together)
    # The one that arrived first is used, wherever it was.
    assert moves == [
        Placed(second, QIAN, Outcome.STORED),
        Placed(first, QIAN, Outcome.CONFLICT),
    ]
    after = carried_out([first, second], moves)
    assert told(carried_out(after, placed(after, apart))) == told([first, second])


def test_the_same_said_twice_is_kept_once() -> None:
    first = Record(ZHAO, NOW, "blood_pressure", None, NOW, "128/82")
    again = Record(QIAN, NOW, "blood_pressure", None, NOW + MINUTE, "128/82")
    device = Device(1, "A", "gw-1", (Binding(ANYBODY, ZHAO, None, None),))
    assert placed([again, first], device) == [Placed(again, ZHAO, Outcome.REPETITION)]


def test_what_nobody_claims_stays() -> None:
    record = Record(ZHAO, NOW, "blood_pressure", 1, NOW, "128/82")
    for held in ((), (Binding(2, QIAN, None, None),), (Binding(1, QIAN, NOW + MINUTE, None),)):
        assert placed([record], Device(1, "A", "gw-1", held)) == []
