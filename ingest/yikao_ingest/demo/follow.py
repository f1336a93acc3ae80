"""Reads what other processes append to their files, line by line as it comes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Follower:
    """The JSON lines of a file that grows; other lines are passed over."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield each new complete line that is a JSON object."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._at)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._at += len(line)
                value = _object(line)
                if value is not None:
                    yield value


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
