"""Whose card goes with which reading: his own, or nobody's."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid5

import pytest
from fix_hypothesis import examples
from gateway_parts import CUFF, NOW, event, items_of
from hypothesis import given
from hypothesis import strategies as st

from yikao_devices.cards import Misread, new_number
from yikao_devices.readings import NAMESPACE
from yikao_devices.wire import BloodPressureReading, Clocks
from yikao_gateway.errors import StorageError
from yikao_gateway.household.station import (
    CHOICE_MAX,
    CHOICES_MAX,
    DOUBT_MAX_S,
    KEY,
    MEASURING_MIN,
    SHOWN,
    Station,
    Step,
)
from yikao_gateway.store.database import Database
from yikao_gateway.store.outbox import Outbox

LI, ZHAO = new_number(1), new_number(2)


class Room:
    """A station on a disk, with a clock that is moved by hand; times are seconds since it began."""

    def __init__(self, folder: Path) -> None:
        self.at_s = 0.0
        self._path = folder / "outbox.sqlite3"
        self.database = Database(self._path)
        self._begin()

    def _begin(self) -> None:
        self.station = Station(self.database, lambda: NOW + timedelta(seconds=self.at_s))
        self.outbox = Outbox(self.database, self.station.placed)

    def starts_anew(self) -> None:
        self.database.close()
        self.database = Database(self._path)
        self._begin()

    def scans(self, card: str, at_s: float) -> None:
        self.at_s = at_s
        self.station.scan(card)

    def reads(self, done_s: float, came_s: float | None = None, doubt_s: float = 2.0) -> str | None:
        """Read a measurement that was over at one time and came at another; return its card."""
        self.at_s = done_s + 1 if came_s is None else came_s
        item = reading(done_s, self.at_s, doubt_s)
        self.outbox.keep("", None, (item,), self.moment, complete=True)
        kept = {each.reading_id: each for each in items_of(self.outbox)}[item.reading_id]
        assert isinstance(kept, BloodPressureReading)
        assert kept.place == "office"
        return kept.card

    @property
    def moment(self) -> datetime:
        return NOW + timedelta(seconds=self.at_s)

    @property
    def step(self) -> Step:
        return self.station.now().step


def reading(done_s: float, came_s: float, doubt_s: float = 2.0) -> BloodPressureReading:
    return BloodPressureReading(
        reading_id=uuid5(NAMESPACE, str(done_s)),
        device=CUFF,
        measured_at=NOW + timedelta(seconds=done_s),
        doubt_s=doubt_s,
        clocks=Clocks(t_hub=NOW + timedelta(seconds=came_s)),
        systolic_mmhg=124,
        diastolic_mmhg=86,
        unit="mmHg",
    )


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path)
    yield made
    made.database.close()


def test_a_reading_goes_with_the_card_that_was_read_before_it(room: Room) -> None:
    room.scans(LI, 0)
    assert room.step is Step.MEASURE
    assert room.reads(50) == LI
    assert (room.step, room.station.now().tail) == (Step.KEPT, LI[-4:])


def test_a_card_is_for_one_reading(room: Room) -> None:
    room.scans(LI, 0)
    assert room.reads(50) == LI
    assert room.reads(120) is None
    assert room.step is Step.STRAY
    room.scans(LI, 130)
    assert room.reads(180) == LI


def test_without_a_card_it_is_nobodys_and_that_is_told(room: Room) -> None:
    assert room.reads(50) is None
    assert room.step is Step.STRAY
    room.at_s += SHOWN.total_seconds()
    assert room.step is Step.INVITE


def test_after_its_time_a_card_counts_no_longer(room: Room) -> None:
    limit_s = CHOICE_MAX.total_seconds()
    room.scans(LI, 0)
    room.at_s = limit_s - 1
    assert room.step is Step.MEASURE
    room.at_s = limit_s
    assert room.step is Step.OVER
    room.at_s += SHOWN.total_seconds()
    assert room.step is Step.INVITE
    assert room.reads(limit_s + 1) is None


def test_what_was_measured_in_time_may_come_late(room: Room) -> None:
    room.scans(LI, 0)
    assert room.reads(290, came_s=3600) == LI


def test_what_the_cuff_had_stored_from_before_is_nobodys(room: Room) -> None:
    room.scans(LI, 0)
    for done_s in (-86_400, -600, -1):
        assert room.reads(done_s, came_s=40) is None
    assert room.step is Step.MEASURE
    assert room.reads(60) == LI


def test_of_a_doubtful_time_nobody_knows_whether_it_was_before(room: Room) -> None:
    room.scans(LI, 0)
    assert room.reads(40, doubt_s=DOUBT_MAX_S + 1) is None
    assert room.reads(60, doubt_s=DOUBT_MAX_S) == LI


def test_of_two_cards_the_later_counts(room: Room) -> None:
    room.scans(LI, 0)
    room.scans(ZHAO, 5)
    assert room.station.now().tail == ZHAO[-4:]
    assert room.reads(50) == ZHAO
    assert room.reads(90) is None, "the earlier card does not come back"


def test_who_measures_already_keeps_his_reading_when_the_next_card_is_read(room: Room) -> None:
    """No cuff is done in 20 s: it was begun while the first card counted."""
    room.scans(LI, 0)
    room.scans(ZHAO, 35)
    assert room.reads(50) == LI
    assert (room.step, room.station.now().tail) == (Step.MEASURE, ZHAO[-4:])
    assert room.reads(110) == ZHAO


def test_the_same_when_it_could_not_be_fetched_at_once(room: Room) -> None:
    room.scans(LI, 0)
    room.scans(ZHAO, 35)
    assert room.reads(50, came_s=170) == LI


def test_a_cuff_that_writes_down_when_it_began_is_understood(room: Room) -> None:
    room.scans(LI, 0)
    assert room.reads(3, came_s=45) == LI


def test_what_was_begun_without_a_card_is_not_the_next_ones(room: Room) -> None:
    least_s = MEASURING_MIN.total_seconds()
    room.scans(LI, 0)
    assert room.reads(least_s - 2, came_s=least_s - 1) is None
    assert room.step is Step.MEASURE
    assert room.reads(60) == LI


def test_what_comes_again_takes_no_card(room: Room) -> None:
    room.scans(LI, 0)
    assert room.reads(10, came_s=12) is None
    assert room.reads(10, came_s=50) is None
    assert room.reads(60) == LI
    room.scans(ZHAO, 70)
    assert room.reads(60, came_s=120) == LI
    assert room.reads(130) == ZHAO


def test_who_cancels_measures_for_nobody(room: Room) -> None:
    room.scans(LI, 0)
    room.station.cancel()
    assert room.step is Step.INVITE
    assert room.reads(50) is None


def test_a_restart_forgets_no_card(room: Room) -> None:
    room.scans(LI, 0)
    room.starts_anew()
    room.at_s = 10
    assert (room.step, room.station.now().tail) == (Step.MEASURE, LI[-4:])
    assert room.reads(50) == LI
    room.starts_anew()
    assert room.reads(120) is None, "it was used before the restart"


def test_killed_between_card_and_reading_the_reading_gets_its_card(room: Room) -> None:
    """The card is taken on the disk before the reading is stored: a second one cannot have it."""
    room.scans(LI, 0)
    room.at_s = 51
    room.station.placed([reading(50, 51)])
    room.starts_anew()
    assert room.reads(90) is None
    assert room.reads(50, came_s=95) == LI


def test_a_card_that_could_not_be_kept_does_not_count(room: Room) -> None:
    room.database.close()
    with pytest.raises(StorageError):
        room.station.scan(LI)
    assert room.step is Step.INVITE


def test_unreadable_memories_are_none(room: Room) -> None:
    with room.database.write() as cursor:
        cursor.execute("INSERT INTO meta VALUES (?, 'no JSON')", (KEY,))
    room.starts_anew()
    assert room.step is Step.INVITE


@pytest.mark.parametrize(
    ("scanned", "misread"),
    [
        ("https://example.org", Misread.FOREIGN),
        ("6901028075831", Misread.PARTIAL),
        (LI[:-1] + "9", Misread.WRONG),
    ],
)
def test_a_wrong_scan_is_told_and_changes_nothing(
    room: Room, scanned: str, misread: Misread
) -> None:
    room.scans(LI, 0)
    room.scans(scanned, 5)
    assert room.station.now().misread is misread
    room.at_s += SHOWN.total_seconds()
    assert room.station.now().misread is None
    room.scans(" ", 80)
    assert room.reads(100) == LI


def test_what_is_no_reading_goes_as_it_is_and_takes_no_card(room: Room) -> None:
    room.scans(LI, 0)
    failed = event(30)
    assert room.station.placed([failed]) == [failed]
    assert room.reads(60) == LI


def test_a_day_of_many_cards_is_bounded(room: Room) -> None:
    for number in range(CHOICES_MAX + 10):
        room.scans(new_number(number), number)
    ((kept,),) = room.database.read("SELECT value FROM meta WHERE key = ?", (KEY,))
    assert kept.count('"card"') == CHOICES_MAX


steps = st.lists(
    st.tuples(st.sampled_from(["scan", "measure", "anew", "cancel"]), st.integers(1, 200)),
    max_size=25,
)


@given(steps)
@examples(60)
def test_no_card_has_two_readings_and_no_reading_a_card_read_after_it(
    tmp_path_factory: pytest.TempPathFactory, story: list[tuple[str, int]]
) -> None:
    room, now_s, read_at, given_to = Room(tmp_path_factory.mktemp("room")), 0.0, {}, []
    for number, (what, after_s) in enumerate(story):
        now_s += after_s
        room.at_s = now_s
        if what == "scan":
            read_at[new_number(number)] = now_s
            room.scans(new_number(number), now_s)
        elif what == "measure" and (card := room.reads(now_s, came_s=now_s)) is not None:
            given_to.append(card)
            assert 20 <= now_s - read_at[card] <= CHOICE_MAX.total_seconds()
        elif what == "anew":
            room.starts_anew()
        elif what == "cancel":
            room.station.cancel()
    room.database.close()
    assert len(given_to) == len(set(given_to))
