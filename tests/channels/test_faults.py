"""One suite for every channel: each fault of a provider, and what it has to mean for the page.

Never an exception, and never an acceptance by the status alone.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Final

import pytest
from benches import BENCHES, SEND_MAX_S, STORY_MAX_S, let_pass, line

from yikao_alerts.channels.kinds import DEDUPLICATES
from yikao_alerts.channels.outcome import Ambiguous, Delivered, Permanent, Retryable
from yikao_sim.providers.registry import PROVIDERS

NOT_TAKEN: Final = (Retryable, Permanent)

each_channel = pytest.mark.parametrize("name", sorted(BENCHES))


def play(story: Callable[[], Awaitable[None]]) -> None:
    """Run an async story to its end, which comes soon."""

    async def bounded() -> None:
        async with asyncio.timeout(STORY_MAX_S):
            await story()

    asyncio.run(bounded())


def test_every_provider_has_its_channel_here() -> None:
    assert sorted(BENCHES) == sorted(PROVIDERS)


@each_channel
def test_a_page_arrives_once_with_its_text_and_its_link(name: str) -> None:
    async def story() -> None:
        async with line(name) as it:
            outcome = await it.send()
            assert isinstance(outcome, Delivered) and outcome.provider_id
            (message,) = it.door.taken
            assert "#7" in message.text and message.link.startswith("http")

    play(story)


@each_channel
@pytest.mark.parametrize(
    ("fault", "outcomes"),
    [
        ("refuse-200", NOT_TAKEN),
        ("refuse-recipient", NOT_TAKEN),
        ("429", (Retryable,)),
        ("429:7", (Retryable,)),
        ("500", (Retryable,)),
        ("503", (Retryable,)),
        ("not-json", (Retryable,)),
        ("redirect", (Permanent,)),
    ],
)
def test_what_a_provider_does_not_take_is_never_delivered(
    name: str, fault: str, outcomes: tuple[type, ...]
) -> None:
    async def story() -> None:
        async with line(name, fault) as it:
            outcome = await it.send()
            assert isinstance(outcome, outcomes), outcome
            assert not it.door.taken
            if fault == "429:7":
                assert outcome == Retryable("answered 429", 7.0)
            # And the next attempt arrives.
            assert isinstance(await it.send(attempt=2), Delivered)
            assert len(it.door.taken) == 1

    play(story)


@each_channel
def test_a_refused_recipient_is_refused_for_good(name: str) -> None:
    async def story() -> None:
        async with line(name, "refuse-recipient") as it:
            outcome = await it.send()
            assert isinstance(outcome, Permanent) or not BENCHES[name].names_recipients

    play(story)


@each_channel
@pytest.mark.parametrize("fault", ["hang", "hang-after-headers", "reset-after-body"])
def test_without_an_answer_it_may_have_arrived(name: str, fault: str) -> None:
    async def story() -> None:
        async with line(name, fault) as it:
            # The provider has heard it, and the sender's time is over before it says a word.
            it.door.heard = lambda _, made: let_pass(SEND_MAX_S) if made else None
            assert isinstance(await it.send(), Ambiguous)
            assert len(it.door.taken) == (fault != "hang")
            assert isinstance(await it.send(attempt=2), Delivered)

    play(story)


@pytest.mark.parametrize("name", sorted(DEDUPLICATES & BENCHES.keys()))
def test_where_repetitions_are_known_a_lost_answer_rings_once(name: str) -> None:
    async def story() -> None:
        async with line(name, "reset-after-body", times=2) as it:
            sent = [await it.send(attempt=attempt) for attempt in (1, 2, 3)]
            assert [type(each) for each in sent] == [Ambiguous, Ambiguous, Delivered]
            assert (len(it.door.taken), it.door.counts["repeated"]) == (1, 2)

    play(story)


@each_channel
@pytest.mark.parametrize("fault", ["tls-self-signed", "tls-expired", "tls-wrong-name"])
def test_nothing_is_handed_to_whom_nobody_vouches_for(name: str, fault: str) -> None:
    async def story() -> None:
        async with line(name, fault, tls=True) as it:
            assert isinstance(await it.send(), Retryable)
            assert not it.door.taken
            assert isinstance(await it.send(attempt=2), Delivered)

    play(story)


@each_channel
def test_a_refused_connection_is_tried_again(name: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{probe.getsockname()[1]}"

        async def story() -> None:
            async with line(name, base=nobody) as it:
                assert isinstance(await it.send(), Retryable)

        play(story)


@each_channel
def test_a_token_that_expires_on_the_way_costs_no_page(name: str) -> None:
    async def story() -> None:
        async with line(name) as it:
            assert isinstance(await it.send(1), Delivered)
            it.door.provider.expire()
            assert isinstance(await it.send(2), Delivered)
            assert len(it.door.taken) == 2

    play(story)


@each_channel
def test_a_token_that_expires_under_the_page_costs_it_nothing(name: str) -> None:
    async def story() -> None:
        async with line(name, "token-expired") as it:
            assert isinstance(await it.send(), Delivered)
            assert len(it.door.taken) == 1

    play(story)


@each_channel
@pytest.mark.parametrize(
    "body", ["【红】#7 𠮷野家 🩺 \u200d", "长" * 5000, '"\\\n\t</xml>]]>{}%s&=', "🩺" * 1000]
)
def test_any_text_arrives_cut_at_most(name: str, body: str) -> None:
    async def story() -> None:
        async with line(name) as it:
            assert isinstance(await it.send(body=body), Delivered)
            (message,) = it.door.taken
            assert message.text[:3] == body[:3]

    play(story)


@each_channel
@pytest.mark.parametrize("address", ["", "http://", "no address", "http://[::1", "ftp://x/y", "\n"])
def test_an_address_that_is_none_is_refused_for_good(name: str, address: str) -> None:
    async def story() -> None:
        async with line(name) as it:
            it.address = address
            outcome = await it.send()
            assert isinstance(outcome, (Permanent, Retryable)), outcome
            assert not it.door.taken

    play(story)
