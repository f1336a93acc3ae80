"""Keeping the outbox: room is made, people are told, and reading stops and begins by itself."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from gateway_parts import NOW, event
from hypothesis import given
from hypothesis import strategies as st

from yikao_devices.wire import DeviceEvent, Rejection, decode_item
from yikao_gateway.errors import StorageError, StorageFull
from yikao_gateway.household.alarms import Alarms
from yikao_gateway.store.database import Database
from yikao_gateway.store.keeper import LOOK_S, RETENTION, STEP_S, Keeper
from yikao_gateway.store.outbox import Outbox
from yikao_gateway.store.room import FULL_FROM, FULL_TO, Level, Room, level_of, makes_room
from yikao_gateway.store.stock import PURGE_MAX, Stock
from yikao_gateway.visits.known_devices import KnownDevice, KnownDevices

BYTES_MAX = 1 << 20
STORY_MAX_S = 60.0
NEARLY, FULL, DAMAGED = "outbox_nearly_full", "outbox_full", "reading_damaged"


@dataclass
class Kept:
    """An outbox of 1 MB and its keeper; the test moves the time."""

    database: Database
    now: datetime = NOW

    def __post_init__(self) -> None:
        self.outbox, self.stock = Outbox(self.database), Stock(self.database)
        self.alarms = Alarms("gw", self.outbox, lambda: self.now)
        self.keeper = Keeper(self.stock, self.alarms, lambda: self.now)
        self.added = 0

    @property
    def share(self) -> float:
        return self.stock.room().share

    def adds(self, share: float) -> range:
        """Store items until so much is used; return their numbers."""
        first = self.added
        while self.share < share:
            items = [event(self.added + number) for number in range(50)]
            self.outbox.keep("", None, items, self.now, complete=False)
            self.added += len(items)
        return range(first, self.added)

    def settles(self, numbers: range) -> None:
        """Have the server store these, twenty at a time."""
        for first in range(numbers.start, numbers.stop, 20):
            some = numbers[first - numbers.start :][:20]
            self.now += timedelta(seconds=1)
            self.outbox.settle([event(number).reading_id for number in some], [], self.now)

    def looks(self) -> int:
        """Let the keeper work until it rests; return in how many steps."""
        steps = 0
        while self.keeper.look() == STEP_S:
            steps += 1
        return steps

    def told(self) -> list[str]:
        """Return the codes of its own events, in order."""
        items = [decode_item(row.payload) for row in self.outbox.waiting(100_000)]
        return [
            each.code for each in items if isinstance(each, DeviceEvent) and each.device == "gw"
        ]

    def open(self) -> int:
        return self.outbox.counts().open


@contextmanager
def kept_in(folder: Path) -> Iterator[Kept]:
    database = Database(folder / "outbox.sqlite3", bytes_max=BYTES_MAX)
    try:
        yield Kept(database)
    finally:
        database.close()


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    with kept_in(tmp_path) as kept:
        yield kept


@given(st.lists(st.floats(0.0, 1.2), max_size=60))
def test_a_level_begins_above_and_ends_below(shares: list[float]) -> None:
    level = Level.AMPLE
    for share in shares:
        before, level = level, level_of(Room(int(share * 1e6), 10**6), level)
        if level is Level.FULL and before is not Level.FULL:
            assert share >= FULL_FROM - 1e-6
        if before is Level.FULL and level is not Level.FULL:
            assert share < FULL_TO + 1e-6


def test_room_is_made_from_one_mark_to_another() -> None:
    room = [Room(n, 100) for n in (79, 80, 79, 75, 74, 79)]
    making, said = False, []
    for each in room:
        making = makes_room(each, making)
        said.append(making)
    assert said == [False, True, True, True, False, False]


def test_what_the_server_has_goes_first_the_oldest_before_the_others(kept: Kept) -> None:
    stored = kept.adds(0.5)
    kept.settles(stored)
    waiting = kept.adds(0.85)
    steps = kept.looks()
    counts = kept.outbox.counts()
    assert kept.share < 0.75
    assert counts.open == len(waiting)
    assert 0 < counts.stored < len(stored)
    assert steps >= (len(stored) - counts.stored) / PURGE_MAX
    left = kept.database.read("SELECT MIN(seq) FROM item WHERE state = 'stored'")[0][0]
    assert left == len(stored) - counts.stored + 1
    assert kept.told() == []


def test_what_the_server_refused_goes_too_when_there_is_no_room(kept: Kept) -> None:
    numbers = kept.adds(0.85)
    kept.outbox.settle([], [Rejection(event(n).reading_id, "no") for n in numbers], NOW)
    kept.now += timedelta(seconds=1)
    kept.looks()
    assert kept.share < 0.75
    assert kept.outbox.counts().rejected < len(numbers)


def test_receipted_items_are_kept_for_their_time_and_then_go(kept: Kept) -> None:
    """What was refused stays: somebody may have it sent again."""
    kept.settles(kept.adds(0.1))
    refused, _ = event(kept.added), kept.outbox.add(event(kept.added), NOW)
    kept.outbox.settle([], [Rejection(refused.reading_id, "no")], NOW)
    kept.looks()
    assert kept.outbox.counts().stored == kept.added
    kept.now += RETENTION + timedelta(seconds=1)
    kept.looks()
    counts = kept.outbox.counts()
    assert (counts.stored, counts.rejected) == (0, 1)


def test_an_outbox_of_unsent_items_is_told_once_and_nothing_of_it_is_deleted(kept: Kept) -> None:
    kept.adds(0.91)
    for _ in range(3):
        assert kept.keeper.look() == LOOK_S
    assert kept.told() == [NEARLY]
    kept.adds(0.96)
    for _ in range(3):
        assert kept.keeper.look() == LOOK_S
    assert kept.told() == [NEARLY, FULL]
    assert kept.open() == kept.added + 2


def test_at_the_bound_reading_stops_and_begins_again_by_itself(kept: Kept) -> None:
    async def play() -> None:
        began, ended = asyncio.Event(), asyncio.Event()

        async def read() -> None:
            began.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        guarding = asyncio.create_task(kept.keeper.guard(read))
        await began.wait()
        began.clear()
        numbers = kept.adds(0.96)
        kept.keeper.look()
        await ended.wait()
        assert not began.is_set()
        kept.settles(numbers)
        kept.looks()
        await began.wait()
        guarding.cancel()
        await asyncio.wait({guarding})

    asyncio.run(asyncio.wait_for(play(), STORY_MAX_S))
    assert kept.told() == [NEARLY, FULL]


def test_a_disk_that_refuses_stops_reading_until_it_takes_something(kept: Kept) -> None:
    """The file's own bound stands for the disk: SQLite refuses by the same code."""
    kept.database.read("PRAGMA max_page_count = 60")
    reads: list[int] = []

    async def read() -> None:
        reads.append(kept.added)
        while True:
            kept.outbox.add(event(kept.added), NOW)
            kept.added += 1
            await asyncio.sleep(0)

    async def play() -> None:
        guarding = asyncio.create_task(kept.keeper.guard(read))
        while not kept.alarms.codes:
            await asyncio.sleep(0)
        stored = kept.added
        assert kept.alarms.codes == {NEARLY, FULL}
        assert kept.keeper.look() == LOOK_S
        assert reads == [0]
        kept.database.read("PRAGMA max_page_count = 10000")
        assert kept.keeper.look() == LOOK_S
        while kept.added == stored:
            await asyncio.sleep(0)
        guarding.cancel()
        await asyncio.wait({guarding})
        assert reads == [0, stored]

    asyncio.run(asyncio.wait_for(play(), STORY_MAX_S))
    # Told as soon as there was room to.
    assert kept.told() == [NEARLY, FULL]
    assert kept.open() == kept.added + 2


def test_another_fault_of_the_disk_is_not_waited_for(kept: Kept) -> None:
    async def read() -> None:
        raise StorageError("gone")

    with pytest.raises(StorageError, match="gone"):
        asyncio.run(kept.keeper.guard(read))
    assert not issubclass(StorageError, StorageFull)


def test_each_damaged_item_is_told_once_and_mended_when_it_comes_again(kept: Kept) -> None:
    """The device is read from its first record on, for it may still have what was lost."""
    known = KnownDevices(kept.database)
    known.note(KnownDevice("C4", "generic-meter", {}, 7, None, False), NOW)
    kept.outbox.keep("", None, [event(n) for n in range(5)], NOW, complete=False)
    with kept.database.write() as cursor:
        cursor.execute("UPDATE item SET payload = substr(payload, 2) WHERE seq IN (2, 4)")
        cursor.execute("UPDATE item SET reading_id = x'00' WHERE seq = 5")
    for _ in range(2):
        kept.outbox.backlog_ids(NOW + timedelta(days=1), 10)
        assert len(kept.outbox.rows([1, 2, 3, 4])) == 2
        kept.keeper.look()
    assert kept.told() == [DAMAGED] * 3
    assert kept.outbox.counts().damaged == 3
    device = known.get("C4")
    assert device is not None
    assert device.next_record is None
    assert kept.outbox.add(event(1), NOW)
    assert kept.outbox.counts().damaged == 2
    assert event(1).reading_id in {row.reading_id for row in kept.outbox.waiting(10)}
