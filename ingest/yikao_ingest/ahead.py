"""The next batch is judged while the database stores the last one.

Judging is work of this process, storing is mostly the database's: in turn, each of the two would
wait half of the time. One batch is made or ready at most, so that nothing grows old here.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yikao_devices.story_clock import Clock
from yikao_ingest.accept import Judged
from yikao_ingest.directory import Directory
from yikao_ingest.staging import Sheet
from yikao_ingest.subscriber import Delivery

LOOK_S: Final = 0.1
"""How often whoever waits looks whether it is to stop."""


@dataclass(frozen=True, slots=True)
class View:
    """The registry as it was read from the database, and the database's clock at that moment."""

    directory: Directory
    read_s: float
    at_s: float

    def now(self, clock: Clock) -> datetime:
        """Return what the database's clock shows now, in the story's time."""
        return clock.at(self.read_s + time.monotonic() - self.at_s)


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages, the verdicts on those that carry items, and their readings as they are stored.

    directory: by which registry it was judged. judge_s: how long that took.
    """

    deliveries: Sequence[Delivery] = ()
    judged: Sequence[Judged] = ()
    sheet: Sheet | None = None
    directory: Directory | None = None
    judge_s: float = 0.0


class Ahead:
    """A thread that calls `make` again and again, and holds one batch ready.

    make: is told whether somebody waits for the batch already, and had better get a short one soon.
    What it raises is raised by `next`: a fault must not end in silence.
    """

    def __init__(self, make: Callable[[bool], Batch | None], stop: threading.Event) -> None:
        self._make = make
        self._stop = stop
        self._ready: queue.SimpleQueue[Batch] = queue.SimpleQueue()
        self._room = threading.Semaphore()
        self._waited_for = False
        self._pool = ThreadPoolExecutor(1, "judging")
        self._work: Future[None] = self._pool.submit(self._run)

    def next(self, wait_s: float) -> Batch | None:
        """Return the next batch; None when there is none within `wait_s`."""
        self._waited_for = True
        try:
            batch = self._ready.get(timeout=wait_s)
        except queue.Empty:
            if self._work.done():
                self._work.result()
            return None
        finally:
            self._waited_for = False
        self._room.release()
        return batch

    def close(self) -> None:
        """End the thread, once `stop` is set; a batch that is ready comes again from the broker."""
        self._pool.shutdown()

    def _run(self) -> None:
        while not self._stop.is_set():
            # One begun before there is room would only grow old, and miss what comes meanwhile.
            if not self._room.acquire(timeout=LOOK_S):
                continue
            while not self._stop.is_set():
                batch = self._make(self._waited_for)
                if batch is not None:
                    self._ready.put(batch)
                    break
