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
    "ClockRule",
    "Conversation",
    "Model",
    "model_named",
    "recognise",
]

GENERIC_CUFF: Final = Model("generic-cuff", Conversation.CUFF)
GENERIC_METER: Final = Model("generic-meter", Conversation.METER)

FOLDER: Final = Path(__file__).with_name("catalogue")
CATALOGUE: Final = (*load_models(FOLDER), GENERIC_CUFF, GENERIC_METER)

_BY_NAME: Final = {model.name: model for model in CATALOGUE}
_BY_SERVICE: Final = {
    gatt.BLOOD_PRESSURE_SERVICE: GENERIC_CUFF,
    gatt.GLUCOSE_SERVICE: GENERIC_METER,
}


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
