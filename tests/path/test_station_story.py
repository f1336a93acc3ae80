"""A station from end to end: cards are scanned in a real browser, a cuff measures on the simulated
air, gateway and server are as they are. Each reading is whose card was read before it, or nobody's.
"""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fix_feed import CHROMIUM_FLAGS
from fix_servers import require
from gateway_process import GatewayProcess
from one_gateway import PATIENCE_S, OneGateway
from playwright.async_api import Page, async_playwright, expect
from roles import kill, start_role
from stage import NOON, Stage, address

from yikao_alerts.rules import load_rules
from yikao_devices.cards import digest_of, grouped, new_number
from yikao_devices.story_clock import VARIABLE, Clock
from yikao_gateway.household.station import MEASURING_MIN
from yikao_ingest.demo.stage import free_port
from yikao_ingest.embedded.broker import EmbeddedBroker
from yikao_ingest.quarantine_release import Release
from yikao_ingest.quarantine_store import chosen
from yikao_ingest.registry import parse_registry
from yikao_ingest.registry_store import apply_registry
from yikao_ingest.settings import BROKER_URL, DATABASE_URL
from yikao_ingest.store import Store

GATEWAY, TENANT = "gw-clinic", "north"
SPEED = 10.0
"""Twenty seconds with a cuff round the arm are two of ours, and a page can be read."""
PATIENCE_MS = PATIENCE_S * 1000
LI, ZHAO = new_number(21), new_number(22)
ROOM = """
[[devices]]
address = "{cuff}"
gateway = "{gateway}"
station = true
[[cards]]
digest = "{li}"
resident = "li"
[[cards]]
digest = "{zhao}"
resident = "zhao"
"""
CLAIM = """
[[bindings]]
device = "{cuff}"
resident = "zhao"
from = {since}
until = {until}
"""
STORED = (
    "SELECT code, systolic_mmhg, place FROM reading JOIN resident USING (patient_id) ORDER BY time"
)
WAITING = "SELECT reason, count(*) FROM quarantine_open GROUP BY reason"


@dataclass
class Station(OneGateway):
    """The room: its cuff on the air, its gateway, the browser, and the server's database."""

    clock: Clock
    stage: Stage
    page: Page
    url: str
    port: int

    @property
    def cuff(self) -> str:
        return next(address(d) for kind, d in self.stage.home.devices().items() if "cuff" in kind)

    def registry(self, more: str = "") -> None:
        names = {
            "gateway": GATEWAY,
            "cuff": self.cuff,
            "li": digest_of(LI),
            "zhao": digest_of(ZHAO),
        }
        text = self.team(GATEWAY, TENANT, "li", "zhao") + ROOM.format(**names) + more
        apply_registry(self.dsn, parse_registry(text, "station.toml"))

    async def starts(self) -> None:
        """Start the gateway, and look at its page."""
        await self.gateway.start(
            {
                VARIABLE: self.clock.spec(),
                "YIKAO_GATEWAY_STATION": "true",
                "YIKAO_GATEWAY_PAGE": f"127.0.0.1:{self.port}",
            }
        )
        await self.until(
            lambda: sum("page served" in line for line in self.gateway.said) == self.gateway.starts,
            "the page is served",
        )
        await self.page.goto(f"http://127.0.0.1:{self.port}/")

    async def scans(self, text: str, says: str) -> None:
        """Type as a reader does, and wait for what the page says to it."""
        await self.page.keyboard.type(text)
        await self.page.keyboard.press("Enter")
        await expect(self.page.locator("main")).to_contain_text(says, timeout=PATIENCE_MS)

    async def sits(self) -> None:
        """Let the least time pass that a cuff needs."""
        end = self.now() + MEASURING_MIN + timedelta(seconds=5)
        await self.until(lambda: self.now() > end, "time passes")

    async def measures(self, systolic: int) -> None:
        await self.stage.air.measure_blood_pressure(self.stage.home, systolic, 80, 70)

    async def says(self, text: str) -> None:
        await expect(self.page.locator("#station h1")).to_contain_text(text, timeout=PATIENCE_MS)

    def now(self) -> datetime:
        return self.clock.at(time.time())


@asynccontextmanager
async def looked_at() -> AsyncIterator[Page]:
    """Open a window of a headless Chromium for the block."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    require(path is not None, "chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        try:
            yield await browser.new_page()
        finally:
            await browser.close()


@pytest.fixture
def server(plain_schema_url: str, short_tmp: Path) -> Iterator[Callable[[Clock, str], None]]:
    """Start a broker and ingest at the time of the story."""
    with ExitStack() as ending:

        def start(clock: Clock, url: str) -> None:
            broker = EmbeddedBroker(short_tmp / "broker", port=int(url.rpartition(":")[2]))
            ending.callback(broker.stop)
            assert broker.start() == url
            settings = {DATABASE_URL: plain_schema_url, BROKER_URL: url, VARIABLE: clock.spec()}
            ending.callback(kill, start_role("ingest", settings))

        yield start


def test_each_reading_is_whose_card_was_read_before_it(
    plain_schema_url: str, short_tmp: Path, server: Callable[[Clock, str], None]
) -> None:
    from yikao_sim.air.service import Air

    async def play() -> None:
        clock = Clock(NOON.timestamp(), time.time(), SPEED)
        url = f"mqtt://127.0.0.1:{free_port()}"
        truths: list[dict[str, Any]] = []
        stage = Stage(short_tmp, Air(lambda: clock.at(time.time()), on_truth=truths.append), truths)
        gateway = GatewayProcess(short_tmp)
        try:
            await stage.open(1)
            async with looked_at() as page:
                room = Station(gateway, plain_schema_url, clock, stage, page, url, free_port())
                room.registry()
                gateway.is_told(
                    [room.cuff], gateway=GATEWAY, tenant=TENANT, url=url, radio=stage.spec
                )
                server(clock, url)
                await story(room)
        finally:
            await gateway.close()
            await stage.close()

    asyncio.run(play())


async def story(room: Station) -> None:
    yesterday = room.now() - timedelta(days=1)
    await room.stage.air.measure_blood_pressure(
        room.stage.home, 101, 61, 60, at=yesterday, wakes=False
    )
    await room.starts()
    await room.says("请把您的卡放到扫码器前")

    await room.scans("https://u.wechat.com/kFz8x", "这不是测量卡上的码")
    await room.scans(LI, f"卡 {LI[-4:]} 已读到")
    await room.sits()
    await room.measures(128)
    await room.says("已测好")
    await room.until(lambda: room.rows(STORED) == [("li", 128, "office")], "it is Li's")
    assert room.rows(WAITING) == [("no_card", 1)], "what the cuff had stored is nobody's"

    await room.scans(grouped(ZHAO), f"卡 {ZHAO[-4:]} 已读到")
    await room.gateway.end()
    await room.starts()
    await room.says(f"卡 {ZHAO[-4:]} 已读到")
    await room.sits()
    await room.measures(142)
    await room.until(lambda: ("zhao", 142, "office") in room.rows(STORED), "a restart forgets none")

    await room.measures(136)
    await room.says("没有读卡")
    await room.until(lambda: room.rows(WAITING) == [("no_card", 2)], "without a card: nobody's")

    ((at, came),) = room.rows(
        "SELECT measured_at, received_at FROM quarantine ORDER BY measured_at DESC LIMIT 1"
    )
    since = at.replace(microsecond=0)
    until = since + timedelta(seconds=1)
    spans = {"since": since.isoformat(), "until": until.isoformat()}
    room.registry(CLAIM.format(cuff=room.cuff, **spans))
    released(room)
    assert room.rows(STORED)[-1] == ("zhao", 136, "office")
    # When it came is kept to the millisecond.
    newest = "SELECT time, received_at FROM reading ORDER BY time DESC LIMIT 1"
    in_ms = came.replace(microsecond=came.microsecond // 1000 * 1000)
    assert room.rows(newest) == [(at, in_ms)]
    assert room.rows(WAITING) == [("no_card", 1)]


def released(room: Station) -> None:
    store = Store(room.dsn)
    try:
        with psycopg.connect(room.dsn) as connection:
            groups = chosen(connection, ids=None, reason=None, device=room.cuff)
        Release(store, store.directory(), load_rules(), "nurse", room.now()).run(groups)
    finally:
        store.close()
