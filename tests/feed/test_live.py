"""The stream: a change is told at once, storms are gathered, and nobody can hold it up."""

import asyncio
import threading
from collections.abc import Iterator

import httpx
import pytest
from fix_feed import SECRET, Town

from yikao_alerts.feed.live import CHANGED, KEEP_ALIVE, EventStream, Hub
from yikao_alerts.feed.run import FeedServer
from yikao_alerts.feed.settings import FeedSettings

DEADLINE_S = 30.0


async def told(hub: Hub, count: int) -> list[bytes]:
    heard = []
    events = hub.events()
    async for chunk in events:
        heard.append(chunk)
        if len(heard) == count:
            break
        hub.note()
    await events.aclose()
    return heard


def test_a_client_is_told_first_to_look_and_then_of_each_change() -> None:
    async def story() -> None:
        hub = Hub()
        running = asyncio.create_task(hub.run())
        async with asyncio.timeout(DEADLINE_S):
            assert await told(hub, 2) == [CHANGED, CHANGED]
        running.cancel()
        assert hub.clients == 0

    asyncio.run(story())


def test_many_changes_at_once_are_one_piece_of_news() -> None:
    async def story() -> None:
        hub = Hub()
        events = hub.events()
        assert await anext(events) == CHANGED
        for _ in range(1000):
            hub.note()
        running = asyncio.create_task(hub.run())
        async with asyncio.timeout(DEADLINE_S):
            assert await anext(events) == CHANGED
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        assert not waiting.done()
        running.cancel()
        hub.close()
        with pytest.raises(StopAsyncIteration):
            await waiting

    asyncio.run(story())


def test_a_client_that_does_not_read_is_let_go() -> None:
    async def story() -> None:
        hub = Hub()

        async def receive() -> dict[str, str]:
            await asyncio.Event().wait()
            raise AssertionError("never")

        async def send(message: object) -> None:
            if isinstance(message, dict) and message["type"] == "http.response.body":
                await asyncio.Event().wait()

        stream = EventStream(hub, send_max_s=0.01)
        async with asyncio.timeout(DEADLINE_S):
            await stream({"type": "http"}, receive, send)
        assert hub.clients == 0

    asyncio.run(story())


def test_keep_alive_is_a_comment() -> None:
    assert KEEP_ALIVE.startswith(b":")
    assert KEEP_ALIVE.endswith(b"\n\n")


def lines_of(response: httpx.Response) -> Iterator[str]:
    return (line for line in response.iter_lines() if line.startswith("event:"))


def test_a_change_in_the_database_reaches_the_stream(town: Town, feed_url: str) -> None:
    with httpx.stream("GET", feed_url + "/stream", timeout=DEADLINE_S) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        events = lines_of(response)
        next(events)
        town.run("SELECT pg_notify('yikao_changed', 'episode:1')")
        assert next(events) == "event: changed"


def test_an_open_stream_does_not_keep_the_server_from_stopping(town: Town) -> None:
    server = FeedServer(FeedSettings(town.database_url, SECRET, port=0))
    thread = threading.Thread(target=server.serve_here)
    thread.start()
    with httpx.stream("GET", server.url + "/stream", timeout=DEADLINE_S) as response:
        events = lines_of(response)
        next(events)
        server.stop()
        assert list(events) in ([], ["event: changed"]), "it ends"
    thread.join(DEADLINE_S)
    assert not thread.is_alive()
