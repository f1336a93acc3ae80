"""Which decoder and which judgement belong to which characteristic, where one frame is one record.

What a device says while it still measures (the pressure in the cuff, a temperature that still
rises) is no measurement and stands in no table: it is never stored.
"""

from collections.abc import Callable
from typing import Final

from yikao_devices import gatt
from yikao_devices.blood_pressure import decode_blood_pressure
from yikao_devices.enhanced_blood_pressure import decode_enhanced_blood_pressure
from yikao_devices.errors import FrameError
from yikao_devices.items_blood_pressure import blood_pressure_item
from yikao_devices.items_oximetry import spot_check_item
from yikao_devices.items_temperature import temperature_item
from yikao_devices.items_weight import weight_item
from yikao_devices.pulse_oximeter import decode_spot_check
from yikao_devices.quirks import Quirk
from yikao_devices.readings import Origin
from yikao_devices.temperature import decode_temperature
from yikao_devices.weight import decode_weight
from yikao_devices.wire import Item

_MakeItem = Callable[[bytes, Origin, Quirk | None], Item]

_ITEMS: Final[dict[int, _MakeItem]] = {
    gatt.BLOOD_PRESSURE_MEASUREMENT: lambda frame, origin, quirk: blood_pressure_item(
        decode_blood_pressure(frame, quirk), frame, origin
    ),
    gatt.ENHANCED_BLOOD_PRESSURE_MEASUREMENT: lambda frame, origin, _: blood_pressure_item(
        decode_enhanced_blood_pressure(frame), frame, origin
    ),
    gatt.WEIGHT_MEASUREMENT: lambda frame, origin, _: weight_item(
        decode_weight(frame), frame, origin
    ),
    gatt.TEMPERATURE_MEASUREMENT: lambda frame, origin, _: temperature_item(
        decode_temperature(frame), frame, origin
    ),
    gatt.PLX_SPOT_CHECK_MEASUREMENT: lambda frame, origin, _: spot_check_item(
        decode_spot_check(frame), frame, origin
    ),
}
RECORDS: Final = frozenset(_ITEMS)
"""Characteristics each of whose notifications is one record."""


def item_of(characteristic: int, frame: bytes, origin: Origin, quirk: Quirk | None) -> Item:
    """Return the item in one record; refuses with `FrameError` what cannot be decoded."""
    make = _ITEMS.get(characteristic)
    if make is None:
        raise FrameError("no measurement is known under this characteristic", frame)
    return make(frame, origin, quirk)
