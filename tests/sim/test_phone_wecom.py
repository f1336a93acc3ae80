"""`phone --as wecom` between the real channel and the real feed: a card and its button."""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from fix_feed import SECRET, Town, serving
from fix_sim_child import SimChild

from yikao_alerts.channels.channel import OutgoingPage
from yikao_alerts.channels.http import Http
from yikao_alerts.channels.outcome import Delivered, Outcome, Retryable
from yikao_alerts.channels.wecom import WeCom, WeComApp
from yikao_alerts.channels.wecom_seal import seal_of
from yikao_alerts.feed.settings import FeedSettings
from yikao_sim.providers.wecom import AGENT_ID, CORP_ID

TOKEN, KEY, APP_SECRET = "QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "app secret"

Start = Callable[..., SimChild]


@pytest.fixture
def callback_url(town: Town) -> Iterator[str]:
    seal = seal_of(CORP_ID, TOKEN, KEY)
    with serving(FeedSettings(town.database_url, SECRET, port=0, wecom=seal)) as url:
        yield f"{url}/callback/wecom"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, text in (("token", TOKEN), ("key", KEY), ("secret", APP_SECRET)):
        (tmp_path / name).write_text(text + "\n")
    return tmp_path


def send(base: str, authority: Path, page: OutgoingPage) -> Outcome:
    async def once() -> Outcome:
        http = Http(trust=ssl.create_default_context(cafile=authority))
        channel = WeCom(WeComApp(CORP_ID, AGENT_ID, APP_SECRET, base), http)
        try:
            return await channel.send(page)
        finally:
            await channel.close()

    return asyncio.run(once())


def wecom_page(town: Town) -> OutgoingPage:
    """Open a red episode, and let its first page go to a WeCom member."""
    town.resident("r-01", "李秀英")
    number = town.red("r-01")
    ((page_id, body, link),) = town.run(
        "UPDATE page SET channel = 'wecom', address = 'WangYi' WHERE page_id ="
        " (SELECT page_id FROM page WHERE doctor_id = 'wang' ORDER BY due_at LIMIT 1)"
        " RETURNING page_id, body, link"
    )
    return OutgoingPage(UUID(str(page_id)), number, "WangYi", "zh", body, link, 1)


def test_a_doctor_takes_it_by_the_button_of_the_card(
    yikao_sim: Start, town: Town, callback_url: str, files: Path
) -> None:
    page = wecom_page(town)
    child = yikao_sim(
        *("phone", "--listen", "127.0.0.1:0", "--json", "--as", "wecom"),
        *("--secret", files / "secret", "--tls", files / "authority.pem"),
        *("--callback", callback_url),
        *("--callback-token", files / "token", "--callback-key", files / "key"),
        *("--owner", "WangYi=answers:0", "--misbehave", "tls-expired", "--misbehave-times", 1),
    )
    base = child.until(ready=True)["listen"]
    assert base.startswith("https://")
    assert isinstance(send(base, files / "authority.pem", page), Retryable)
    assert isinstance(send(base, files / "authority.pem", page), Delivered)
    assert child.until(event="rang")["text"] == page.body
    assert child.until(event="answered")["said"] == "已由 王医生 处理"
    assert town.run("SELECT state, answered_by FROM episode") == [("answered", "wang")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--misbehave", "tls-expired"), "needs --tls"),
        (("--tls", "/nowhere/pem"), "/nowhere/pem"),
        (("--as", "wecom", "--callback", "http://127.0.0.1:1"), "go together"),
    ],
)
def test_what_does_not_go_together_is_said_at_the_start(
    yikao_sim: Start, arguments: tuple[str, ...], said: str
) -> None:
    child = yikao_sim("phone", "--listen", "127.0.0.1:0", *arguments)
    assert child.ends() == 1
    assert said in child.errors()


def test_a_callback_that_leads_away_is_not_told(yikao_sim: Start, town: Town, files: Path) -> None:
    page = wecom_page(town)
    child = yikao_sim(
        *("phone", "--listen", "127.0.0.1:0", "--json", "--as", "wecom"),
        *("--tls", files / "authority.pem", "--callback", "http://192.0.2.1/callback/wecom"),
        *("--callback-token", files / "token", "--callback-key", files / "key"),
        *("--owner", "WangYi=answers:0"),
    )
    base = child.until(ready=True)["listen"]
    assert isinstance(send(base, files / "authority.pem", page), Delivered)
    assert "away from this machine" in child.until(event="answer_failed")["said"]
