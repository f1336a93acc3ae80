"""A disk that is really full: the gateway stops reading, says so, and reads again by itself.

Two ways to have one: a bound on the size of a process's files, which every Linux has, and a small
file system in a mount namespace, where one may be made.
"""

import asyncio
import resource
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path

import pytest
from running_gateway import Running, running_gateway
from stage import eventually

from yikao_devices import topics
from yikao_devices.wire import DeviceEvent
from yikao_sim.home import Outfit
from yikao_sim.peripherals.glucometer import MeterBehaviour

STORY_MAX_S = 90.0
RECORDS = 1_000
OUTFIT = Outfit(meter=MeterBehaviour(memory=RECORDS))
SMALL_BYTES = 400_000
MIB = 1 << 20
FILLED = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from yikao_gateway.store.database import Database
from yikao_gateway.errors import StorageFull
from yikao_gateway.store.outbox import Outbox
from yikao_gateway.visits.visit import event_of

folder, now = Path(sys.argv[1]), datetime(2026, 3, 2, tzinfo=UTC)
database = Database(folder / "outbox.sqlite3")
outbox, stored = Outbox(database), 0
try:
    while True:
        outbox.add(event_of(f"device {stored}", "battery_low", now), now)
        stored += 1
except StorageFull as error:
    print(type(error.__cause__).__name__, error.__cause__)
for _ in range(2):
    try:
        database.probe()
        print("room")
    except StorageFull:
        print("no room")
    (folder / "ballast").unlink(missing_ok=True)
assert outbox.add(event_of("another", "battery_low", now), now)
assert outbox.counts().open == stored + 1 == len(outbox.waiting(100_000))
"""
READ_ONLY = """
import subprocess, sys
from datetime import UTC, datetime
from pathlib import Path
from yikao_gateway.store.database import Database
from yikao_gateway.errors import StorageError
from yikao_gateway.state import open_verified

folder = Path(sys.argv[1])
Database(folder / "outbox.sqlite3").close()
subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
try:
    open_verified(folder, datetime.now(UTC))
except StorageError as error:
    print(type(error).__name__, error)
"""


@cache
def namespace() -> tuple[str, ...] | None:
    """Return the command that runs another where it may mount; None where nobody may."""
    for words in (("unshare", "--mount"), ("unshare", "--map-root-user", "--mount")):
        tried = (*words, "mount", "-t", "tmpfs", "none", "/mnt")
        if shutil.which("unshare") and not subprocess.run(tried, capture_output=True).returncode:
            return words
    return None


def on_a_disk_of(folder: Path, size: int, ballast: int) -> tuple[str, ...]:
    """Return what to put before a command, so that `folder` is a disk of its own to it."""
    words = namespace()
    if words is None:
        pytest.skip("nobody may mount a file system here")
    folder.mkdir()
    script = (
        f'mount -t tmpfs -o size={size} none "$0" && head -c {ballast} /dev/zero >"$0/ballast"'
        ' && exec "$@"'
    )
    return (*words, "sh", "-c", script, str(folder))


def said_on_a_disk_of(folder: Path, size: int, ballast: int, script: str) -> list[str]:
    command = (*on_a_disk_of(folder, size, ballast), sys.executable, "-c", script, str(folder))
    done = subprocess.run(command, capture_output=True, text=True, timeout=STORY_MAX_S)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_full_file_system_costs_nothing_that_was_stored(short_tmp: Path) -> None:
    said = said_on_a_disk_of(short_tmp / "disk", 2 * MIB, MIB, FILLED)
    assert said == ["OperationalError database or disk is full", "no room", "room"]


def test_a_file_that_may_not_be_written_is_told_and_left_where_it_is(short_tmp: Path) -> None:
    (said,) = said_on_a_disk_of(short_tmp / "disk", 2 * MIB, 0, READ_ONLY)
    assert said.startswith("StorageError")
    assert "permissions" in said


def test_a_gateway_whose_file_cannot_grow_stops_reading_until_it_can(
    broker_url: str, short_tmp: Path
) -> None:
    async def story(scene: Running) -> None:
        process = await scene.gateway.start(scene.environment)
        await eventually(lambda: scene.gateway.has_said("broker connected"))
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (SMALL_BYTES, -1))
        await scene.stores(RECORDS)
        await eventually(lambda: scene.gateway.has_said("no room: devices are not read"))
        assert len(scene.told()) < RECORDS
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (-1, -1))
        await everything_arrives(scene)
        assert process.returncode is None

    play(broker_url, short_tmp, story)


def test_a_gateway_stops_reading_before_its_disk_is_full(broker_url: str, short_tmp: Path) -> None:
    """A person makes room on the disk, and does nothing else."""

    async def story(scene: Running) -> None:
        # Beside the spare there is a quarter of a megabyte.
        before = on_a_disk_of(short_tmp / "state", 40 * MIB, 24 * MIB - MIB // 4)
        await scene.stores(RECORDS)
        process = await scene.gateway.start(scene.environment, before)
        await eventually(lambda: scene.gateway.has_said("no room: devices are not read"))
        assert not scene.gateway.has_said("takes nothing more"), "it is told before"
        (Path(f"/proc/{process.pid}/root{short_tmp}") / "state/ballast").unlink()
        await everything_arrives(scene)

    play(broker_url, short_tmp, story)


def play(broker_url: str, folder: Path, story: Callable[[Running], Awaitable[None]]) -> None:
    async def played() -> None:
        async with (
            asyncio.timeout(STORY_MAX_S),
            running_gateway(broker_url, folder, OUTFIT) as scene,
        ):
            await story(scene)

    asyncio.run(played())


async def everything_arrives(scene: Running) -> None:
    """Wait until the server has all that was measured, and was told that there was no room."""
    scene.server.answers = True
    measured = scene.measured()
    await eventually(lambda: scene.told().keys() == measured)
    heard = [each for each in scene.server.everything if each.channel == topics.EVENT]
    codes = {item.code for each in heard for item in each.items if isinstance(item, DeviceEvent)}
    assert "outbox_full" in codes
