"""The bad manners of simulated devices: each shows on the air, and costs who ignores it."""

import struct
from datetime import timedelta

import pytest
from stage import CUFF, METER, NOON, Gateway, Stage, eventually, on_air

from yikao_devices import gatt, racp
from yikao_devices.date_time import current_time_of, encode_current_time
from yikao_gateway.radio.errors import DeadlinePassed, DeviceGone, PairingRefused, ProtocolError
from yikao_gateway.radio.ports import Link
from yikao_sim.device_clock import CHINA
from yikao_sim.peripherals.cuff import CuffBehaviour
from yikao_sim.peripherals.glucometer import MeterBehaviour
from yikao_sim.peripherals.manners import ClockPlace, Manners
from yikao_sim.zoo.changes import be_busy_for, close_pairing, give_up_after, go_deaf_once
from yikao_sim.zoo.persona import Site, Species, Specimen
from yikao_sim.zoo.species import ADDRESS, Body, CuffKind, MeterKind
from yikao_sim.zoo.taken import Pressure, Sugar, Taken, moment

CONTROL = gatt.RECORD_ACCESS_CONTROL_POINT
PRESSURES = (Pressure(20, 130, 80, 70), Pressure(10, 140, 90, 75))
SUGARS = (Sugar(20, 5.5), Sugar(10, 6.6))


def cuff(manners: Manners, clock_off_s: float = 0.0) -> CuffKind:
    body = Body("CUFF", gatt.BLOOD_PRESSURE_SERVICE, manners=manners, clock_off_s=clock_off_s)
    return CuffKind(body)


async def put(stage: Stage, species: Species, *takes: Taken) -> Specimen:
    """Return a specimen that stands on the stage's air, awake, with `takes` in its memory."""
    specimen = species.put(Site(stage.air.link, lambda: NOON, CHINA))
    await specimen.peripheral.power_on()
    for taken in takes:
        specimen.take(taken, moment(taken, NOON))
    specimen.wake()
    await specimen.peripheral.settled()
    return specimen


async def met(stage: Stage, *, pair: bool = True, state: str = "gateway") -> tuple[Gateway, Link]:
    """Return a gateway, with a link to the specimen on the stage's air."""
    gateway = await stage.gateway(state)
    return gateway, await gateway.connect(ADDRESS, pair=pair)


async def met_meter(stage: Stage) -> tuple[Gateway, Link]:
    """Return the same, subscribed to all that a meter needs."""
    gateway, link = await met(stage)
    for char in (METER, CONTROL):
        await link.subscribe(char)
    return gateway, link


async def asked(gateway: Gateway, link: Link, request: racp.Request) -> bytes:
    """Return the answer of a meter to `request`."""
    answers = len(gateway.values(CONTROL))
    await link.write(CONTROL, racp.encode_request(request))
    return (await gateway.receives(CONTROL, answers + 1))[-1]


@on_air()
async def test_who_explores_before_bonding_loses_the_link(stage):
    await put(stage, cuff(Manners(bond_first=True)))
    with pytest.raises(DeviceGone):
        await met(stage, pair=False)
    await met(stage, pair=True)


@on_air()
async def test_who_does_not_bond_in_time_loses_the_link(stage):
    await put(stage, cuff(Manners(unbonded_max_s=0.3)), *PRESSURES)
    _, link = await met(stage, pair=False)
    await link.disconnected.wait()


@on_air()
async def test_who_bonds_in_time_keeps_it(stage):
    specimen = await put(stage, cuff(Manners(unbonded_max_s=0.3)), *PRESSURES)
    gateway, link = await met(stage, pair=True)
    await link.subscribe(CUFF)
    assert len(await gateway.receives(CUFF, 2)) == 2
    assert specimen.peripheral.links_taken == 1


@on_air()
async def test_who_subscribes_too_soon_after_exploring_hears_nothing(stage):
    specimen = await put(stage, cuff(Manners(settle_s=30)), *PRESSURES)
    gateway, link = await met(stage)
    await link.subscribe(CUFF)
    assert specimen.peripheral.startled
    # What it would have sent has had a whole exchange to come.
    await link.read(gatt.BATTERY_LEVEL)
    assert gateway.values(CUFF) == []


@on_air()
async def test_outside_its_pairing_mode_a_device_lets_nobody_pair(stage):
    specimen = await put(stage, CuffKind())
    await close_pairing(specimen)
    with pytest.raises(PairingRefused):
        await met(stage)


@on_air()
async def test_a_deaf_device_holds_the_link_and_never_answers(stage):
    specimen = await put(stage, CuffKind())
    await go_deaf_once(specimen)
    gateway = await stage.gateway()
    with pytest.raises(DeadlinePassed):
        await gateway.connect(ADDRESS, pair=False, deadline_s=0.5)
    await gateway.connect(ADDRESS, pair=False)


NOW = encode_current_time(current_time_of(NOON.astimezone(CHINA)))


@on_air()
async def test_an_omron_hangs_up_on_who_sets_its_clock_at_once(stage):
    specimen = await put(stage, cuff(Manners(ClockPlace.OMRON), clock_off_s=-1200))
    _, link = await met(stage)
    with pytest.raises(DeviceGone):
        await link.write(gatt.CURRENT_TIME, NOW)
        await link.read(gatt.BATTERY_LEVEL)
    assert specimen.peripheral.clock.offset_s == -1200


@on_air()
async def test_an_omron_takes_the_time_once_it_has_told_its_own(stage):
    specimen = await put(stage, cuff(Manners(ClockPlace.OMRON), clock_off_s=-1200))
    gateway, link = await met(stage)
    await link.subscribe(gatt.CURRENT_TIME)
    (told,) = await gateway.receives(gatt.CURRENT_TIME, 1)
    assert told[4:6] == bytes((11, 40))
    await link.write(gatt.CURRENT_TIME, NOW)
    assert specimen.peripheral.clock.offset_s == 0


@on_air()
async def test_a_clock_may_be_for_reading_only_among_the_records_or_nowhere(stage):
    found = {}
    for place in (ClockPlace.READ_ONLY, ClockPlace.DATE_TIME, ClockPlace.NONE):
        body = Body("METER", gatt.GLUCOSE_SERVICE, manners=Manners(place))
        specimen = await put(stage, MeterKind(body))
        gateway, link = await met(stage, state=place.name)
        found[place] = link.characteristics() & {gatt.CURRENT_TIME, gatt.DATE_TIME}
        if place is ClockPlace.READ_ONLY:
            with pytest.raises(ProtocolError):
                await link.write(gatt.CURRENT_TIME, NOW)
        await gateway.radio.stop()
        await specimen.peripheral.power_off()
    assert found == {
        ClockPlace.READ_ONLY: {gatt.CURRENT_TIME},
        ClockPlace.DATE_TIME: {gatt.DATE_TIME},
        ClockPlace.NONE: frozenset(),
    }


def numbers(frames: list[bytes]) -> list[int]:
    return [struct.unpack_from("<H", frame, 1)[0] for frame in frames]


@on_air()
async def test_a_meter_that_counts_down_calls_its_newest_record_zero(stage):
    await put(stage, MeterKind(behaviour=MeterBehaviour(counts_down=True)), *SUGARS)
    gateway, link = await met_meter(stage)
    await asked(gateway, link, racp.report_all())
    assert numbers(gateway.values(METER)) == [1, 0]


@on_air()
async def test_a_meter_that_knows_all_or_nothing_refuses_a_part(stage):
    await put(stage, MeterKind(behaviour=MeterBehaviour(only_all=True)), *SUGARS)
    gateway, link = await met_meter(stage)
    refused = await asked(gateway, link, racp.report_from(2))
    assert refused[3] == racp.Outcome.OPERATOR_NOT_SUPPORTED
    assert (await asked(gateway, link, racp.report_all()))[3] == racp.Outcome.SUCCESS


@on_air()
async def test_a_busy_meter_refuses_a_request_and_takes_the_next(stage):
    specimen = await put(stage, MeterKind(), *SUGARS)
    await be_busy_for(1)(specimen)
    gateway, link = await met_meter(stage)
    with pytest.raises(ProtocolError) as refused:
        await asked(gateway, link, racp.report_all())
    assert refused.value.att_code == racp.ATT_PROCEDURE_IN_PROGRESS
    assert (await asked(gateway, link, racp.report_all()))[3] == racp.Outcome.SUCCESS


@pytest.mark.parametrize(
    "outcome", [racp.Outcome.PROCEDURE_NOT_COMPLETED, racp.Outcome.SUCCESS], ids=str
)
def test_a_meter_may_end_its_report_early_once(outcome, short_tmp):
    @on_air()
    async def story(stage: Stage) -> None:
        specimen = await put(stage, MeterKind(), *SUGARS)
        await give_up_after(1, outcome)(specimen)
        gateway, link = await met_meter(stage)
        assert (await asked(gateway, link, racp.report_all()))[3] == outcome
        assert numbers(gateway.values(METER)) == [1]
        await asked(gateway, link, racp.report_all())
        assert numbers(gateway.values(METER)) == [1, 1, 2]

    story(short_tmp)


@on_air()
async def test_an_eager_meter_tells_its_newest_record_before_it_is_subscribed(stage):
    specimen = await put(stage, MeterKind(behaviour=MeterBehaviour(eager=True)), *SUGARS)
    said: list[bytes] = []
    blurt = specimen.peripheral.blurt

    async def overheard(characteristic, value):
        said.append(value)
        await blurt(characteristic, value)

    specimen.peripheral.blurt = overheard
    await met(stage)
    await eventually(lambda: said != [])
    assert numbers(said) == [2]


@on_air()
async def test_a_cuff_may_send_its_newest_record_first_and_forgets_what_it_sent(stage):
    kind = CuffKind(behaviour=CuffBehaviour(newest_first=True))
    specimen = await put(stage, kind, *PRESSURES)
    gateway, link = await met(stage)
    await link.subscribe(CUFF)
    await link.disconnected.wait()
    assert [frame[1] for frame in gateway.values(CUFF)] == [140, 130]
    assert specimen.cuff.stored == 0


@on_air()
async def test_a_device_can_advertise_its_name_alone(stage):
    await put(stage, CuffKind(Body("X2 Smart+", None)))
    gateway = await stage.gateway()
    heard = await gateway.hears(ADDRESS)
    assert (heard.name, heard.services) == ("X2 Smart+", frozenset())


def test_a_measurement_was_taken_so_many_minutes_before():
    assert moment(Pressure(90, 120, 80), NOON) == NOON - timedelta(minutes=90)
