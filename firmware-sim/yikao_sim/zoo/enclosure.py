"""Where a persona is met: an air of its own on a socket, visit after visit, and a verdict."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from yikao_devices.wire import Item
from yikao_sim.air.link import AirLink
from yikao_sim.air.server import AirServer
from yikao_sim.zoo.gateway import Child, Command, Run, run
from yikao_sim.zoo.judge import judge
from yikao_sim.zoo.notation import show
from yikao_sim.zoo.persona import Persona, Site, Specimen, Visit
from yikao_sim.zoo.taken import Taken, moment
from yikao_sim.zoo.words import Words

WAKE_ANYWAY_S = 15.0
"""A device measures when somebody listens; for a gateway that never does, after so long."""
LINK_DOWN_MAX_S = 5.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one persona. faults: empty when it passed. came: every item, as text."""

    persona: Persona
    faults: tuple[Words, ...]
    came: tuple[str, ...]
    stray_lines: int
    seconds: float

    @property
    def passed(self) -> bool:
        return not self.faults


async def meet(persona: Persona, command: Command, limit_s: float) -> Verdict:
    """Run the gateway against `persona`, visit by visit, and judge it; stops at the first that
    fails, for what follows would judge a home in disorder."""
    began_s = time.monotonic()
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="zoo-")))
        enclosure = Enclosure(persona, folder)
        stack.push_async_callback(enclosure.close)
        await enclosure.open()
        faults: list[Words] = []
        for number, visit in enumerate(persona.visits, 1):
            found = await enclosure.visit(visit, command, limit_s)
            faults = [_of_visit(number, fault) for fault in found]
            if faults:
                break
    return Verdict(
        persona,
        tuple(faults),
        tuple(map(show, enclosure.items)),
        enclosure.stray_lines,
        time.monotonic() - began_s,
    )


def _of_visit(number: int, fault: Words) -> Words:
    return Words(f"第 {number} 次：{fault.zh}", f"visit {number}: {fault.en}")


def _now() -> datetime:
    return datetime.now().astimezone()


class Enclosure:
    """One persona on an air; `open`, then visits, then `close`."""

    def __init__(self, persona: Persona, folder: Path) -> None:
        self._folder = folder
        self._when: dict[Taken, datetime] = {}
        self._left: datetime | None = None
        self._air = AirLink()
        self._server = AirServer(self._air)
        zone = _now().tzinfo
        assert zone is not None, "astimezone gives a zone"
        self._specimen: Specimen = persona.species.put(Site(self._air, _now, zone))
        self._carried: list[Item] = []
        self._before: list[Item] = []
        self.items: list[Item] = []
        self.stray_lines = 0

    @property
    def _socket(self) -> Path:
        return self._folder / "air"

    async def open(self) -> None:
        await self._specimen.peripheral.power_on()
        await self._server.start(f"unix:{self._socket}")

    async def close(self) -> None:
        await self._server.close()
        await self._specimen.peripheral.power_off()

    async def visit(self, visit: Visit, command: Command, limit_s: float) -> list[Words]:
        """Let the gateway come once; return what was wrong."""
        specimen, peripheral = self._specimen, self._specimen.peripheral
        self._take(visit.takes)
        for change in visit.changes:
            await change(specimen)
        links_before = peripheral.links_taken
        self._air.listened.clear()
        waking = asyncio.create_task(self._wake_when_heard())
        words = command.filled(self._socket, self._folder / "state", visit.passkey)
        try:
            ended = await run(words, self._folder, limit_s, lambda c: self._watch(c, visit))
        finally:
            waking.cancel()
            await self._calm_down()
        return self._judge(visit, ended, peripheral.links_taken - links_before, limit_s)

    def _take(self, takes: Sequence[Taken]) -> None:
        now = _now()
        for taken in takes:
            at = self._when[taken] = moment(taken, now)
            # Else it would be dated by a clock that was set only later.
            assert self._left is None or at >= self._left, f"{taken} was not taken since"
            self._specimen.take(taken, at)

    def _watch(self, child: Child, visit: Visit) -> None:
        """Kill the gateway when so many records were sent, where the visit says so."""

        def on_sent(records: int) -> None:
            if visit.killed_after is not None and records >= visit.killed_after:
                child.kill()

        self._specimen.peripheral.on_sent = on_sent

    async def _wake_when_heard(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WAKE_ANYWAY_S):
                await self._air.listened.wait()
        self._specimen.wake()

    async def _calm_down(self) -> None:
        """Wait until the device has noticed that the gateway is gone, and switch its radio off."""
        peripheral = self._specimen.peripheral
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINK_DOWN_MAX_S):
                while peripheral.link is not None:
                    await asyncio.sleep(0.01)
        peripheral.stop_advertising()
        await peripheral.settled()
        self._left = _now().replace(microsecond=0)

    def _judge(self, visit: Visit, ended: Run, links: int, limit_s: float) -> list[Words]:
        items = [*self._carried, *ended.printed.items]
        self.items += ended.printed.items
        self.stray_lines += ended.printed.stray
        if visit.interrupted:
            self._carried = items
            return [] if visit.killed_after is not None else _ending(ended, limit_s)
        faults = _ending(ended, limit_s)
        faults += [
            Words(f"是 JSON 而不是项目：{line}", f"JSON that is no item: {line}")
            for line in ended.printed.misshapen
        ]
        if links > visit.links_max:
            faults.append(Words(f"连接了 {links} 次：死循环", f"connected {links} times: a loop"))
        faults += judge(visit.expects, items, self._before, self._when)
        self._before += items
        self._carried = []
        return faults


def _ending(ended: Run, limit_s: float) -> list[Words]:
    last = repr(ended.last_words)
    if ended.code is None:
        return [
            Words(
                f"{limit_s:g} 秒后仍未结束，已强行停止；最后一句：{last}",
                f"not ended after {limit_s:g} s, stopped; its last words: {last}",
            )
        ]
    if ended.code:
        return [Words(f"以 {ended.code} 结束：{last}", f"ended with code {ended.code}: {last}")]
    return []
