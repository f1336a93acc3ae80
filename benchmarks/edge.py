"""The gateway: readings made durable per second, beside the disk's own word that it has written."""

import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from table import Figure, rate

from yikao_devices.blood_pressure import decode_blood_pressure
from yikao_devices.items_blood_pressure import blood_pressure_item
from yikao_devices.readings import Origin
from yikao_gateway.store.database import Database
from yikao_gateway.store.frames import KeptFrame
from yikao_gateway.store.outbox import Outbox

COUNT = 500
FRAME = bytes.fromhex("007c005600610000")
START = datetime(2026, 3, 2, 12, tzinfo=UTC)


def figures() -> Iterator[Figure]:
    """Yield the outbox's figures on this disk."""
    with tempfile.TemporaryDirectory(prefix="yk-") as folder:
        ours = rate(COUNT, lambda: _keep(Path(folder)))
        synced = rate(COUNT, lambda: _sync(Path(folder) / "bare"))
    yield Figure(
        "outbox: frame and reading durable", ours, "commits/s", "write + fdatasync", synced
    )


def _keep(folder: Path) -> None:
    path = folder / f"{os.urandom(4).hex()}.sqlite"
    database = Database(path)
    outbox = Outbox(database)
    for number in range(COUNT):
        origin = Origin(f"D{number}", None, START, None)
        item = blood_pressure_item(decode_blood_pressure(FRAME), FRAME, origin)
        frame = KeptFrame(f"D{number}", "generic-cuff", 0x2A35, FRAME, START, None)
        outbox.keep("s", frame, [item], START, complete=True)
    database.close()


def _sync(path: Path) -> None:
    with path.open("wb") as file:
        for _ in range(COUNT):
            file.write(b"x" * 512)
            file.flush()
            os.fdatasync(file.fileno())
