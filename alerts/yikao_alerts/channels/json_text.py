"""JSON from somebody else: whatever it is, reading it ends in a value."""

from typing import Any

import msgspec


def json_of(content: bytes | str) -> Any:
    """Return the value that stands in `content`; None for what is no JSON."""
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
