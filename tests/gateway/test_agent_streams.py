"""A strap streams for hours, and a cuff is awake for seconds: both are read by one radio."""

import pytest
from agent_scene import ANY, make_watch, watching
from gateway_parts import outbox_in
from stage import Stage, address, eventually, on_air, sent

from yikao_devices import gatt
from yikao_devices.heart_rate import Contact, HeartRate
from yikao_devices.minutes import SAMPLES_MIN
from yikao_devices.models import GENERIC_CUFF, GENERIC_METER, GENERIC_SCALE, GENERIC_STRAP
from yikao_gateway.radio.ports import Advertisement
from yikao_gateway.visits.choice import Bonding, Choice, Listed, Target
from yikao_sim.home import Outfit
from yikao_sim.peripherals.store import RecorderBehaviour
from yikao_sim.peripherals.strap import StrapBehaviour

HERS = "C4:1D:00:00:00:09"
QUICK_S = 0.01
BEATS = HeartRate(72, Contact.YES)
WITH_STRAP = Outfit(meter=None, scale=RecorderBehaviour(), strap=StrapBehaviour(every_s=QUICK_S))


@on_air(WITH_STRAP)
async def test_a_strap_is_left_for_a_cuff_and_a_scale_and_taken_up_again(stage: Stage) -> None:
    cuff, scale, strap = stage.home.cuff, stage.home.scale, stage.home.strap
    assert cuff is not None and scale is not None and strap is not None
    async with watching(stage) as w:
        strap.put_on(BEATS)
        await sent(strap, SAMPLES_MIN * 2)
        await stage.air.measure_blood_pressure(stage.home, 150, 95, 70)
        await w.until(lambda: len(w.visits) >= 2)
        assert w.visited()[:2] == [address(strap), address(cuff)]
        assert [visit.new_items for _, visit in w.visits[:2]] == [1, 1]
        await eventually(lambda: strap.peripheral.link is not None)
        await stage.air.measure_weight(stage.home, 70.0)
        await w.until(lambda: address(scale) in w.visited())
        assert all(visit.problem is None for _, visit in w.visits)


@on_air(Outfit(cuff=None, meter=None, strap=StrapBehaviour(every_s=QUICK_S)), homes=2)
async def test_one_strap_does_not_take_the_radio_from_another(stage: Stage) -> None:
    first, second = (home.strap for home in stage.air.homes.values())
    assert first is not None and second is not None
    async with watching(stage) as w:
        first.put_on(BEATS)
        await sent(first, 2)
        second.put_on(BEATS)
        (ear,) = w.agent._ears
        await eventually(lambda: ear.has(address(second)))
        await sent(first, SAMPLES_MIN * 2)
        assert w.visits == []


@on_air(WITH_STRAP)
async def test_who_is_soon_gone_goes_first_and_what_streams_last(stage: Stage) -> None:
    with outbox_in(stage.folder) as outbox:
        (ear,) = make_watch(stage, outbox, ANY).agent._ears
        order = (GENERIC_STRAP, GENERIC_METER, GENERIC_CUFF, GENERIC_SCALE)
        for number, model in enumerate(order):
            assert ear.wanted == (number > 1)
            ear.enqueue(Target(f"C4:1D:00:00:00:0{number}", model))
        came = [(await ear.next()).model for _ in order]
        assert came == [GENERIC_CUFF, GENERIC_SCALE, GENERIC_METER, GENERIC_STRAP]


@pytest.mark.parametrize(
    ("choice", "bonded", "mode_open", "visited"),
    [
        (Choice({}, False, bonding=Bonding.LISTED), False, False, False),
        (Choice({}, False, bonding=Bonding.LISTED), True, False, True),
        (Choice({}, False, bonding=Bonding.LISTED), False, True, True),
        (Choice({HERS: Listed()}, True, bonding=Bonding.LISTED), False, False, True),
        (Choice({}, False, bonding=Bonding.ANY), False, False, True),
    ],
    ids=["a stranger", "bonded", "pairing mode", "listed", "a tool"],
)
def test_the_strap_of_somebody_who_walks_by_is_not_listened_to(
    choice: Choice, bonded: bool, mode_open: bool, visited: bool
) -> None:
    heard = Advertisement(HERS, "HRM", frozenset({gatt.HEART_RATE_SERVICE}), -50)
    target = choice.target(heard, bonded=bonded, mode_open=mode_open)
    assert (target is not None) == visited
