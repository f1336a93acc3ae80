"""What travels together, and when it is sent again."""

from datetime import timedelta
from uuid import UUID

from gateway_parts import NOW
from hypothesis import given
from hypothesis import strategies as st

from yikao_devices.wire import ITEMS_MAX, MESSAGE_BYTES_MAX
from yikao_gateway.store.outbox import Row
from yikao_gateway.uplink.flight import (
    ALONE_MAX,
    ENVELOPE_BYTES,
    NEWS_AGE_MAX,
    RECEIPT_WAIT_S,
    RESEND_MAX_S,
    Flight,
    Parcel,
    pack,
    pause_s,
)
from yikao_gateway.uplink.publisher import PACKET_BYTES_MAX

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def row(seq: int, kind: str = "glucose", age: timedelta = timedelta(), size: int = 300) -> Row:
    return Row(seq, UUID(int=seq), kind, b"x" * size, (NOW - age).timestamp(), 0)


def packed(rows: list[Row], bytes_max: int = PACKET_BYTES_MAX) -> list[Parcel]:
    return pack(rows, NOW, bytes_max)


def test_a_few_new_rows_go_one_by_one() -> None:
    parcels = packed([row(n) for n in range(ALONE_MAX)])
    assert [len(parcel.rows) for parcel in parcels] == [1] * ALONE_MAX
    assert not any(parcel.historical for parcel in parcels)


def test_many_new_rows_share_messages_and_are_news() -> None:
    parcels = packed([row(n) for n in range(ALONE_MAX + 1)])
    assert [(len(parcel.rows), parcel.historical) for parcel in parcels] == [(ALONE_MAX + 1, False)]


def test_a_backlog_shares_messages_by_kind() -> None:
    rows = [row(n, "glucose" if n % 2 else "blood_pressure", age=DAY) for n in range(300)]
    parcels = packed(rows)
    assert sorted((parcel.kind, len(parcel.rows)) for parcel in parcels) == [
        ("blood_pressure", 50),
        ("blood_pressure", 100),
        ("glucose", 50),
        ("glucose", 100),
    ]
    assert all(parcel.historical for parcel in parcels)


def test_an_old_row_is_no_news() -> None:
    young, old = packed([row(1, age=NEWS_AGE_MAX), row(2, age=NEWS_AGE_MAX + SECOND)])
    assert (young.historical, old.historical) == (False, True)


def test_a_message_never_exceeds_what_the_broker_takes() -> None:
    rows = [row(n, size=900, age=DAY) for n in range(100)]
    for bytes_max in (5_000, PACKET_BYTES_MAX):
        for parcel in packed(rows, bytes_max):
            size = sum(len(each.payload) + 1 for each in parcel.rows)
            assert size <= min(bytes_max, MESSAGE_BYTES_MAX) - ENVELOPE_BYTES


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["glucose", "blood_pressure", "event"]),
            st.timedeltas(timedelta(), 30 * DAY),
            st.integers(1, 4_000),
        ),
        max_size=250,
    )
)
def test_every_row_travels_once_and_in_the_order_of_its_kind(
    made: list[tuple[str, timedelta, int]],
) -> None:
    rows = [row(n, kind, age, size) for n, (kind, age, size) in enumerate(made)]
    parcels = packed(rows)
    assert sorted(each.seq for parcel in parcels for each in parcel.rows) == list(range(len(rows)))
    for kind in ("glucose", "blood_pressure", "event"):
        late = [p for p in parcels if p.kind == kind and p.historical]
        seqs = [each.seq for parcel in late for each in parcel.rows]
        assert seqs == sorted(seqs)
    for parcel in parcels:
        assert {each.kind for each in parcel.rows} == {parcel.kind}
        assert 1 <= len(parcel.rows) <= ITEMS_MAX


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_pauses_have_a_floor_and_a_ceiling(sends: int, chance: float) -> None:
    assert RECEIPT_WAIT_S <= pause_s(sends, lambda: chance) <= RESEND_MAX_S


def test_pauses_grow() -> None:
    longest = [pause_s(sends, lambda: 1.0) for sends in range(7)]
    assert longest == [5.0, 10.0, 20.0, 40.0, 80.0, 120.0, 120.0]


def named(*seqs: int) -> list[tuple[int, UUID]]:
    return [(seq, UUID(int=seq)) for seq in seqs]


def flight() -> Flight:
    return Flight(window=2, chance=lambda: 0.0)


def test_the_window_is_the_brokers_and_receipts_do_not_widen_it() -> None:
    way = flight()
    way.sent(1, "m1", [row(1)], 0.0)
    way.sent(2, "m2", [row(2)], 0.0)
    way.settled([UUID(int=1)])
    assert way.room == 0
    way.acknowledged(1)
    way.acknowledged(1)
    assert way.room == 1


def test_a_row_is_sent_again_only_when_its_receipt_is_late() -> None:
    way = flight()
    way.sent(1, "m1", [row(1)], 10.0)
    assert way.ready(named(1, 2), 10.0 + RECEIPT_WAIT_S - 0.1) == [2]
    assert way.ready(named(1, 2), 10.0 + RECEIPT_WAIT_S) == [1, 2]
    assert way.next_due_s() == 10.0 + RECEIPT_WAIT_S


def test_an_acknowledgement_is_no_receipt() -> None:
    way = flight()
    way.sent(1, "m1", [row(1)], 10.0)
    way.acknowledged(1)
    assert way.ready(named(1), 10.0) == []
    assert way.ready(named(1), 100.0) == [1]


def test_what_a_message_still_carries() -> None:
    way = flight()
    way.sent(1, "m1", [row(1), row(2)], 0.0)
    way.settled([UUID(int=1)])
    assert way.of_message("m1") == [UUID(int=2)]
    way.sent(2, "m2", [row(2)], 5.0)
    assert way.of_message("m1") == []


def test_what_nobody_waits_for_any_more_is_forgotten() -> None:
    way = flight()
    way.sent(1, "m1", [row(1), row(2)], 0.0)
    way.forget_all_but({UUID(int=2)})
    assert way.of_message("m1") == [UUID(int=2)]
    assert way.oldest_packet_s() == 0.0
