"""A simulated cuff over the air: when it can be reached, what it sends, and who may ask."""

from dataclasses import replace
from datetime import timedelta

from bumble import att
from bumble.device import Connection, Device, DeviceConfiguration, Peer
from bumble.hci import Address
from bumble.host import Host
from bumble.transport.common import AsyncPipeSink
from stage import CUFF, NOON, Stage, address, eventually, on_air

from yikao_devices import gatt
from yikao_devices.blood_pressure import Status, decode_blood_pressure
from yikao_devices.date_time import current_time_of, encode_current_time
from yikao_devices.sfloat import Special
from yikao_sim.air.controller import GatewayController
from yikao_sim.home import Outfit
from yikao_sim.peripherals.cuff import CuffBehaviour


async def drained(stage: Stage, state: str = "gateway") -> list[bytes]:
    """Return what the cuff sends in one session that it ends itself."""
    gateway = await stage.gateway(state)
    link = await gateway.connect(address(stage.home.cuff))
    await link.subscribe(CUFF)
    await link.disconnected.wait()
    await gateway.radio.stop()
    return gateway.values(CUFF)


@on_air()
async def test_its_radio_is_off_until_a_measurement_and_after_its_records_were_fetched(stage):
    assert not stage.home.cuff.peripheral.device.is_advertising
    await stage.air.measure_blood_pressure(stage.home, 150, 95, 70)
    assert stage.home.cuff.peripheral.device.is_advertising
    assert len(await drained(stage)) == 1
    await stage.home.cuff.peripheral.settled()
    assert not stage.home.cuff.peripheral.device.is_advertising


@on_air(Outfit(cuff=CuffBehaviour(window_s=0.05)))
async def test_it_switches_its_radio_off_when_nobody_comes_and_keeps_the_record(stage):
    gateway = await stage.gateway()
    await stage.air.measure_blood_pressure(stage.home, 150, 95, 70)
    await gateway.until(lambda: any(a.address == address(stage.home.cuff) for a in gateway.heard))
    await eventually(lambda: not stage.home.cuff.peripheral.device.is_advertising)
    assert stage.home.cuff.stored == 1


@on_air()
async def test_a_record_says_what_was_measured_when_and_by_whom(stage):
    stage.home.cuff.peripheral.clock.offset_s = -3600
    await stage.air.measure_blood_pressure(
        stage.home,
        183,
        112,
        88,
        at=NOON - timedelta(minutes=5),
        status=Status.IRREGULAR_PULSE | Status.BODY_MOVEMENT,
        user=1,
    )
    (frame,) = await drained(stage)
    record = decode_blood_pressure(frame)
    assert (record.systolic, record.diastolic, record.pulse, record.unit) == (183, 112, 88, "mmHg")
    assert record.time is not None
    # 04:00 UTC is noon in Shanghai; five minutes earlier, and the clock an hour behind.
    assert record.time.isoformat() == "2026-03-02T10:55:00"
    assert (record.user, record.status) == (1, 5)
    (truth,) = stage.truths
    assert truth["measured_at"] == "2026-03-02T03:55:00+00:00"
    assert truth["device_time"] == "2026-03-02T10:55:00"
    assert truth["systolic_mmhg"] == 183


@on_air()
async def test_a_failed_measurement_is_a_record_without_numbers(stage):
    await stage.air.fail_blood_pressure(stage.home)
    (frame,) = await drained(stage)
    record = decode_blood_pressure(frame)
    assert record.systolic is record.diastolic is record.map is Special.NAN
    assert stage.truths[0]["kind"] == "blood_pressure_failed"


@on_air(Outfit(cuff=CuffBehaviour(keeps_records=True)))
async def test_a_cuff_that_keeps_its_records_sends_all_of_them_each_time(stage):
    for expected in (1, 2, 3):
        await stage.air.measure_blood_pressure(stage.home, 130, 80)
        assert len(await drained(stage)) == expected


@on_air(Outfit(cuff=CuffBehaviour(hangs_up=False)))
async def test_a_cuff_that_stays_on_sends_a_new_measurement_at_once(stage):
    await stage.air.measure_blood_pressure(stage.home, 130, 80)
    gateway = await stage.gateway()
    link = await gateway.connect(address(stage.home.cuff))
    await link.subscribe(CUFF)
    await gateway.receives(CUFF, 1)
    await stage.air.measure_blood_pressure(stage.home, 131, 81)
    await gateway.receives(CUFF, 2)
    assert not link.disconnected.is_set()


@on_air(replace(Outfit(), cuff=CuffBehaviour(memory=3)))
async def test_the_oldest_record_makes_room(stage):
    for systolic in (121, 122, 123, 124, 125):
        await stage.air.measure_blood_pressure(stage.home, systolic, 80)
    assert [frame[1] for frame in await drained(stage)] == [123, 124, 125]


@on_air()
async def test_its_clock_can_be_read_and_set(stage):
    stage.home.cuff.peripheral.clock.offset_s = 7200
    await stage.air.measure_blood_pressure(stage.home, 130, 80)
    gateway = await stage.gateway()
    link = await gateway.connect(address(stage.home.cuff))
    assert (await link.read(gatt.CURRENT_TIME))[4] == 14
    true = stage.home.cuff.peripheral.clock.true_time()
    await link.write(gatt.CURRENT_TIME, encode_current_time(current_time_of(true)))
    assert (await link.read(gatt.CURRENT_TIME))[4] == 12
    assert stage.home.cuff.peripheral.clock.offset_s == 0


async def raw_central(stage: Stage) -> Device:
    """Return a Bluetooth host of its own on the air, which never pairs by itself."""
    controller = GatewayController("raw", stage.air.link, "00:1A:7D:DA:71:EE")
    config = DeviceConfiguration(address=Address("F0:00:00:00:00:01"))
    device = Device(config=config, host=Host(controller, AsyncPipeSink(controller)))
    await device.power_on()
    return device


async def refusals(connection: Connection) -> dict[int, int]:
    """Return the ATT error that each characteristic answers, to a read and to a subscription."""
    found: dict[int, int] = {}
    peer = Peer(connection)
    await peer.discover_all()
    for service in peer.services:
        for characteristic in service.characteristics:
            short = int.from_bytes(characteristic.uuid.to_bytes(), "little")
            try:
                await characteristic.read_value()
                if characteristic.get_descriptor(att.UUID.from_16_bits(0x2902)):
                    await characteristic.subscribe()
            except att.ATT_Error as error:
                found[short] = error.error_code
    return found


@on_air()
async def test_measurements_are_refused_on_a_link_that_is_not_encrypted(stage):
    await stage.air.measure_blood_pressure(stage.home, 130, 80)
    central = await raw_central(stage)
    for device in (stage.home.cuff, stage.home.meter):
        connection = await central.connect(address(device))
        refused = await refusals(connection)
        assert set(refused.values()) == {att.ErrorCode.INSUFFICIENT_ENCRYPTION}
        protected = set(refused)
        assert protected in (
            {CUFF, gatt.BLOOD_PRESSURE_FEATURE},
            {
                gatt.GLUCOSE_MEASUREMENT,
                gatt.GLUCOSE_MEASUREMENT_CONTEXT,
                gatt.GLUCOSE_FEATURE,
                gatt.RECORD_ACCESS_CONTROL_POINT,
            },
        )
        await connection.disconnect()
