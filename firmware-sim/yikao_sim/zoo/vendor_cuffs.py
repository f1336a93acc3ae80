"""Cuffs that do not speak the standard at all.

Microlife: a command is written to FFF2, the answer notified under FFF1 in pieces of 20 bytes. Both
are a head of two bytes (4D FF asks, 4D 3A answers), the length of what follows (high byte first),
the payload, and the low byte of the sum of all before. Answer to "all records" (seven zeros, FD):
38 bytes that nobody has published, then 10 bytes a record.
Source: github.com/joergmlpts/blood-pressure-monitor, bpm_bt.py;
github.com/derdilla/blood-pressure-monitor-fl, microlife_protocol.dart.

Yonker: while it measures frames that begin with 80, then one of 15 bytes that begins with 81.
Source: github.com/derdilla/blood-pressure-monitor-fl, issue 615 and yonker_measurement_data.dart.
"""

from dataclasses import dataclass
from datetime import datetime

from bumble.device import Connection
from bumble.gatt import Characteristic

from yikao_sim.peripherals import attributes
from yikao_sim.peripherals.peripheral import Peripheral
from yikao_sim.zoo.persona import Site
from yikao_sim.zoo.species import Body
from yikao_sim.zoo.taken import Pressure, Taken

WINDOW_S = 60.0
CENTURY = 2000

MICROLIFE_SERVICE, MICROLIFE_ANSWERS, MICROLIFE_COMMANDS = 0xFFF0, 0xFFF1, 0xFFF2
ASK, ANSWER = b"\x4d\xff", b"\x4d\x3a"
ALL_RECORDS, SET_CLOCK, HANG_UP, DONE = bytes(7) + b"\xfd", 0x0D, b"\x04", b"\x81"
UNPUBLISHED_BYTES = 38
PIECE_BYTES = 20
"""What one notification holds where nobody asks for more: Core Specification, Vol 3, Part F."""

YONKER_SERVICE = "CDEACD80-5235-4C07-8846-93A37EE6B86D"
YONKER_RESULTS = "CDEACD81-5235-4C07-8846-93A37EE6B86D"
PUMPING = bytes((0x80, 0, 0, 0))


class OwnCuff:
    """What the cuffs here share: measurements in a memory, and a radio that is woken."""

    def __init__(self, peripheral: Peripheral) -> None:
        self._peripheral = peripheral
        self.memory: list[tuple[Pressure, datetime]] = []

    @property
    def peripheral(self) -> Peripheral:
        return self._peripheral

    def take(self, taken: Taken, at: datetime) -> None:
        assert isinstance(taken, Pressure), "a cuff measures pressures"
        self.memory.append((taken, self._peripheral.clock.face(at)))

    def wake(self) -> None:
        self._peripheral.advertise(WINDOW_S)


@dataclass(frozen=True, slots=True)
class MicrolifeKind:
    """A cuff with framed commands. one_bad_sum: its first answer has a wrong checksum."""

    body: Body
    one_bad_sum: bool = False

    def put(self, site: Site) -> OwnCuff:
        cuff = OwnCuff(self.body.peripheral(site))
        Microlife(cuff, wrong_sums=int(self.one_bad_sum))
        return cuff


class Microlife:
    """Answers the commands of a gateway from the memory of `cuff`."""

    def __init__(self, cuff: OwnCuff, wrong_sums: int) -> None:
        self._cuff = cuff
        self._peripheral = peripheral = cuff.peripheral
        self._wrong_sums = wrong_sums
        encrypted = peripheral.protection.encrypted
        self._answers = attributes.notified(
            peripheral.device, MICROLIFE_ANSWERS, encrypted=encrypted
        )
        commands = attributes.commands(MICROLIFE_COMMANDS, self._on_command, encrypted=encrypted)
        peripheral.offer(attributes.service(MICROLIFE_SERVICE, [self._answers, commands]))

    def _on_command(self, _: Connection, frame: bytes) -> None:
        if frame != framed(ASK, frame[4:-1]):
            # A cuff says nothing to what it does not understand.
            return
        payload = frame[4:-1]
        if payload == ALL_RECORDS:
            self._peripheral.spawn(self._answer(bytes(UNPUBLISHED_BYTES) + self._records()))
        elif payload[:1] == bytes((SET_CLOCK,)):
            year, month, day, hour, minute, second = payload[1:7]
            face = datetime(CENTURY + year, month, day, hour, minute, second)  # noqa: DTZ001
            self._peripheral.clock.set(face)
            self._peripheral.spawn(self._answer(DONE))
        elif payload == HANG_UP:
            self._peripheral.hang_up()

    def _records(self) -> bytes:
        return b"".join(
            bytes(
                (
                    *(int(taken.systolic_mmhg), int(taken.diastolic_mmhg)),
                    *(int(taken.pulse_bpm or 0), face.year - CENTURY, face.month, face.day),
                    *(face.hour, face.minute, 0, 0),
                )
            )
            for taken, face in self._cuff.memory
        )

    async def _answer(self, payload: bytes) -> None:
        frame = framed(ANSWER, payload)
        if self._wrong_sums > 0:
            self._wrong_sums -= 1
            frame = frame[:-1] + bytes((frame[-1] ^ 0x5A,))
        for at in range(0, len(frame), PIECE_BYTES):
            await self._peripheral.send(self._answers, frame[at : at + PIECE_BYTES])


def framed(head: bytes, payload: bytes) -> bytes:
    """Return a frame of Microlife around `payload`."""
    frame = head + (len(payload) + 1).to_bytes(2, "big") + payload
    return frame + bytes((sum(frame) % 256,))


@dataclass(frozen=True, slots=True)
class YonkerKind:
    """A cuff that notifies its results in 15 bytes as soon as it is subscribed."""

    body: Body

    def put(self, site: Site) -> OwnCuff:
        cuff = OwnCuff(self.body.peripheral(site))
        peripheral = cuff.peripheral
        results = attributes.notified(
            peripheral.device, YONKER_RESULTS, encrypted=peripheral.protection.encrypted
        )

        def on_subscription(_: Connection, notify: bool, indicate: bool) -> None:
            if notify:
                peripheral.spawn(_tell_results(cuff, results))

        results.on(results.EVENT_SUBSCRIPTION, on_subscription)
        peripheral.offer(attributes.service(YONKER_SERVICE, [results]))
        return cuff


async def _tell_results(cuff: OwnCuff, results: Characteristic[bytes]) -> None:
    for taken, face in cuff.memory:
        await cuff.peripheral.tell(results, PUMPING)
        await cuff.peripheral.send(results, yonker_result(taken, face))


def yonker_result(taken: Pressure, face: datetime) -> bytes:
    """Return the 15 bytes of a result; those without a known meaning are zeros."""
    numbers = (int(taken.systolic_mmhg), int(taken.diastolic_mmhg), int(taken.pulse_bpm or 0))
    when = (face.day, face.month, face.year - CENTURY, face.hour, face.minute)
    return bytes((0x81, *numbers, 0, 0, *when, 0, 0, 0, 0))
