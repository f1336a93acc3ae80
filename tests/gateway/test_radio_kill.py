"""A gateway that dies in the middle of a session: its devices must be free for the next one."""

import asyncio
import contextlib
import os
import signal
import sys

from stage import CUFF, METER, Stage, address, on_air

from yikao_devices import gatt

GATEWAY = """
import asyncio, sys
from pathlib import Path
from yikao_gateway.radio.open import open_radio
from yikao_gateway.radio.ports import Pairing

async def main(spec, state, address, char):
    radio = open_radio(spec, Path(state))
    await radio.start(lambda _: None)
    tell = lambda *_: print("record", flush=True)
    link = await radio.connect(address, on_notification=tell, pairing=Pairing(), deadline_s=10)
    await link.subscribe(int(char))
    if int(char) == 0x2A18:
        await link.subscribe(0x2A52)
        await link.write(0x2A52, b"\\x01\\x01")
    await asyncio.Event().wait()

asyncio.run(main(*sys.argv[1:]))
"""


async def killed_after(stage: Stage, device: str, char: int, records: int) -> None:
    """Run a gateway in a process of its own and kill it once it has so many records."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", GATEWAY, stage.spec, str(stage.folder / "gateway")),
        *(device, str(char)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        for _ in range(records):
            assert await process.stdout.readline() == b"record\n"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        # Reading to the end closes the pipe's transport before the loop does.
        await process.stdout.read()


@on_air()
async def test_a_cuff_drained_by_a_gateway_that_was_killed_is_drained_by_the_next(stage: Stage):
    cuff = stage.home.cuff
    for back in range(40):
        await stage.air.measure_blood_pressure(stage.home, 120 + back, 80)
    cuff.peripheral.faults.pace_s = 0.01
    await killed_after(stage, address(cuff), CUFF, records=5)
    gateway = await stage.gateway()
    link = await gateway.connect(address(cuff))
    await link.subscribe(CUFF)
    await link.disconnected.wait()
    rest = [value[1] for value in gateway.values(CUFF)]
    assert rest == list(range(rest[0], 160))
    assert 125 <= rest[0] < 160
    assert cuff.stored == 0


@on_air()
async def test_a_meter_left_by_a_gateway_that_was_killed_answers_the_next_in_full(stage: Stage):
    meter = stage.home.meter
    for back in range(40):
        await stage.air.measure_glucose(stage.home, 4.0 + back / 10)
    meter.peripheral.faults.pace_s = 0.01
    await killed_after(stage, address(meter), METER, records=5)
    meter.peripheral.faults.pace_s = 0.0
    gateway = await stage.gateway()
    link = await gateway.connect(address(meter))
    await link.subscribe(METER)
    await link.subscribe(gatt.RECORD_ACCESS_CONTROL_POINT)
    await link.write(gatt.RECORD_ACCESS_CONTROL_POINT, b"\x01\x01")
    await gateway.receives(gatt.RECORD_ACCESS_CONTROL_POINT, 1)
    assert len(gateway.values(METER)) == 40


@on_air()
async def test_a_gateway_whose_socket_breaks_frees_its_device_at_once(stage: Stage):
    meter = address(stage.home.meter)
    first = await stage.gateway("first")
    await first.connect(meter)
    second = await stage.gateway("second")
    # Abruptly: no disconnection, no reset, as when its machine loses power.
    first.radio._stack.adapter._hci.sink.transport.abort()
    await second.hears(meter)
    assert await second.connect(meter)
