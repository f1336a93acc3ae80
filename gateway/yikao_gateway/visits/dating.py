"""Dates what a device sent: from frames with their times of arrival to items. Pure.

The order of a meter's records is that of their numbers, whatever order they came in; so all that
one session brought is looked at together. What was decided is the same whenever it is decided
again, as after a crash. A record that came twice, once cut off from its context, is the whole one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from yikao_devices import gatt
from yikao_devices.assembler import Assembler
from yikao_devices.clock_epochs import ClockSeen, ahead_of_utc
from yikao_devices.clocks import Stamp, moments_of
from yikao_devices.errors import FrameError
from yikao_devices.glucose import Glucose, decode_glucose
from yikao_devices.items_glucose import CONTEXT_MISSING, shown_time
from yikao_devices.models import Conversation, Model
from yikao_devices.readings import Moments, Origin
from yikao_devices.wire import GlucoseReading, Item
from yikao_gateway.store.frames import KeptFrame

NUMBERS: Final = 1 << 16
"""Record numbers have 16 bits, and begin anew after the last."""


def feed(
    assembler: Assembler,
    frames: Sequence[KeptFrame],
    before: ClockSeen | None,
    *,
    clock_unset: bool = False,
) -> list[Item]:
    """Return the items that `frames`, in the order of their arrival, complete.

    before: the device's clock at the last visit. clock_unset: the gateway's was not set.
    """
    model = assembler.model
    moments = _together(frames, before) if is_numbered(model) else {}
    items: list[Item] = []
    for frame in frames:
        origin = Origin(
            frame.device,
            frame.model,
            frame.arrived_at,
            frame.device_offset_s,
            model.sequence_is_cursor,
            model.clock_is_believed,
            before,
            moments,
            clock_unset,
        )
        items += assembler.feed(frame.characteristic, frame.data, origin)
    return items


def later(frames: Sequence[KeptFrame], late_s: float, zone: tzinfo) -> list[KeptFrame]:
    """Return frames that came so much later, at home; what was compared holds for all of them."""
    ahead_s = None
    for each in frames:
        if each.device_offset_s is not None:
            ahead_s = each.device_offset_s + zone_s(each.arrived_at) - late_s
    moved = []
    for each in frames:
        arrived = (each.arrived_at.astimezone(UTC) + timedelta(seconds=late_s)).astimezone(zone)
        offset_s = wall_offset_s(ahead_s, arrived)
        moved.append(replace(each, arrived_at=arrived, device_offset_s=offset_s))
    return moved


def _together(frames: Sequence[KeptFrame], before: ClockSeen | None) -> Moments:
    """Return when a meter's records were measured, decided by the order of their numbers."""
    found = {
        (result.seq, shown_time(result)): frame
        for frame in reversed(frames)
        if (result := numbered_result(frame)) is not None
    }
    if not found:
        return {}
    numbers = [number for number, _ in found]
    wrapped = max(numbers) - min(numbers) > NUMBERS // 2
    order = sorted(
        found,
        key=lambda each: (each[0] + NUMBERS * (wrapped and each[0] < NUMBERS // 2), each[1]),
    )
    stamps = [Stamp(shown, found[number, shown].arrived_at) for number, shown in order]
    moments = moments_of(stamps, found[order[-1]].device_offset_s, before)
    return dict(zip(order, moments, strict=True))


def numbered_result(frame: KeptFrame) -> Glucose | None:
    """Return the numbered record in a frame; None where there is none that could be read."""
    if frame.characteristic != gatt.GLUCOSE_MEASUREMENT:
        return None
    try:
        return decode_glucose(frame.data)
    except FrameError:
        # Stored as a refused frame; its number cannot be believed.
        return None


def awaits_context(frame: KeptFrame) -> bool:
    """Return whether a frame is a result that announces a context behind it."""
    result = numbered_result(frame)
    return result is not None and result.context_follows


def whole_first(items: Iterable[Item]) -> list[Item]:
    """Return items in their order, but for results without their context: these go last.

    Both have the id of their record, and what is stored first is kept.
    """
    return sorted(items, key=_lacks_context)


def _lacks_context(item: Item) -> bool:
    return isinstance(item, GlucoseReading) and CONTEXT_MISSING in item.flags


def is_numbered(model: Model) -> bool:
    """Return whether a model's records tell the order in which they were measured."""
    numbered = model.conversation is Conversation.METER and model.sequence_is_cursor
    return numbered and model.clock_is_believed


def zone_s(at: datetime) -> float:
    assert at.tzinfo is not None, "the gateway's time carries its zone"
    return ahead_of_utc(at, at.tzinfo)


def wall_offset_s(ahead_s: float | None, at: datetime) -> float | None:
    """Return the device's clock minus the wall clock at home, as that is at this moment."""
    return None if ahead_s is None else round(ahead_s - zone_s(at), 3)
