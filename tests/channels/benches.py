"""Each channel and the provider it speaks to, side by side, for the tests all channels pass.

A channel joins by one line in `BENCHES` under the provider's name in the simulator's registry.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from telephones import MOBILE, TELEPHONES

from yikao_alerts.channels.bark import Bark
from yikao_alerts.channels.channel import Channel, OutgoingPage
from yikao_alerts.channels.dingtalk import DingTalk
from yikao_alerts.channels.feishu import Feishu
from yikao_alerts.channels.http import Http
from yikao_alerts.channels.ntfy import Ntfy
from yikao_alerts.channels.outcome import Outcome
from yikao_alerts.channels.webhook import Webhook
from yikao_alerts.channels.wecom import WeCom, WeComApp
from yikao_sim.providers.certificates import server_tls
from yikao_sim.providers.door import Door
from yikao_sim.providers.faults import Mischief, parse_fault
from yikao_sim.providers.provider import Setup
from yikao_sim.providers.registry import PROVIDERS
from yikao_sim.providers.server import serving
from yikao_sim.providers.wecom import AGENT_ID, CORP_ID

SECRET: Final = b"a secret that only the two know\n"
LINK: Final = "http://127.0.0.1:1/p/token"
BODY: Final = "【红】医靠 #7 待处理，已等 3 分钟。"
SEND_MAX_S: Final = 10.0
STORY_MAX_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Bench:
    """How a channel is made for a provider at a base address, and how a contact there is written.

    names_recipients: the provider can agree and yet list the recipient as refused.
    """

    channel: Callable[[str, Http], Channel]
    address: Callable[[str], str]
    names_recipients: bool = False
    setup: Setup = field(default_factory=lambda: Setup(secret=SECRET))


WORD: Final = SECRET.decode()

BENCHES: Final = {
    **{
        name: Bench(made, lambda _: MOBILE, names_recipients=True)
        for name, made in TELEPHONES.items()
    },
    "bark": Bench(lambda _, http: Bark(http), lambda base: f"{base}/wangwangwang"),
    "dingtalk": Bench(
        lambda _, http: DingTalk({"wang": WORD}, http),
        lambda base: f"{base}/robot/send?access_token=wang",
    ),
    "feishu": Bench(
        lambda _, http: Feishu({"wang": WORD}, http),
        lambda base: f"{base}/open-apis/bot/v2/hook/wang",
    ),
    "wecom": Bench(
        lambda base, http: WeCom(WeComApp(CORP_ID, AGENT_ID, WORD, base), http),
        lambda _: "wang",
        names_recipients=True,
    ),
    "ntfy": Bench(
        lambda base, http: Ntfy(base, WORD.strip(), http), lambda base: f"{base}/dr-wang"
    ),
    "webhook": Bench(lambda _, http: Webhook(SECRET, http), lambda base: f"{base}/dr-wang"),
}


@dataclass(slots=True)
class Line:
    """An open line: the real channel, and the door of its provider."""

    door: Door
    channel: Channel
    address: str

    async def send(self, number: int = 1, attempt: int = 1, body: str = BODY) -> Outcome:
        """Send a page; the same number is the same page."""
        page = OutgoingPage(UUID(int=number), 7, self.address, "zh", body, LINK, attempt)
        return await self.channel.send(page)


@asynccontextmanager
async def line(
    name: str,
    fault: str | None = None,
    times: int | None = 1,
    *,
    tls: bool = False,
    base: str | None = None,
    setup: Setup | None = None,
) -> AsyncIterator[Line]:
    """Open a line to a provider that makes this fault so many times.

    base: the channel calls elsewhere. setup: what the provider knows, if it is another.
    """
    bench = BENCHES[name]
    mischief = Mischief(parse_fault(fault) if fault else None, times)
    door = Door(PROVIDERS[name](setup or bench.setup), mischief)
    shown = server_tls(mischief) if tls else None
    trust = ssl.create_default_context(cadata=shown.authority_pem) if shown else None
    http = Http(SEND_MAX_S, trust)
    async with serving("127.0.0.1", 0, door, shown.context if shown else None) as here:
        where = base or here
        try:
            yield Line(door, bench.channel(where, http), bench.address(where))
        finally:
            await http.close()


def let_pass(seconds: float) -> None:
    """Let the running loop believe that so much time has passed."""
    loop = asyncio.get_running_loop()
    before = loop.time
    loop.time = lambda: before() + seconds  # type: ignore[method-assign]
