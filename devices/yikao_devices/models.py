"""The catalogue: which models we know, and how to recognise one.

A device is recognised by the name it advertises, else by the service. One that nobody knows but
that advertises a standard service is read by the standard. The entries are data, a file of
`catalogue` for each vendor; docs/adding-a-device.md tells how to write one.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from yikao_devices import gatt
from yikao_devices.model import ClockRule, Conversation, Model
from yikao_devices.model_files import load_models

__all__ = [
    "CATALOGUE",
    "GENERIC_CUFF",
    "GENERIC_METER",
    "GENERIC_OXIMETER",
    "GENERIC_SCALE",
    "GENERIC_STRAP",
    "GENERIC_THERMOMETER",
    "ClockRule",
    "Conversation",
    "Model",
    "model_named",
    "recognise",
    "standard_of",
]

GENERIC_CUFF: Final = Model("generic-cuff", Conversation.CUFF)
GENERIC_METER: Final = Model("generic-meter", Conversation.METER)
GENERIC_SCALE: Final = Model("generic-scale", Conversation.SCALE)
GENERIC_THERMOMETER: Final = Model("generic-thermometer", Conversation.THERMOMETER)
GENERIC_OXIMETER: Final = Model("generic-oximeter", Conversation.OXIMETER)
GENERIC_STRAP: Final = Model("generic-strap", Conversation.STRAP)

_BY_SERVICE: Final = {
    gatt.BLOOD_PRESSURE_SERVICE: GENERIC_CUFF,
    gatt.GLUCOSE_SERVICE: GENERIC_METER,
    gatt.WEIGHT_SCALE_SERVICE: GENERIC_SCALE,
    gatt.HEALTH_THERMOMETER_SERVICE: GENERIC_THERMOMETER,
    gatt.PULSE_OXIMETER_SERVICE: GENERIC_OXIMETER,
    gatt.HEART_RATE_SERVICE: GENERIC_STRAP,
}
"""By the service that is advertised; of several the first here: many devices also tell a pulse."""
_BY_CHARACTERISTIC: Final = {
    gatt.BLOOD_PRESSURE_MEASUREMENT: GENERIC_CUFF,
    gatt.ENHANCED_BLOOD_PRESSURE_MEASUREMENT: GENERIC_CUFF,
    gatt.WEIGHT_MEASUREMENT: GENERIC_SCALE,
    gatt.TEMPERATURE_MEASUREMENT: GENERIC_THERMOMETER,
    gatt.PLX_SPOT_CHECK_MEASUREMENT: GENERIC_OXIMETER,
    gatt.PLX_CONTINUOUS_MEASUREMENT: GENERIC_OXIMETER,
    gatt.HEART_RATE_MEASUREMENT: GENERIC_STRAP,
}

FOLDER: Final = Path(__file__).with_name("catalogue")
CATALOGUE: Final = (*load_models(FOLDER), *_BY_SERVICE.values())

_BY_NAME: Final = {model.name: model for model in CATALOGUE}


def standard_of(characteristic: int) -> Model:
    """Return the entry for devices that keep to the standard, by what one of them has sent."""
    return _BY_CHARACTERISTIC.get(characteristic, GENERIC_METER)


def model_named(name: str) -> Model | None:
    """Return the entry called `name`."""
    return _BY_NAME.get(name)


def recognise(
    name: str | None, services: frozenset[int], catalogue: Iterable[Model] = CATALOGUE
) -> Model | None:
    """Return the model behind an advertisement: by its name, else by its service; or None."""
    for model in catalogue:
        if model.service is not None and model.service not in services:
            continue
        if model.pattern and name and re.fullmatch(model.pattern, name):
            return model
    for service, model in _BY_SERVICE.items():
        if service in services:
            return model
    return None
