"""The one place that speaks HTTP: how long it waits, how much it reads, what a pause is."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from benches import SEND_MAX_S, let_pass
from hypothesis import given
from hypothesis import strategies as st
from test_faults import play

from yikao_alerts.channels.codes import Codes
from yikao_alerts.channels.http import (
    ANSWER_MAX,
    RETRY_AFTER_MAX_S,
    Answer,
    Http,
    retry_after_s,
)
from yikao_alerts.channels.outcome import Ambiguous, Permanent, Retryable

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
Talked = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


@given(st.integers(-1000, 1000))
def test_a_pause_until_a_moment_is_counted_on_the_providers_clock(seconds: int) -> None:
    until = format_datetime(NOON + timedelta(seconds=seconds), usegmt=True)
    found = retry_after_s(until, format_datetime(NOON, usegmt=True))
    assert found == max(0, min(seconds, RETRY_AFTER_MAX_S))


@given(st.none() | st.text(), st.none() | st.text())
def test_any_pause_is_bounded_or_none(retry_after: str | None, date: str | None) -> None:
    found = retry_after_s(retry_after, date)
    assert found is None or 0 <= found <= RETRY_AFTER_MAX_S


def test_a_moment_with_and_one_without_a_zone_are_not_compared() -> None:
    assert retry_after_s("Mon, 02 Mar 2026 12:00:00", "Mon, 02 Mar 2026 12:00:00 GMT") is None


@given(st.integers(), st.integers(100, 599))
def test_only_zero_is_an_acceptance(code: int, status: int) -> None:
    assert (Codes(frozenset({5})).failure(code) is None) == (code == 0)
    assert (Answer(status, b"").failure() is None) == (200 <= status < 300)


@pytest.mark.parametrize("code", [None, False, "0", 0.0, [0], {}])
def test_what_looks_like_zero_is_none(code: object) -> None:
    assert isinstance(Codes(frozenset()).failure(code), Retryable)


def talking(talked: Talked) -> object:
    """Post to a server that does what `talked` says; return what comes of it."""
    found: list[object] = []

    talks: list[asyncio.Task[None]] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talked(reader, writer)
        finally:
            # What the other side would not hear is still waiting to be sent, beyond the loop's end.
            writer.transport.abort()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.append(asyncio.ensure_future(talk(reader, writer)))

    async def story() -> None:
        async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
            host, port = server.sockets[0].getsockname()
            http = Http(SEND_MAX_S)
            found.append(await http.talk().post(f"http://{host}:{port}/", b"{}"))
            await http.close()
            await asyncio.gather(*talks, return_exceptions=True)

    play(story)
    return found[0]


def test_no_more_is_read_than_an_acceptance_has() -> None:
    async def floods(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 2 * ANSWER_MAX)
        # Until the other side has had enough.
        await reader.read()
        writer.close()

    answer = talking(floods)
    assert isinstance(answer, Answer) and ANSWER_MAX < len(answer.content) < 4 * ANSWER_MAX
    assert answer.fields() is None


def test_a_provider_that_drips_is_not_waited_for_for_ever() -> None:
    async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n")
        let_pass(SEND_MAX_S)
        gone = asyncio.ensure_future(reader.read())
        while not gone.done():
            writer.write(b"X-Drip: 1\r\n")
            await asyncio.wait({gone}, timeout=0.05)
        gone.exception()
        writer.close()

    assert isinstance(talking(drips), Ambiguous)


def test_who_hangs_up_before_the_answer_may_have_read_it() -> None:
    async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    assert isinstance(talking(hangs_up), Ambiguous)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "http://",
        "http://[",
        "http://a b/",
        "ftp://a/",
        "http://\udcff/",
        f"http://{'a' * 64}.test/",
    ],
)
def test_what_is_no_address_is_refused_for_good(url: str) -> None:
    async def story() -> None:
        http = Http()
        assert isinstance(await http.talk().post(url, b""), (Permanent, Retryable))
        await http.close()

    play(story)


def test_a_header_that_cannot_be_sent_is_refused_for_good() -> None:
    async def story() -> None:
        http = Http()
        found = await http.talk().post("http://127.0.0.1:1/", b"", {"X": "a\r\nY: b"})
        assert isinstance(found, (Permanent, Retryable))
        await http.close()

    play(story)
