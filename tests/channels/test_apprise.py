"""Apprise's plugins of the allow-list against a service that fails in every way: none is believed
that calls a failure a success."""

import asyncio
import logging
import threading
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

import pytest
from benches import BODY, LINK

from yikao_alerts.channels.addresses import APPRISE_ALLOWED
from yikao_alerts.channels.apprise import (
    SETTINGS,
    THREADS,
    AppriseChannel,
    Notify,
    load_apprise,
    settled,
)
from yikao_alerts.channels.channel import OutgoingPage
from yikao_alerts.channels.outcome import Ambiguous, Delivered, Outcome, Permanent, Retryable
from yikao_sim.providers.door import Door
from yikao_sim.providers.faults import Mischief, parse_fault
from yikao_sim.providers.provider import Handled, Message
from yikao_sim.providers.server import serving
from yikao_sim.providers.wire import Request, Response, answer_json

pytest.importorskip("apprise")

KEYS: Final = {"pushplus": "0123456789abcdef" * 2, "wpush": "WPUSH0123456789abcdefghijklmnopq"}
KEY: Final = KEYS["pushplus"]
WORDS: Final[dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "pushplus": ({"code": 200, "msg": "ok", "data": "1"}, {"code": 903, "msg": "no such token"}),
    "wpush": ({"code": 0, "message": "ok"}, {"code": 403, "message": "no such key"}),
}
"""What each service answers when it takes a message, and when it does not, both with status 200."""


class Service:
    """A service that takes every message, in its own words."""

    def __init__(self, name: str) -> None:
        self._taken, self._refused = WORDS[name]

    def is_message(self, request: Request) -> bool:
        return True

    def handle(self, request: Request, now_s: float) -> Handled:
        message = Message("", request.body.decode(), "", "1")
        return Handled(answer_json(200, self._taken), message)

    def refusal(self) -> Response:
        return answer_json(200, self._refused)

    def recipient_refused(self, request: Request) -> Response:
        return self.refusal()

    def expire(self) -> None:
        """Lose nothing."""


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Give the allowed plugins' classes, whose `notify_url` may be moved to this machine."""
    from apprise.plugins.pushplus import NotifyPushplus
    from apprise.plugins.wpush import NotifyWPush

    classes: dict[str, Any] = {"pushplus": NotifyPushplus, "wpush": NotifyWPush}
    for plugin in classes.values():
        monkeypatch.setattr(plugin, "notify_url", plugin.notify_url)
    yield classes


def page(address: str) -> OutgoingPage:
    return OutgoingPage(UUID(int=1), 7, address, "zh", BODY, LINK, 1)


async def send(name: str, plugin: Any, fault: str | None) -> tuple[Outcome, list[Message]]:
    door = Door(Service(name), Mischief(parse_fault(fault) if fault else None, None))
    async with serving("127.0.0.1", 0, door) as base:
        plugin.notify_url = f"{base}/send"
        channel = AppriseChannel(load_apprise())
        try:
            return await channel.send(page(f"{name}://{KEYS[name]}")), list(door.taken)
        finally:
            await channel.close()


def test_every_plugin_of_the_list_is_tried_here() -> None:
    assert set(WORDS) == set(APPRISE_ALLOWED)


@pytest.mark.parametrize("name", APPRISE_ALLOWED)
def test_a_page_arrives(name: str, plugins: dict[str, Any]) -> None:
    outcome, taken = asyncio.run(send(name, plugins[name], None))
    assert isinstance(outcome, Delivered)
    assert len(taken) == 1 and "#7" in taken[0].text and LINK in taken[0].text


@pytest.mark.parametrize("name", APPRISE_ALLOWED)
@pytest.mark.parametrize(
    "fault", ["refuse-200", "429", "500", "503", "not-json", "redirect", "reset-after-body"]
)
def test_a_failure_is_never_called_a_success(
    name: str, fault: str, plugins: dict[str, Any]
) -> None:
    outcome, _ = asyncio.run(send(name, plugins[name], fault))
    assert isinstance(outcome, Ambiguous)


@pytest.mark.parametrize(
    "address", ["wecombot://key", "dingtalk://token", f"pover://{KEY}@{KEY}", "", "pushplus://"]
)
def test_what_is_not_on_the_list_is_not_even_tried(address: str) -> None:
    tried: list[str] = []

    def notify(address: str, text: str) -> bool:
        tried.append(address)
        return True

    assert isinstance(asyncio.run(AppriseChannel(notify).send(page(address))), Permanent)
    assert not tried


@pytest.mark.parametrize("address", ["pushplus://no-token", "wpush://?"])
def test_an_address_that_apprise_does_not_know_is_refused_for_good(address: str) -> None:
    assert isinstance(asyncio.run(AppriseChannel(load_apprise()).send(page(address))), Permanent)


def test_no_address_can_turn_redirects_on_or_certificates_off() -> None:
    found = settled(f"pushplus://{KEY}?verify=no&redirect=yes&rto=99&retry=9&channel=mail")
    assert "verify=yes" in found and "redirect=no" in found and "channel=mail" in found
    assert "verify=no" not in found and "redirect=yes" not in found and "=99" not in found
    assert all(f"{name}={value}" in found for name, value in SETTINGS.items())


def blocked(gate: threading.Event) -> Notify:
    def notify(address: str, text: str) -> bool:
        return gate.wait(30)

    return notify


def test_a_slow_service_fills_no_queue() -> None:
    gate = threading.Event()

    async def story() -> list[Outcome]:
        channel = AppriseChannel(blocked(gate))
        address = f"pushplus://{KEY}"
        slow = [asyncio.create_task(channel.send(page(address))) for _ in range(THREADS)]
        # Each has its thread as soon as it has begun.
        await asyncio.sleep(0)
        further = await channel.send(page(address))
        gate.set()
        outcomes = [further, *await asyncio.gather(*slow)]
        outcomes.append(await channel.send(page(address)))
        await channel.close()
        return outcomes

    further, *slow = asyncio.run(story())
    assert isinstance(further, Retryable)
    assert all(isinstance(outcome, Delivered) for outcome in slow)


def test_whoever_does_not_come_back_may_have_sent_it() -> None:
    gate = threading.Event()

    async def story() -> Outcome:
        channel = AppriseChannel(blocked(gate), timeout_s=0.1)
        try:
            return await channel.send(page(f"pushplus://{KEY}"))
        finally:
            gate.set()
            await channel.close()

    assert isinstance(asyncio.run(story()), Ambiguous)


def test_a_plugin_that_raises_is_no_success() -> None:
    def notify(address: str, text: str) -> bool:
        raise OSError(address)

    outcome = asyncio.run(AppriseChannel(notify).send(page(f"pushplus://{KEY}")))
    assert outcome == Ambiguous("handed over, then OSError")


def test_no_key_reaches_a_log(plugins: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        asyncio.run(send("pushplus", plugins["pushplus"], "500"))
    assert KEY not in caplog.text and "#7" not in caplog.text
