"""How an encoder puts numbers side by side, and refuses what has no room."""

import struct

from yikao_devices.errors import EncodeError


def pack(layout: str, *fields: int) -> bytes:
    """Return `fields` as the bytes of `layout` (see `struct`); refuses with `EncodeError`."""
    try:
        return struct.pack(layout, *fields)
    except struct.error as error:
        raise EncodeError(f"the frame has no room for such a number: {error}") from error
