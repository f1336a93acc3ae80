"""An agent on the simulated air, and what it did; for the tests of the gateway's radio life."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from gateway_parts import HOME, items_of, outbox_in
from stage import NOON, Stage

from yikao_devices.wire import DeviceEvent
from yikao_gateway.radio.open import open_radios
from yikao_gateway.store.outbox import Outbox
from yikao_gateway.visits.agent import Agent
from yikao_gateway.visits.air_watch import AirWatch
from yikao_gateway.visits.attention import Pace, Watchful
from yikao_gateway.visits.choice import Choice, Target
from yikao_gateway.visits.known_devices import KnownDevices
from yikao_gateway.visits.pairing_mode import PairingMode
from yikao_gateway.visits.visit import Visit, Visitor

ANY = Choice({}, only_listed=False)
PACE = Pace(reread_s=60.0, gone_s=1.0, eager_s=0.05)
LOOK_EVERY_S = 0.05


@dataclass
class Watch:
    """What an agent did."""

    agent: Agent
    outbox: Outbox
    visitors: list[Visitor]
    pairing: PairingMode
    visits: list[tuple[str, Visit]] = field(default_factory=list)
    troubles: list[tuple[str, str, bool]] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self.news.clear()
            await self.news.wait()

    def visited(self) -> list[str]:
        return [device for device, _ in self.visits]

    def codes(self) -> list[str]:
        return [item.code for item in items_of(self.outbox) if isinstance(item, DeviceEvent)]

    def on_visit(self, target: Target, visit: Visit) -> None:
        self.visits.append((target.address, visit))
        self.news.set()

    def on_radio(self, code: str, radio: str, why: str | None) -> None:
        self.troubles.append((code, radio, why is not None))
        self.news.set()


def make_watch(
    stage: Stage,
    outbox: Outbox,
    choice: Choice,
    pace: Pace = PACE,
    *,
    spec: str | None = None,
    watch: Callable[[], AirWatch] = AirWatch,
) -> Watch:
    pairing = PairingMode()
    visitors = [
        Visitor(
            radio, outbox, KnownDevices(outbox._database), lambda: NOON.astimezone(HOME), pairing
        )
        for radio in open_radios(spec or stage.spec, stage.folder / "gateway")
    ]
    agent = Agent(
        visitors,
        choice,
        lambda: Watchful(pace),
        lambda target, visit: scene.on_visit(target, visit),
        lambda code, radio, why: scene.on_radio(code, radio, why),
        time.monotonic,
        watch,
        LOOK_EVERY_S,
    )
    scene = Watch(agent, outbox, visitors, pairing)
    return scene


@contextlib.asynccontextmanager
async def watching(
    stage: Stage,
    choice: Choice = ANY,
    pace: Pace = PACE,
    *,
    spec: str | None = None,
    watch: Callable[[], AirWatch] = AirWatch,
) -> AsyncIterator[Watch]:
    """An agent that listens until the block ends."""
    with outbox_in(stage.folder) as outbox:
        scene = make_watch(stage, outbox, choice, pace, spec=spec, watch=watch)
        listening = asyncio.create_task(scene.agent.listen())
        try:
            yield scene
        finally:
            listening.cancel()
            await asyncio.wait({listening})
