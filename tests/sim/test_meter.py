"""A simulated meter over the air: its records on request, and its refusals."""

import asyncio
import contextlib

import pytest
from stage import METER, Gateway, Stage, address, on_air

from yikao_devices import gatt, racp
from yikao_devices.glucose import SensorStatus, decode_glucose
from yikao_devices.glucose_context import decode_glucose_context
from yikao_devices.racp import Count, OpCode, Outcome, Response
from yikao_devices.sfloat import Special
from yikao_gateway.radio.errors import DeadlinePassed, DeviceGone, ProtocolError
from yikao_gateway.radio.ports import Link

CONTROL = gatt.RECORD_ACCESS_CONTROL_POINT
CONTEXT = gatt.GLUCOSE_MEASUREMENT_CONTEXT


async def subscribed(stage: Stage, *chars: int) -> tuple[Gateway, Link]:
    """Return a session with the meter of the first home, subscribed to `chars`."""
    gateway = await stage.gateway()
    link = await gateway.connect(address(stage.home.meter))
    for char in chars or (CONTEXT, METER, CONTROL):
        await link.subscribe(char)
    return gateway, link


async def answer(gateway: Gateway, link: Link, written: bytes) -> Response | Count:
    """Return the meter's answer to a request."""
    so_far = len(gateway.values(CONTROL))
    await link.write(CONTROL, written)
    return racp.decode_answer((await gateway.receives(CONTROL, so_far + 1))[so_far])


def numbers(gateway: Gateway) -> list[int]:
    return [decode_glucose(frame).seq for frame in gateway.values(METER)]


async def fill(stage: Stage, records: int) -> None:
    for back in range(records):
        await stage.air.measure_glucose(stage.home, 4.0 + back / 10)


@on_air()
async def test_all_records_come_oldest_first_and_then_the_answer(stage: Stage):
    await fill(stage, 20)
    gateway, link = await subscribed(stage)
    assert await answer(gateway, link, b"\x01\x01") == Response(OpCode.REPORT, Outcome.SUCCESS)
    assert numbers(gateway) == list(range(1, 21))
    assert gateway.notes[-1][0] == CONTROL


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (b"\x01\x06", [10]),
        (b"\x01\x05", [1]),
        (b"\x01\x03\x01\x08\x00", [8, 9, 10]),
        (b"\x01\x02\x01\x02\x00", [1, 2]),
        (b"\x01\x04\x01\x04\x00\x06\x00", [4, 5, 6]),
    ],
    ids=["last", "first", "at least", "at most", "range"],
)
def test_a_part_of_the_records_can_be_asked_for(written, expected, short_tmp):
    @on_air()
    async def story(stage: Stage) -> None:
        await fill(stage, 10)
        gateway, link = await subscribed(stage)
        assert await answer(gateway, link, written) == Response(OpCode.REPORT, Outcome.SUCCESS)
        assert numbers(gateway) == expected

    story(short_tmp)


@on_air()
async def test_records_are_counted_deleted_and_then_gone(stage: Stage):
    await fill(stage, 5)
    gateway, link = await subscribed(stage)
    assert await answer(gateway, link, b"\x04\x01") == Count(5)
    deleted = await answer(gateway, link, b"\x02\x02\x01\x03\x00")
    assert deleted == Response(OpCode.DELETE, Outcome.SUCCESS)
    assert await answer(gateway, link, b"\x04\x01") == Count(2)
    assert stage.home.meter.stored == 2
    assert await answer(gateway, link, b"\x02\x01") == Response(OpCode.DELETE, Outcome.SUCCESS)
    empty = await answer(gateway, link, b"\x01\x01")
    assert empty == Response(OpCode.REPORT, Outcome.NO_RECORDS)


@pytest.mark.parametrize(
    ("written", "outcome"),
    [
        (b"\x09\x01", Outcome.OPCODE_NOT_SUPPORTED),
        (b"\x01\x03\x01", Outcome.INVALID_OPERAND),
        (b"\x01\x00", Outcome.INVALID_OPERATOR),
    ],
)
def test_a_request_it_cannot_meet_is_refused_and_the_next_one_met(written, outcome, short_tmp):
    @on_air()
    async def story(stage: Stage) -> None:
        await fill(stage, 2)
        gateway, link = await subscribed(stage)
        assert await answer(gateway, link, written) == Response(written[0], outcome)
        assert await answer(gateway, link, b"\x04\x01") == Count(2)

    story(short_tmp)


@on_air()
async def test_a_request_before_the_subscription_is_an_att_error(stage: Stage):
    await fill(stage, 2)
    gateway, link = await subscribed(stage, CONTEXT)
    for char in (METER, CONTROL):
        with pytest.raises(ProtocolError) as refusal:
            await link.write(CONTROL, b"\x01\x01")
        assert refusal.value.att_code == racp.ATT_CCCD_NOT_CONFIGURED
        await link.subscribe(char)
    assert await answer(gateway, link, b"\x01\x01") == Response(OpCode.REPORT, Outcome.SUCCESS)


@on_air()
async def test_a_second_request_while_one_runs_is_an_att_error_and_abort_stops_it(stage: Stage):
    await fill(stage, 50)
    stage.home.meter.peripheral.faults.pace_s = 0.05
    gateway, link = await subscribed(stage)
    await link.write(CONTROL, b"\x01\x01")
    await gateway.receives(METER, 2)
    with pytest.raises(ProtocolError) as refusal:
        await link.write(CONTROL, b"\x04\x01")
    assert refusal.value.att_code == racp.ATT_PROCEDURE_IN_PROGRESS
    assert await answer(gateway, link, b"\x03\x00") == Response(OpCode.ABORT, Outcome.SUCCESS)
    assert len(gateway.values(METER)) < 50
    assert await answer(gateway, link, b"\x04\x01") == Count(50)


@on_air()
async def test_a_malformed_request_is_an_att_error(stage: Stage):
    _, link = await subscribed(stage)
    with pytest.raises(ProtocolError) as refusal:
        await link.write(CONTROL, b"\x01")
    assert refusal.value.att_code == 0x0D


@on_air()
async def test_a_link_lost_in_mid_report_frees_the_meter_for_the_next_session(stage: Stage):
    await fill(stage, 30)
    stage.home.meter.peripheral.faults.drop_link_after = 12
    gateway, link = await subscribed(stage)
    await link.write(CONTROL, b"\x01\x01")
    await link.disconnected.wait()
    assert 1 <= len(gateway.values(METER)) < 30
    again = await gateway.connect(address(stage.home.meter))
    for char in (METER, CONTROL):
        await again.subscribe(char)
    gateway.notes.clear()
    assert await answer(gateway, again, b"\x01\x01") == Response(OpCode.REPORT, Outcome.SUCCESS)
    assert numbers(gateway) == list(range(1, 31))


@on_air()
async def test_a_meal_follows_its_result(stage: Stage):
    await stage.air.measure_glucose(stage.home, 7.9, meal="after_meal")
    await stage.air.measure_glucose(stage.home, 5.2)
    gateway, link = await subscribed(stage)
    await answer(gateway, link, b"\x01\x01")
    first, second = (decode_glucose(frame) for frame in gateway.values(METER))
    assert (first.value, first.unit, first.context_follows) == (0.0079, "mol/L", True)
    assert not second.context_follows
    (context,) = (decode_glucose_context(frame) for frame in gateway.values(CONTEXT))
    assert (context.seq, context.meal) == (first.seq, 2)
    assert [char for char, _ in gateway.notes] == [METER, CONTEXT, METER, CONTROL]


@on_air()
async def test_beyond_its_range_it_shows_hi_and_lo_and_no_number(stage: Stage):
    for mmol_l in (33.4, 0.9):
        await stage.air.measure_glucose(stage.home, mmol_l)
    gateway, link = await subscribed(stage)
    await answer(gateway, link, b"\x01\x01")
    high, low = (decode_glucose(frame) for frame in gateway.values(METER))
    assert (high.value, high.status) == (Special.POSITIVE_INFINITY, SensorStatus.TOO_HIGH)
    assert (low.value, low.status) == (Special.NEGATIVE_INFINITY, SensorStatus.TOO_LOW)


@on_air(homes=2)
async def test_two_gateways_reach_for_one_meter_and_both_get_it_in_turn(stage: Stage):
    await fill(stage, 3)

    async def drain(name: str) -> list[int]:
        gateway = await stage.gateway(name)
        while True:
            await gateway.hears(address(stage.home.meter))
            # The other may be faster; the next advertisement is the retry.
            with contextlib.suppress(DeviceGone, DeadlinePassed):
                link = await gateway.connect(address(stage.home.meter), deadline_s=0.5)
                break
        for char in (METER, CONTROL):
            await link.subscribe(char)
        await answer(gateway, link, b"\x01\x01")
        await link.disconnect()
        return numbers(gateway)

    assert await asyncio.gather(drain("one"), drain("two")) == [[1, 2, 3], [1, 2, 3]]
