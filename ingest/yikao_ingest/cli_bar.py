"""How far a command is: on a terminal a bar that moves, elsewhere nothing."""

import shutil
import sys
import time
from typing import Final

BAR_CHARS: Final = 30
EVERY_S: Final = 0.1
"""Drawn no more often than an eye follows."""


class Bar:
    """A bar on standard error; what is printed elsewhere is not disturbed by it."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._drawn_s = 0.0
        self._shown = False

    def show(self, what: str, done: int, total: int) -> None:
        """Draw `done` of `total`, and what is being done."""
        if not self._terminal:
            return
        now_s = time.monotonic()
        if done < total and now_s - self._drawn_s < EVERY_S:
            return
        self._drawn_s, self._shown = now_s, True
        full = min(BAR_CHARS, BAR_CHARS * done // max(1, total))
        line = f"[{'#' * full}{'.' * (BAR_CHARS - full)}] {done:,}/{total:,}  {what}"
        width = shutil.get_terminal_size().columns - 1
        print(f"\r{line[:width]:{width}}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the bar's line."""
        if self._shown:
            print(file=sys.stderr)
            self._shown = False
