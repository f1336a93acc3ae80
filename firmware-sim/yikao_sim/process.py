"""What a simulator that runs for a while needs: the story's clock, a word to stop, typed lines."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Any, Final

from yikao_devices.story_clock import VARIABLE, Clock, ClockSpecError, parse_clock
from yikao_sim.errors import SimError

LINE_MAX_BYTES: Final = 64 * 1024
"""A line on standard input is a few hundred bytes; reading a longer one raises `ValueError`."""
CHUNK_BYTES: Final = 4096


def clock_of_environment() -> Clock:
    """Return the clock that the environment sets. Raises `SimError` when it is malformed."""
    try:
        return parse_clock(os.environ.get(VARIABLE))
    except ClockSpecError as error:
        raise SimError(str(error)) from error


async def run_until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` to its end, or until SIGINT or SIGTERM; raises what it raises."""
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    # Not awaited itself: its cancellation is the expected way to stop.
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()


def typed_lines() -> asyncio.StreamReader:
    """Return standard input as a stream, without changing how others use the terminal."""
    loop = asyncio.get_running_loop()
    descriptor = sys.stdin.fileno()
    reader = asyncio.StreamReader(limit=LINE_MAX_BYTES)

    def feed() -> None:
        try:
            chunk = os.read(descriptor, CHUNK_BYTES)
        except OSError:
            # The terminal has gone.
            chunk = b""
        if chunk:
            reader.feed_data(chunk)
        else:
            loop.remove_reader(descriptor)
            reader.feed_eof()

    try:
        loop.add_reader(descriptor, feed)
    except PermissionError:
        # A file or /dev/null can always be read, so epoll refuses to watch it: epoll_ctl(2).
        while chunk := os.read(descriptor, CHUNK_BYTES):
            reader.feed_data(chunk)
        reader.feed_eof()
    return reader
