"""A failing disk under the outbox: no wrong reading is ever sent, and none is lost silently."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from fix_hypothesis import examples
from gateway_parts import CUFF, METER, NOW, event, outbox_in
from hypothesis import given
from hypothesis import strategies as st

from yikao_devices.clock_epochs import ClockSeen
from yikao_devices.wire import encode_item
from yikao_gateway.errors import StorageError
from yikao_gateway.state import MENDED, OUTBOX, open_verified
from yikao_gateway.store.database import PAGE_BYTES, Damaged, Database
from yikao_gateway.store.frames import KeptFrame
from yikao_gateway.store.outbox import Outbox
from yikao_gateway.store.stock import Stock
from yikao_gateway.visits.known_devices import KnownDevice, KnownDevices

ITEMS = 60
LATER = NOW + timedelta(days=1)
FRAME = KeptFrame(CUFF, "generic-meter", 0x2A18, bytes(range(14)), NOW, -3.5)
BOOTS = 3
KNOWN = KnownDevice(
    METER, "generic-meter", {"model": "血糖仪"}, 8, "stale_bond", True, ClockSeen(NOW, 28_812.5)
)
SAVED = replace(KNOWN, next_record=None)
"""How far it was read is forgotten: what was lost may still be in it."""
STORED = {encode_item(event(number)) for number in range(ITEMS)}


def fill(folder: Path, numbers: range = range(ITEMS)) -> None:
    """Store items and a frame that waits for its context, and close the file cleanly."""
    with outbox_in(folder) as outbox:
        for _ in range(BOOTS):
            outbox.next_boot()
        for number in numbers:
            outbox.add(event(number), NOW)
        outbox.keep("s", FRAME, [], NOW, complete=False)
        KnownDevices(outbox._database).note(KNOWN, NOW)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to be copied: each item was a write of its own."""
    folder = tmp_path_factory.mktemp("filled")
    fill(folder)
    return folder


@cache
def digits(folder: Path) -> list[int]:
    """Return where the digits of the stored payloads stand in the file."""
    content = (folder / OUTBOX).read_bytes()
    starts = [(content.index(payload), len(payload)) for payload in STORED]
    return [
        at for first, size in starts for at in range(first, first + size) if 48 <= content[at] < 58
    ]


@pytest.fixture
def folder(filled: Path, tmp_path: Path) -> Path:
    shutil.copy(filled / OUTBOX, tmp_path)
    return tmp_path


def change(file: Path, at: int, data: bytes) -> None:
    with file.open("r+b") as opened:
        opened.seek(at)
        opened.write(data)


def after(folder: Path) -> tuple[Outbox, Database, Path | None]:
    """Return the outbox as the gateway's next start finds it; the caller closes the database."""
    database, aside = open_verified(folder, NOW)
    return Outbox(database), database, aside


def test_a_file_without_its_head_is_set_aside_and_starts_are_counted_on(folder: Path) -> None:
    """The server takes a gateway that counts from one again for an old message of its own."""
    change(folder / OUTBOX, 0, b"\xff" * 100)
    outbox, database, aside = after(folder)
    assert aside is not None
    assert aside.exists()
    assert outbox.counts().open == 0
    assert outbox.next_boot() > NOW.timestamp()
    database.close()


def test_what_is_set_aside_twice_at_one_time_is_kept_twice(folder: Path) -> None:
    """A clock that begins anew at each start names them alike."""
    kept = set()
    for _ in range(3):
        change(folder / OUTBOX, 0, b"\xff" * 100)
        _, database, aside = after(folder)
        kept.add(aside)
        database.close()
    assert len(kept) == 3
    assert all(each is not None and each.exists() for each in kept)


def test_a_head_that_lets_nobody_write_is_damage(folder: Path) -> None:
    """The disk would take it: to ask for permissions would send people the wrong way."""
    change(folder / OUTBOX, 18, b"\x03")
    outbox, database, aside = after(folder)
    assert aside is not None
    assert outbox.add(event(ITEMS), NOW)
    assert {row.payload for row in outbox.waiting(2 * ITEMS)} > STORED
    database.close()


def test_what_is_whole_in_a_damaged_file_is_saved(folder: Path) -> None:
    content = (folder / OUTBOX).read_bytes()
    page = content.index(encode_item(event(30))[:60]) // PAGE_BYTES
    lost = {each for each in STORED if each in content[page * PAGE_BYTES :][:PAGE_BYTES]}
    assert 0 < len(lost) < ITEMS
    change(folder / OUTBOX, page * PAGE_BYTES, bytes(PAGE_BYTES))
    outbox, database, aside = after(folder)
    assert aside is not None
    assert {row.payload for row in outbox.waiting(ITEMS)} == STORED - lost
    assert outbox.leftovers() == {"s": [FRAME]}
    assert KnownDevices(database).get(METER) == SAVED
    database.close()
    with pytest.raises(Damaged):
        Database(aside).verify()


def test_whichever_page_is_lost_the_others_are_saved(filled: Path, tmp_path: Path) -> None:
    """Of a device either all that was known is known, or it is a new one."""
    pages = (filled / OUTBOX).stat().st_size // PAGE_BYTES
    known, boots = [], []
    for page in range(pages):
        folder = tmp_path / str(page)
        folder.mkdir()
        shutil.copy(filled / OUTBOX, folder)
        change(folder / OUTBOX, page * PAGE_BYTES, bytes(PAGE_BYTES))
        outbox, database, aside = after(folder)
        known.append(KnownDevices(database).get(METER))
        boots.append(outbox.next_boot())
        assert {row.payload for row in outbox.waiting(ITEMS)} <= STORED
        assert aside is not None
        database.close()
    assert set(map(bool, known)) == {True, False}
    assert all(each in (None, SAVED) for each in known)
    assert min(boots) > NOW.timestamp()


@pytest.mark.parametrize("part", [b"generic-meter", b'{"model":', b"stale_bond"])
def test_a_device_of_which_a_byte_has_changed_is_a_new_one(folder: Path, part: bytes) -> None:
    content = (folder / OUTBOX).read_bytes()
    at = content.index(part, content.index(b"stale_bond") - 100)
    change(folder / OUTBOX, at, b"\x80")
    outbox, database, _ = after(folder)
    assert KnownDevices(database).get(METER) is None
    assert KnownDevices(database).seen() == []
    assert len(outbox.waiting(ITEMS)) == ITEMS
    database.close()


def test_a_count_of_starts_that_no_gateway_can_have_is_not_believed(folder: Path) -> None:
    """The server would refuse every message of a gateway that counts beyond its bound."""
    with closing(sqlite3.connect(folder / OUTBOX, isolation_level=None)) as other:
        other.execute("UPDATE meta SET value = ? WHERE key = 'boot'", ("9" * 30,))
    change(folder / OUTBOX, 18, b"\x03")
    outbox, database, _ = after(folder)
    assert NOW.timestamp() < outbox.next_boot() < 2**53
    database.close()


@pytest.mark.parametrize("stops", ["before the damaged one goes", "before the mended one comes"])
def test_killed_while_it_is_mended_it_is_mended_at_the_next_start(folder: Path, stops: str) -> None:
    shutil.copy(folder / OUTBOX, folder / MENDED)
    if stops == "before the damaged one goes":
        change(folder / MENDED, 0, b"half of it")
        change(folder / OUTBOX, 3 * PAGE_BYTES, bytes(PAGE_BYTES))
    else:
        (folder / OUTBOX).rename(folder / "outbox.sqlite3.damaged-x")
        (folder / (OUTBOX + "-wal")).write_bytes(b"of the damaged one")
    outbox, database, _ = after(folder)
    assert outbox.counts().open > 0
    assert not (folder / MENDED).exists()
    database.close()


def test_a_digit_that_has_changed_is_found_by_the_checksum(folder: Path) -> None:
    """SQLite itself sees nothing wrong with it, and it would be a reading like any other."""
    payload = encode_item(event(30))
    at = (folder / OUTBOX).read_bytes().index(payload) + payload.index(b"08:00:30") + 7
    change(folder / OUTBOX, at, b"1")
    outbox, database, aside = after(folder)
    assert aside is None
    assert {row.payload for row in outbox.waiting(ITEMS)} == STORED - {payload}
    assert len(Stock(database).losses(ITEMS)) == 1
    database.close()


def test_an_index_that_has_lost_an_item_does_not_hide_it(folder: Path) -> None:
    """Its definition says otherwise for as long as one item is stored."""
    redefine(folder, "'open'", "'away'")
    with outbox_in(folder) as outbox:
        outbox.add(event(ITEMS), NOW)
    redefine(folder, "'away'", "'open'")
    found, database, aside = after(folder)
    assert aside is not None
    assert len(found.backlog_ids(LATER, 2 * ITEMS)) == ITEMS + 1
    database.close()


def redefine(folder: Path, before: str, after: str) -> None:
    with closing(sqlite3.connect(folder / OUTBOX, isolation_level=None)) as other:
        other.execute("PRAGMA writable_schema = ON")
        other.execute(
            "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE name = 'item_waiting'",
            (before, after),
        )


@given(st.data())
@examples(60)
def test_whatever_bytes_change_nothing_wrong_is_sent_and_nothing_goes_silently(
    filled: Path, data: st.DataObject
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(filled / OUTBOX, folder)
        size = (folder / OUTBOX).stat().st_size
        for _ in range(data.draw(st.integers(1, 6))):
            at = data.draw(st.integers(0, size - 1) | st.sampled_from(digits(filled)))
            digit = st.sampled_from([b"0", b"1", b"9"])
            change(folder / OUTBOX, at, data.draw(st.binary(min_size=1, max_size=4) | digit))
        try:
            outbox, database, aside = after(folder)
        except StorageError as error:
            # The number of the version was hit: a person must say what the file is.
            assert "newer program" in str(error)
            return
        outbox.news_ids(NOW - timedelta(days=1), ITEMS)
        outbox.backlog_ids(NOW - timedelta(days=1), ITEMS)
        given_ = [row.payload for row in outbox.waiting(2 * ITEMS)]
        frames = [frame for session in outbox.leftovers().values() for frame in session]
        assert set(given_) <= STORED
        assert len(given_) == len(set(given_))
        assert frames in ([FRAME], [])
        devices = KnownDevices(database)
        devices.newest()
        assert len(devices.seen()) <= 1
        if aside is None:
            losses = Stock(database).losses(2 * ITEMS)
            assert len(given_) + len(frames) + len(losses) == ITEMS + 1
        database.close()


@pytest.fixture(scope="module")
def with_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder to be copied, in which 20 items are written back and 20 are in the log only."""
    folder = tmp_path_factory.mktemp("with_log")
    fill(folder, range(20))
    with outbox_in(folder) as outbox:
        for number in range(20, 40):
            outbox.add(event(number), NOW)
        yield folder


@given(st.data())
@examples(60)
def test_a_torn_log_costs_nothing_that_was_written_back(
    with_log: Path, data: st.DataObject
) -> None:
    """What was stored after the last checkpoint is there up to some transaction, and no further."""
    with TemporaryDirectory() as name:
        copy = Path(name)
        for tail in ("", "-wal"):
            shutil.copy(with_log / (OUTBOX + tail), copy)
        tear(copy / (OUTBOX + "-wal"), data.draw)
        after_it, database, aside = after(copy)
        assert aside is None
        payloads = [row.payload for row in after_it.waiting(ITEMS)]
        assert 20 <= len(payloads) <= 40
        assert payloads == [encode_item(event(number)) for number in range(len(payloads))]
        assert after_it.leftovers() == {"s": [FRAME]}
        database.close()


def tear(log: Path, draw: Callable[..., int]) -> None:
    """Cut it short, or change some of its bytes."""
    size = log.stat().st_size
    if draw(st.booleans()):
        with log.open("r+b") as opened:
            opened.truncate(draw(st.integers(0, size)))
        return
    for _ in range(draw(st.integers(1, 4))):
        change(log, draw(st.integers(0, size - 1)), bytes([draw(st.integers(0, 255))]))


def test_a_newer_programs_file_is_left_where_it_is(folder: Path) -> None:
    other = sqlite3.connect(folder / OUTBOX)
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(StorageError, match="newer"):
        open_verified(folder, NOW)
    assert [each.name for each in folder.iterdir() if "damaged" in each.name] == []
