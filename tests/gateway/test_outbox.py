"""The outbox: nothing enters it twice, nothing leaves it without the server's word."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from fix_hypothesis import examples
from gateway_parts import CUFF, NOW, event, fill, ids_of, outbox_in
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec import structs

from yikao_devices.wire import Rejection, encode_item
from yikao_gateway.errors import StorageError
from yikao_gateway.state import make_folder, only_one, open_verified
from yikao_gateway.store.database import Damaged, Database
from yikao_gateway.store.frames import KeptFrame
from yikao_gateway.store.outbox import Outbox
from yikao_gateway.store.stock import Stock
from yikao_gateway.visits.known_devices import KnownDevice, KnownDevices

FRAME = KeptFrame(CUFF, "generic-cuff", 0x2A35, b"\x01\x02", NOW, 1.5)


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with outbox_in(tmp_path) as opened:
        yield opened


def test_an_item_waits_until_the_server_has_it(outbox: Outbox) -> None:
    item = event(1)
    assert outbox.add(item, NOW)
    (row,) = outbox.waiting(10)
    assert (row.reading_id, row.kind, row.payload) == (item.reading_id, "event", encode_item(item))
    assert row.measured_s == (NOW + timedelta(seconds=1)).timestamp()
    outbox.mark_sent([row.seq], NOW)
    assert outbox.waiting(10)[0].attempts == 1
    outbox.settle([item.reading_id], [], NOW)
    assert outbox.waiting(10) == []
    assert outbox.counts().stored == 1


def test_a_record_that_comes_again_is_no_new_item(outbox: Outbox) -> None:
    assert outbox.keep("s", None, [event(1), event(2)], NOW, complete=True) == 2
    outbox.settle([event(1).reading_id], [], NOW)
    assert outbox.keep("s", None, [event(1), event(2), event(3)], NOW, complete=True) == 1
    assert ids_of(outbox) == [event(2).reading_id, event(3).reading_id]


def test_a_rejected_item_is_not_sent_again_until_somebody_says_so(outbox: Outbox) -> None:
    outbox.add(event(1), NOW)
    outbox.settle([], [Rejection(event(1).reading_id, "unknown_device")], NOW)
    assert outbox.waiting(10) == []
    assert outbox.counts().rejected_by_code == {"unknown_device": 1}
    assert outbox.reopen_rejected() == 1
    assert len(outbox.waiting(10)) == 1


def test_what_is_stored_stays_stored(outbox: Outbox) -> None:
    outbox.add(event(1), NOW)
    outbox.settle([event(1).reading_id], [Rejection(event(1).reading_id, "late")], NOW)
    counts = outbox.counts()
    assert (counts.stored, counts.rejected) == (1, 0)
    outbox.settle([event(99).reading_id], [], NOW)
    assert outbox.counts() == counts


def test_frames_and_items_are_one_transaction(outbox: Outbox) -> None:
    outbox.keep("s", FRAME, [], NOW, complete=False)
    assert outbox.leftovers() == {"s": [FRAME]}
    outbox.keep("s", None, [event(1)], NOW, complete=True)
    assert outbox.leftovers() == {}
    assert len(outbox.waiting(10)) == 1


@given(st.none() | st.floats(-1e12, 1e12), st.binary(max_size=40))
def test_a_frame_comes_back_as_it_was(offset_s: float | None, data: bytes) -> None:
    """Also with an offset of minus zero, which the file does not know."""
    frame = replace(FRAME, device_offset_s=offset_s, data=data)
    with TemporaryDirectory() as folder, outbox_in(Path(folder)) as outbox:
        outbox.keep("s", frame, [], NOW, complete=False)
        assert outbox.leftovers() == {"s": [frame]}
        assert outbox.leftovers([CUFF]) == {}


def test_of_what_is_released_the_first_of_one_id_is_kept(outbox: Outbox) -> None:
    outbox.keep("s", FRAME, [], NOW, complete=False)
    outbox.keep("t", FRAME, [], NOW, complete=False)
    first, second = event(1), structs.replace(event(1), doubt_s=9.0)
    assert outbox.release(["s"], [first, second, event(2)], NOW) == 2
    assert outbox.leftovers() == {"t": [FRAME]}
    assert [row.payload for row in outbox.waiting(9)] == [encode_item(first), encode_item(event(2))]


def test_only_confirmed_items_are_purged_and_only_some_at_once(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yikao_gateway.store.stock.PURGE_MAX", 2)
    stock = Stock(outbox._database)
    items = [event(n) for n in range(5)]
    outbox.keep("s", None, items, NOW, complete=True)
    outbox.settle([item.reading_id for item in items[:3]], [], NOW)
    assert stock.purge(NOW) == 0
    later = NOW + timedelta(days=1)
    assert [stock.purge(later) for _ in range(3)] == [2, 1, 0]
    assert ids_of(outbox) == [item.reading_id for item in items[3:]]


def test_numbers_are_never_given_again(outbox: Outbox) -> None:
    outbox.add(event(1), NOW)
    outbox.settle([event(1).reading_id], [], NOW)
    first = outbox.last_seq()
    Stock(outbox._database).purge(NOW + timedelta(days=1))
    outbox.add(event(2), NOW)
    assert outbox.waiting(1)[0].seq == first + 1


def test_a_payload_that_the_disk_changed_is_never_sent(outbox: Outbox, tmp_path: Path) -> None:
    outbox.keep("s", None, [event(1), event(2)], NOW, complete=True)
    other = sqlite3.connect(tmp_path / "outbox.sqlite3")
    other.execute(
        "UPDATE item SET payload = CAST(replace(payload, 'C4', 'C5') AS BLOB) WHERE seq = 1"
    )
    other.commit()
    other.close()
    assert ids_of(outbox) == [event(2).reading_id]
    counts = outbox.counts()
    assert (counts.open, counts.damaged) == (1, 1)


def test_every_start_has_its_number(tmp_path: Path) -> None:
    for expected in (1, 2, 3):
        with outbox_in(tmp_path) as outbox:
            assert outbox.next_boot() == expected


def test_two_processes_may_use_it_at_once(outbox: Outbox, tmp_path: Path) -> None:
    with outbox_in(tmp_path) as other:
        outbox.add(event(1), NOW)
        other.add(event(2), NOW)
        assert ids_of(outbox) == ids_of(other) == [event(1).reading_id, event(2).reading_id]


def test_devices_are_remembered(tmp_path: Path) -> None:
    device = KnownDevice(CUFF, "generic-cuff", {"model": "血压计"}, 8, "stale_bond", True)
    database = Database(tmp_path / "outbox.sqlite3")
    known = KnownDevices(database)
    assert known.get(CUFF) is None
    known.note(device, NOW)
    assert known.get(CUFF) == device
    assert known.addresses() == (CUFF,)
    database.close()


def test_a_full_disk_is_told_and_costs_nothing_that_was_stored(tmp_path: Path) -> None:
    with outbox_in(tmp_path, bytes_max=128 * 1024) as outbox:
        stored = fill(outbox)
        assert stored > 10
        with pytest.raises(StorageError, match="free space"):
            outbox.add(event(stored), NOW)
        assert ids_of(outbox) == [event(number).reading_id for number in range(stored)]


def test_a_damaged_file_is_set_aside_and_a_new_one_made(tmp_path: Path) -> None:
    with outbox_in(tmp_path) as outbox:
        outbox.add(event(1), NOW)
    path = tmp_path / "outbox.sqlite3"
    path.write_bytes(b"not a database at all" * 400)
    with pytest.raises(Damaged):
        Database(path)
    database, aside = open_verified(tmp_path, NOW)
    assert aside == tmp_path / "outbox.sqlite3.damaged-20260302T080000"
    assert aside.exists()
    assert Outbox(database).counts().open == 0
    database.close()


def test_a_sound_file_is_left_where_it_is(tmp_path: Path) -> None:
    with outbox_in(tmp_path) as outbox:
        outbox.add(event(1), NOW)
    database, aside = open_verified(tmp_path, NOW)
    assert aside is None
    assert Outbox(database).counts().open == 1
    database.close()


def test_a_newer_programs_file_is_refused(tmp_path: Path) -> None:
    with outbox_in(tmp_path):
        pass
    other = sqlite3.connect(tmp_path / "outbox.sqlite3")
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(StorageError, match="newer"):
        Database(tmp_path / "outbox.sqlite3")


def test_a_folder_has_one_gateway(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(StorageError, match="another"), only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="state folder"):
        make_folder(tmp_path / "file" / "state")


class OutboxMachine(RuleBasedStateMachine):
    """Any order of events: each item is open exactly until the server was first heard of it."""

    @initialize()
    def start(self) -> None:
        self.folder = TemporaryDirectory()
        self.open: list[int] = []
        self.closed: set[int] = set()
        self.rejected: list[int] = []
        self.reopen()

    def reopen(self) -> None:
        self.database = Database(Path(self.folder.name) / "outbox.sqlite3")
        self.outbox = Outbox(self.database)

    @rule(number=st.integers(0, 12))
    def read(self, number: int) -> None:
        known = {*self.open, *self.closed, *self.rejected}
        assert self.outbox.add(event(number), NOW) == (number not in known)
        if number not in known:
            self.open.append(number)

    @rule(number=st.integers(0, 12))
    def store(self, number: int) -> None:
        self.outbox.settle([event(number).reading_id], [], NOW)
        for group in (self.open, self.rejected):
            if number in group:
                group.remove(number)
                self.closed.add(number)

    @rule(number=st.integers(0, 12))
    def reject(self, number: int) -> None:
        self.outbox.settle([], [Rejection(event(number).reading_id, "no")], NOW)
        if number in self.open:
            self.open.remove(number)
            self.rejected.append(number)

    @rule()
    def resend_rejected(self) -> None:
        assert self.outbox.reopen_rejected() == len(self.rejected)
        self.open += self.rejected
        self.rejected = []

    @rule()
    def restart(self) -> None:
        self.database.close()
        self.reopen()

    @invariant()
    def what_is_open_waits(self) -> None:
        waiting = {row.reading_id for row in self.outbox.waiting(100)}
        assert waiting == {event(number).reading_id for number in self.open}
        counts = self.outbox.counts()
        assert (counts.open, counts.stored, counts.rejected) == (
            len(self.open),
            len(self.closed),
            len(self.rejected),
        )

    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()


OutboxMachine.TestCase.settings = examples(25, stateful_step_count=20)
TestOutboxStates = OutboxMachine.TestCase
