"""The remote control of a running air: what can be asked, and how mistakes are answered."""

import asyncio
import json
from typing import Any

import pytest
from stage import Stage, address, on_air

from yikao_sim.control import Control, answer_to
from yikao_sim.home import Outfit
from yikao_sim.peripherals.pairing import parse_protection


async def ask(stage: Stage, **request: Any) -> dict[str, Any]:
    return await answer_to(json.dumps(request).encode(), stage.air)


@on_air(Outfit(protection=parse_protection("passkey:001234")), homes=2)
async def test_homes_lists_what_a_person_needs_to_pair(stage: Stage):
    answer = await ask(stage, do="homes")
    assert [home["home"] for home in answer["homes"]] == ["h1", "h2"]
    cuff = answer["homes"][0]["devices"][0]
    assert cuff["device"] == "cuff"
    assert cuff["address"] == address(stage.home.cuff)
    assert cuff["passkey"] == "001234"


@on_air()
async def test_people_are_told_to_measure(stage: Stage):
    assert await ask(
        stage, do="measure", home="h1", systolic=180, diastolic=104, pulse=88, irregular_pulse=True
    ) == {"ok": True}
    assert await ask(stage, do="measure", home="h1", glucose_mmol_l=2.8, meal="fasting") == {
        "ok": True
    }
    assert await ask(stage, do="fail", home="h1") == {"ok": True}
    dated = await ask(
        stage, do="measure", home="h1", glucose_mmol_l=5.5, at="2026-03-01T08:00:00+08:00"
    )
    assert dated == {"ok": True}
    assert (stage.home.cuff.stored, stage.home.meter.stored) == (2, 2)
    assert [truth["kind"] for truth in stage.truths] == [
        "blood_pressure",
        "glucose",
        "blood_pressure_failed",
        "glucose",
    ]
    assert stage.truths[0]["status"] == 4
    assert stage.truths[3]["measured_at"] == "2026-03-01T00:00:00+00:00"


@on_air()
async def test_clocks_batteries_bonds_and_links_are_tampered_with(stage: Stage):
    gateway = await stage.gateway()
    meter = stage.home.meter
    link = await gateway.connect(address(meter))
    await ask(stage, do="set_clock", home="h1", device="meter", offset_s=-600)
    assert meter.peripheral.clock.offset_s == -600
    assert stage.home.cuff.peripheral.clock.offset_s == 0
    await ask(stage, do="battery", home="h1", percent=12)
    assert await link.read(0x2A19) == b"\x0c"
    await ask(stage, do="forget", home="h1")
    assert await meter.peripheral.bonds.get_all() == []
    await ask(stage, do="wake", home="h1", device="cuff")
    assert stage.home.cuff.peripheral.device.is_advertising
    await ask(stage, do="drop", home="h1", device="meter")
    await link.disconnected.wait()


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        (b"", "truncated"),
        (b"nonsense", "malformed"),
        (b"[]", "Expected `object`"),
        (b'{"do":"dance"}', "dance"),
        (b'{"do":"measure"}', "home"),
        (b'{"do":"measure","home":"h9","glucose_mmol_l":5}', "no home 'h9': there are h1"),
        (b'{"do":"measure","home":"h1"}', "measure one thing: systolic and diastolic"),
        (b'{"do":"measure","home":"h1","systolic":150}', "measure one thing"),
        (b'{"do":"measure","home":"h1","systolic":999,"diastolic":90}', "systolic 999"),
        (b'{"do":"measure","home":"h1","glucose_mmol_l":5,"meal":"lunch"}', "before_meal"),
        (b'{"do":"measure","home":"h1","glucose_mmol_l":5,"at":"2026-03-01T08:00:00"}', "offset"),
        (b'{"do":"measure","home":"h1","systolik":150}', "systolik"),
        (b'{"do":"battery","home":"h1","percent":101}', "100"),
        (b'{"do":"wake","home":"h1","device":"scale"}', "has no 'scale': there is cuff, meter"),
        (b"\xff\xff", ""),
    ],
)
def test_a_mistake_is_answered_and_never_raises(line, hint, short_tmp):
    @on_air()
    async def story(stage: Stage) -> None:
        answer = await answer_to(line, stage.air)
        assert answer["ok"] is False
        assert hint in answer["error"]
        assert not stage.truths

    story(short_tmp)


@on_air()
async def test_over_its_socket_each_line_is_answered_by_a_line(stage: Stage):
    control = Control(stage.air)
    await control.start(f"unix:{stage.folder}/control")
    reader, writer = await asyncio.open_unix_connection(f"{stage.folder}/control")
    writer.write(b'{"do":"homes"}\nnonsense\n{"do":"measure","home":"h1","glucose_mmol_l":6}\n')
    answers = [json.loads(await reader.readline()) for _ in range(3)]
    assert [answer["ok"] for answer in answers] == [True, False, True]
    assert stage.home.meter.stored == 1
    # A line without an end is no request.
    writer.write(b"x" * 200_000)
    assert await reader.read() == b""
    writer.close()
    await asyncio.gather(writer.wait_closed(), return_exceptions=True)
    await control.close()
