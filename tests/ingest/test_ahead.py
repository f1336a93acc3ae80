"""One batch is made while another is worked on, never more than one, and no fault is silent."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from yikao_ingest.ahead import Ahead, Batch

DEADLINE_S = 30.0


@contextmanager
def ahead(make: object, stop: threading.Event) -> Iterator[Ahead]:
    """Have batches made ahead for the block."""
    made = Ahead(make, stop)  # type: ignore[arg-type]
    try:
        yield made
    finally:
        stop.set()
        made.close()


def test_the_next_batch_is_made_while_one_is_worked_on() -> None:
    begun = threading.Semaphore(0)

    def make(_: bool) -> Batch:
        begun.release()
        return Batch()

    with ahead(make, threading.Event()) as batches:
        assert batches.next(DEADLINE_S) is not None
        # Nobody has asked for the second: it is made, and waits.
        for _ in range(2):
            assert begun.acquire(timeout=DEADLINE_S)
    assert not begun.acquire(blocking=False)


def test_whoever_makes_a_batch_is_told_whether_it_is_waited_for() -> None:
    handed_on, told = threading.Event(), threading.Event()
    later: list[bool] = []

    def make(waited_for: bool) -> Batch | None:
        if handed_on.is_set():
            later.append(waited_for)
            told.set()
            return Batch()
        return Batch() if waited_for else None

    with ahead(make, threading.Event()) as batches:
        # Comes only if the maker is told that somebody waits.
        assert batches.next(DEADLINE_S) is not None
        handed_on.set()
        assert told.wait(DEADLINE_S)
    assert later == [False]


def test_nothing_is_handed_on_while_there_is_nothing() -> None:
    with ahead(lambda _: None, threading.Event()) as batches:
        assert batches.next(0.01) is None


def test_a_fault_is_raised_where_batches_are_asked_for() -> None:
    def make(_: bool) -> Batch:
        raise ZeroDivisionError

    with ahead(make, threading.Event()) as batches, pytest.raises(ZeroDivisionError):
        while True:
            batches.next(0.01)


def test_it_ends_although_a_batch_waits() -> None:
    stop = threading.Event()
    made = threading.Event()

    def make(_: bool) -> Batch:
        made.set()
        return Batch()

    with ahead(make, stop):
        assert made.wait(DEADLINE_S)
