"""The page of a home for tests: a real household on a real outbox, served from a thread."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, TypeVar
from uuid import uuid4

from fix_feed import BROWSER_TIMEOUT_MS
from gateway_parts import CUFF, METER, NOW, outbox_in
from playwright.sync_api import Browser, BrowserContext

from yikao_devices import wire
from yikao_gateway.household.alarms import Alarms
from yikao_gateway.household.prompts import Prompts
from yikao_gateway.household.station import Station
from yikao_gateway.page.household import Household
from yikao_gateway.page.http import Request, Response
from yikao_gateway.page.routes import Pages
from yikao_gateway.page.server import serving
from yikao_gateway.settings_values import PageAddress
from yikao_gateway.store.outbox import Outbox
from yikao_gateway.visits.known_devices import KnownDevice, KnownDevices
from yikao_gateway.visits.pairing_mode import PairingMode

GATEWAY = "gw-0001"
START_MAX_S = 10.0
LOOPBACK = PageAddress(ip_address("127.0.0.1"), 0)
T = TypeVar("T")
Visit = Callable[..., BrowserContext]


@dataclass
class Times:
    """Both clocks, moved by hand."""

    now: datetime = NOW
    monotonic_s: float = 1000.0

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.monotonic_s += seconds


@dataclass
class PageHome:
    """A household and its page, without a socket."""

    outbox: Outbox
    household: Household
    pages: Pages
    times: Times
    said: list[dict[str, Any]]
    woken: list[datetime] = field(default_factory=list)

    def gets(self, path: str, **headers: str) -> Response:
        return self.pages.answer(Request("GET", path, headers))

    def posts(self, path: str, **form: str | tuple[str, ...]) -> Response:
        fields = {key: (text,) if isinstance(text, str) else text for key, text in form.items()}
        return self.pages.answer(Request("POST", path, {}, fields))

    def seen(self, path: str = "/") -> str:
        return self.gets(path).body.decode()

    def items(self) -> list[wire.Item]:
        return [wire.decode_item(row.payload) for row in self.outbox.waiting(100)]

    def prompted(
        self,
        minutes: float = 15,
        do: Literal["measure_again", "show"] = "measure_again",
        device: str = CUFF,
        zh: str = "请现在再量一次血压，隔1分钟再量第二次。如有不适请拨打120。",
        en: str = "Measure your blood pressure now, and a second time a minute later.",
    ) -> wire.Command:
        until = self.times.now + timedelta(minutes=minutes)
        command = wire.Command(uuid4(), do, device, zh, en, until)
        self.household.prompts.receive(wire.encode(command))
        return command

    def has_read(self, *, problem: str | None = None, battery_low: bool = False) -> None:
        """Remember a cuff, with what is wrong with it, and a meter, with which all is well."""
        cuff = KnownDevice(CUFF, "beurer-bm85", {}, None, problem, battery_low)
        meter = KnownDevice(METER, "generic-meter", {"model": "ContourNext"}, 8, None, False)
        self.household.devices.note(meter, self.times.now - timedelta(days=1, hours=2))
        self.household.devices.note(cuff, self.times.now - timedelta(minutes=8))


@contextmanager
def page_home(folder: Path, language: str = "zh", *, station: bool = False) -> Iterator[PageHome]:
    times, said, woken = Times(), [], []
    with outbox_in(folder) as outbox:
        database = outbox._database
        household = Household(
            GATEWAY,
            "0.1.0",
            outbox,
            KnownDevices(database),
            Prompts("zh", lambda: times.now, said.append, database),
            Alarms(GATEWAY, outbox, lambda: times.now),
            PairingMode(),
            lambda: times.now,
            lambda: times.monotonic_s,
            lambda: woken.append(times.now),
            Station(database, lambda: times.now) if station else None,
        )
        yield PageHome(outbox, household, Pages(household, language), times, said, woken)


class Served:
    """A page at `url`, served from a thread of its own; `do` works on the home in that thread."""

    def __init__(self, folder: Path, language: str = "zh", *, station: bool = False) -> None:
        self.url = ""
        self._folder, self._language, self._station = folder, language, station
        self._ready, self._over = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self) -> "Served":
        self._thread.start()
        assert self._ready.wait(START_MAX_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def do(self, work: Callable[[PageHome], T]) -> T:
        async def run() -> T:
            return work(self._home)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(START_MAX_S)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        with page_home(self._folder, self._language, station=self._station) as self._home:
            async with serving(self._home.pages, LOOPBACK, anywhere=False) as port:
                self.url = f"http://127.0.0.1:{port}"
                self._ready.set()
                await self._over.wait()


@contextmanager
def windows(browser: Browser, url: str, *, height: int) -> Iterator[Visit]:
    """Make windows of a browser that looks at a page: `make(width=390)`."""
    contexts: list[BrowserContext] = []

    def make(width: int = 1024, height: int = height, **options: object) -> BrowserContext:
        context = browser.new_context(
            base_url=url,
            viewport={"width": width, "height": height},
            **options,  # type: ignore[arg-type]
        )
        context.set_default_timeout(BROWSER_TIMEOUT_MS)
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
