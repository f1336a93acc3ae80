"""Waiting for somebody who may vanish: the wait ends with him.

bumble cancels some of its waits when a link or socket goes down and leaves others to a timeout of
30 seconds. Neither can be told from our own cancellation, so each wait runs in a task of its own.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class CutShortError(Exception):
    """The one who was waited for is gone."""


async def until(gone: asyncio.Future[Any], work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns; raise `CutShortError` when `gone` is done before it.

    `work` is then cancelled and has cleaned up behind itself; the same when the caller is.
    """
    task = asyncio.ensure_future(work)
    either: list[asyncio.Future[Any]] = [task, gone]
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
    if task.cancelled():
        raise CutShortError
    return task.result()
