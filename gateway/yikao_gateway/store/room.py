"""How full the outbox is, and what follows from it: make room, tell a person, stop reading.

Pure: bytes go in, a level comes out. Each level ends below where it began, so that a gateway at a
bound does not swing to and fro.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

MAKE_ROOM_FROM: Final = 0.80
MAKE_ROOM_TO: Final = 0.75
"""Between these, of what there is, items that the server has make room for those it has not."""
NEARLY_FROM: Final = 0.90
NEARLY_TO: Final = 0.85
FULL_FROM: Final = 0.95
FULL_TO: Final = 0.90
"""The last part is for what people say, for receipts and for events: devices keep their records."""


@dataclass(frozen=True, slots=True)
class Room:
    """What the outbox takes, and what it could take by its own bound and by its disk's."""

    used_bytes: int
    bytes_max: int

    @property
    def share(self) -> float:
        """The used part, from 0 to about 1."""
        return self.used_bytes / max(1, self.bytes_max)


class Level(IntEnum):
    """How full it is, to people: `NEARLY` is told, at `FULL` no device is read."""

    AMPLE = 0
    NEARLY = 1
    FULL = 2


def level_of(room: Room, before: Level) -> Level:
    """Return the level of an outbox that was at `before` when last looked at."""
    share = room.share
    if share >= (FULL_TO if before is Level.FULL else FULL_FROM):
        return Level.FULL
    if share >= (NEARLY_FROM if before is Level.AMPLE else NEARLY_TO):
        return Level.NEARLY
    return Level.AMPLE


def makes_room(room: Room, before: bool) -> bool:
    """Return whether items that the server has are to go; `before`: whether they were going."""
    return room.share >= (MAKE_ROOM_TO if before else MAKE_ROOM_FROM)
