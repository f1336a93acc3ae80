"""Work spread over processes, with a word on how far it is; one process when that is enough."""

import gc
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeVar

AHEAD: Final = 2
"""Tasks handed out for each process: none waits for work, and few results wait to be fetched."""

_Task = TypeVar("_Task")
_Made = TypeVar("_Made")


class Progress(Protocol):
    """Is told what is being done, and which part of it is done, from 0 to 1."""

    def __call__(self, what: str, part: float) -> None: ...


def silent(what: str, part: float) -> None:
    """Tell nobody."""


class Pool:
    """Processes, or none for a single job, that all know `shared`. Use it as a context manager."""

    def __init__(self, jobs: int, shared: object, progress: Progress) -> None:
        self._progress = progress
        self._shared = shared
        # "spawn" everywhere: a child that shares our threads' locks by "fork" may hang.
        context = multiprocessing.get_context("spawn")
        self._executor = None
        if jobs > 1:
            self._executor = ProcessPoolExecutor(jobs, context, _know, (shared,))
        self._jobs = jobs

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)

    def map(
        self, what: str, work: Callable[..., _Made], tasks: Sequence[_Task], *rest: Any
    ) -> Iterator[_Made]:
        """Yield `work(task, shared, *rest)` of each task, in the order of the tasks."""
        here = (work(task, self._shared, *rest) for task in tasks)
        results = self._results(work, tasks, rest) if self._executor else here
        self._progress(what, 0.0)
        for done, made in enumerate(results, 1):
            self._progress(what, done / len(tasks))
            yield made

    def _results(
        self, work: Callable[..., _Made], tasks: Sequence[_Task], rest: tuple[Any, ...]
    ) -> Iterator[_Made]:
        assert self._executor is not None, "only processes have results to wait for"
        ahead: list[Future[_Made]] = []
        for task in tasks:
            ahead.append(self._executor.submit(_work, work, task, rest))
            if len(ahead) >= self._jobs * AHEAD:
                yield ahead.pop(0).result()
        for future in ahead:
            yield future.result()


_known: list[object] = []
"""In a process of a pool: what all its work shares, sent once."""


def _know(shared: object) -> None:
    _known[:] = [shared]
    # Millions of small values and no cycles among them: looking for some takes a fifth of the time.
    gc.disable()


def _work(work: Callable[..., _Made], task: object, rest: tuple[Any, ...]) -> _Made:
    return work(task, _known[0], *rest)


def cores() -> int:
    """Return how many processes can run side by side here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
