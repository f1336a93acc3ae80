"""The remote control of a running air: a story or a test tells people when to measure.

One JSON object per line goes in over a Unix socket, one comes back: `{"ok": true, ...}` or
`{"ok": false, "error": "..."}`. What can be asked:

    {"do":"homes"}
    {"do":"measure","home":"h1","systolic":180,"diastolic":104,"pulse":88}
    {"do":"measure","home":"h1","glucose_mmol_l":2.8,"meal":"fasting"}
    {"do":"measure","home":"h1","weight_kg":71.5,"user":1}
    {"do":"measure","home":"h1","temperature_c":38.6,"site":3}      in the ear
    {"do":"measure","home":"h1","spo2_pct":91,"pulse":88}
    {"do":"measure","home":"h1","heart_rate_bpm":72,"worn_min":5}   the strap is worn so long
    {"do":"fail","home":"h1"}                                       the cuff shows "Err"
    {"do":"fail","home":"h1","device":"scale"}                      it could not weigh
    {"do":"set_clock","home":"h1","device":"cuff","offset_s":-3600}
    {"do":"battery","home":"h1","device":"meter","percent":12}
    {"do":"wake","home":"h1","device":"cuff"}                       a press of its button
    {"do":"forget","home":"h1","device":"cuff"}                     its bonds are gone
    {"do":"drop","home":"h1","device":"cuff","after":5}             lose the link after 5 records

Without `device` all devices of the home are meant; `at` (ISO 8601 with an offset) dates a
measurement back.
"""

import asyncio
import json
import logging
from typing import Annotated, Any

import msgspec

from yikao_sim.air import sockets
from yikao_sim.air.service import Air
from yikao_sim.control_measure import Fail, Measure, fail, measure
from yikao_sim.errors import SimError
from yikao_sim.home import Device, Home

log = logging.getLogger(__name__)

LINE_MAX_BYTES = 64 * 1024
"""A request is a hundred bytes; a longer line is no request, and its caller is hung up on."""


class Homes(msgspec.Struct, tag_field="do", tag="homes"):
    pass


class SetClock(msgspec.Struct, tag_field="do", tag="set_clock", forbid_unknown_fields=True):
    home: str
    offset_s: float
    device: str | None = None


class Battery(msgspec.Struct, tag_field="do", tag="battery", forbid_unknown_fields=True):
    home: str
    percent: Annotated[int, msgspec.Meta(ge=0, le=100)]
    device: str | None = None


class Wake(msgspec.Struct, tag_field="do", tag="wake", forbid_unknown_fields=True):
    home: str
    device: str | None = None


class Forget(msgspec.Struct, tag_field="do", tag="forget", forbid_unknown_fields=True):
    home: str
    device: str | None = None


class Drop(msgspec.Struct, tag_field="do", tag="drop", forbid_unknown_fields=True):
    home: str
    after: Annotated[int, msgspec.Meta(ge=0)] = 0
    device: str | None = None


Request = Homes | Measure | Fail | SetClock | Battery | Wake | Forget | Drop


class Control:
    """Listens for requests; `start`, then `close`."""

    def __init__(self, air: Air) -> None:
        self._air = air
        self._server: asyncio.Server | None = None
        self._callers: set[asyncio.StreamWriter] = set()
        self._address = ""

    async def start(self, spec: str) -> None:
        """Listen at `unix:PATH`. Raises `ListenError`."""
        self._server, self._address = await sockets.listen(spec, self._caller)

    async def close(self) -> None:
        for writer in tuple(self._callers):
            writer.close()
        if self._server is not None:
            await sockets.close(self._server, self._address)

    def _caller(self) -> asyncio.StreamReaderProtocol:
        return asyncio.StreamReaderProtocol(
            asyncio.StreamReader(limit=LINE_MAX_BYTES), self._converse
        )

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._callers.add(writer)
        try:
            while line := await reader.readline():
                answer = await answer_to(line, self._air)
                writer.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
                await writer.drain()
        except (ValueError, ConnectionError) as error:
            log.info("control caller hung up on", extra={"why": repr(error)})
        finally:
            self._callers.discard(writer)
            writer.close()


async def answer_to(line: bytes, air: Air) -> dict[str, Any]:
    """Return the answer to one line; nothing in it can raise."""
    try:
        request = msgspec.json.decode(line, type=Request)
        return {"ok": True} | await _do(request, air)
    except (msgspec.MsgspecError, SimError) as error:
        return {"ok": False, "error": str(error)}


async def _do(request: Request, air: Air) -> dict[str, Any]:
    match request:
        case Homes():
            return {"homes": [describe(home) for home in air.homes.values()]}
        case Measure():
            await measure(request, air)
        case Fail():
            await fail(request, air)
        case _:
            for device in _meant(air, request.home, request.device):
                await _handle(request, device)
    return {}


async def _handle(request: SetClock | Battery | Wake | Forget | Drop, device: Device) -> None:
    """Do to one device what a person, or time, does to it."""
    match request:
        case SetClock(offset_s=offset_s):
            device.peripheral.clock.offset_s = offset_s
        case Battery(percent=percent):
            device.peripheral.battery_pct = percent
        case Wake():
            device.wake()
            await device.peripheral.settled()
        case Forget():
            await device.peripheral.forget_bonds()
        case Drop(after=0):
            device.peripheral.lose_link()
        case Drop(after=after):
            device.peripheral.faults.drop_link_after = after


def _meant(air: Air, home_id: str, which: str | None) -> list[Device]:
    devices = air.home(home_id).devices()
    if which is None:
        return list(devices.values())
    if which not in devices:
        raise SimError(f"home {home_id} has no {which!r}: there is {', '.join(devices)}")
    return [devices[which]]


def describe(home: Home) -> dict[str, Any]:
    """Return what a person needs to find the devices of `home`."""
    return {
        "home": home.id,
        "person": home.person,
        "devices": [
            {
                "device": kind,
                "name": device.peripheral.nameplate.name,
                "address": device.peripheral.nameplate.address,
                "serial": device.peripheral.nameplate.serial,
                "passkey": passkey_text(device),
                "stored": device.stored,
            }
            for kind, device in home.devices().items()
        ],
    }


def passkey_text(device: Device) -> str | None:
    """Return the six digits on the device's display; None when it has none."""
    passkey = device.peripheral.protection.passkey
    return None if passkey is None else f"{passkey:06d}"
