"""Sessions of the gateway's radio with simulated devices: connect, pair, read, lose the link."""

import asyncio
import logging
from dataclasses import replace
from pathlib import Path

import pytest
from stage import CUFF, METER, Stage, address, eventually, on_air

from yikao_devices import gatt
from yikao_gateway.radio.errors import (
    DeadlinePassed,
    DeviceGone,
    NoSuchCharacteristic,
    PairingRefused,
    PasskeyNeeded,
    ProtocolError,
    StaleBond,
    WrongPasskey,
)
from yikao_sim.home import Outfit
from yikao_sim.peripherals.cuff import Cuff
from yikao_sim.peripherals.pairing import parse_protection

PASSKEY = Outfit(protection=parse_protection("passkey:123456"))
LEGACY = Outfit(protection=parse_protection("just-works", legacy=True))
LEGACY_PASSKEY = Outfit(protection=parse_protection("passkey:000042", legacy=True))
UNPAIRED = Outfit(protection=parse_protection("none"))


def pairings(cuff: Cuff) -> list[object]:
    """Return a list that grows with every pairing the cuff begins."""
    begun: list[object] = []
    cuff.peripheral.device.on("pairing_start", begun.append)
    return begun


@on_air()
async def test_a_cuff_is_heard_after_a_measurement_with_name_service_and_strength(stage):
    gateway = await stage.gateway()
    await stage.air.measure_blood_pressure(stage.home, 142, 88, 71)
    heard = await gateway.hears(address(stage.home.cuff))
    assert heard.name == "YK-BP-0001"
    assert heard.services == {gatt.BLOOD_PRESSURE_SERVICE}
    assert heard.rssi is not None and -100 < heard.rssi < -20


@on_air()
async def test_a_connected_device_shows_what_it_has_and_who_it_is(stage):
    gateway = await stage.gateway()
    link = await gateway.connect(address(stage.home.meter))
    assert {METER, gatt.RECORD_ACCESS_CONTROL_POINT} <= link.characteristics()
    assert await link.read(gatt.BATTERY_LEVEL) == b"\x64"
    assert await link.read(gatt.MODEL_NUMBER) == b"YK-GL"
    assert len(await link.read(gatt.CURRENT_TIME)) == 10


@on_air()
async def test_stored_records_are_handed_over_in_order_before_the_link_is_down(stage):
    for back in range(30):
        await stage.air.measure_blood_pressure(stage.home, 120 + back, 80)
    gateway = await stage.gateway()
    link = await gateway.connect(address(stage.home.cuff))
    await link.subscribe(CUFF)
    await link.disconnected.wait()
    assert [value[1] for value in gateway.values(CUFF)] == [120 + back for back in range(30)]


@pytest.mark.parametrize("outfit", [None, LEGACY], ids=["secure", "legacy"])
def test_just_works_pairs_once_and_the_bond_serves_the_second_session(outfit, short_tmp):
    @on_air(outfit)
    async def story(stage: Stage) -> None:
        begun = pairings(stage.home.cuff)
        gateway = await stage.gateway()
        for _ in range(2):
            await stage.air.measure_blood_pressure(stage.home, 140, 90)
            link = await gateway.connect(address(stage.home.cuff))
            await link.subscribe(CUFF)
            await link.disconnected.wait()
        assert len(gateway.values(CUFF)) == 2
        assert len(begun) == 1

    story(short_tmp)


@pytest.mark.parametrize(
    ("outfit", "passkey"),
    [(PASSKEY, 123456), (LEGACY_PASSKEY, 42)],
    ids=["secure", "legacy"],
)
def test_the_right_passkey_pairs(outfit: Outfit, passkey: int, short_tmp: Path):
    @on_air(outfit)
    async def story(stage: Stage) -> None:
        gateway = await stage.gateway()
        link = await gateway.connect(address(stage.home.meter), passkey=passkey)
        assert await link.read(gatt.GLUCOSE_FEATURE)
        await link.disconnect()
        # The bond was made with the passkey; the second session needs none.
        link = await gateway.connect(address(stage.home.meter))
        assert await link.read(gatt.GLUCOSE_FEATURE)

    story(short_tmp)


@on_air(PASSKEY)
async def test_a_wrong_passkey_is_told_apart_and_the_right_one_then_works(stage):
    gateway = await stage.gateway()
    meter = address(stage.home.meter)
    with pytest.raises(WrongPasskey, match="six digits"):
        await gateway.connect(meter, passkey=654321)
    link = await gateway.connect(meter, passkey=123456)
    assert await link.read(gatt.GLUCOSE_FEATURE)


@on_air(PASSKEY)
async def test_a_missing_passkey_is_asked_for(stage):
    gateway = await stage.gateway()
    with pytest.raises(PasskeyNeeded):
        await gateway.connect(address(stage.home.meter))


@on_air()
async def test_the_bond_survives_a_new_gateway_process_with_the_same_state(stage):
    begun = pairings(stage.home.meter)
    for _ in range(2):
        gateway = await stage.gateway("kept")
        link = await gateway.connect(address(stage.home.meter))
        assert await link.read(gatt.GLUCOSE_FEATURE)
        await gateway.radio.stop()
    assert len(begun) == 1
    assert (stage.folder / "kept" / "radio-bonds.json").stat().st_mode & 0o077 == 0


@on_air()
async def test_a_refused_request_pairs_by_itself_and_is_repeated(stage):
    begun = pairings(stage.home.meter)
    gateway = await stage.gateway()
    link = await gateway.connect(address(stage.home.meter), pair=False)
    assert not begun
    assert await link.read(gatt.GLUCOSE_FEATURE)
    await link.subscribe(METER)
    assert len(begun) == 1


@on_air(UNPAIRED)
async def test_a_device_without_pairing_refuses_it_and_works_without(stage):
    gateway = await stage.gateway()
    meter = address(stage.home.meter)
    with pytest.raises(PairingRefused):
        await gateway.connect(meter)
    link = await gateway.connect(meter, pair=False)
    await link.subscribe(METER)


@on_air()
async def test_a_bond_lost_on_the_device_is_stale_until_a_person_pairs_anew(stage):
    gateway = await stage.gateway()
    meter = address(stage.home.meter)
    await (await gateway.connect(meter)).disconnect()
    await stage.home.meter.peripheral.forget_bonds()
    for _ in range(2):
        with pytest.raises(StaleBond, match="pair again"):
            await gateway.connect(meter)
    await gateway.radio.forget(meter)
    link = await gateway.connect(meter)
    assert await link.read(gatt.GLUCOSE_FEATURE)


@on_air()
async def test_an_absent_device_is_given_up_at_the_deadline_and_the_next_one_works(stage):
    gateway = await stage.gateway()
    loop = asyncio.get_running_loop()
    started_s = loop.time()
    with pytest.raises(DeadlinePassed):
        await gateway.connect("C0:00:00:00:00:99", deadline_s=0.3)
    assert loop.time() - started_s < 1.0
    assert await gateway.connect(address(stage.home.meter))


@on_air()
async def test_a_link_lost_in_mid_drain_leaves_what_arrived_and_the_rest_comes_later(stage):
    cuff = stage.home.cuff
    for back in range(20):
        await stage.air.measure_blood_pressure(stage.home, 120 + back, 80)
    cuff.peripheral.faults.drop_link_after = 7
    gateway = await stage.gateway()
    link = await gateway.connect(address(cuff))
    await link.subscribe(CUFF)
    await link.disconnected.wait()
    first = len(gateway.values(CUFF))
    assert 7 <= first < 20
    with pytest.raises(DeviceGone):
        await link.read(gatt.BATTERY_LEVEL)
    again = await gateway.connect(address(cuff))
    await again.subscribe(CUFF)
    await again.disconnected.wait()
    assert {value[1] for value in gateway.values(CUFF)} == {120 + back for back in range(20)}


@on_air()
async def test_a_characteristic_that_is_not_there_and_an_att_error_are_told_apart(stage):
    gateway = await stage.gateway()
    link = await gateway.connect(address(stage.home.meter))
    with pytest.raises(NoSuchCharacteristic):
        await link.subscribe(CUFF)
    with pytest.raises(ProtocolError) as refusal:
        await link.read(METER)
    assert refusal.value.att_code == 0x02


@on_air(homes=3)
async def test_sessions_with_several_devices_run_side_by_side(stage):
    for home in stage.air.homes.values():
        for value in (5.1, 6.2):
            await stage.air.measure_glucose(home, value)
    gateway = await stage.gateway()
    meters = [address(home.meter) for home in stage.air.homes.values()]
    links = await asyncio.gather(*(gateway.connect(each) for each in meters))
    for link in links:
        await link.subscribe(METER)
        await link.subscribe(gatt.RECORD_ACCESS_CONTROL_POINT)
    await asyncio.gather(
        *(link.write(gatt.RECORD_ACCESS_CONTROL_POINT, b"\x01\x01") for link in links)
    )
    await gateway.receives(gatt.RECORD_ACCESS_CONTROL_POINT, 3)
    assert len(gateway.values(METER)) == 6


@on_air()
async def test_a_cancelled_connect_leaves_the_radio_usable(stage):
    gateway = await stage.gateway()
    meter = address(stage.home.meter)
    attempt = asyncio.create_task(gateway.connect(meter))
    await gateway.hears(meter)
    attempt.cancel()
    await asyncio.gather(attempt, return_exceptions=True)
    assert await gateway.connect(meter)


@on_air(replace(Outfit(), cuff=None))
async def test_stopping_the_radio_takes_its_links_down(stage):
    gateway = await stage.gateway()
    link = await gateway.connect(address(stage.home.meter))
    await gateway.radio.stop()
    assert link.disconnected.is_set()
    with pytest.raises(DeviceGone):
        await link.read(gatt.BATTERY_LEVEL)


@on_air(replace(Outfit(), cuff=None))
async def test_a_connect_cancelled_at_the_last_moment_leaves_no_link_behind(stage):
    gateway = await stage.gateway()
    meter = stage.home.meter
    for loops in range(0, 120, 10):
        attempt = asyncio.create_task(gateway.connect(address(meter), deadline_s=5))
        await eventually(lambda: meter.peripheral.link is not None)
        for _ in range(loops):
            await asyncio.sleep(0)
        attempt.cancel()
        done = await asyncio.gather(attempt, return_exceptions=True)
        if not isinstance(done[0], BaseException):
            await done[0].disconnect()
        await eventually(lambda: meter.peripheral.link is None)


@on_air()
async def test_a_bond_with_another_key_on_the_device_is_stale_too(stage):
    gateway = await stage.gateway()
    meter = stage.home.meter
    await (await gateway.connect(address(meter))).disconnect()
    for _, keys in await meter.peripheral.bonds.get_all():
        keys.ltk.value = bytes(16)
    with pytest.raises(StaleBond):
        await gateway.connect(address(meter))


def test_what_a_device_sends_reaches_no_log_even_when_everything_is_logged(short_tmp, caplog):
    caplog.set_level(logging.DEBUG)

    @on_air()
    async def story(stage: Stage) -> None:
        await stage.air.measure_blood_pressure(stage.home, 187, 113, 97)
        gateway = await stage.gateway()
        link = await gateway.connect(address(stage.home.cuff))
        await link.subscribe(CUFF)
        await link.disconnected.wait()
        (frame,) = gateway.values(CUFF)
        for record in caplog.records:
            told = f"{record.getMessage()} {vars(record)}"
            assert frame.hex() not in told
            assert "187" not in record.getMessage()

    story(short_tmp)
