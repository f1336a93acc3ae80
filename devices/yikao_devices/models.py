"""The catalogue: which models we know, how to recognise one, and where it leaves the standard.

A device is recognised by the service it advertises or by its name. One that nobody knows but that
advertises a standard service is read by the standard.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from yikao_devices import gatt
from yikao_devices.quirks import Quirk


class Conversation(Enum):
    """How to get the records out."""

    CUFF = "cuff"
    METER = "meter"


class ClockRule(Enum):
    """What to do with the device's clock after comparing it with ours."""

    COMPARE = "compare"
    SET = "set"
    """Write ours when they differ by more than `CLOCK_SET_ABOVE_S`."""


CLOCK_SET_ABOVE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Model:
    """One entry; durations in seconds. `name` is what `--model` takes."""

    name: str
    conversation: Conversation
    pattern: str | None = None
    """Regular expression for the whole advertised name."""
    quirk: Quirk | None = None
    clock: ClockRule = ClockRule.SET
    settle_s: float = 0.0
    """Pause between connection and first subscription, for devices that miss it otherwise."""
    quiet_s: float = 3.0
    """A cuff that says nothing for so long has sent all it has."""
    bond_first: bool = False
    """Bond before anything is asked; others are bonded when they first refuse a request."""
    sequence_is_cursor: bool = True
    """Record numbers only grow, so that "everything from here on" can be asked for."""


GENERIC_CUFF: Final = Model("generic-cuff", Conversation.CUFF)
GENERIC_METER: Final = Model("generic-meter", Conversation.METER)

CATALOGUE: Final = (
    Model(
        "beurer-bm85",
        Conversation.CUFF,
        pattern=r"(BM(48|59|85)|Elite ?900).*",
        quirk=Quirk.BEURER_BE,
        # Silent when subscribed at once after discovery; source: blood-pressure-monitor-fl,
        # ble_read_cubit.dart, settle delay.
        settle_s=0.1,
        # Switches off within a second of a connection that is not bonded; same source, issue 566.
        bond_first=True,
    ),
    GENERIC_CUFF,
    GENERIC_METER,
)

_BY_NAME: Final = {model.name: model for model in CATALOGUE}
_BY_SERVICE: Final = {
    gatt.BLOOD_PRESSURE_SERVICE: GENERIC_CUFF,
    gatt.GLUCOSE_SERVICE: GENERIC_METER,
}


def model_named(name: str) -> Model | None:
    """Return the entry called `name`."""
    return _BY_NAME.get(name)


def recognise(name: str | None, services: frozenset[int]) -> Model | None:
    """Return the model behind an advertisement: by its name, else by its service; or None."""
    for model in CATALOGUE:
        if model.pattern and name and re.fullmatch(model.pattern, name):
            return model
    for service, model in _BY_SERVICE.items():
        if service in services:
            return model
    return None
