"""From a decoded frame to what we tell the server: what all kinds of readings have in common.

The judgement that the decoders leave open happens in the `items_*` files, one for each kind of
device: a failed measurement is an event, never a number. Here stand the identity of a record,
which is the same at every reading of the device, and where a frame came from.

Behaviours and their sources: docs/devices.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import IntFlag
from typing import Final, Protocol
from uuid import UUID, uuid5

from yikao_devices.clock_epochs import ClockSeen
from yikao_devices.clocks import GATEWAY_CLOCK_UNSET, DeviceTime, Moment, moment_of
from yikao_devices.errors import FrameError
from yikao_devices.gatt import hex16
from yikao_devices.sfloat import Number, Special
from yikao_devices.wire import Clocks, DeviceEvent, RefusedFrame

NAMESPACE: Final = UUID("5f0d3c3e-4f0b-5d0c-9a54-79696b616f31")
"""Root of all reading ids; it may never change, or every stored record would arrive anew."""

MEASUREMENT_FAILED: Final = "measurement_failed"
JUST_NOW: Final = timedelta(minutes=2)
"""A device that stamps no record keeps none: what it sends was measured since it woke up, and it
is awake for a minute or two."""

Moments = Mapping[tuple[int, DeviceTime], Moment]
"""When the records of a drain were measured, by number and the time that was shown."""


class Written(Protocol):
    """A time that can be written down: a record's own, or the minute of a stream."""

    def isoformat(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a frame came from: device address, model, arrival, and the clock's offset if known.

    before: the clock at the last visit. moments: what was decided of all records together.
    clock_unset: the gateway did not know the time when the frame arrived.
    """

    device: str
    model: str | None
    arrived_at: datetime
    device_offset_s: float | None
    sequence_is_cursor: bool = True
    clock_is_believed: bool = True
    before: ClockSeen | None = None
    moments: Moments = field(default_factory=dict)
    clock_unset: bool = False

    def moment(self, time: DeviceTime | None, record: int | None = None) -> Moment:
        """Return when the record was measured that carries `time`, and its number if it has one."""
        believed = time if self.clock_is_believed else None
        moment = None
        if believed is not None and record is not None:
            moment = self.moments.get((record, believed))
        if moment is None:
            moment = moment_of(believed, self.arrived_at, self.device_offset_s, self.before)
        return self._as_known(moment)

    def moment_or_now(self, time: DeviceTime | None) -> Moment:
        """Return the same for devices that keep no record without a time: theirs is of now."""
        if time is not None:
            return self.moment(time)
        return self.measured(self.arrived_at, JUST_NOW)

    def measured(self, at: datetime, doubt: timedelta) -> Moment:
        """Return a moment by the gateway's own clock."""
        return self._as_known(Moment(at, doubt.total_seconds()))

    def _as_known(self, moment: Moment) -> Moment:
        if not self.clock_unset:
            return moment
        return replace(moment, flags=(*moment.flags, GATEWAY_CLOCK_UNSET))


def refused_item(error: FrameError, characteristic: int, origin: Origin) -> RefusedFrame:
    """Return the refused frame as something that can travel; the same bytes give the same id."""
    name = "|".join((origin.device, "refused", hex16(characteristic), error.frame.hex()))
    return RefusedFrame(
        reading_id=uuid5(NAMESPACE, name),
        device=origin.device,
        characteristic=hex16(characteristic),
        frame=error.frame.hex(),
        reason=error.reason,
        clocks=clocks_of(None, origin),
    )


def identity_of(
    origin: Origin,
    kind: str,
    time: Written | None,
    values: tuple[object, ...],
    record: int | None = None,
) -> UUID:
    """Return the id that the same stored record gets at every reading of the device.

    A record without any time of its own is told apart by its arrival, to the second.
    """
    when = time.isoformat() if time is not None else f"{origin.arrived_at.timestamp():.0f}"
    return uuid5(NAMESPACE, "|".join(map(str, (origin.device, kind, when, record, *values))))


def event_item(
    code: str,
    identity: UUID,
    time: Written | None,
    moment: Moment,
    frame: bytes,
    origin: Origin,
) -> DeviceEvent:
    """Return the event that stands for a record which is no reading."""
    return DeviceEvent(
        reading_id=identity,
        device=origin.device,
        measured_at=moment.at,
        doubt_s=moment.doubt_s,
        clocks=clocks_of(time, origin),
        code=code,
        frame=frame.hex(),
    )


def clocks_of(time: Written | None, origin: Origin) -> Clocks:
    """Return what the clocks said, as it travels."""
    return Clocks(
        t_hub=origin.arrived_at,
        t_dev=time.isoformat() if time is not None else None,
        device_offset_s=origin.device_offset_s,
    )


def names_of(flags: IntFlag) -> tuple[str, ...]:
    """Return the set bits by name; bits that have none do not matter."""
    return tuple(str(flag.name).lower() for flag in type(flags) if flag in flags)


def number_of(value: Number | None) -> float | None:
    """Return a number, None for one that is absent or no number."""
    return None if isinstance(value, Special) else value
