"""Two radios on one gateway: each device has its own, nobody is visited by both at once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from agent_scene import ANY, PACE, Watch, make_watch, watching
from gateway_parts import outbox_in
from stage import Stage, on_air

from yikao_gateway.radio.errors import RadioSpecError
from yikao_gateway.radio.open import open_radios
from yikao_gateway.radio.ports import Advertisement
from yikao_gateway.visits.agent import BETTER_DB
from yikao_gateway.visits.choice import Choice
from yikao_sim.air.server import AirServer

OFTEN = replace(PACE, reread_s=0.1)
METER = "C4:1D:00:00:00:2A"


@contextlib.asynccontextmanager
async def second_socket(stage: Stage) -> AsyncIterator[tuple[str, AirServer]]:
    """A second controller on the same air; gives what to write as `radio`."""
    server = AirServer(stage.air.link)
    await server.start(f"unix:{stage.folder}/b")
    try:
        yield f"{stage.spec},unix:{stage.folder}/b", server
    finally:
        await server.close()


def links_at_once(stage: Stage) -> Callable[[], int]:
    """Return what tells how many links the busiest device ever had at once."""
    most = 0
    for home in stage.air.homes.values():
        for device in home.devices().values():
            up: set[object] = set()

            def on_link(link: object, up: set[object] = up) -> None:
                nonlocal most
                up.add(link)
                most = max(most, len(up))
                link.on("disconnection", lambda _: up.discard(link))  # type: ignore[attr-defined]

            device.peripheral.device.on("connection", on_link)
    return lambda: most


@on_air(homes=4)
async def test_each_device_is_read_once_by_the_radio_that_bonded_with_it(stage: Stage) -> None:
    most = links_at_once(stage)
    async with second_socket(stage) as (spec, _), watching(stage, ANY, OFTEN, spec=spec) as watch:
        for round_ in (1, 2):
            for home in stage.air.homes.values():
                await stage.air.measure_glucose(home, 5.0 + round_)
                await stage.air.measure_blood_pressure(home, 130 + round_, 80, 70)
            await watch.until(lambda done=8 * round_: watch.outbox.counts().open == done)  # type: ignore[misc]
        first, second = [await visitor.radio.bonded() for visitor in watch.visitors]
        assert first
        assert second
        assert not first & second
        assert len(first | second) == 8
        assert {visit.problem for _, visit in watch.visits} == {None}
        assert most() == 1


@on_air()
async def test_one_radio_is_lost_and_the_other_goes_on(stage: Stage) -> None:
    async with second_socket(stage) as (spec, server):
        with outbox_in(stage.folder) as outbox:
            watch = make_watch(stage, outbox, ANY, spec=spec)
            listening = asyncio.create_task(watch.agent.listen_for_ever())
            lost = f"unix:{stage.folder}/b"
            await watch.until(lambda: len(watch.troubles) == 2)
            await server.close()
            await watch.until(lambda: ("radio_unavailable", lost, True) in watch.troubles)
            await stage.air.measure_blood_pressure(stage.home, 131, 80, 70)
            await watch.until(lambda: outbox.counts().open == 1)
            listening.cancel()
            await asyncio.wait({listening})


@contextlib.asynccontextmanager
async def two_ears(stage: Stage) -> AsyncIterator[Watch]:
    """An agent with two radios, that is not listening by itself."""
    with outbox_in(stage.folder) as outbox:
        yield make_watch(
            stage, outbox, Choice({}, only_listed=False), PACE, spec="sim:unix:a,unix:b"
        )


def heard(rssi: int | None) -> Advertisement:
    return Advertisement(METER, "GL", frozenset({0x1808}), rssi)


@pytest.mark.parametrize(
    ("near", "far", "who"),
    [(-50, -50 - BETTER_DB, "near"), (-50, -51, "far"), (None, None, "far")],
)
def test_the_radio_that_hears_a_device_clearly_better_visits_it(
    near: int | None, far: int | None, who: str, short_tmp: object
) -> None:
    @on_air()
    async def story(stage: Stage) -> None:
        async with two_ears(stage) as watch:
            ear, other = watch.agent._ears
            ear.hear(heard(near), watch.agent._monotonic())
            watch.agent._hear(other, heard(far))
            watch.agent._hear(ear, heard(near))
            assert [ear.has(METER), other.has(METER)] == [who == "near", who == "far"]

    story(short_tmp)


@on_air()
async def test_a_device_in_the_line_of_a_busy_radio_goes_to_an_idle_one(stage: Stage) -> None:
    async with two_ears(stage) as watch:
        busy, idle = watch.agent._ears
        busy.visiting = "C4:1D:00:00:00:01"
        watch.agent._hear(busy, heard(-50))
        assert busy.has(METER)
        watch.agent._hear(idle, heard(-60))
        assert [busy.has(METER), idle.has(METER)] == [False, True]
        watch.agent._hear(busy, heard(-50))
        assert [busy.has(METER), idle.has(METER)] == [False, True]


@on_air()
async def test_a_device_bonded_with_one_radio_is_no_business_of_the_other(stage: Stage) -> None:
    async with two_ears(stage) as watch:
        other, mine = watch.agent._ears
        mine.bonded = frozenset({METER})
        watch.agent._hear(other, heard(-30))
        assert watch.agent.idle
        watch.agent._hear(mine, heard(-80))
        assert mine.has(METER)


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        ("bluez", ["bluez"]),
        ("bluez:hci1", ["hci1"]),
        ("bluez:hci0,hci1", ["hci0", "hci1"]),
        ("sim:unix:/a,unix:/b", ["unix:/a", "unix:/b"]),
        ("sim:unix:/a,tcp:localhost:4", ["unix:/a", "tcp:localhost:4"]),
    ],
)
def test_a_setting_names_several_radios(spec: str, names: list[str], tmp_path: object) -> None:
    async def story() -> list[str]:
        return [radio.name for radio in open_radios(spec, tmp_path)]  # type: ignore[arg-type]

    assert asyncio.run(story()) == names


@pytest.mark.parametrize(
    "spec",
    ["bluez:hci0,hci0", "bluez:hci0,", "bluez:usb0", "sim:unix:/a,unix:/a", "sim:unix:/a,udp:b"],
)
def test_the_same_radio_twice_or_none_is_refused(spec: str, tmp_path: object) -> None:
    with pytest.raises(RadioSpecError, match="hci0,hci1"):
        open_radios(spec, tmp_path)  # type: ignore[arg-type]
