"""The fake phone and the real webhook channel, which are each other's other side."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from fix_sim_child import SimChild

from yikao_alerts.channels.channel import OutgoingPage
from yikao_alerts.channels.http import Http
from yikao_alerts.channels.outcome import Ambiguous, Delivered, Outcome, Permanent, Retryable
from yikao_alerts.channels.webhook import Webhook

SECRET = b"a secret that only the two know\n"
IMPATIENT_S = 0.5
"""How long this sender waits for an answer, in the tests of a provider that gives none."""

Start = Callable[..., SimChild]


@pytest.fixture
def phone(yikao_sim: Start, tmp_path: Path) -> Start:
    """Start a phone with `SECRET` and these arguments; gives it when it is ready."""
    (tmp_path / "key").write_bytes(SECRET)

    def start(*arguments: object) -> SimChild:
        fixed = ("--listen", "127.0.0.1:0", "--secret", tmp_path / "key", "--json")
        return yikao_sim("phone", *fixed, *arguments)

    return start


def page(phone_at: str, owner: str = "dr-wang", number: int = 1, attempt: int = 1) -> OutgoingPage:
    return OutgoingPage(
        page_id=UUID(int=number),
        episode_id=7,
        address=f"{phone_at}/{owner}",
        language="zh",
        body="【红】医靠 #7 待处理，已等 3 分钟。请打开链接：",
        link="http://127.0.0.1:1/p/token",
        attempt=attempt,
    )


def send(page: OutgoingPage, secret: bytes = SECRET, timeout_s: float = 10) -> Outcome:
    """Send by the real channel, once."""

    async def once() -> Outcome:
        channel = Webhook(secret, Http(timeout_s))
        try:
            return await channel.send(page)
        finally:
            await channel.close()

    return asyncio.run(once())


def ready(child: SimChild) -> str:
    return str(child.until(ready=True)["listen"])


def test_a_page_is_delivered_and_rings(phone: Start, tmp_path: Path) -> None:
    child = phone("--owner", "dr-wang=silent", "--log", tmp_path / "log")
    assert send(page(ready(child))) == Delivered("ring-1")
    rang = child.until(event="rang")
    assert (rang["owner"], rang["episode"], rang["ring"]) == ("dr-wang", 7, 1)
    assert "【红】" in rang["text"] and rang["link"] == "http://127.0.0.1:1/p/token"
    assert {"story", "real"} <= rang.keys()
    (kept,) = (tmp_path / "log").read_text("utf-8").splitlines()
    assert msgspec.json.decode(kept) == rang


def test_the_same_page_again_is_accepted_under_its_id_and_rings_no_more(phone: Start) -> None:
    child = phone()
    at = ready(child)
    assert send(page(at)) == send(page(at, attempt=2)) == Delivered("ring-1")
    assert send(page(at, number=2)) == Delivered("ring-2")
    again = child.until(event="repeated")
    assert (again["ring"], again["attempt"]) == (1, 2)
    assert child.until(event="rang")["ring"] == 2


def test_each_doctor_has_a_phone_of_their_own(phone: Start) -> None:
    child = phone()
    at = ready(child)
    assert send(page(at, "dr-wang")) == Delivered("ring-1")
    assert send(page(at, "dr-li")) == Delivered("ring-2")
    assert [child.until(event="rang")["owner"] for _ in range(2)] == ["dr-wang", "dr-li"]


@pytest.mark.parametrize(
    ("how", "outcome", "rings"),
    [
        ("500", Retryable("answered 500"), False),
        ("429:7", Retryable("answered 429", 7.0), False),
        ("refuse-200", Retryable("answered without accepting"), False),
        ("not-json", Retryable("answered something that is no JSON object"), False),
        ("redirect", Permanent("answered 302, which leads elsewhere; mend the address"), False),
        ("hang", Ambiguous("handed over, then TimeoutError"), False),
        ("reset-after-body", Ambiguous("handed over, then ReadError"), True),
    ],
)
def test_each_misbehaviour_means_what_it_should_and_the_next_attempt_arrives(
    phone: Start, how: str, outcome: Outcome, rings: bool
) -> None:
    child = phone("--misbehave", how, "--misbehave-times", 1)
    at = ready(child)
    assert send(page(at), timeout_s=IMPATIENT_S) == outcome
    assert child.until(event="misbehaved")["said"] == how
    assert send(page(at, attempt=2)) == Delivered("ring-1")
    # What rang before its answer was lost does not ring a second time.
    assert child.until(ring=1, attempt=1 if rings else 2)["event"] == "rang"
    if rings:
        assert child.until(ring=1, attempt=2)["event"] == "repeated"
    assert child.stop() == 0
    assert child.errors() == ""


def test_without_a_number_it_misbehaves_for_ever(phone: Start) -> None:
    at = ready(phone("--misbehave", "500"))
    assert [send(page(at)) for _ in range(3)] == [Retryable("answered 500")] * 3


def test_a_page_signed_with_another_secret_is_refused_for_good(phone: Start) -> None:
    child = phone()
    assert send(page(ready(child)), b"another") == Permanent("answered 401")
    assert "another secret" in child.until(event="refused")["said"]


def test_a_page_for_nobody_is_refused_for_good(phone: Start) -> None:
    child = phone("--owner", "dr-wang=silent", "dr-li=silent")
    assert send(page(ready(child), "dr-who")) == Permanent("answered 404")
    assert "dr-li, dr-wang" in child.until(event="refused")["said"]


def test_it_ends_at_once_when_told_also_while_a_caller_hangs(phone: Start) -> None:
    child = phone("--misbehave", "hang")
    assert isinstance(send(page(ready(child)), timeout_s=IMPATIENT_S), Ambiguous)
    assert child.stop() == 0
