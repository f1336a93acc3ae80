"""What is stored together: no two with one id or one key, in whatever order they came in."""

import random
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from clinic import NOW, glucose, pressure
from hypothesis import given
from hypothesis import strategies as st

from yikao_devices import wire
from yikao_ingest.accept import AcceptedReading, Incoming, Judged
from yikao_ingest.staging import Rows, Sheet, sheet_of

MESSAGE = Incoming("", b"")
Key = tuple[int, datetime, int, str]
Named = tuple[Key, UUID]


def reading(
    number: int, minute: int, patient: int, device: int, is_glucose: bool
) -> AcceptedReading:
    at, name = NOW + timedelta(minutes=minute, microseconds=number % 2), UUID(int=number)
    item = glucose(at=at) if is_glucose else pressure(at=at)
    return AcceptedReading(patient, device, msgspec.structs.replace(item, reading_id=name))


def sheet(batch: list[AcceptedReading]) -> Sheet:
    found = sheet_of([Judged(MESSAGE, None, b"", (one,)) for one in batch])
    assert found is not None
    return found


def named(found: Sheet, rows: Rows) -> list[Named]:
    readings = [found.readings[row] for row in rows.tolist()]
    return [(key(one), one.item.reading_id) for one in readings]


def key(one: AcceptedReading) -> Key:
    return one.patient_id, one.item.measured_at, one.device_id, wire.kind_of(one.item)


batches = st.lists(
    st.builds(
        reading,
        st.integers(1, 12),
        st.integers(0, 2),
        st.integers(1, 2),
        st.integers(1, 2),
        st.booleans(),
    ),
    min_size=1,
    max_size=20,
    unique_by=lambda one: one.item.reading_id,
)


def rounds(batch: list[AcceptedReading]) -> list[list[Named]]:
    found = sheet(batch)
    return [named(found, rows) for rows in found.rounds()]


@given(batches, st.randoms(use_true_random=False))
def test_the_order_of_arrival_decides_nothing(
    batch: list[AcceptedReading], chance: random.Random
) -> None:
    shuffled = batch.copy()
    chance.shuffle(shuffled)
    assert rounds(shuffled) == rounds(batch)


@given(batches)
def test_each_id_is_in_one_round_and_no_key_twice_in_any(batch: list[AcceptedReading]) -> None:
    found = rounds(batch)
    everybody = [(key(one), one.item.reading_id) for one in batch]
    assert sorted(one for together in found for one in together) == sorted(everybody)
    for together in found:
        keys = [each for each, _ in together]
        assert keys == sorted(set(keys))
    for each in {key(one) for one in batch}:
        assert min(one for one in everybody if one[0] == each) in found[0]


def test_an_id_that_comes_twice_is_stored_once() -> None:
    one = reading(1, 0, 1, 1, False)
    other = reading(1, 1, 1, 1, False)
    assert rounds([one, other]) == [[(key(one), UUID(int=1))]]


@given(batches)
def test_the_newest_of_each_kind_is_the_lowest_devices(batch: list[AcceptedReading]) -> None:
    found = sheet(batch)
    for rows in found.rounds():
        together = [each for each, _ in named(found, rows)]
        newest = [each for each, _ in named(found, found.newest(rows))]
        assert len({(patient, kind) for patient, _, _, kind in newest}) == len(newest)
        for patient, at, device, kind in newest:
            mine = [each for each in together if (each[0], each[3]) == (patient, kind)]
            assert (at, -device) == max((when, -number) for _, when, number, _ in mine)
        assert {(each[0], each[3]) for each in together} == {(each[0], each[3]) for each in newest}


@given(batches)
def test_the_oldest_is_the_oldest_of_the_resident(batch: list[AcceptedReading]) -> None:
    found = sheet(batch)
    for rows in found.rounds():
        together = [each for each, _ in named(found, rows)]
        for patient, at in found.oldest(rows).items():
            assert at == min(when for mine, when, *_ in together if mine == patient)
        assert found.oldest(rows).keys() == {patient for patient, *_ in together}
