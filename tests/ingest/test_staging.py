"""What is stored together: no two with one id or one key, in whatever order they came in."""

from datetime import timedelta
from uuid import UUID

from clinic import NOW, glucose, pressure
from hypothesis import given
from hypothesis import strategies as st

from yikao_ingest.accept import AcceptedReading
from yikao_ingest.rows import row_of
from yikao_ingest.staging import TYPES, Staged, newest, rounds, staged, staging_row


def reading(number: int, minute: int, patient: int, systolic: int, device: int = 1) -> Staged:
    at = NOW + timedelta(minutes=minute)
    item = pressure(systolic, at=at, reading_id=UUID(int=number))
    return staged(AcceptedReading(patient, device, item, row_of(item)), 1, NOW)


readings = st.lists(
    st.builds(
        reading,
        st.integers(1, 12),
        st.integers(0, 2),
        st.integers(1, 2),
        st.integers(90, 200),
        st.integers(1, 2),
    ),
    max_size=20,
    unique_by=lambda one: one.reading_id,
)


@given(readings, st.randoms(use_true_random=False))
def test_the_order_of_arrival_decides_nothing(batch: list[Staged], chance: object) -> None:
    shuffled = sorted(batch, key=lambda _: chance.random())  # type: ignore[attr-defined]
    assert list(rounds(shuffled)) == list(rounds(batch))


@given(readings)
def test_each_id_is_in_one_round_and_no_key_twice_in_any(batch: list[Staged]) -> None:
    found = list(rounds(batch))
    ids = [one.reading_id for together in found for one in together]
    assert sorted(map(str, ids)) == sorted(str(one.reading_id) for one in batch)
    for together in found:
        keys = [one.key for one in together]
        assert keys == sorted(set(keys))
    for key in {one.key for one in batch}:
        same = [one for one in batch if one.key == key]
        first = min(same, key=lambda one: one.reading_id)
        assert first in found[0]


def test_an_id_that_comes_twice_is_stored_once() -> None:
    one = reading(1, 0, 1, 120)
    assert list(rounds([one, one])) == [[one]]


def test_each_kind_fills_its_own_columns() -> None:
    for item, values in (
        (pressure(128, 82), {"systolic": 128.0, "diastolic": 82.0, "pulse": 70.0}),
        (glucose(6.1), {"glucose": 6.1}),
    ):
        row = staging_row(staged(AcceptedReading(1, 1, item, row_of(item)), 1, NOW))
        assert len(row) == len(TYPES)
        assert {value for value in row[6:15] if value is not None} == set(values.values())


@given(readings)
def test_the_newest_of_each_resident_is_the_lowest_devices(batch: list[Staged]) -> None:
    for together in rounds(batch):
        told = {one.key.patient_id: one.key for one in newest(together)}
        for patient, key in told.items():
            mine = [one.key for one in together if one.key.patient_id == patient]
            assert key == max(mine, key=lambda each: (each.time, -each.device_id))
        assert set(told) == {one.key.patient_id for one in together}
