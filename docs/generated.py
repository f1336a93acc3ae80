"""Keeps files current that are made from the sources: writes them, or with `--check` compares."""

import sys
from collections.abc import Mapping
from pathlib import Path


def write_or_compare(files: Mapping[Path, str], arguments: list[str]) -> int:
    """Write what is stale and return 0; with `--check` write nothing, and return 1 if any is."""
    stale = [
        path for path, text in files.items() if not path.exists() or path.read_text("utf-8") != text
    ]
    if stale and "--check" in arguments:
        names = ", ".join(map(str, stale))
        sys.stderr.write(f"out of date: {names}; run python docs/{Path(sys.argv[0]).name}\n")
        return 1
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text(files[path], "utf-8")
    return 0
